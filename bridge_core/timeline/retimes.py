"""Read a clip's time effects as a :class:`~bridge_core.models.frames.Retime`.

OTIO's ``LinearTimeWarp`` is the speed of the media; the clip keeps its length in the cut, so a clip
of 48 frames at speed 2 spans 95 media frames. If the speed is negative, the source range starts at
the *earliest* frame and is shown from its end (as in Hiero, AYON and FCP XML; OTIO does not define
it).

A speed ramp is a ``TimeEffect`` with ``metadata.Resolve_OTIO["Key Frames"]``: lists of seconds of
retimed time and seconds of media time, both from the start of the media, then whether the key is
eased, and its two tangents (as in public exports of Resolve 21).

OTIO's reader returns FCP 7 XML's Time Remap as a plain ``Effect`` with ``metadata.fcp_xml``
(OpenTimelineIO issue 876): a speed in per cent and a direction; the clip's in and out points count
frames of the *remapped* media. It returns AAF's ramps as a constant speed, or none, with their key
frames in ``metadata.AAF.Parameters``: these are reported, not applied.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

from bridge_core.models.frames import Retime, RetimeKey
from bridge_core.timeline.cut import ProblemKind, UnusableClipError
from bridge_core.timeline.document import MALFORMED_ERRORS, get_list, schema_name

_TIME_EFFECTS = frozenset({"LinearTimeWarp", "FreezeFrame", "TimeEffect"})


def time_effects(item: Any) -> list[Any]:
    """The enabled effects of an item that change its time."""
    return [
        effect
        for effect in get_list(item, "effects")
        if (schema_name(effect) in _TIME_EFFECTS or is_time_remap(effect))
        and effect.get("enabled") is not False
    ]


def is_time_remap(effect: Any) -> bool:
    """Whether an effect is a Time Remap of FCP 7 XML."""
    return _adapter_metadata(effect, "fcp_xml").get("effectid") == "timeremap"


def read_retime(effects: list[Any], in_point: Fraction, rate: Fraction) -> tuple[Retime, str]:
    """The retime in plate frames, and what had to be assumed about it (empty: nothing).

    ``in_point`` is the clip's start in the media, in seconds from the media's start; ``rate`` is
    the plate's.

    :raises UnusableClipError: the time effects are not supported.
    :raises ValueError: a time effect is damaged.
    """
    if any(map(is_time_remap, effects)):
        return Retime(speed=_time_remap_speed(_only_effect(effects))), ""
    if any(map(_is_aaf_ramp, effects)):
        raise _unusable("it has an AAF speed ramp, which is not supported")
    if any(schema_name(effect) == "TimeEffect" for effect in effects):
        return _read_speed_ramp(_only_effect(effects), in_point, rate)
    speed = Fraction(1)
    for effect in effects:
        speed *= _effect_speed(effect)
    return Retime(speed=speed), ""


def _only_effect(effects: list[Any]) -> Any:
    if len(effects) > 1:
        raise _unusable("it has several retimes on top of each other")
    return effects[0]


def _unusable(message: str) -> UnusableClipError:
    next_step = "bake the retime into the media, or remove it, and export again"
    return UnusableClipError(ProblemKind.RETIME, message, next_step)


def _effect_speed(effect: Any) -> Fraction:
    if schema_name(effect) == "FreezeFrame":
        return Fraction(0)
    scalar = effect.get("time_scalar")
    if not isinstance(scalar, int | float):
        raise ValueError(f"the speed of its retime is {scalar!r}")
    # The scalar was computed from a ratio of frames: 0.333… was a third.
    return Fraction(scalar).limit_denominator(100_000)


def _adapter_metadata(effect: Any, adapter: str) -> dict[str, Any]:
    """The metadata of an effect that one of OTIO's adapters stored."""
    metadata = effect.get("metadata") if isinstance(effect, dict) else None
    value = metadata.get(adapter) if isinstance(metadata, dict) else None
    return value if isinstance(value, dict) else {}


