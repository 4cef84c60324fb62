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
Remark = tuple[ProblemKind, str, str]


@dataclass(frozen=True, slots=True)
class CutProblem:
    """Something about a clip that a person should know."""

    kind: ProblemKind
    what: str
    next_step: str
    clip: str
    """The clip's name in the file; the cut's, where it is about all of it."""
    track: str
    record: FrameRange | None
    """Where it stands in the cut; None where that cannot be said."""
    skipped: bool = True
    """The clip did not become a shot."""

    @property
    def effect(self) -> str:
        """What it means for the shots, in a word or two, as lists of problems begin."""
        return "left out" if self.skipped else "note"

    def __str__(self) -> str:
        where = ", ".join(filter(None, [self.track, self.clip or "unnamed clip"]))
        if self.record is not None:
            where += f", at {self.record}"
        return f"{where}: {self.what}. Next: {self.next_step}"


@dataclass(frozen=True, slots=True)
class CarriedVersion:
    """A version that the file already carries for a clip, as a further media reference."""

    key: str
    version: str
    service: str
    label: str
    status: str
    path: str
    first: int
    """Number of its first frame; for a movie, in the plate's numbering."""
    active: bool


@dataclass(frozen=True, slots=True)
class CutShot:
    """A clip that became a shot."""

    shot: Shot
    clip: str
    """The clip's identity: ours where the file carries it, else made of its media and range."""
    name: str
    """The clip's name in the file."""
    track: str
    media: str
    """The plate's media without its place: the same on every machine and in every dialect."""
    versions: tuple[CarriedVersion, ...] = ()
    carried: bool = False
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
    def of(cls, source: str | Path | CutSource) -> CutSource:
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

    def shot(self, clip: str) -> CutShot | None:
        """The shot of the clip with this identity."""
        return next((item for item in self.shots if item.clip == clip), None)
