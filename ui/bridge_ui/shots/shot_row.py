"""How a shot stands, as one row of the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bridge_core.models.jobs import JobState
from bridge_core.models.versions import ReviewStatus
from bridge_ui.core.display_text import job_status_sign, review_status_sign
from bridge_ui.core.status_sign import StatusSign, Tone
from bridge_ui.core.translate import tr, tr_count

if TYPE_CHECKING:
    from bridge_core.hosts.base import HostProblem, HostScene, HostShot
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.jobs import Job
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Version
    from bridge_core.timeline.diff import ShotChange
    from bridge_ui.core.store import Store


@dataclass(frozen=True, slots=True)
class ShotRow:
    """A shot as the list shows it."""

    key: str
    """The host's handle of it; the row's identity."""
    shot: Shot | None
    """None: it cannot be sent, ``problem`` says why."""
    name: str
    source: str
    """What the host calls it: a track, a node."""
    sign: StatusSign
    """The most important first: failed jobs, versions that wait for review, running jobs,
    decisions, or that nothing was sent yet."""
    progress: float | None = None
    """0 to 1 of a running job; None otherwise."""
    newest_version_id: str | None = None
    """Id of its newest version."""
    problem: str = ""
    next_step: str = ""
    change_text: str = ""
    """What is different in the cut that it is compared with, in words; empty otherwise."""
    is_changed: bool = False
    """Its versions may not fit any more."""
    attention_ids: tuple[str, ...] = ()
    """What needs somebody: ids of versions that wait for review and of jobs that failed, or the
    row's own key where it cannot be sent."""
    record_range: FrameRange | None = None
    """Where what is no shot stands in the cut."""
    needs_render: bool = False
    """The host has yet to write its plate."""
    placed_version_ids: tuple[str, ...] = ()
    """Ids of the versions that stand in the host."""
    active_version_id: str = ""
    """Id of the one that the host shows."""

    @property
    def needs_attention(self) -> bool:
        return bool(self.attention_ids)

    @property
    def range_text(self) -> str:
        """``1001–1132 · 132 + 16 handles · 50 %``; asked for by rows in sight only."""
        if self.shot is not None:
            return shot_range_text(self.shot)
        return (
            tr("at {range}", range=_range_text(self.record_range))
            if self.record_range is not None
            else ""
        )

    def matches(self, terms: list[str]) -> bool:
        """Whether every word (in small letters) is found in what it says."""
        sequence = self.shot.id.sequence if self.shot else ""
        text = f"{self.name} {sequence} {self.source} {self.sign.text} {self.change_text}".lower()
        return all(word in text for word in terms)


def build_rows(scene: HostScene) -> list[ShotRow]:
    """Rows as they are before anything is known of jobs and versions, in the scene's order; what
    did not become a shot stands where its record range puts it."""
    remarks = {p.item_id: p for p in scene.problems if not p.skipped and p.item_id}
    rows: list[tuple[int, ShotRow]] = []
    last, not_sent = 0, not_sent_sign()
    for item in scene.shots:
        record = item.shot.record_range
        last = record.first if record is not None else last
        rows.append((last, _shot_row(item, remarks.get(item.item_id), not_sent)))
    skipped = [p for p in scene.problems if p.skipped]
    if not skipped:
        return [row for _, row in rows]
    for number, problem in enumerate(skipped):
        at = problem.record_range.first if problem.record_range is not None else 1 << 62
        rows.append((at, _problem_row(problem, number)))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def with_change(row: ShotRow, change: ShotChange | None) -> ShotRow:
    """The row with what is different from the cut it is compared with."""
    from bridge_core.timeline.diff import ChangeKind

    if change is None:
        return replace(row, change_text="", is_changed=False)
    kinds = [kind.value for kind in ChangeKind if kind in change.kinds]
    text = "" if kinds == [ChangeKind.UNCHANGED.value] else ", ".join(kinds)
    return replace(row, change_text=text, is_changed=change.needs_sending)


