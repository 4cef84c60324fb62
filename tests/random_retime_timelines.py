"""Random timelines for property tests, made with the OTIO library. A seed gives one timeline.

They have every kind of media reference, two levels of nests with trims, transitions, gaps, retimes,
disabled clips and effects, long timecodes, negative frame numbers, and rates in every spelling, in
one of three styles:

- ``counts``: one rate, each time in any of its spellings, whole numbers throughout;
- ``mixed``: several rates, each in one spelling;
- ``seconds``: the clips' times are computed from seconds, in another spelling than their media's.
"""

from __future__ import annotations

import math
import random
import struct
from fractions import Fraction
from typing import Any

import opentimelineio as otio

T = otio.opentime.RationalTime
schema = otio.schema


def _single(rate: float) -> float:
    """A rate as stored in 32 bits."""
    return float(struct.unpack("f", struct.pack("f", rate))[0])


#: The spellings of one rate that files hold; the exact one first.
SPELLINGS = [
    (24.0,),
    (25.0,),
    (30.0,),
    (48.0,),
    (50.0,),
    (60.0,),
    (24000 / 1001, 23.976, 23.98, 23.9760246, _single(24000 / 1001)),
    (30000 / 1001, 29.97, _single(30000 / 1001)),
    (60000 / 1001, 59.94, _single(60000 / 1001)),
]
SPEEDS = [2.0, 0.5, 1.5, 0.25, -1.0, -2.0, -0.5, 0.0]
#: Endings of a reference's name by its kind; sequences in each of their spellings.
KINDS = ["sequence", "sequence", "sequence", "%04d", "####", "[]", "first", "@@@@", "movie"]


