"""Random timelines by seed, made with the OTIO library, for tests that compare with OTIO.

They have what editors make: several tracks, trimmed and retimed nests, dissolves, retimes, disabled
clips, titles, sound; every kind of reference, every spelling of a rate, and timecodes of many
hours. A seed always gives the same timeline.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import opentimelineio as otio

schema = otio.schema
RationalTime, TimeRange = otio.opentime.RationalTime, otio.opentime.TimeRange

#: As files spell them; 23.976024627685547 is 24000/1001 in 32 bits.
RATES = (24.0, 25.0, 30.0, 48.0, 23.976, 23.98, 24000 / 1001, 23.976024627685547)
RATES += (29.97, 30000 / 1001, 59.94, 60000 / 1001)

SEQUENCES = ("reference", "brackets", "percent", "hashes", "file")


@dataclass
class GeneratedTimeline:
    timeline: Any
    first_numbers: dict[str, int] = field(default_factory=dict)
    """The number of the media's first frame, by the name of each clip on files."""
    media_rates: dict[str, float] = field(default_factory=dict)
    """The media's frames per second as its reference spells it, by the clip's name."""


def generate_timeline(seed: int) -> GeneratedTimeline:
    return _TimelineGenerator(random.Random(seed)).generate()


class _TimelineGenerator:
    def __init__(self, random_source: random.Random) -> None:
        self.random = random_source
        self.mixed = random_source.random() < 0.3
        self.rate = random_source.choice(RATES)
        self.result = GeneratedTimeline(schema.Timeline("random"))
        self.count = 0

    def generate(self) -> GeneratedTimeline:
        chance, timeline = self.random, self.result.timeline
        if chance.random() < 0.5:
            timeline.global_start_time = RationalTime(chance.choice([0, 1, 86400]), self.rate)
        timeline.metadata["studio"] = {"id": chance.randrange(2**53), "tags": ["a", 1.5, None]}
        for number in range(chance.randint(1, 3)):
            timeline.tracks.append(self._track(f"V{number + 1}", "Video", nested=False))
        if chance.random() < 0.3:
            timeline.tracks.append(self._track("A1", "Audio", nested=False))
        return self.result

    def _track(self, name: str, kind: str, *, nested: bool) -> Any:
        track, after_clip = schema.Track(name, kind=kind), False
        for _ in range(self.random.randint(1, 5)):
            roll = self.random.random()
            if roll < 0.1:
                track.append(schema.Gap(source_range=self._range(0, self.random.randint(1, 40))))
                after_clip = False
            elif roll < 0.2 and after_clip:
                offsets = [RationalTime(self.random.randint(0, 8), self.rate) for _ in range(2)]
                track.append(schema.Transition("mix", "SMPTE_Dissolve", *offsets))
                after_clip = False
            elif roll < 0.35 and not nested and kind == "Video":
                track.append(self._nest())
                after_clip = False
            else:
                track.append(self._sound() if kind == "Audio" else self._clip())
                after_clip = True
        return track

    def _nest(self) -> Any:
        nest = schema.Stack("nest", [self._track("inner", "Video", nested=True)])
        length = int(nest.trimmed_range().duration.value)
        if length > 1 and self.random.random() < 0.5:
            low = self.random.randrange(length - 1)
            trimmed = self.random.randint(1, length - low)
            nest.source_range = self._range(low, trimmed, nest.trimmed_range().duration.rate)
        if self.random.random() < 0.2:
            nest.effects.append(schema.LinearTimeWarp(time_scalar=2))
        return nest

    def _sound(self) -> Any:
        self.count += 1
        reference = schema.ExternalReference("file:///sound/a.wav", self._range(0, 500))
        source = self._range(self.random.randint(0, 50), 40)
        return schema.Clip(f"sound{self.count:03d}", reference, source)

    def _clip(self) -> Any:
        chance = self.random
        self.count += 1
        name = f"sh{self.count:03d}"
        rate = chance.choice(RATES) if self.mixed else self.rate
        length = chance.randint(1, 120)
        first = chance.choice([0, 1, 1001, chance.randint(2, 9000)])
        origin = chance.choice([0, first, 86400, 14 * 3600 * round(rate), 50000])
        kind = chance.choice((*SEQUENCES, *SEQUENCES, "movie", "movie", "missing", "generator"))
        if kind == "percent" or kind == "hashes":
            origin = first  # only the range gives the first number
        if kind == "movie":
            first = origin
        if kind == "file":
            length = max(length, 2)
        available = self._range(origin, length, rate)
        start = chance.randrange(length)
        count = chance.randint(1, length - start)
        # At another rate than the media's, as from hosts that compute a clip's times in seconds.
        own = chance.choice(RATES) if self.mixed and chance.random() < 0.4 else rate
        source = self._range((origin + start) * own / rate, count * own / rate, own)
        clip = schema.Clip(name, self._reference(kind, name, first, available, rate), source)
        if kind not in ("missing", "generator"):
            self.result.first_numbers[name], self.result.media_rates[name] = first, rate
            if chance.random() < 0.1:
                clip.source_range = None
        clip.enabled = chance.random() > 0.1
        clip.metadata["studio"] = {"take": chance.randrange(100)}
        self._effects(clip)
        if chance.random() < 0.2:
            clip.markers.append(schema.Marker("mine", self._range(origin + start, 1, rate)))
        return clip

    def _effects(self, clip: Any) -> None:
        roll = self.random.random()
        if roll < 0.15:
            speed = self.random.choice([2.0, 0.5, -1.0, 1.5, 0.25])
            clip.effects.append(schema.LinearTimeWarp(time_scalar=speed))
        elif roll < 0.2:
            clip.effects.append(schema.FreezeFrame())
        elif roll < 0.25:
            clip.effects.append(schema.TimeEffect("ramp that nobody can read"))
        if self.random.random() < 0.1:
            clip.effects.append(schema.Effect("grade", "Grade", {"studio": {"gain": 1.1}}))

    def _reference(self, kind: str, name: str, first: int, available: Any, rate: float) -> Any:
        if kind == "missing":
            return schema.MissingReference()
        if kind == "generator":
            return schema.GeneratorReference("bars", "SMPTEBars", available)
        folder = self.random.choice([f"file:///show/{name}/plate/", f"plates/{name}/"])
        if kind == "reference":
            return schema.ImageSequenceReference(
                folder, f"{name}.", ".exr", first, 1, rate, 4, available_range=available
            )
        last = first + int(available.duration.value) - 1
        file = {
            "brackets": f"{name}.[{first:04d}-{last:04d}].exr",
            "percent": f"{name}.%04d.exr",
            "hashes": f"{name}.%23%23%23%23.exr",
            "file": f"{name}.{first:04d}.exr",
            "movie": f"{name}.mov",
        }[kind]
        return schema.ExternalReference(folder + file, available)

    def _range(self, start: float, length: float, rate: float | None = None) -> Any:
        rate = rate or self.rate
        return TimeRange(RationalTime(start, rate), RationalTime(length, rate))
