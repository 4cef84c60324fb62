"""Timecode as a plate counts it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from bridge_core.models.frames import frame_of, timecode

if TYPE_CHECKING:
    from bridge_core.models.media import Plate


@dataclass(frozen=True, slots=True)
class Counting:
    """Between plate frame numbers and timecode."""

    rate: Fraction
    start: int = 0
    """Timecode of frame 0, in frames."""
    drop_frame: bool = False

    @classmethod
    def of(cls, plate: Plate) -> Counting | None:
        """None: the plate has no timecode."""
        told, rate = plate.start_timecode, plate.range.rate
        if not told:
            return None
        try:
            start = frame_of(told, rate) - plate.range.first
        except ValueError:
            return None
        return cls(rate, start, drop_frame=any(mark in told for mark in ";."))

    def timecode(self, frame: int) -> str:
        return timecode(frame + self.start, self.rate, drop_frame=self.drop_frame)

    def frame(self, text: str) -> int:
        """The plate's frame of a timecode, drop-frame or not as the plate is, whichever way it is
        written: whoever writes one means the plate's.

        :raises ValueError: not a timecode, or one that does not exist in this counting.
        """
        plain = text.replace(";", ":").replace(".", ":")
        seconds, _, frames = plain.rpartition(":")
        mark = ";" if self.drop_frame else ":"
        return frame_of(f"{seconds}{mark}{frames}", self.rate) - self.start
