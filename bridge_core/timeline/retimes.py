"""Time effects of a clip as a :class:`~bridge_core.models.frames.Retime`.

OTIO's ``LinearTimeWarp`` says how fast the media runs; the clip keeps its length in the cut, so a
clip of 48 frames at speed 2 shows a stretch of 95 media frames. Where the speed is negative, the
source range names the stretch by its *earliest* frame, and the stretch is shown from its end (as
Hiero, AYON and FCP XML do; OTIO leaves it open).

A speed ramp is a ``TimeEffect`` with ``metadata.Resolve_OTIO["Key Frames"]``: lists that start with
seconds of retimed time and seconds of media time, both counted from the start of the media, then
whether the key is eased and its two tangents (read in public exports of Resolve 21).

FCP 7 XML's Time Remap comes out of OTIO's reader as a plain ``Effect`` with ``metadata.fcp_xml``
(OpenTimelineIO issue 876): a speed in per cent and a direction, under which the clip's in and out
count frames of the *remapped* media. AAF's ramps come as a retime of constant speed, or none, with
their key frames in ``metadata.AAF.Parameters``: they are reported, not applied.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

from bridge_core.models.frames import Retime, RetimeKey
from bridge_core.timeline.cut import ProblemKind
from bridge_core.timeline.document import DAMAGE, listed, schema
from bridge_core.timeline.references import Unfit

_TIME_EFFECTS = frozenset({"LinearTimeWarp", "FreezeFrame", "TimeEffect"})
_NEXT = "bake the retime into the media, or remove it, and export again"


def time_effects(item: Any) -> list[Any]:
    """The effects of an item that change its time; those that are switched off do not."""
    return [
        effect
        for effect in listed(item, "effects")
        if (schema(effect) in _TIME_EFFECTS or is_remap(effect))
        and effect.get("enabled") is not False
    ]


def is_remap(effect: Any) -> bool:
    """A Time Remap of FCP 7 XML."""
    return _reader_metadata(effect, "fcp_xml").get("effectid") == "timeremap"


def retime_of(effects: list[Any], in_point: Fraction, rate: Fraction) -> tuple[Retime, str]:
    """The retime, in plate frames, and what had to be assumed about it (empty: nothing).

    ``in_point`` is the clip's start in the media, in seconds from the media's start; ``rate`` the
    plate's.

    :raises Unfit: a time effect that says nothing we can follow.
    :raises ValueError: damaged.
    """
    if any(map(is_remap, effects)):
        if len(effects) > 1:
            raise Unfit(ProblemKind.RETIME, "it has several retimes on top of each other", _NEXT)
        return Retime(speed=_remapped(effects[0])), ""
    if any(map(_is_aaf_ramp, effects)):
        raise Unfit(ProblemKind.RETIME, "its speed changes over time, as the AAF says", _NEXT)
    ramps = [effect for effect in effects if schema(effect) == "TimeEffect"]
    if ramps:
        if len(effects) > 1:
            raise Unfit(ProblemKind.RETIME, "it has several retimes on top of each other", _NEXT)
        return _ramp(ramps[0], in_point, rate)
    speed = Fraction(1)
    for effect in effects:
        speed *= _speed(effect)
    return Retime(speed=speed), ""


def _speed(effect: Any) -> Fraction:
    if schema(effect) == "FreezeFrame":
        return Fraction(0)
    scalar = effect.get("time_scalar")
    if not isinstance(scalar, int | float):
        raise ValueError(f"its retime has no speed but {scalar!r}")
    # A scalar was a ratio of frames once: 0.333… was a third.
    return Fraction(scalar).limit_denominator(100_000)


def _reader_metadata(effect: Any, reader: str) -> dict[str, Any]:
    """What one of OTIO's readers kept of an effect in its metadata."""
    metadata = effect.get("metadata") if isinstance(effect, dict) else None
    found = metadata.get(reader) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _remapped(effect: Any) -> Fraction:
    """The speed of a Time Remap, negative backwards."""
    found = _reader_metadata(effect, "fcp_xml").get("parameter")
    parameters = {
        str(one.get("parameterid")): str(one.get("value")).strip()
        for one in (found if isinstance(found, list) else [found])
        if isinstance(one, dict)
    }
    variable = parameters.get("variablespeed", "0").lower()
    if variable not in ("0", "false"):
        raise Unfit(ProblemKind.RETIME, "its Time Remap has a variable speed", _NEXT)
    try:
        speed = Fraction(float(parameters["speed"])).limit_denominator(100_000) / 100
    except (KeyError, ValueError, OverflowError):
        raise Unfit(ProblemKind.RETIME, "its Time Remap does not say its speed", _NEXT) from None
    return -speed if parameters.get("reverse", "").lower() in ("true", "1") else speed


def _is_aaf_ramp(effect: Any) -> bool:
    """Key frames of an AAF's retime that no single speed stands for."""
    parameters = _reader_metadata(effect, "AAF").get("Parameters")
    if not isinstance(parameters, dict):
        return False
    try:
        speeds = _keys(parameters.get("PARAM_SPEED_MAP_U"))
        if len({speed for _, speed in speeds}) > 1:
            return True
        for name in ("PARAM_SPEED_OFFSET_MAP_U", "PARAM_OFFSET_MAP_U"):
            pairs = itertools.pairwise(_keys(parameters.get(name)))
            slopes = {round((b[1] - a[1]) / (b[0] - a[0]), 4) for a, b in pairs}
            if len(slopes) > 1:
                return True
    except DAMAGE:
        return True  # key frames that cannot be understood are not followed
    return False


def _keys(parameter: Any) -> list[tuple[float, float]]:
    """Times and values of a parameter of an AAF that changes over time, as OTIO's reader has it."""
    if not isinstance(parameter, dict):
        return []
    pairs = listed(parameter, "keyframe_values")
    return [(_number(time), _number(value)) for time, value in pairs]


def _number(value: Any) -> float:
    return float(Fraction(value)) if isinstance(value, str) else float(value)


def _ramp(effect: Any, in_point: Fraction, rate: Fraction) -> tuple[Retime, str]:
    found = ((effect.get("metadata") or {}).get("Resolve_OTIO") or {}).get("Key Frames")
    if not isinstance(found, list) or len(found) < 2:
        raise Unfit(ProblemKind.RETIME, "it has a time effect without key frames", _NEXT)
    try:
        keys = [(_seconds(key[0]), _seconds(key[1])) for key in found]
        eased = any(any(key[2:]) for key in found[1:-1])
    except DAMAGE as error:
        raise ValueError("the key frames of its speed ramp are not numbers") from error
    at = _retimed(keys, in_point)
    ramp = Retime(
        keys=tuple(RetimeKey(cut=(t - at) * rate, source=(s - in_point) * rate) for t, s in keys)
    )
    told = "its speed ramp is eased; it was read with straight lines between the keys"
    return ramp, told if eased else ""


def _seconds(value: float) -> Fraction:
    return Fraction(value).limit_denominator(10_000_000)


def _retimed(keys: list[tuple[Fraction, Fraction]], source: Fraction) -> Fraction:
    """The retimed second at which the media stands at ``source``: the ramp, read backwards."""
    for (t0, s0), (t1, s1) in itertools.pairwise(keys):
        if s0 != s1 and min(s0, s1) <= source <= max(s0, s1):
            return t0 + (source - s0) * (t1 - t0) / (s1 - s0)
    raise Unfit(ProblemKind.RETIME, "its speed ramp never shows the frame that it starts on", _NEXT)
