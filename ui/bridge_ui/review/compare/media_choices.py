"""What a review can show: the plate, versions, test frames and running jobs; which are new."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.models.enumerations import JobState, ReviewStatus
from bridge_ui.core.display_text import job_status_sign, review_status_sign
from bridge_ui.core.status_sign import StatusSign
from bridge_ui.core.translate import tr

if TYPE_CHECKING:
    from datetime import datetime

    from bridge_core.models.shots import Shot, ShotId
    from bridge_core.models.versions import TestFrame, Version
    from bridge_ui.core.recent_requests import RecentRequests
    from bridge_ui.core.store import Store

#: Id of the plate among the choices.
PLATE = "plate"


@dataclass(frozen=True, slots=True)
class MediaChoice:
    """Something that can be A or B."""

    id: str
    """:data:`PLATE`, or the id of a version, a test frame or a running job."""
    label: str
    """``Plate``, ``Upscale v003``, ``Matte, running``"""
    sign: StatusSign | None = None
    version: Version | None = None
    other_shot: Shot | None = None
    """The version's shot if it is not the one under review."""

    @property
    def can_be_reviewed(self) -> bool:
        """Whether it is a version of the shot under review. Notes on other shots' versions would
        get wrong frame numbers."""
        return self.version is not None and self.other_shot is None


def list_choices(
    shot: Shot,
    store: Store,
    test_frames: Mapping[str, TestFrame],
    service_title: Callable[[str], str],
    others: Iterable[Shot] = (),
) -> tuple[MediaChoice, ...]:
    """The plate, then the shot's results and running jobs, newest first, then the newest version
    of each of the ``others``. ``test_frames`` are those that were fetched, by id."""
    dated_choices: list[tuple[datetime, MediaChoice]] = []
    for version in store.versions_of(shot.id):
        label = f"{service_title(version.service)} {version.label}"
        sign = review_status_sign(version.status)
        dated_choices.append((version.created, MediaChoice(version.id, label, sign, version)))
    for job in store.jobs_of(shot.id):
        name = service_title(job.request.service)
        if job.test_frame_id is not None and job.test_frame_id in test_frames:
            test_frame = test_frames[job.test_frame_id]
            frames = ", ".join(map(str, test_frame.frames))
            label = tr("{service}, test frame {frames}", service=name, frames=frames)
            dated_choices.append((test_frame.created, MediaChoice(test_frame.id, label)))
        elif job.state is JobState.RUNNING:
            label = tr("{service}, running", service=name)
            dated_choices.append((job.created, MediaChoice(job.id, label, job_status_sign(job))))
    newest_first = sorted(dated_choices, key=lambda item: item[0], reverse=True)
    other_choices = (
        choice
        for other in others
        if (choice := _newest_version_choice(other, store, service_title)) is not None
    )
    return (
        MediaChoice(PLATE, tr("Plate")),
        *(choice for _, choice in newest_first),
        *other_choices,
    )


def default_choice(choices: Iterable[MediaChoice]) -> str:
    """The id of the choice to show first: the newest of the shot's own versions that is pending
    review, or else the newest; empty if there is none."""
    reviewable = [choice for choice in choices if choice.can_be_reviewed]
    pending = (c for c in reviewable if c.version and c.version.status is ReviewStatus.PENDING)
    choice = next(pending, next(iter(reviewable), None))
    return choice.id if choice is not None else ""


def visible_choices(
    choices: Iterable[MediaChoice], ids: Mapping[str, str], sides: Iterable[str]
) -> dict[str, MediaChoice]:
    """The choices on the visible ``sides``; ``ids`` are the choices of all sides."""
    choices_by_id = {choice.id: choice for choice in choices}
    return {side: choices_by_id[ids[side]] for side in sides if ids[side] in choices_by_id}


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
        ids = (version.id for version in self._store.versions_of(shot))
        versions = [version_id for version_id in ids if version_id not in self._known_ids]
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
        self._new_ids = [result_id for result_id in self._new_ids if result_id not in visible_ids]
        choices_by_id = {choice.id: choice for choice in choices}
        newest = next((new for new in reversed(self._new_ids) if new in choices_by_id), "")
        return choices_by_id.get(newest)


def _newest_version_choice(
    other: Shot, store: Store, service_title: Callable[[str], str]
) -> MediaChoice | None:
    versions = store.versions_of(other.id)
    if not versions:
        return None
    newest = versions[-1]
    label = f"{other.id.shot} {service_title(newest.service)} {newest.label}"
    return MediaChoice(newest.id, label, review_status_sign(newest.status), newest, other)
