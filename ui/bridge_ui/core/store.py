"""All jobs and versions known from the gateway.

All controllers read from here, so that no two parts of the panel disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bridge_ui.core.observable import Unwatch, Watchers

if TYPE_CHECKING:
    from bridge_core.models.gateway import Event
    from bridge_core.models.jobs import Job, JobState
    from bridge_core.models.notes import Note
    from bridge_core.models.shots import ShotId
    from bridge_core.models.versions import Version

T = TypeVar("T")

#: Items merged in one call on the panel's thread; between calls the panel paints and takes input.
#: One batch takes about 1 ms with 10,000 shots listed.
BATCH_SIZE = 12


def batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + BATCH_SIZE] for start in range(0, len(items), BATCH_SIZE))


@dataclass(frozen=True, slots=True)
class StoreChange:
    """Ids of new and changed items."""

    jobs: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()
    """Newly written notes."""


class Store:
    """Belongs to the panel's thread."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.versions: dict[str, Version] = {}
        self._versions_by_shot: dict[ShotId, dict[str, Version]] = {}
        self._job_ids_by_shot: dict[ShotId, set[str]] = {}
        self._state_counts: Counter[JobState] = Counter()
        self._watchers: Watchers[StoreChange] = Watchers()

    def watch(self, callback: Callable[[StoreChange], None]) -> Unwatch:
        return self._watchers.add(callback)

    def has_shot(self, shot: ShotId) -> bool:
        """Whether any job or version of a shot is known."""
        return shot in self._versions_by_shot or shot in self._job_ids_by_shot

    def count(self, *states: JobState) -> int:
        """How many jobs are in one of these states. The counts are maintained, not recounted: they
        are read after every batch."""
        return sum(self._state_counts[state] for state in states)

    def versions_of(self, shot: ShotId) -> list[Version]:
        """Oldest first."""
        versions = self._versions_by_shot.get(shot, {}).values()
        return sorted(versions, key=lambda v: (v.created, v.service, v.number))

    def jobs_of(self, shot: ShotId) -> list[Job]:
        """Oldest first."""
        jobs = (self.jobs[job_id] for job_id in self._job_ids_by_shot.get(shot, ()))
        return sorted(jobs, key=lambda job: (job.created, job.id))

    def merge(
        self, jobs: Iterable[Job] = (), versions: Iterable[Version] = (), notes: Iterable[Note] = ()
    ) -> None:
        """Merge items from events and calls. Older data never replaces newer: an ended job stays
        ended, a version keeps its later decisions."""
        changed_jobs, changed_versions = set(), set()
        for incoming in jobs:
            job = self._share_request(incoming)
            if self._is_newer_job(job):
                if job.id in self.jobs:
                    self._state_counts[self.jobs[job.id].state] -= 1
                self._state_counts[job.state] += 1
                self.jobs[job.id] = job
                self._job_ids_by_shot.setdefault(job.request.shot.id, set()).add(job.id)
                changed_jobs.add(job.id)
        for version in versions:
            if self._is_newer_version(version):
                self.versions[version.id] = version
                self._versions_by_shot.setdefault(version.shot, {})[version.id] = version
                changed_versions.add(version.id)
        change = StoreChange(frozenset(changed_jobs), frozenset(changed_versions), tuple(notes))
        if change != StoreChange():
            self._watchers.notify(change)

    def apply_events(self, events: Iterable[Event]) -> None:
        batch = list(events)
        self.merge(
            jobs=[event.job for event in batch if event.job is not None],
            versions=[event.version for event in batch if event.version is not None],
            notes=[event.note for event in batch if event.note is not None],
        )

    def _share_request(self, job: Job) -> Job:
        """Keep one request object per job, as it never changes. A new one with every progress
        event of a thousand jobs would keep the garbage collector busy, which blocks all threads."""
        known = self.jobs.get(job.id)
        if known is None or known.request is job.request:
            return job
        return job.model_copy(update={"request": known.request})

    def _is_newer_job(self, job: Job) -> bool:
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

    def _is_newer_version(self, version: Version) -> bool:
        known = self.versions.get(version.id)
        return known is None or (
            len(version.decisions) >= len(known.decisions) and known != version
        )
