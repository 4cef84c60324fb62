"""The timecode of a plate."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from bridge_core.models.frames import frame_to_timecode, timecode_to_frame

if TYPE_CHECKING:
    from bridge_core.models.media import Plate


@dataclass(frozen=True, slots=True)
class PlateTimecode:
    """Converts between plate frame numbers and timecode."""

    rate: Fraction
    offset: int = 0
    """Timecode of frame 0, in frames."""
    drop_frame: bool = False

    @classmethod
    def from_plate(cls, plate: Plate) -> PlateTimecode | None:
        """None if the plate has no valid timecode."""
        text, rate = plate.start_timecode, plate.range.rate
        if not text:
            return None
        try:
            start = timecode_to_frame(text, rate) - plate.range.first
        except ValueError:
            return None
        return cls(rate, start, drop_frame=any(mark in text for mark in ";."))

    def timecode(self, frame: int) -> str:
        return frame_to_timecode(frame + self.offset, self.rate, drop_frame=self.drop_frame)

    def frame(self, text: str) -> int:
        """The plate's frame at a timecode. Drop-frame follows the plate, whichever separator was
        typed.

        :raises ValueError: not a timecode, or one that does not exist at this rate.
        """
        plain = text.replace(";", ":").replace(".", ":")
        seconds, _, frames = plain.rpartition(":")
        separator = ";" if self.drop_frame else ":"
        return timecode_to_frame(f"{seconds}{separator}{frames}", self.rate) - self.offset
