"""What a review sheet tells: shots, their versions, what was decided and said. No pictures of its
own and no paper: :mod:`bridge_ui.review.sheet_html` and ``sheet_pdf`` make those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bridge_core.models.versions import ReviewStatus
from bridge_ui.controllers.counting import Counting
from bridge_ui.controllers.frames import ResultFrames
from bridge_ui.controllers.signs import Sign
from bridge_ui.controllers.words import decided, review_sign, spell_when, status_words
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from datetime import datetime

    from bridge_core.client import Client
    from bridge_core.models.media import Plate
    from bridge_core.models.notes import Note
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Version
    from bridge_ui.controllers.frames import FrameSource


@dataclass(frozen=True, slots=True)
class SheetVersion:
    """A version on a sheet."""

    title: str
    """``Upscale v003``"""
    version: Version
    notes: tuple[Note, ...]
    """By frame; those on the whole version first."""
    pictures: FrameSource
    key_frame: int
    """The frame that stands for the version."""

    @property
    def sign(self) -> Sign:
        """As :func:`bridge_ui.controllers.words.review_sign`, in words for whoever gets it."""
        return replace(review_sign(self.version.status), words=status_words(self.version.status))

    @property
    def standing(self) -> str:
        """``✓ approved by Ada Lovelace, 2026-01-31 14:05``, ``◆ pending review``"""
        decisions = self.version.decisions
        return decided(decisions[-1]) if decisions else f"{self.sign.mark} {self.sign.words}"

    @property
    def on_the_whole(self) -> tuple[Note, ...]:
        """Notes that speak of no frame and draw nothing."""
        return tuple(note for note in self.notes if note.frames is None and not note.strokes)

    @property
    def on_frames(self) -> tuple[Note, ...]:
        """Notes that are shown with a picture of their own."""
        return tuple(note for note in self.notes if note.frames is not None or note.strokes)

    def frame_for(self, note: Note) -> int:
        """The frame to show a note on."""
        return note.frame if note.frame is not None else self.key_frame

    @property
    def facts(self) -> str:
        """``2560×1440 · frames 1001–1024 · asked by Ada Lovelace, 2026-01-31 14:05``"""
        version = self.version
        size = [f"{out.width}×{out.height}" for out in version.outputs[:1]]
        frames = tr("frames {range}", range=f"{version.frames[0]}–{version.frames[-1]}")
        asked = tr("asked by {who}, {when}", who=version.asked_by, when=spell_when(version.created))
        return " · ".join([*size, frames, asked])


@dataclass(frozen=True, slots=True)
class SheetShot:
    """A shot on a sheet."""

    shot: Shot
    versions: tuple[SheetVersion, ...]
    """The newest first; none: nothing was made."""

    @property
    def name(self) -> str:
        return self.shot.id.shot

    @property
    def facts(self) -> str:
        """``BBB · SQ_010 · frames 1001–1024``"""
        which, cut = self.shot.id, self.shot.cut_range
        frames = tr("frames {range}", range=f"{cut.first}–{cut.last}")
        return " · ".join([which.show, which.sequence, frames])


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that a sheet tells, in the order of the cut."""

    title: str
    by: str
    """Who had it made."""
    at: datetime
    shots: tuple[SheetShot, ...]

    @property
    def made(self) -> str:
        """``2026-01-31 14:05, Ada Lovelace``"""
        return f"{spell_when(self.at)}, {self.by}"

    @property
    def summary(self) -> str:
        """``3 shots, 4 versions: 2 pending review, 2 approved; 1 shot without a version``: every
        version on the sheet counts."""
        told = counted(len(self.shots), "{n} shot", "{n} shots")
        found = Counter(one.version.status for shot in self.shots for one in shot.versions)
        if found:
            told += ", " + counted(found.total(), "{n} version", "{n} versions") + ": "
            told += ", ".join(f"{found[s]} {status_words(s)}" for s in ReviewStatus if found[s])
        nothing = sum(not shot.versions for shot in self.shots)
        if nothing:
            without = counted(nothing, "{n} shot without a version", "{n} shots without a version")
            told += f"; {without}"
        return told


def gather(
    client: Client,
    shots: Iterable[Shot],
    title: Callable[[str], str],
    *,
    only: str | None = None,
    pause: Callable[[], None] = lambda: None,
) -> tuple[SheetShot, ...]:
    """What the gateway knows of these shots, each named once. Asks the gateway: for a worker.

    Of every shot every version: each waits for review, or something was decided about it;
    ``only`` is the id of the one version to show. ``title`` names a service. ``pause`` is called
    between calls, and raises where nobody wants the answer any more.

    :raises ShotbridgeError: the gateway does not answer.
    """
    unique = {shot.id: shot for shot in shots}.values()

    def listed(shot: Shot) -> Iterable[SheetVersion]:
        pause()
        which = shot.id
        found = client.versions(show=which.show, sequence=which.sequence, shot=which.shot)
        found.sort(key=lambda v: (v.created, v.service, v.number), reverse=True)
        for version in found:
            if only is not None and version.id != only:
                continue
            name = f"{title(version.service)} {version.label}"
            yield SheetVersion(
                name,
                version,
                tuple(sorted(client.notes(version.id), key=in_order)),
                ResultFrames(client, version, name),
                key_frame_of(shot, version.frames),
            )

    return tuple(SheetShot(shot, tuple(listed(shot))) for shot in unique)


def in_order(note: Note) -> tuple[bool, int, datetime]:
    """Sorts notes by frame, those on the whole version first."""
    return note.frame is not None, note.frame or 0, note.at


def key_frame_of(shot: Shot, frames: Sequence[int]) -> int:
    """The frame nearest to the middle of the cut range."""
    middle = (shot.cut_range.first + shot.cut_range.last) // 2
    return min(frames, key=lambda frame: abs(frame - middle))


def place_of(note: Note, plate: Plate) -> str:
    """Where a note belongs: ``frame 1010 · 00:00:40:10``, ``frames 1010–1020 · drawn on 1012``,
    the whole."""
    frames, drawn = note.frames, note.drawn_on
    if frames is not None and frames.count == 1 and drawn in (None, frames.first):
        counting = Counting.of(plate)
        words = tr("frame {n}", n=frames.first)
        return f"{words} · {counting.timecode(frames.first)}" if counting is not None else words
    if frames is None:
        words = tr("whole version")
    else:
        words = tr("frames {range}", range=f"{frames.first}–{frames.last}")
    return words if drawn is None else tr("{place} · drawn on {n}", place=words, n=drawn)


def said_by(note: Note) -> str:
    """``Ada Lovelace, 2026-01-31 14:05``"""
    return f"{note.by}, {spell_when(note.at)}"
