"""Results of a shot that arrive while the shot is under review."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from bridge_ui.review.compare.media_choices import MediaChoice

if TYPE_CHECKING:
    from bridge_core.models.shots import ShotId
    from bridge_ui.core.recent_requests import RecentRequests
    from bridge_ui.core.store import Store


class NewResultTracker:
    """Finds versions that are newer than the opened review, and test frames of jobs that were
    active meanwhile or were requested from this panel."""

    def __init__(self, store: Store, recent: RecentRequests) -> None:
        self._store, self._recent = store, recent
        self._known_ids: set[str] = set()
        """Versions and test frames that are not new, or were found already."""
        self.is_settled = False
        """All versions that existed when the shot was opened are known."""
        self._active_job_ids: set[str] = set()
        """Jobs that were seen before they had ended."""
        self._new_ids: list[str] = []
        """New versions and test frames that were not shown yet, oldest first."""

    def reset(self, shot: ShotId | None) -> None:
        """Start over for another shot."""
        self._known_ids.clear()
        self._active_job_ids.clear()
        self._new_ids.clear()
        self.is_settled = False
        if shot is not None:
            self._known_ids |= {
                job.test_frame_id for job in self._store.jobs_of(shot) if job.test_frame_id
            }

    def update(self, shot: ShotId) -> None:
        """Find what has been added since the last call."""
        versions = [
            one.id for one in self._store.versions_of(shot) if one.id not in self._known_ids
        ]
        self._known_ids.update(versions)
        if self.is_settled:
            self._new_ids += versions
        for job in self._store.jobs_of(shot):
            if not job.state.ended:
                self._active_job_ids.add(job.id)
            elif job.test_frame_id and job.test_frame_id not in self._known_ids:
                self._known_ids.add(job.test_frame_id)
                if job.id in self._active_job_ids or job.key in self._recent:
                    self._new_ids.append(job.test_frame_id)

    def newest(
        self, choices: Iterable[MediaChoice], visible_ids: Collection[str]
    ) -> MediaChoice | None:
        """The newest one that can be shown; what is on the screen is no longer new."""
        self._new_ids = [one for one in self._new_ids if one not in visible_ids]
        choices_by_id = {choice.id: choice for choice in choices}
        return next(
            (choices_by_id[one] for one in reversed(self._new_ids) if one in choices_by_id), None
        )