def _time_remap_speed(effect: Any) -> Fraction:
    """The speed of a Time Remap; negative if reversed."""
    raw_parameters = _adapter_metadata(effect, "fcp_xml").get("parameter")
    parameters = {
        str(parameter.get("parameterid")): str(parameter.get("value")).strip()
        for parameter in (raw_parameters if isinstance(raw_parameters, list) else [raw_parameters])
        if isinstance(parameter, dict)
    }
    variable = parameters.get("variablespeed", "0").lower()
    if variable not in ("0", "false"):
        raise _unusable("its Time Remap has a variable speed")
    try:
        speed = Fraction(float(parameters["speed"])).limit_denominator(100_000) / 100
    except (KeyError, ValueError, OverflowError):
        raise _unusable("its Time Remap does not say its speed") from None
    return -speed if parameters.get("reverse", "").lower() in ("true", "1") else speed


def _is_aaf_ramp(effect: Any) -> bool:
    """Whether an AAF's retime has key frames that are not a constant speed."""
    parameters = _adapter_metadata(effect, "AAF").get("Parameters")
    if not isinstance(parameters, dict):
        return False
    try:
        speeds = _aaf_keyframes(parameters.get("PARAM_SPEED_MAP_U"))
        if len({speed for _, speed in speeds}) > 1:
            return True
        for name in ("PARAM_SPEED_OFFSET_MAP_U", "PARAM_OFFSET_MAP_U"):
            pairs = itertools.pairwise(_aaf_keyframes(parameters.get(name)))
            slopes = {round((b[1] - a[1]) / (b[0] - a[0]), 4) for a, b in pairs}
            if len(slopes) > 1:
                return True
    except MALFORMED_ERRORS:
        return True  # unknown key frames are not applied
    return False


def _aaf_keyframes(parameter: Any) -> list[tuple[float, float]]:
    """Times and values of an animated AAF parameter, as OTIO's adapter stores it."""
    if not isinstance(parameter, dict):
        return []
    pairs = get_list(parameter, "keyframe_values")
    return [(_to_float(time), _to_float(value)) for time, value in pairs]


def _to_float(value: Any) -> float:
    return float(Fraction(value)) if isinstance(value, str) else float(value)


def _read_speed_ramp(effect: Any, in_point: Fraction, rate: Fraction) -> tuple[Retime, str]:
    key_frames = ((effect.get("metadata") or {}).get("Resolve_OTIO") or {}).get("Key Frames")
    if not isinstance(key_frames, list) or len(key_frames) < 2:
        raise _unusable("it has a time effect without key frames")
    try:
        keys = [(_to_fraction(key[0]), _to_fraction(key[1])) for key in key_frames]
        is_eased = any(any(key[2:]) for key in key_frames[1:-1])
    except MALFORMED_ERRORS as error:
        raise ValueError("the key frames of its speed ramp are not numbers") from error
    ramp_start = _ramp_time_at(keys, in_point)
    ramp = tuple(
        RetimeKey(record_offset=(t - ramp_start) * rate, source_offset=(s - in_point) * rate)
        for t, s in keys
    )
    assumption = "its speed ramp is eased; it was read as linear between its keys"
    return Retime(keys=ramp), assumption if is_eased else ""


def _to_fraction(value: float) -> Fraction:
    return Fraction(value).limit_denominator(10_000_000)


def _ramp_time_at(keys: list[tuple[Fraction, Fraction]], media_time: Fraction) -> Fraction:
    """The retimed time, in seconds, at which the ramp shows ``media_time``."""
    for (t0, s0), (t1, s1) in itertools.pairwise(keys):
        if s0 != s1 and min(s0, s1) <= media_time <= max(s0, s1):
            return t0 + (media_time - s0) * (t1 - t0) / (s1 - s0)
    raise _unusable("its speed ramp does not include the clip's first frame")
