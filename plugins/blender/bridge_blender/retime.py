"""Maps frames of the scene to frames of a strip's media.

Blender has several ways to change a strip's speed. Constant speeds are computed exactly as Blender
4.2, 4.5 and 5.2 render them:

- A movie with another rate than the scene, added with "Adjust Playback Rate", plays at its own
  rate with the nearest frame. Added without, it plays frame by frame.
- Two retiming keys are on the first and the last frame of the content, in 5.2 on the frame after
  the last. Between them Blender shows the nearest frame.
- A speed effect that multiplies or stretches counts from the first frame that its strip shows, and
  shows the frame below.
- "Reverse Frames" counts from the content's end.

Without a window, Blender 5.2 sometimes renders an earlier frame, mostly with speed effects.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from bridge_core.models.frames import Retime

from . import sequencer_api as api

_NEXT_STEP = "set a constant speed, or render it to a file and use that"
_HALF = Fraction(1, 2)


class UnsupportedStripError(Exception):
    """A strip that cannot be sent."""

    def __init__(self, message: str, next_step: str = _NEXT_STEP) -> None:
        super().__init__(message)
        self.message, self.next_step = message, next_step


@dataclass(frozen=True, slots=True)
class FrameMapping:
    """The content frames that a strip shows."""

    frame_count: int
    """Frames of the scene."""
    content_length: int
    offset: Fraction = Fraction(0)
    """Content position at the first frame."""
    speed: Fraction = Fraction(1)
    """Content frames per frame of the scene."""
    rounds_to_nearest: bool = True
    """Show the nearest frame, otherwise the frame below."""
    is_reversed: bool = False

    def content_frame(self, index: int) -> int:
        """Content frame at a frame of the scene, both from 0; the first and last frame are held."""
        return min(max(self.unclamped_frame(index), 0), self.content_length - 1)

    def unclamped_frame(self, index: int) -> int:
        """As :meth:`content_frame`, but also beyond the ends of the content."""
        position = self.offset + index * self.speed
        frame = math.floor(position + _HALF if self.rounds_to_nearest else position)
        return self.content_length - 1 - frame if self.is_reversed else frame

    def content_span(self) -> tuple[int, int]:
        """First and last content frame that are shown, inclusive."""
        ends = self.content_frame(0), self.content_frame(self.frame_count - 1)
        return min(ends), max(ends)

    def content_frames(self) -> Iterator[int]:
        """The content frame at each frame of the scene."""
        return (self.content_frame(index) for index in range(self.frame_count))

    @property
    def is_identity(self) -> bool:
        """One content frame for each frame of the scene, forwards."""
        return self.speed == 1 and not self.is_reversed

    def to_retime(self, scene_rate: Fraction, media_rate: Fraction) -> Retime:
        """The same speed in time, independent of the two rates."""
        speed = self.speed * scene_rate / media_rate
        return Retime(speed=-speed if self.is_reversed else speed)


def strip_frame_mapping(
    strip: Any, length: int, factor: Fraction, effect: Any = None
) -> FrameMapping:
    """The frame mapping of a strip whose content has ``length`` media frames.

    :param factor: media frames per frame of the scene, before any retiming.
    :param effect: the strip's speed effect, if it has one.
    :raises UnsupportedStripError: its speed is not constant, or changed in several ways.
    """
    left, right = api.bounds(strip)
    start, end = api.content_bounds(strip)
    trimmed = Fraction(left) - Fraction(start).limit_denominator(1000)
    run = FrameMapping(right - left, length, trimmed * factor, factor)
    keys = api.retiming_keys(strip)
    if keys:
        run = _with_retiming_keys(run, keys, left, round(end), factor)
    if getattr(strip, "use_reverse_frames", False):
        if not run.is_identity:
            raise UnsupportedStripError("it is reversed and has another speed as well")
        run = replace(run, is_reversed=True)
    return _with_speed_effect(run, effect) if effect is not None else run


def _with_retiming_keys(
    run: FrameMapping, keys: list[float], left: int, end: int, factor: Fraction
) -> FrameMapping:
    if len(keys) != 2:
        raise UnsupportedStripError("its speed changes along the strip")
    if factor != 1:
        raise UnsupportedStripError("it is retimed, and its movie has another rate than the scene")
    first, last = (Fraction(key) for key in keys)
    if last <= first:
        raise UnsupportedStripError("its retiming keys are on the same frame")
    speed = (run.content_length - (last != end)) / (last - first)
    return replace(run, offset=(left - first) * speed, speed=speed)


def _with_speed_effect(run: FrameMapping, effect: Any) -> FrameMapping:
    if not run.is_identity:
        raise UnsupportedStripError("its speed is changed by the strip and by a speed effect")
    if effect.speed_control == "MULTIPLY" and not _is_animated(effect, "speed_factor"):
        speed = Fraction(effect.speed_factor).limit_denominator(10_000)
    elif effect.speed_control == "STRETCH":
        left, right = api.bounds(effect)
        speed = (run.content_length - run.offset) / (right - left)
    else:
        raise UnsupportedStripError("the speed of its speed effect changes along the strip")
    return replace(run, speed=speed, rounds_to_nearest=False)


def _is_animated(strip: Any, name: str) -> bool:
    data = strip.id_data.animation_data
    path = f"{strip.path_from_id()}.{name}"
    animations = (*_fcurves(data), *getattr(data, "drivers", ()))
    return any(animation.data_path == path for animation in animations)


def _fcurves(data: Any) -> Iterator[Any]:
    """The animation curves of a scene: since 4.4 in an action's layers, since 5.0 only there."""
    action = getattr(data, "action", None)
    if action is None:
        return
    if hasattr(action, "fcurves"):
        yield from action.fcurves
        return
    for layer in action.layers:
        for part in layer.strips:
            for bag in part.channelbags:
                yield from bag.fcurves