class RandomRetimedTimeline:
    """A ``timeline`` and, by the clip's name, what is expected of each clip.

    ``media`` has an OTIO sequence reference that counts as the clip's media does, of whatever kind
    that is; ``speed`` the retime; ``unreadable`` the clips that cannot become shots.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rate_style = self.random.choice(["counts", "mixed", "mixed", "seconds"])
        rates = [self.random.choice(family) for family in SPELLINGS]
        self.rates = self.random.sample(rates, 3) if self.rate_style == "mixed" else []
        self.family = self.random.choice(SPELLINGS[-3:])
        self.media: dict[str, Any] = {}
        self.speed: dict[str, float] = {}
        self.unreadable: set[str] = set()
        self._number = 0
        self.rate = self._rate()
        self.timeline = schema.Timeline("random")
        if self.rate_style == "mixed" or self.random.random() < 0.5:
            hours = self.random.choice([0, 1, 10, 14])
            self.timeline.global_start_time = T(hours * 3600 * round(self.rate), self.rate)
        for index in range(self.random.randint(1, 3)):
            track = self._track(f"V{index + 1}", depth=0)
            self.timeline.tracks.append(track)

    def _rate(self) -> float:
        return self.random.choice(self.rates or self.family)

    def _track(self, name: str, depth: int) -> Any:
        track = schema.Track(name, kind="Video")
        after_clip = False
        for _ in range(self.random.randint(1, 5 if not depth else 3)):
            kind = self.random.choice(["clip", "clip", "clip", "gap", "transition", "nest"])
            if kind == "gap":
                length = T(self.random.randint(0, 50), self._rate())
                track.append(
                    schema.Gap(source_range=otio.opentime.TimeRange(T(0, length.rate), length))
                )
                after_clip = False
            elif kind == "transition" and after_clip:
                rate = self._rate()
                offsets = [T(self.random.randint(0, 12), rate) for _ in range(2)]
                track.append(schema.Transition("x", "SMPTE_Dissolve", *offsets))
                after_clip = False
            elif kind == "nest" and depth < 2:
                track.append(self._nest(depth))
                after_clip = False
            else:
                track.append(self._clip(nested=depth > 0))
                after_clip = True
        return track

    def _nest(self, depth: int) -> Any:
        inner = self._track("inner", depth + 1)
        nest = schema.Stack("nest", [inner])
        length = inner.duration()
        frames = math.floor(length.value)
        if frames > 1 and self.random.random() < 0.6:
            low = self.random.randint(0, frames - 1)
            trim = T(self.random.randint(1, frames - low), length.rate)
            nest.source_range = otio.opentime.TimeRange(T(low, length.rate), trim)
        return nest

    def _clip(self, nested: bool) -> Any:
        self._number += 1
        name = f"c{self._number}"
        chance = self.random.random
        rate = self._rate()
        length = self.random.randint(2, 150)
        kind = self.random.choice(KINDS)
        first = self.random.choice([0, 1, 1001, 1001, self.random.randint(0, 9000), -3])
        origin = self.random.choice([0, max(first, 0), round(rate) * 3600 * 14, 86_400])
        if kind in ("%04d", "####", "@@@@", "movie"):
            first = origin
        elif kind in ("[]", "first"):
            first = max(first, 0)
        available = otio.opentime.TimeRange(T(origin, rate), T(length, rate))
        speed = 1.0
        if chance() < 0.3 and not (nested and self.rate_style != "mixed"):
            speed = self.random.choice(SPEEDS)
        source = self._source(origin, length, rate, speed)
        if source is None:
            speed = 1.0
            source = otio.opentime.TimeRange(T(origin, rate), T(length, rate))
        clip = schema.Clip(name, self._reference(kind, name, first, rate, available), source)
        if speed == 0.0:
            clip.effects.append(schema.FreezeFrame())
        elif speed != 1.0:
            clip.effects.append(schema.LinearTimeWarp(time_scalar=speed))
        elif chance() < 0.1:
            clip.effects.append(schema.LinearTimeWarp(time_scalar=3.0))
            clip.effects[0].enabled = False
        self.speed[name] = speed
        self.media[name] = schema.ImageSequenceReference(
            "", start_frame=first, rate=rate, available_range=available
        )
        if chance() < 0.05:
            clip.media_reference = self.random.choice(
                [schema.MissingReference(), schema.GeneratorReference("bars", "SMPTEBars")]
            )
            self.unreadable.add(name)
        elif chance() < 0.05:
            clip.enabled = False
            self.unreadable.add(name)
        return clip

    def _source(self, origin: int, length: int, rate: float, speed: float) -> Any:
        """A range that lies in the media at this speed; None if there is none."""
        factor = max(1.0, abs(speed))
        start = self.random.randint(0, length - 1)
        frames = max(1, math.floor(self.random.randint(1, min(60, length - start)) / factor))
        if self.rate_style == "counts":
            own = self._rate()
            return otio.opentime.TimeRange(T(origin + start, own), T(frames, own))
        if self.rate_style == "seconds":
            own = self._rate()
            # A quarter of a frame keeps floating-point noise from deciding what is shown.
            value = (origin + start + 0.25) * own / rate
            return otio.opentime.TimeRange(T(value, own), T(frames * own / rate, own))
        own = self._rate()
        low = math.ceil(Fraction(origin + start) / Fraction(rate) * Fraction(own))
        high = math.floor(Fraction(origin + length) / Fraction(rate) * Fraction(own))
        if high - low < factor + 1:
            return None
        frames = max(1, math.floor(self.random.randint(1, min(60, high - low)) / factor))
        return otio.opentime.TimeRange(T(low, own), T(frames, own))

    def _reference(self, kind: str, name: str, first: int, rate: float, available: Any) -> Any:
        if kind == "sequence":
            return schema.ImageSequenceReference(
                f"file:///plates/{name}/",
                f"{name}.",
                ".exr",
                first,
                1,
                rate,
                4,
                available_range=available,
            )
        last = first + int(available.duration.value) - 1
        ending = {
            "[]": f".[{first:04d}-{last:04d}].exr",
            "first": f".{first:04d}.exr",
            "movie": ".mov",
        }.get(kind, f".{kind}.exr")
        return schema.ExternalReference(f"/plates/{name}/plate{ending}", available)
