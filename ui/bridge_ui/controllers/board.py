"""Everything that the gateway was heard to have, in one place: jobs, versions, notes.

All controllers look here, so that no two parts of the panel ever say different things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bridge_ui.controllers.observable import Unwatch, Watchers

if TYPE_CHECKING:
    from bridge_core.models.gateway import Event
    from bridge_core.models.jobs import Job, JobState
    from bridge_core.models.notes import Note
    from bridge_core.models.shots import ShotId
    from bridge_core.models.versions import Version

T = TypeVar("T")

#: Things learned in one call on the panel's thread; more are carried over in several, between
#: which the panel draws and takes input. These cost about 1 ms with 10,000 shots listed.
PORTION = 12


def portions(things: Sequence[T]) -> Iterator[Sequence[T]]:
    return (things[at : at + PORTION] for at in range(0, len(things), PORTION))


@dataclass(frozen=True, slots=True)
class BoardChange:
    """Ids of what is new or otherwise than before."""

    jobs: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()
    """Notes that somebody has just given."""


class Board:
    """What is known; belongs to the panel's thread."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.versions: dict[str, Version] = {}
        self._by_shot: dict[ShotId, dict[str, Version]] = {}
        self._jobs_of: dict[ShotId, set[str]] = {}
        self._states: Counter[JobState] = Counter()
        self._watchers: Watchers[BoardChange] = Watchers()

    def watch(self, callback: Callable[[BoardChange], None]) -> Unwatch:
        return self._watchers.add(callback)

    def knows(self, shot: ShotId) -> bool:
        """Whether there is anything known of a shot."""
        return shot in self._by_shot or shot in self._jobs_of

    def count(self, *states: JobState) -> int:
        """How many jobs are in one of these states. Kept up to date, not counted anew: it is asked
        for with every portion that is learned."""
        return sum(self._states[state] for state in states)

    def versions_of(self, shot: ShotId) -> list[Version]:
        """Oldest first."""
        found = self._by_shot.get(shot, {}).values()
        return sorted(found, key=lambda v: (v.created, v.service, v.number))

    def jobs_of(self, shot: ShotId) -> list[Job]:
        """Oldest first."""
        found = (self.jobs[one] for one in self._jobs_of.get(shot, ()))
        return sorted(found, key=lambda job: (job.created, job.id))

    def learn(
        self,
        jobs: Iterable[Job] = (),
        versions: Iterable[Version] = (),
        notes: Iterable[Note] = (),
    ) -> None:
        """Take in what was heard or asked for. An answer that is older than what is known does
        not undo it: a job that has ended stays so, a version keeps its later decisions."""
        told_jobs, told_versions = set(), set()
        for told in jobs:
            job = self._with_known_request(told)
            if self._newer_job(job):
                if job.id in self.jobs:
                    self._states[self.jobs[job.id].state] -= 1
                self._states[job.state] += 1
                self.jobs[job.id] = job
                self._jobs_of.setdefault(job.request.shot.id, set()).add(job.id)
                told_jobs.add(job.id)
        for version in versions:
            if self._newer_version(version):
                self.versions[version.id] = version
                self._by_shot.setdefault(version.shot, {})[version.id] = version
                told_versions.add(version.id)
        change = BoardChange(frozenset(told_jobs), frozenset(told_versions), tuple(notes))
        if change != BoardChange():
            self._watchers.tell(change)

    def hear(self, events: Iterable[Event]) -> None:
        listed = list(events)
        self.learn(
            jobs=[event.job for event in listed if event.job is not None],
            versions=[event.version for event in listed if event.version is not None],
            notes=[event.note for event in listed if event.note is not None],
        )

    def _with_known_request(self, job: Job) -> Job:
        """A job's request never changes, so there is one of it for all words about the job. A new
        one with each of a thousand jobs' progress would keep Python's collector busy, which
        holds up every thread."""
        known = self.jobs.get(job.id)
        if known is None or known.request is job.request:
            return job
        return job.model_copy(update={"request": known.request})

    def _newer_job(self, job: Job) -> bool:
        known = self.jobs.get(job.id)
        if known is None:
            return True
        if known.state.ended and not job.state.ended:
            return False
        before, after = known.progress, job.progress
        if known.state == job.state and known.started == job.started:
            same_step = before.step == after.step and before.attempt == after.attempt
            if after.attempt < before.attempt or (same_step and after.done < before.done):
                return False
        return known != job

    def _newer_version(self, version: Version) -> bool:
        known = self.versions.get(version.id)
        return known is None or (
            len(version.decisions) >= len(known.decisions) and known != version
        )
