"""A shot with its status, as a row of the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bridge_core.models.enumerations import JobState, ReviewStatus
from bridge_core.system.pacing import paced
from bridge_ui.core.display_text import format_range, job_status_sign, review_status_sign
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
    key: str
    """The host's item id; identifies the row."""
    item: HostShot | None
    """None: cannot be sent, see ``problem``."""
    name: str
    source: str
    """The host's label: a track or a node."""
    sign: StatusSign
    """In order of importance: failed jobs, versions pending review, active jobs, decisions."""
    progress: float | None = None
    """0 to 1 of an active job; otherwise None."""
    newest_version_id: str | None = None
    problem: str = ""
    next_step: str = ""
    change_text: str = ""
    """Changes since the compared cut; empty if none."""
    is_changed: bool = False
    """Existing versions may no longer fit."""
    attention_ids: tuple[str, ...] = ()
    """Ids of versions pending review and of failed jobs, or the row's key if the shot cannot be
    sent."""
    record_range: FrameRange | None = None
    """Position in the cut of a clip that is not a shot."""
    needs_render: bool = False
    """The host has to render its plate first."""
    placed_version_ids: tuple[str, ...] = ()
    """Versions placed in the host."""
    active_version_id: str = ""
    """The version that the host shows."""

    @property
    def shot(self) -> Shot | None:
        """None: cannot be sent. Its models may be built only now: no loop over all rows reads
        it."""
        return self.item.shot if self.item is not None else None

    @property
    def has_status(self) -> bool:
        """Whether any job or version of the shot is known."""
        return self.newest_version_id is not None or self.sign != not_sent_sign()

    @property
    def needs_attention(self) -> bool:
        return bool(self.attention_ids)

    @property
    def range_text(self) -> str:
        """``1001–1132 · 132 + 16 handles · 50 %``; only read for visible rows."""
        if self.item is not None:
            return shot_range_text(self.item.shot)
        record = self.record_range
        return tr("at {range}", range=format_range(record)) if record is not None else ""

    def matches(self, terms: list[str]) -> bool:
        """Whether the row contains all terms (in lower case)."""
        sequence = self.item.names[1] if self.item is not None else ""
        text = f"{self.name} {sequence} {self.source} {self.sign.text} {self.change_text}".lower()
        return all(term in text for term in terms)


def build_rows(scene: HostScene) -> list[ShotRow]:
    """Rows without status, in the order of the scene; problems are sorted in by record range."""
    warnings = {p.item_id: p for p in scene.problems if not p.skipped and p.item_id}
    rows: list[tuple[int, ShotRow]] = []
    last, not_sent = 0, not_sent_sign()
    for item in paced(scene.shots):
        record_first = item.record_first
        last = record_first if record_first is not None else last
        rows.append((last, _shot_row(item, warnings.get(item.item_id), not_sent)))
    skipped = [p for p in scene.problems if p.skipped]
    if not skipped:
        return [row for _, row in rows]
    for number, problem in enumerate(skipped):
        position = problem.record_range.first if problem.record_range is not None else 1 << 62
        rows.append((position, _problem_row(problem, number)))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def with_change(row: ShotRow, change: ShotChange | None) -> ShotRow:
    """The row with its changes since the compared cut; the same row if they are the same."""
    from bridge_core.timeline.diff import ChangeKind

    text, is_changed = "", False
    if change is not None and ChangeKind.UNCHANGED not in change.kinds:
        text = ", ".join(kind.value for kind in ChangeKind if kind in change.kinds)
        is_changed = change.needs_sending
    if (text, is_changed) == (row.change_text, row.is_changed):
        return row
    return replace(row, change_text=text, is_changed=is_changed)


def with_status(row: ShotRow, store: Store, title: Callable[[str], str]) -> ShotRow:
    """The row with the status of its shot; ``title`` returns the title of a service."""
    if row.item is None:
        return row
    shot_id = row.item.shot_id
    versions, jobs = store.versions_of(shot_id), store.jobs_of(shot_id)
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
        sign = replace(signs[0], text="; ".join(shown_sign.text for shown_sign in signs))
    return replace(
        row,
        sign=sign,
        progress=active_jobs[0].progress.completed if active_jobs else None,
        newest_version_id=versions[-1].id if versions else None,
        attention_ids=(*(job.id for job in failed), *(version.id for version in pending)),
    )


def _failed_jobs(versions: Sequence[Version], jobs: Sequence[Job]) -> list[Job]:
    """The last job of each service if it failed and there is no newer version; oldest first."""
    last = {job.request.service: job for job in jobs}
    last_version_times = {version.service: version.created for version in versions}
    return [
        job
        for service, job in last.items()
        if job.state in (JobState.FAILED, JobState.UNKNOWN)
        and (service not in last_version_times or last_version_times[service] < job.created)
    ]


def _pending_signs(versions: Sequence[Version], title: Callable[[str], str]) -> list[StatusSign]:
    """A sign for the versions pending review, if any."""
    pending = review_status_sign(ReviewStatus.PENDING)
    match versions:
        case []:
            return []
        case [version]:
            return [_with_name(f"{title(version.service)} {version.label}", pending)]
    return [replace(pending, text=tr("{n} versions pending review", n=len(versions)))]


def _decision_signs(versions: Sequence[Version], title: Callable[[str], str]) -> list[StatusSign]:
    """Status of the newest version, unless pending review, and the newest approved version of
    each service."""
    approved = {v.service: v for v in versions if v.status is ReviewStatus.APPROVED}
    shown = [version for version in versions[-1:] if version.status is not ReviewStatus.PENDING]
    shown += [version for version in reversed(approved.values()) if version not in shown]
    signs = []
    for version in shown:
        name = f"{title(version.service)} {version.label}"
        sign = _with_name(name, review_status_sign(version.status))
        by = f" · {version.decisions[-1].by}" if version.decisions else ""
        signs.append(replace(sign, text=f"{sign.text}{by}"))
    return signs


def _with_name(name: str, sign: StatusSign) -> StatusSign:
    return replace(sign, text=f"{name} · {sign.text}")


def not_sent_sign() -> StatusSign:
    return StatusSign("·", tr("nothing sent yet"), Tone.NEUTRAL)


def _shot_row(item: HostShot, warning: HostProblem | None, sign: StatusSign) -> ShotRow:
    return ShotRow(
        key=item.item_id,
        item=item,
        name=item.names[2],
        source=item.label,
        sign=sign,
        problem=warning.message if warning else "",
        next_step=warning.next_step if warning else "",
        needs_render=item.needs_render,
        placed_version_ids=item.placed_version_ids,
        active_version_id=item.active_version_id,
    )


def _problem_row(problem: HostProblem, number: int) -> ShotRow:
    key = f"problem:{number}:{problem.label}"
    return ShotRow(
        key=key,
        item=None,
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
    parts = [format_range(cut), count]
    if shot.retime.keys:
        parts.append(tr("speed ramp"))
    elif not shot.retime.is_identity:
        parts.append(tr("retimed {speed}", speed=f"{float(shot.retime.speed):.0%}"))
    return " · ".join(parts)
