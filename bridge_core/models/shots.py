"""Shows, sequences, shots."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from bridge_core.models.base import StrictModel
from bridge_core.models.frames import FrameRange, Ratio, Retime
from bridge_core.models.media import Plate
from bridge_core.text.control_characters import CONTROLS

_INVALID_NAME_CHARACTERS = re.compile(rf'[{CONTROLS}<>:"/\\|?*]')
_VERSION_SUFFIX = re.compile(r"[._ -]v\d+(?![0-9A-Za-z]).*$", re.IGNORECASE)


def _valid_name(value: str) -> str:
    if value != value.strip() or not value or value.startswith(".") or value.endswith("."):
        raise ValueError("a name must not be empty, nor start or end with a dot or a space")
    match = _INVALID_NAME_CHARACTERS.search(value)
    if match:
        raise ValueError(f"a name is used as a folder name and cannot contain {match[0]!r}")
    return value


#: Names become folder names on three operating systems.
PathSafeName = Annotated[str, Field(max_length=128), AfterValidator(_valid_name)]


def sanitise_name(text: str, *, default: str) -> str:
    """The nearest valid :data:`PathSafeName`; ``default`` if nothing is left of ``text``."""
    valid = _strip_spaces_and_dots(_INVALID_NAME_CHARACTERS.sub("_", text))
    return _strip_spaces_and_dots(valid[:128]) or default


def strip_version(stem: str) -> str:
    """The name of a work file without its version and anything after it: ``AB_0010_comp`` for
    ``AB_0010_comp_v012_ada``."""
    return _VERSION_SUFFIX.sub("", stem) or stem


def _strip_spaces_and_dots(text: str) -> str:
    """Strip dots and Unicode whitespace from both ends."""
    while text != (shorter := text.strip().strip(".")):
        text = shorter
    return text


class ShotId(StrictModel):
    """Identifies a shot within a show and sequence."""

    show: PathSafeName
    sequence: PathSafeName
    shot: PathSafeName

    def __str__(self) -> str:
        return f"{self.show}/{self.sequence}/{self.shot}"


class Shot(StrictModel):
    """A shot: the part of a plate that a cut uses, and the handles around it.

    All ranges are inclusive. ``cut_range`` is in the plate's frame numbers and rate: the plate
    frames that the cut uses. ``record_range`` is in those of the timeline: where the shot sits in
    the cut. With a retime the two differ in length.
    """

    id: ShotId
    plate: Plate
    cut_range: FrameRange
    head_handle: int = Field(default=0, ge=0)
    """Frames wanted before the cut range, in plate frames."""
    tail_handle: int = Field(default=0, ge=0)
    """Frames wanted after the cut range, in plate frames."""
    retime: Retime = Retime()
    phase: Ratio = Fraction(0)
    """Offset of the shot's start within its first plate frame, in plate frames. Not 0 only if the
    cut and the plate have different rates."""
    record_range: FrameRange | None = None
    clip_id: str | None = None
    """Identity of the clip in the timeline that the shot was read from."""

    @model_validator(mode="after")
    def _validate_cut_range(self) -> Self:
        if self.cut_range.rate != self.plate.range.rate:
            raise ValueError(
                f"the cut range is at {self.cut_range.rate} and the plate is at "
                f"{self.plate.range.rate} frames per second; both must be in plate frames"
            )
        if not self.plate.range.contains_range(self.cut_range):
            has = f"the plate only has {self.plate.range}"
            raise ValueError(f"the cut uses {self.cut_range}, but {has}")
        return self

    def plate_frames(self) -> list[int]:
        """The plate frame shown at each frame of ``record_range``; [] if there is none."""
        span = self.record_range
        if span is None:
            return []
        cut_range, count = self.cut_range, span.count
        return list(self.retime.plate_frames(cut_range, count, rate=span.rate, phase=self.phase))

    def plate_frame(self, record: int) -> int | None:
        """The plate frame that the cut shows at a record frame.

        Outside the record range, a shot without a retime continues into its handles. None if the
        shot has no picture there, or no record range.
        """
        span = self.record_range
        if span is None:
            return None
        if record in span:
            return self.plate_frames()[record - span.first]
        step = self.plate.range.rate / span.rate
        beside = self.cut_range.first + math.floor(self.phase + (record - span.first) * step)
        return beside if self.retime.is_identity and beside in self.work_range else None

    @property
    def work_range(self) -> FrameRange:
        """The frames to process: the cut range plus the handles, as far as the plate has them."""
        frames_with_handles = self.cut_range.with_handles(self.head_handle, self.tail_handle)
        available = frames_with_handles.intersection(self.plate.range)
        assert available is not None  # the plate contains the cut range
        return available
