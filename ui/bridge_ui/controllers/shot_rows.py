"""How a shot stands, as one row of the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bridge_core.models.jobs import JobState
from bridge_core.models.versions import ReviewStatus
from bridge_ui.controllers.signs import Sign, Tone
from bridge_ui.controllers.words import job_sign, review_sign
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from bridge_core.host import HostProblem, HostShot, Scene
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.jobs import Job
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Version
    from bridge_core.timeline.changes import Change
    from bridge_ui.controllers.board import Board


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
    sign: Sign
    """The most important first: failed jobs, versions that wait for review, running jobs,
    decisions, or that nothing was sent yet."""
    fraction: float | None = None
    """0 to 1 of a running job; None otherwise."""
    newest: str | None = None
    """Id of its newest version."""
    problem: str = ""
    next_step: str = ""
    changes: str = ""
    """What is different in the cut that it is compared with, in words; empty otherwise."""
    changed: bool = False
    """Its versions may not fit any more."""
    needs: tuple[str, ...] = ()
    """What needs somebody: ids of versions that wait for review and of jobs that failed, or the
    row's own key where it cannot be sent."""
    record: FrameRange | None = None
    """Where what is no shot stands in the cut."""
    to_render: bool = False
    """The host has yet to write its plate."""
    placed: tuple[str, ...] = ()
    """Ids of the versions that stand in the host."""
    in_use: str = ""
    """Id of the one that the host shows."""

    @property
    def needs_you(self) -> bool:
        return bool(self.needs)

    @property
    def ranges(self) -> str:
        """``1001–1132 · 132 + 16 handles · 50 %``; asked for by rows in sight only."""
        if self.shot is not None:
            return spell_ranges(self.shot)
        return tr("at {range}", range=_dashed(self.record)) if self.record is not None else ""

    def holds(self, words: list[str]) -> bool:
        """Whether every word (in small letters) is found in what it says."""
        sequence = self.shot.id.sequence if self.shot else ""
        text = f"{self.name} {sequence} {self.source} {self.sign.words} {self.changes}".lower()
        return all(word in text for word in words)


def base_rows(scene: Scene) -> list[ShotRow]:
    """Rows as they are before anything is known of jobs and versions, in the scene's order; what
    did not become a shot stands where its record range puts it."""
    remarks = {p.handle: p for p in scene.problems if not p.skipped and p.handle}
    rows: list[tuple[int, ShotRow]] = []
    last, nothing = 0, nothing_sent()
    for item in scene.shots:
        record = item.shot.record_range
        last = record.first if record is not None else last
        rows.append((last, _shot_row(item, remarks.get(item.handle), nothing)))
    skipped = [p for p in scene.problems if p.skipped]
    if not skipped:
        return [row for _, row in rows]
    for number, problem in enumerate(skipped):
        at = problem.record.first if problem.record is not None else 1 << 62
        rows.append((at, _problem_row(problem, number)))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def with_change(row: ShotRow, change: Change | None) -> ShotRow:
    """The row with what is different from the cut it is compared with."""
    from bridge_core.timeline.changes import ChangeKind

    if change is None:
        return replace(row, changes="", changed=False)
    told = [kind.value for kind in ChangeKind if kind in change.kinds]
    words = "" if told == [ChangeKind.UNCHANGED.value] else ", ".join(told)
    return replace(row, changes=words, changed=change.shows_other_pictures)


def standing(row: ShotRow, board: Board, title: Callable[[str], str]) -> ShotRow:
    """The row with what the gateway says of its shot; ``title`` names a service."""
    if row.shot is None:
        return row
    versions, jobs = board.versions_of(row.shot.id), board.jobs_of(row.shot.id)
    waiting = [one for one in versions if one.status is ReviewStatus.PENDING]
    failed = _failed(versions, jobs)
    going = [job for job in jobs if not job.state.ended]
    signs = [
        *(_named(title(job.request.service), job_sign(job)) for job in reversed(failed)),
        *_waiting(waiting, title),
        *(_named(title(job.request.service), job_sign(job)) for job in going[:1]),
        *_decided(versions, title),
    ]
    sign = nothing_sent()
    if signs:
        sign = replace(signs[0], words="; ".join(one.words for one in signs))
    return replace(
        row,
        sign=sign,
        fraction=_fraction(going[0]) if going else None,
        newest=versions[-1].id if versions else None,
        needs=(*(job.id for job in failed), *(one.id for one in waiting)),
    )