def with_status(row: ShotRow, board: Store, title: Callable[[str], str]) -> ShotRow:
    """The row with what the gateway says of its shot; ``title`` names a service."""
    if row.shot is None:
        return row
    versions, jobs = board.versions_of(row.shot.id), board.jobs_of(row.shot.id)
    pending = [one for one in versions if one.status is ReviewStatus.PENDING]
    failed = _failed_jobs(versions, jobs)
    active_jobs = [job for job in jobs if not job.state.ended]
    signs = [
        *(_with_name(title(job.request.service), job_status_sign(job)) for job in reversed(failed)),
        *_pending_signs(pending, title),
        *(_with_name(title(job.request.service), job_status_sign(job)) for job in active_jobs[:1]),
        *_decision_signs(versions, title),
    ]
    sign = not_sent_sign()
    if signs:
        sign = replace(signs[0], text="; ".join(one.text for one in signs))
    return replace(
        row,
        sign=sign,
        progress=_job_progress(active_jobs[0]) if active_jobs else None,
        newest_version_id=versions[-1].id if versions else None,
        attention_ids=(*(job.id for job in failed), *(one.id for one in pending)),
    )


def _failed_jobs(versions: Sequence[Version], jobs: Sequence[Job]) -> list[Job]:
    """The last job of each service, where it failed and there is no newer version; oldest first."""
    last = {job.request.service: job for job in jobs}
    last_version_times = {version.service: version.created for version in versions}
    return [
        job
        for service, job in last.items()
        if job.state in (JobState.FAILED, JobState.UNKNOWN)
        and (service not in last_version_times or last_version_times[service] < job.created)
    ]


def _pending_signs(versions: Sequence[Version], title: Callable[[str], str]) -> list[StatusSign]:
    """A sign for the versions that wait for review, if any."""
    pending = review_status_sign(ReviewStatus.PENDING)
    match versions:
        case []:
            return []
        case [one]:
            return [_with_name(f"{title(one.service)} {one.label}", pending)]
    return [replace(pending, text=tr("{n} versions wait for your review", n=len(versions)))]


def _decision_signs(versions: Sequence[Version], title: Callable[[str], str]) -> list[StatusSign]:
    """The newest version's status, unless it waits for review, and what else is approved: of each
    service the newest approved version."""
    approved = {one.service: one for one in versions if one.status is ReviewStatus.APPROVED}
    shown = [one for one in versions[-1:] if one.status is not ReviewStatus.PENDING]
    shown += [one for one in reversed(approved.values()) if one not in shown]
    signs = []
    for one in shown:
        sign = _with_name(f"{title(one.service)} {one.label}", review_status_sign(one.status))
        by = f" · {one.decisions[-1].by}" if one.decisions else ""
        signs.append(replace(sign, text=f"{sign.text}{by}"))
    return signs


def _with_name(name: str, sign: StatusSign) -> StatusSign:
    return replace(sign, text=f"{name} · {sign.text}")


def _job_progress(job: Job) -> float | None:
    progress = job.progress
    return min(1.0, progress.done / progress.total) if progress.total else None


def not_sent_sign() -> StatusSign:
    return StatusSign("·", tr("nothing sent yet"), Tone.NEUTRAL)


def _shot_row(item: HostShot, remark: HostProblem | None, sign: StatusSign) -> ShotRow:
    return ShotRow(
        key=item.item_id,
        shot=item.shot,
        name=item.shot.id.shot,
        source=item.label,
        sign=sign,
        problem=remark.message if remark else "",
        next_step=remark.next_step if remark else "",
        needs_render=item.needs_render,
        placed_version_ids=item.placed_version_ids,
        active_version_id=item.active_version_id,
    )


def _problem_row(problem: HostProblem, number: int) -> ShotRow:
    key = f"problem:{number}:{problem.label}"
    return ShotRow(
        key=key,
        shot=None,
        name=problem.label or tr("unnamed"),
        source="",
        record_range=problem.record_range,
        sign=StatusSign("⚠", problem.message, Tone.ERROR),
        problem=problem.message,
        next_step=problem.next_step,
        attention_ids=(key,),
    )


def shot_range_text(shot: Shot) -> str:
    """``1001–1132 · 132 + 16 handles · 50 %``"""
    cut = shot.cut_range
    count = f"{cut.count}"
    handles = shot.work_range.count - cut.count
    if handles:
        count += " + " + tr_count(handles, "{n} handle", "{n} handles")
    parts = [_range_text(cut), count]
    if shot.retime.keys:
        parts.append(tr("speed ramp"))
    elif not shot.retime.is_identity:
        parts.append(tr("retimed {speed}", speed=f"{float(shot.retime.speed):.0%}"))
    return " · ".join(parts)


def _range_text(frames: FrameRange) -> str:
    return f"{frames.first}–{frames.last}"
