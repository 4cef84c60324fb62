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
    """Versions that the shot did not have when it was opened, and tries of jobs that were seen
    running or were requested here."""

    def __init__(self, board: Store, recent: RecentRequests) -> None:
        self._board, self._recent = board, recent
        self._known_ids: set[str] = set()
        """Ids of versions and tries that are not new, or were noticed already."""
        self.is_settled = False
        """All versions that existed when the shot was opened are known."""
        self._active_job_ids: set[str] = set()
        """Ids of jobs that were seen before they had ended."""
        self._new_ids: list[str] = []
        """Ids of new versions and tries that were not looked at yet, oldest first."""

    def reset(self, shot: ShotId | None) -> None:
        """Another shot is under review: what it has already is not new."""
        self._known_ids.clear()
        self._active_job_ids.clear()
        self._new_ids.clear()
        self.is_settled = False
        if shot is not None:
            self._known_ids |= {
                job.test_frame_id for job in self._board.jobs_of(shot) if job.test_frame_id
            }

    def update(self, shot: ShotId) -> None:
        """Notice what has been added since."""
        versions = [
            one.id for one in self._board.versions_of(shot) if one.id not in self._known_ids
        ]
        self._known_ids.update(versions)
        if self.is_settled:
            self._new_ids += versions
        for job in self._board.jobs_of(shot):
            if not job.state.ended:
                self._active_job_ids.add(job.id)
            elif job.test_frame_id and job.test_frame_id not in self._known_ids:
                self._known_ids.add(job.test_frame_id)
                if job.id in self._active_job_ids or job.key in self._recent:
                    self._new_ids.append(job.test_frame_id)

    def newest(
        self, choices: Iterable[MediaChoice], visible_ids: Collection[str]
    ) -> MediaChoice | None:
        """The newest that can be looked at; what is on the screen is no longer offered."""
        self._new_ids = [one for one in self._new_ids if one not in visible_ids]
        choices_by_id = {choice.id: choice for choice in choices}
        return next(
            (choices_by_id[one] for one in reversed(self._new_ids) if one in choices_by_id), None
        )