def _failed(versions: Sequence[Version], jobs: Sequence[Job]) -> list[Job]:
    """The last job of each service, where it failed and there is no newer version; oldest first."""
    last = {job.request.service: job for job in jobs}
    made = {version.service: version.created for version in versions}
    return [
        job
        for service, job in last.items()
        if job.state in (JobState.FAILED, JobState.UNKNOWN)
        and (service not in made or made[service] < job.created)
    ]


def _waiting(waiting: Sequence[Version], title: Callable[[str], str]) -> list[Sign]:
    """A sign for the versions that wait for review, if any."""
    pending = review_sign(ReviewStatus.PENDING)
    match waiting:
        case []:
            return []
        case [one]:
            return [_named(f"{title(one.service)} {one.label}", pending)]
    return [replace(pending, words=tr("{n} versions wait for your review", n=len(waiting)))]


def _decided(versions: Sequence[Version], title: Callable[[str], str]) -> list[Sign]:
    """The newest version's status, unless it waits for review, and what else is approved: of each
    service the newest approved version."""
    approved = {one.service: one for one in versions if one.status is ReviewStatus.APPROVED}
    shown = [one for one in versions[-1:] if one.status is not ReviewStatus.PENDING]
    shown += [one for one in reversed(approved.values()) if one not in shown]
    signs = []
    for one in shown:
        sign = _named(f"{title(one.service)} {one.label}", review_sign(one.status))
        by = f" · {one.decisions[-1].by}" if one.decisions else ""
        signs.append(replace(sign, words=f"{sign.words}{by}"))
    return signs


def _named(name: str, sign: Sign) -> Sign:
    return replace(sign, words=f"{name} · {sign.words}")


def _fraction(job: Job) -> float | None:
    progress = job.progress
    return min(1.0, progress.done / progress.total) if progress.total else None


def nothing_sent() -> Sign:
    return Sign("·", tr("nothing sent yet"), Tone.PLAIN)


def _shot_row(item: HostShot, remark: HostProblem | None, sign: Sign) -> ShotRow:
    return ShotRow(
        key=item.handle,
        shot=item.shot,
        name=item.shot.id.shot,
        source=item.source,
        sign=sign,
        problem=remark.what if remark else "",
        next_step=remark.next_step if remark else "",
        to_render=item.to_render,
        placed=item.placed,
        in_use=item.in_use,
    )


def _problem_row(problem: HostProblem, number: int) -> ShotRow:
    key = f"problem:{number}:{problem.source}"
    return ShotRow(
        key=key,
        shot=None,
        name=problem.source or tr("unnamed"),
        source="",
        record=problem.record,
        sign=Sign("⚠", problem.what, Tone.BAD),
        problem=problem.what,
        next_step=problem.next_step,
        needs=(key,),
    )


def spell_ranges(shot: Shot) -> str:
    """``1001–1132 · 132 + 16 handles · 50 %``"""
    cut = shot.cut_range
    count = f"{cut.count}"
    handles = shot.work_range.count - cut.count
    if handles:
        count += " + " + counted(handles, "{n} handle", "{n} handles")
    parts = [_dashed(cut), count]
    if shot.retime.keys:
        parts.append(tr("speed ramp"))
    elif not shot.retime.identity:
        parts.append(tr("retimed {speed}", speed=f"{float(shot.retime.speed):.0%}"))
    return " · ".join(parts)


def _dashed(frames: FrameRange) -> str:
    return f"{frames.first}–{frames.last}"
