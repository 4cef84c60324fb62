"""A shot as plain values: what the reader of a cut computes for every clip.

A validated :class:`~bridge_core.models.shots.Shot` consists of six models and some twenty objects
for the garbage collector. Most shots of a cut of ten thousand clips are never looked at, so the
models are built when a shot is first needed.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from bridge_core.models.frames import FRAME_LIMIT, FrameRange, Retime
from bridge_core.models.media import Plate, check_plate_path, is_movie, to_printf_pattern
from bridge_core.models.shots import Shot, ShotId


class ShotFields(NamedTuple):
    """The fields of a :class:`~bridge_core.models.shots.Shot` but for its names.

    Ranges include both ends. Plate range and cut range are in plate frames at ``rate``, the record
    range is in frames of the cut at ``record_rate``.
    """

    path: str
    """The plate's, a frame number in it as ``%04d``."""
    plate_first: int
    plate_last: int
    cut_first: int
    cut_last: int
    rate: Fraction
    record_first: int
    record_last: int
    record_rate: Fraction
    head_handle: int
    tail_handle: int
    retime: Retime
    phase: Fraction
    start_timecode: str | None = None
    colour_space: str | None = None
    width: int | None = None
    height: int | None = None
    pixel_aspect: float = 1.0

    def build_plate(self) -> Plate:
        """:raises ValidationError: the file says something about the plate that cannot be."""
        return Plate(
            path=self.path,
            range=FrameRange(first=self.plate_first, last=self.plate_last, rate=self.rate),
            colour_space=self.colour_space,
            width=self.width,
            height=self.height,
            pixel_aspect=self.pixel_aspect,
            start_timecode=self.start_timecode,
        )

    def build_shot(self, shot_id: ShotId, clip_id: str) -> Shot:
        """:raises ValidationError: as for :meth:`build_plate`, or for the clip's id."""
        return Shot(
            id=shot_id,
            plate=self.build_plate(),
            cut_range=FrameRange(first=self.cut_first, last=self.cut_last, rate=self.rate),
            head_handle=self.head_handle,
            tail_handle=self.tail_handle,
            retime=self.retime,
            phase=self.phase,
            record_range=FrameRange(
                first=self.record_first, last=self.record_last, rate=self.record_rate
            ),
            clip_id=clip_id,
        )

    @property
    def first_media_frame(self) -> int:
        """First frame of the cut, in a movie counted from its start: writers count movies from
        their timecode or from 0, and only the offset is the same."""
        return self.cut_first - (self.plate_first if is_movie(self.path) else 0)

    @property
    def work_first(self) -> int:
        """First frame of the shot's work range: the cut with its handles, as far as the plate has
        them."""
        return max(self.plate_first, self.cut_first - self.head_handle)

    @property
    def work_last(self) -> int:
        return min(self.plate_last, self.cut_last + self.tail_handle)


def check_frames(first: int, last: int, rate: Fraction) -> tuple[int, int]:
    """First and last frame of a range that was computed from a file's times.

    :raises ValidationError: as :class:`~bridge_core.models.frames.FrameRange`.
    """
    if not -FRAME_LIMIT <= first <= last <= FRAME_LIMIT:
        FrameRange(first=first, last=last, rate=rate)  # says what is wrong
    return first, last


def plate_path(path: str, frames: tuple[int, int], rate: Fraction) -> str:
    """A path with its frame number as ``%04d``.

    :raises ValidationError: as :class:`~bridge_core.models.media.Plate`.
    """
    try:
        return to_printf_pattern(path)
    except ValueError:
        Plate(path=path, range=FrameRange(first=frames[0], last=frames[1], rate=rate))
        raise


def check_plate(fields: ShotFields, has_metadata: bool) -> None:
    """Check what the plate's model would: its path, and with ``has_metadata`` what the file says
    about it.

    :raises ValidationError: as :meth:`ShotFields.build_plate`.
    """
    if not has_metadata and is_unicode(fields.path):
        try:
            check_plate_path(fields.path, fields.plate_first, fields.plate_last)
        except ValueError:
            pass
        else:
            return
    fields.build_plate()  # says what is wrong


def is_unicode(text: str) -> bool:
    """Whether a text has no lone surrogates, which models refuse."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
