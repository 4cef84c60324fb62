"""A cut as Shotbridge sees it: shots, the versions they carry, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from bridge_core.models.frames import FrameRange
from bridge_core.models.shots import Shot


class ProblemKind(StrEnum):
    OFFLINE = "offline"
    """The file names no media, or names it where this machine cannot look."""
    MISSING_FRAMES = "missing frames"
    GENERATOR = "generator"
    """A title, solid or other picture that the host makes itself."""
    EMPTY = "empty"
    OUTSIDE = "outside the media"
    DISABLED = "disabled"
    RETIME = "retime"
    UNSUPPORTED = "unsupported media"
    RATE = "rate"
    """Its times count in something that is no frame rate."""
    BROKEN = "broken"
    ASSUMED = "assumed"
    """The shot was read, but the file left something open."""


#: Kind, words and next step of something about the whole file that a person should know.
DocumentProblem = tuple[ProblemKind, str, str]


@dataclass(frozen=True, slots=True)
class CutProblem:
    """Something about a clip that a person should know."""

    kind: ProblemKind
    message: str
    next_step: str
    clip_name: str
    """The clip's name in the file; the cut's, where it is about all of it."""
    track: str
    record_range: FrameRange | None
    """Where it stands in the cut; None where that cannot be said."""
    skipped: bool = True
    """The clip did not become a shot."""

    @property
    def outcome(self) -> str:
        """What it means for the shots, in a word or two, as lists of problems begin."""
        return "left out" if self.skipped else "note"

    def __str__(self) -> str:
        where = ", ".join(filter(None, [self.track, self.clip_name or "unnamed clip"]))
        if self.record_range is not None:
            where += f", at {self.record_range}"
        return f"{where}: {self.message}. Next: {self.next_step}"


@dataclass(frozen=True, slots=True)
class ReferencedVersion:
    """A version that the file already carries for a clip, as a further media reference."""

    reference_key: str
    version: str
    service: str
    label: str
    status: str
    path: str
    first_frame: int
    """Number of its first frame; for a movie, in the plate's numbering."""
    is_active: bool


@dataclass(frozen=True, slots=True)
class CutShot:
    """A clip that became a shot."""

    shot: Shot
    clip_id: str
    """The clip's identity: ours where the file carries it, else made of its media and range."""
    clip_name: str
    """The clip's name in the file."""
    track: str
    media_key: str
    """The plate's media without its place: the same on every machine and in every dialect."""
    versions: tuple[ReferencedVersion, ...] = ()
    has_stored_id: bool = False
    """The identity is ours and stands in the file."""


@dataclass(frozen=True, slots=True)
class CutSource:
    """A cut's file and how it is read, by which it is read the same way again."""

    path: Path
    timeline: str | None = None
    """The name of the one wanted, where the file holds several."""
    rate: Fraction | None = None
    """What an EDL counts at, which it does not say itself; of other files, it overrules theirs."""

    @classmethod
    def coerce(cls, source: str | Path | CutSource) -> CutSource:
        return source if isinstance(source, CutSource) else cls(Path(source))


@dataclass(frozen=True, slots=True)
class Cut:
    """``rate`` is the timeline's own; ``global_start`` the frame that its first picture has.

    Record ranges of shots and problems include ``global_start``. ``shots`` stand in the order of
    their tracks, bottom to top, and within a track in time.
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
        """The shot of the clip with this identity."""
        return next((item for item in self.shots if item.clip_id == clip_id), None)
