"""The content of a review report: shots, their versions, notes and decisions.

:mod:`~bridge_ui.review.report.html_report` and
:mod:`~bridge_ui.review.report.pdf_report_painter` write it to files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING

from bridge_core.models.enumerations import ReviewStatus
from bridge_ui.core.display_text import (
    decision_text,
    format_range,
    format_timestamp,
    review_status_sign,
)
from bridge_ui.core.status_sign import StatusSign
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.review.player.frame_sources import result_frames
from bridge_ui.review.player.plate_timecode import PlateTimecode

if TYPE_CHECKING:
    from datetime import datetime

    from bridge_core.client import Client
    from bridge_core.models.media import Plate
    from bridge_core.models.notes import Note
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Version
    from bridge_ui.review.player.frame_sources import FrameSource


class ReportScope(StrEnum):
    """What a review report covers."""

    VERSION = "version"
    SELECTED = "selected"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class ReportVersion:
    """A version in a report."""

    title: str
    """``Upscale v003``"""
    version: Version
    notes: tuple[Note, ...]
    """By frame; those on the whole version first."""
    frame_source: FrameSource
    key_frame: int
    """The frame that represents the version."""

    @property
    def sign(self) -> StatusSign:
        return review_status_sign(self.version.status)

    @property
    def status_text(self) -> str:
        """``✓ approved by Ada Lovelace, 2026-01-31 14:05``, ``◆ pending review``"""
        decisions = self.version.decisions
        return decision_text(decisions[-1]) if decisions else f"{self.sign.symbol} {self.sign.text}"

    @property
    def version_notes(self) -> tuple[Note, ...]:
        """Notes on the whole version without strokes."""
        return tuple(note for note in self.notes if note.frames is None and not note.strokes)

    @property
    def frame_notes(self) -> tuple[Note, ...]:
        """Notes with a picture of their own."""
        return tuple(note for note in self.notes if note.frames is not None or note.strokes)

    def frame_for(self, note: Note) -> int:
        """The frame to show a note on."""
        return note.display_frame if note.display_frame is not None else self.key_frame

    @property
    def details_text(self) -> str:
        """``2560×1440 · frames 1001–1024 · requested by Ada Lovelace, 2026-01-31 14:05``"""
        version = self.version
        size = [f"{out.width}×{out.height}" for out in version.outputs[:1]]
        frames = tr("frames {range}", range=f"{version.frames[0]}–{version.frames[-1]}")
        requested = tr(
            "requested by {who}, {when}",
            who=version.requested_by,
            when=format_timestamp(version.created),
        )
        return " · ".join([*size, frames, requested])


@dataclass(frozen=True, slots=True)
class ReportShot:
    """A shot in a report."""

    shot: Shot
    versions: tuple[ReportVersion, ...]
    """Newest first."""

    @property
    def name(self) -> str:
        return self.shot.id.shot

    @property
    def details_text(self) -> str:
        """``BBB · SQ_010 · frames 1001–1024``"""
        shot_id, cut = self.shot.id, self.shot.cut_range
        frames = tr("frames {range}", range=format_range(cut))
        return " · ".join([shot_id.show, shot_id.sequence, frames])


@dataclass(frozen=True, slots=True)
class ReviewReport:
    """The content of a report, in the order of the cut."""

    title: str
    author: str
    """The user who writes it."""
    created: datetime
    shots: tuple[ReportShot, ...]

    @property
    def created_text(self) -> str:
        """``2026-01-31 14:05, Ada Lovelace``"""
        return f"{format_timestamp(self.created)}, {self.author}"

    @property
    def summary(self) -> str:
        """``3 shots, 4 versions: 2 pending review, 2 approved; 1 shot without a version``"""
        text = tr_count(len(self.shots), "{n} shot", "{n} shots")
        versions = chain.from_iterable(shot.versions for shot in self.shots)
        status_counts = Counter(reported.version.status for reported in versions)
        if status_counts:
            text += ", " + tr_count(status_counts.total(), "{n} version", "{n} versions") + ": "
            text += ", ".join(
                f"{status_counts[s]} {review_status_sign(s).text}"
                for s in ReviewStatus
                if status_counts[s]
            )
        count = sum(not shot.versions for shot in self.shots)
        if count:
            without = tr_count(count, "{n} shot without a version", "{n} shots without a version")
            text += f"; {without}"
        return text


def collect_report_shots(
    client: Client,
    shots: Iterable[Shot],
    service_title: Callable[[str], str],
    *,
    only_version: str | None = None,
    check_cancelled: Callable[[], None] = lambda: None,
) -> tuple[ReportShot, ...]:
    """Collect all versions of these shots, or ``only_version`` by its id, with their notes.
    Blocks: call it in a worker. ``check_cancelled`` is called between requests.

    :raises ShotbridgeError: the gateway does not answer.
    """
    unique = {shot.id: shot for shot in shots}.values()

    def report_versions(shot: Shot) -> Iterable[ReportVersion]:
        check_cancelled()
        shot_id = shot.id
        versions = client.versions(show=shot_id.show, sequence=shot_id.sequence, shot=shot_id.shot)
        versions.sort(key=lambda v: (v.created, v.service, v.number), reverse=True)
        for version in versions:
            if only_version is not None and version.id != only_version:
                continue
            title = f"{service_title(version.service)} {version.label}"
            yield ReportVersion(
                title,
                version,
                tuple(sorted(client.notes(version.id), key=note_sort_key)),
                result_frames(client, version),
                choose_key_frame(shot, version.frames),
            )

    return tuple(ReportShot(shot, tuple(report_versions(shot))) for shot in unique)


def note_sort_key(note: Note) -> tuple[bool, int, datetime]:
    """Sort key for notes by frame, with those on the whole version first."""
    return note.display_frame is not None, note.display_frame or 0, note.at


def choose_key_frame(shot: Shot, frames: Sequence[int]) -> int:
    """The frame nearest to the middle of the cut range."""
    middle = (shot.cut_range.first + shot.cut_range.last) // 2
    return min(frames, key=lambda frame: abs(frame - middle))


def note_location_text(note: Note, plate: Plate) -> str:
    """The frames of a note: ``frame 1010 · 00:00:40:10``, ``frames 1010–1020 · drawn on 1012``,
    ``whole version``."""
    frames, drawn_on = note.frames, note.drawn_on
    if frames is not None and frames.count == 1 and drawn_on in (None, frames.first):
        counting = PlateTimecode.from_plate(plate)
        text = tr("frame {n}", n=frames.first)
        return f"{text} · {counting.timecode(frames.first)}" if counting is not None else text
    if frames is None:
        text = tr("whole version")
    else:
        text = tr("frames {range}", range=format_range(frames))
    return text if drawn_on is None else tr("{frames} · drawn on {n}", frames=text, n=drawn_on)


def note_author_text(note: Note) -> str:
    """``Ada Lovelace, 2026-01-31 14:05``"""
    return f"{note.by}, {format_timestamp(note.at)}"
