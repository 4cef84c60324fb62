"""States and numbers as the panel displays them.

Every state has a symbol and a text, so that colour is never the only difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bridge_core.models.enumerations import JobOutcome, JobState, ReviewStatus
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import FRAME_NUMBER_PATTERN, split_path
from bridge_ui.core.status_sign import StatusSign, Tone
from bridge_ui.core.translate import tr, tr_count

if TYPE_CHECKING:
    from bridge_core.models.jobs import Cost, Job
    from bridge_core.models.notes import Note
    from bridge_core.models.versions import DecisionRecord, Result


def job_status_sign(job: Job) -> StatusSign:
    """State and progress of a job, short enough for one line of a list."""
    match job.state:
        case JobState.QUEUED:
            ahead = job.queue_position or 0
            text = tr("queued behind {n}", n=ahead) if ahead else tr("queued, next in line")
            return StatusSign("…", text, Tone.BUSY)
        case JobState.RUNNING:
            return StatusSign("▸", _progress_text(job), Tone.BUSY)
        case JobState.SUCCEEDED:
            return StatusSign("✓", tr("done"), Tone.SUCCESS)
        case JobState.FAILED:
            reason = job.problem.message if job.problem else tr("failed")
            return StatusSign("⚠", reason, Tone.ERROR)
        case JobState.CANCELLED:
            return StatusSign("○", _cancelled_text(job), Tone.NEUTRAL)
        case JobState.UNKNOWN:
            return StatusSign("?", tr("the provider cannot say whether it was done"), Tone.ERROR)


def review_status_sign(status: ReviewStatus) -> StatusSign:
    match status:
        case ReviewStatus.PENDING:
            return StatusSign("◆", tr("pending review"), Tone.ATTENTION)
        case ReviewStatus.CHANGES_REQUESTED:
            return StatusSign("↺", tr("changes requested"), Tone.ERROR)
        case ReviewStatus.APPROVED:
            return StatusSign("✓", tr("approved"), Tone.SUCCESS)
        case ReviewStatus.REJECTED:
            return StatusSign("✕", tr("rejected"), Tone.ERROR)


def decision_text(record: DecisionRecord) -> str:
    """``✓ approved by Ada Lovelace, 2026-01-31 14:05``"""
    sign = review_status_sign(record.status)
    return tr(
        "{sign} {status} by {who}, {when}",
        sign=sign.symbol,
        status=sign.text,
        who=record.by,
        when=format_timestamp(record.at),
    )


def missing_user_name() -> tuple[str, str]:
    """Problem and next step if the user's name is blank."""
    return (
        tr("your name is blank, and every request and decision is recorded under a name"),
        tr("open Connection, enter your name under User, and save"),
    )


def documents_text(result: Result) -> str:
    """``1 text, 3 findings``; empty if the result has neither."""
    texts, findings = len(result.texts), result.finding_count
    parts = (
        tr_count(texts, "{n} text", "{n} texts") if texts else "",
        tr_count(findings, "{n} finding", "{n} findings") if findings else "",
    )
    return ", ".join(filter(None, parts))


def needs_resolution(job: Job) -> bool:
    """Whether the provider's work and charge are not known, and nobody has said what they are."""
    cancellation = job.cancellation
    if job.state is JobState.CANCELLED and cancellation is not None and job.resolution is None:
        return cancellation.provider_stopped is not True and cancellation.charge is None
    return job.state is JobState.UNKNOWN


def resolution_text(job: Job) -> str:
    """``not made, says Ada Lovelace, 2026-01-31 14:05: REASON``; empty: nobody had to say."""
    record = job.resolution
    if record is None:
        return ""
    made = record.outcome is JobOutcome.MADE_ELSEWHERE
    return tr(
        "{outcome}, says {who}, {when}: {reason}",
        outcome=tr("made at the provider, not in the library") if made else tr("not made"),
        who=record.by,
        when=format_timestamp(record.at),
        reason=record.text,
    )


def format_cost(cost: Cost) -> str:
    """``1.20 USD``; ``nothing`` for 0."""
    return str(cost) if cost.amount else tr("nothing")


def _cancelled_text(job: Job) -> str:
    """``cancelled``, and of work at a provider: whether it stopped, and what it charges."""
    cancellation = job.cancellation
    if cancellation is None:
        return tr("cancelled")
    stopped = {
        True: tr("cancelled: the provider has stopped"),
        False: tr("cancelled: the provider did not stop"),
        None: tr("cancelled: the provider has not said whether it stopped"),
    }[cancellation.provider_stopped]
    if job.resolution is not None and cancellation.charge is None:
        return stopped  # a person has said the rest
    if cancellation.charge is None:
        return tr("{stopped}; what it charges is not known", stopped=stopped)
    return tr(
        "{stopped}; it charges {cost}", stopped=stopped, cost=format_cost(cancellation.charge)
    )


def _progress_text(job: Job) -> str:
    progress = job.progress
    parts = [progress.step or tr("running")]
    if progress.total:
        parts.append(tr("{done} of {total}", done=progress.done, total=progress.total))
    elif progress.completed is not None:
        parts.append(f"{progress.completed:.0%}")
    if progress.seconds_left is not None:
        parts.append(tr("{time} left", time=format_duration(progress.seconds_left)))
    if progress.message:
        parts.append(progress.message)
    return " · ".join(parts)


def format_duration(seconds: float) -> str:
    """``0:31``, ``12:05``, ``1:02:09``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def format_estimated_duration(seconds: float) -> str:
    """``about 6 min``: as precise as an estimate can be."""
    if seconds < 90:
        return tr("about {n} s", n=max(1, round(seconds)))
    if seconds < 5400:
        return tr("about {n} min", n=round(seconds / 60))
    return tr("about {n} h", n=f"{seconds / 3600:.1f}")


def format_size(size: int) -> str:
    """Size in powers of 1000, as disks are sold: ``6.3 MB``."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def format_frame_count(count: int) -> str:
    return tr_count(count, "{n} frame", "{n} frames")


def format_names(names: Sequence[str]) -> str:
    """``S_010, S_020, S_030 and 4 more``"""
    text = ", ".join(names[:3])
    more = len(names) - 3
    return f"{text} {tr_count(more, 'and {n} more', 'and {n} more')}" if more > 0 else text


def file_names(paths: Iterable[str]) -> str:
    """``sky.####.exr, face.png``: without folders."""
    names = (split_path(path)[1] for path in paths)
    return ", ".join(
        FRAME_NUMBER_PATTERN.sub(lambda found: "#" * int(found[1] or 1), name) for name in names
    )


def format_range(frames: FrameRange) -> str:
    """``1001–1132``"""
    return f"{frames.first}–{frames.last}"


def note_frames_text(note: Note) -> str:
    """The frames of a note, or the frame of its drawing: ``1010``, ``1010–1020``; empty: the whole
    version."""
    frames = note.frames
    if frames is not None and frames.count > 1:
        return format_range(frames)
    return "" if note.display_frame is None else str(note.display_frame)


def format_timestamp(timestamp: datetime) -> str:
    """Local date and time: ``2026-01-31 14:05``."""
    return f"{timestamp.astimezone():%Y-%m-%d %H:%M}"
