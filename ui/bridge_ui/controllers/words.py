"""States and numbers as the panel spells them. Every state has a sign besides its word, so that
colour is never the only thing that tells it."""

from __future__ import annotations

from datetime import datetime

from bridge_core.models.jobs import Job, JobState
from bridge_core.models.notes import Note
from bridge_core.models.versions import DecisionRecord, ReviewStatus
from bridge_ui.controllers.signs import Sign, Tone
from bridge_ui.translate import counted, tr


def job_sign(job: Job) -> Sign:
    """State and progress of a job, short enough for one line of a list."""
    match job.state:
        case JobState.QUEUED:
            ahead = job.queue_position or 0
            words = tr("waits behind {n}", n=ahead) if ahead else tr("queued, next in line")
            return Sign("…", words, Tone.BUSY)
        case JobState.RUNNING:
            return Sign("▸", _progress(job), Tone.BUSY)
        case JobState.SUCCEEDED:
            return Sign("✓", tr("done"), Tone.GOOD)
        case JobState.FAILED:
            told = job.problem.what if job.problem else tr("failed")
            return Sign("⚠", told, Tone.BAD)
        case JobState.CANCELLED:
            return Sign("○", tr("cancelled"), Tone.PLAIN)
        case JobState.UNKNOWN:
            return Sign("?", tr("the provider does not say what became of it"), Tone.BAD)


def review_sign(status: ReviewStatus) -> Sign:
    match status:
        case ReviewStatus.PENDING:
            return Sign("◆", tr("waits for your review"), Tone.WAITS)
        case ReviewStatus.CHANGES_REQUESTED:
            return Sign("↺", tr("changes asked"), Tone.BAD)
        case ReviewStatus.APPROVED:
            return Sign("✓", tr("approved"), Tone.GOOD)
        case ReviewStatus.REJECTED:
            return Sign("✕", tr("rejected"), Tone.BAD)


def status_words(status: ReviewStatus) -> str:
    """A status by itself: ``approved``, ``pending review``."""
    return {
        ReviewStatus.PENDING: tr("pending review"),
        ReviewStatus.CHANGES_REQUESTED: tr("changes requested"),
        ReviewStatus.APPROVED: tr("approved"),
        ReviewStatus.REJECTED: tr("rejected"),
    }[status]


def decided(record: DecisionRecord) -> str:
    """``✓ approved by Ada Lovelace, 2026-01-31 14:05``"""
    return tr(
        "{sign} {status} by {who}, {when}",
        sign=review_sign(record.status).mark,
        status=status_words(record.status),
        who=record.by,
        when=spell_when(record.at),
    )


def name_missing() -> tuple[str, str]:
    """What is wrong where the user's name is blank, and what to do."""
    return (
        tr("nobody's name would stand under this: yours is blank"),
        tr("press the lamp, write yours under You are, and open the panel again"),
    )


def _progress(job: Job) -> str:
    progress = job.progress
    parts = [progress.step or tr("running")]
    if progress.total:
        parts.append(tr("{done} of {total}", done=progress.done, total=progress.total))
    if progress.seconds_left is not None:
        parts.append(tr("{time} left", time=spell_seconds(progress.seconds_left)))
    return " · ".join(parts)


def spell_seconds(seconds: float) -> str:
    """``0:31``, ``12:05``, ``1:02:09``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def spell_duration(seconds: float) -> str:
    """``about 6 min``: as exact as a guess deserves."""
    if seconds < 90:
        return tr("about {n} s", n=max(1, round(seconds)))
    if seconds < 5400:
        return tr("about {n} min", n=round(seconds / 60))
    return tr("about {n} h", n=f"{seconds / 3600:.1f}")


def spell_bytes(size: int) -> str:
    """Size in powers of 1000, as disks are sold: ``6.3 MB``."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def spell_frames(count: int) -> str:
    return counted(count, "{n} frame", "{n} frames")


def spell_place(note: Note) -> str:
    """The frames that a note speaks of, or else the one that it draws on: ``1010``,
    ``1010–1020``; empty: the whole version."""
    frames = note.frames
    if frames is not None and frames.count > 1:
        return f"{frames.first}–{frames.last}"
    return "" if note.frame is None else str(note.frame)


def spell_when(at: datetime) -> str:
    """Day and time on this machine's clock: ``2026-01-31 14:05``."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
