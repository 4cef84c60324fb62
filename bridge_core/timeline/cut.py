"""A cut as Shotbridge reads it: its shots, the versions it references, and its problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from bridge_core.models.frames import FrameRange
from bridge_core.models.shots import Shot, ShotId
from bridge_core.timeline.shot_fields import ShotFields


class ProblemKind(StrEnum):
    OFFLINE = "offline"
    """The file references no media, or media that this machine cannot reach."""
    MISSING_FRAMES = "missing frames"
    GENERATOR = "generator"
    """A title, solid or other picture that the host generates."""
    EMPTY = "empty"
    OUTSIDE = "outside the media"
    DISABLED = "disabled"
    RETIME = "retime"
    UNSUPPORTED = "unsupported media"
    RATE = "rate"
    """Its times have a rate that is not a frame rate."""
    BROKEN = "broken"
    ASSUMED = "assumed"
    """The shot was read, but something that the file does not say had to be assumed."""


#: What to do about a damaged part of a file.
EXPORT_AGAIN = "correct it in the host and export the cut again"


class UnusableClipError(Exception):
    """A clip cannot become a shot."""

    def __init__(self, kind: ProblemKind, message: str, next_step: str) -> None:
        super().__init__(message)
        self.kind, self.message, self.next_step = kind, message, next_step


#: Kind, message and next step of a problem with the whole file.
DocumentProblem = tuple[ProblemKind, str, str]


@dataclass(frozen=True, slots=True)
class CutProblem:
    """A problem with a clip, or with the whole cut."""

    kind: ProblemKind
    message: str
    next_step: str
    clip_name: str
    """The clip's name in the file; the cut's name for a problem with the whole cut."""
    track: str
    record_range: FrameRange | None
    """The clip's range in the cut; None where it is not known."""
    skipped: bool = True
    """The clip did not become a shot."""

    @property
    def outcome(self) -> str:
        """``skipped`` or ``warning``: how the problem affects the clip."""
        return "skipped" if self.skipped else "warning"

    def __str__(self) -> str:
        where = ", ".join(filter(None, [self.track, self.clip_name or "unnamed clip"]))
        if self.record_range is not None:
            where += f", at {self.record_range}"
        return f"{where}: {self.message}. Next: {self.next_step}"


@dataclass(frozen=True, slots=True)
class ReferencedVersion:
    """A version that the file already has for a clip, as a further media reference."""

    reference_key: str
    version: str
    service: str
    label: str
    status: str
    path: str
    first_frame: int
    """Number of its first frame; for a movie, in the plate's frame numbers."""
    is_active: bool


@dataclass(frozen=True, slots=True)
class CutShot:
    """A clip that became a shot."""

    fields: ShotFields
    show: str
    sequence: str
    name: str
    """The shot's name, unique in its sequence."""
    clip_id: str
    """The clip's id: ours where the file stores one, else computed from its media and range."""
    clip_name: str
    """The clip's name in the file."""
    track: str
    media_key: str
    """The plate's media without its root folder: the same on every machine and in every format."""
    versions: tuple[ReferencedVersion, ...] = ()
    has_stored_id: bool = False
    """The id is stored in the file."""
    _shot: Shot | None = field(default=None, init=False, compare=False, repr=False)

    @property
    def shot_id(self) -> ShotId:
        return ShotId(show=self.show, sequence=self.sequence, shot=self.name)

    @property
    def shot(self) -> Shot:
        """Built from the other fields when first needed."""
        shot = self._shot
        if shot is None:
            shot = self.fields.build_shot(self.shot_id, self.clip_id)
            object.__setattr__(self, "_shot", shot)
        return shot

    def problem(
        self, kind: ProblemKind, message: str, next_step: str, *, skipped: bool = True
    ) -> CutProblem:
        """A problem with this clip."""
        fields = self.fields
        record_range = FrameRange(
            first=fields.record_first, last=fields.record_last, rate=fields.record_rate
        )
        return CutProblem(
            kind, message, next_step, self.clip_name, self.track, record_range, skipped
        )


@dataclass(frozen=True, slots=True)
class CutSource:
    """A cut's file and the options it is read with, so that it can be read again the same way."""

    path: Path
    timeline: str | None = None
    """The name of the timeline, where the file holds several."""
    rate: Fraction | None = None
    """The rate of an EDL, which does not give its own; for other files, it overrides theirs."""

    @classmethod
    def coerce(cls, source: str | Path | CutSource) -> CutSource:
        return source if isinstance(source, CutSource) else cls(Path(source))


@dataclass(frozen=True, slots=True)
class Cut:
    """``rate`` is the timeline's own; ``global_start`` is the number of its first frame.

    Record ranges of shots and problems include ``global_start``. ``shots`` are ordered by track,
    bottom to top, and within a track by time.
    """

    source: CutSource
    name: str
    show: str
    rate: Fraction
    global_start: int
    shots: tuple[CutShot, ...]
    problems: tuple[CutProblem, ...]

    @property
    def path(self) -> Path:
        return self.source.path

    def __iter__(self) -> Iterator[CutShot]:
        return iter(self.shots)

    def find_shot(self, clip_id: str) -> CutShot | None:
        return next((item for item in self.shots if item.clip_id == clip_id), None)
