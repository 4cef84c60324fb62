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
        raise ValueError("a name is not empty and neither starts nor ends with a dot or a space")
    match = _INVALID_NAME_CHARACTERS.search(value)
    if match:
        raise ValueError(f"a name becomes part of a folder's and holds no {match[0]!r}")
    return value


#: Names become folder names on three operating systems.
PathSafeName = Annotated[str, Field(max_length=128), AfterValidator(_valid_name)]


def sanitise_name(text: str, *, default: str) -> str:
    """The nearest text that is a :data:`Name`; ``otherwise`` where nothing is left of it."""
    return (
        _strip_spaces_and_dots(
            _strip_spaces_and_dots(_INVALID_NAME_CHARACTERS.sub("_", text))[:128]
        )
        or default
    )


def strip_version(stem: str) -> str:
    """A work file's name without its version and what people write after that: ``AB_0010_comp`` of
    ``AB_0010_comp_v012_ada``."""
    return _VERSION_SUFFIX.sub("", stem) or stem


def _strip_spaces_and_dots(text: str) -> str:
    """Without spaces (of any script) and dots at both ends."""
    while text != (shorter := text.strip().strip(".")):
        text = shorter
    return text


class ShotId(StrictModel):
    """Which shot of which show."""

    show: PathSafeName
    sequence: PathSafeName
    shot: PathSafeName

    def __str__(self) -> str:
        return f"{self.show}/{self.sequence}/{self.shot}"


class Shot(StrictModel):
    """A shot: a stretch of a plate that a cut shows, and the handles around it.

    All ranges are inclusive. ``cut_range`` counts in the plate's numbering and rate: the plate
    frames that the cut shows. ``record_range`` counts in the cut's: where the shot stands on the
    timeline; with a retime it has another length.
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
    """How far into the plate frame that it shows first the shot starts, in plate frames; not 0
    where the cut counts at another rate than the plate."""
    record_range: FrameRange | None = None
    clip_id: str | None = None
    """Identity of the clip in the timeline that it came from."""

    @model_validator(mode="after")
    def _validate_cut_range(self) -> Self:
        if self.cut_range.rate != self.plate.range.rate:
            raise ValueError(
                f"the cut range counts at {self.cut_range.rate} and the plate at "
                f"{self.plate.range.rate} frames per second; both count in plate frames"
            )
        if not self.plate.range.contains_range(self.cut_range):
            raise ValueError(
                f"the cut uses {self.cut_range}, the plate holds {self.plate.range} only"
            )
        return self

    def plate_frames(self) -> list[int]:
        """The plate frame that the cut shows at each frame of ``record_range``; without one, []."""
        span = self.record_range
        if span is None:
            return []
        shown = self.retime.plate_frames(
            self.cut_range, span.count, rate=span.rate, phase=self.phase
        )
        return list(shown)

    def plate_frame(self, record: int) -> int | None:
        """The plate frame that the cut shows at a frame of its own, as ``record_range`` counts.

        Beside the record range a shot that is not retimed goes on into its handles. None: nothing
        of the shot is there, or it is not known where it stands.
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
        """What is sent and comes back: the cut range with as much of the handles as exists."""
        wanted = self.cut_range.with_handles(self.head_handle, self.tail_handle)
        available = wanted.intersection(self.plate.range)
        assert available is not None  # the plate covers the cut range
        return available
