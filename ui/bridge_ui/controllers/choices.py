"""What a review can look at: the plate, versions, tries, and jobs that are being made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.models.jobs import JobState
from bridge_core.models.versions import ReviewStatus
from bridge_ui.controllers.signs import Sign
from bridge_ui.controllers.words import job_sign, review_sign
from bridge_ui.translate import tr

if TYPE_CHECKING:
    from datetime import datetime

    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Try, Version
    from bridge_ui.controllers.board import Board

#: Id of the plate among the choices.
PLATE = "plate"


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be A or B."""

    id: str
    """:data:`PLATE`, or the id of a version, a try or a running job."""
    label: str
    """``Plate``, ``Upscale v003``, ``Matte, running``"""
    sign: Sign | None = None
    version: Version | None = None
    of: Shot | None = None
    """The other shot that the version is of; None: the one under review."""

    @property
    def can_be_reviewed(self) -> bool:
        """It is a version of the shot under review: a note on another one's version would count in
        the wrong frames."""
        return self.version is not None and self.of is None


def choices_of(
    shot: Shot,
    board: Board,
    tries: Mapping[str, Try],
    title: Callable[[str], str],
    others: Iterable[Shot] = (),
) -> tuple[Choice, ...]:
    """The plate, then everything that there is of the shot, newest first, then the newest version
    of each of the ``others``. ``tries`` are those that are known, by id; ``title`` names a
    service."""
    found: list[tuple[datetime, Choice]] = []
    for version in board.versions_of(shot.id):
        label = f"{title(version.service)} {version.label}"
        sign = review_sign(version.status)
        found.append((version.created, Choice(version.id, label, sign, version)))
    for job in board.jobs_of(shot.id):
        name = title(job.request.service)
        if job.tried is not None and job.tried in tries:
            made = tries[job.tried]
            frames = ", ".join(map(str, made.frames))
            label = tr("{service}, try of {frames}", service=name, frames=frames)
            found.append((made.created, Choice(made.id, label)))
        elif job.state is JobState.RUNNING:
            label = tr("{service}, running", service=name)
            found.append((job.created, Choice(job.id, label, job_sign(job))))
    newest_first = sorted(found, key=lambda item: item[0], reverse=True)
    beside = (choice for other in others if (choice := _newest(other, board, title)) is not None)
    return (Choice(PLATE, tr("Plate")), *(choice for _, choice in newest_first), *beside)


def first_choice(choices: Iterable[Choice]) -> str:
    """Id of what to look at first: the newest of the shot's own versions that waits for review,
    or else the newest; empty: there is none yet."""
    mine = [one for one in choices if one.can_be_reviewed]
    waiting = (one for one in mine if one.version and one.version.status is ReviewStatus.PENDING)
    found = next(waiting, next(iter(mine), None))
    return found.id if found is not None else ""


def on_screen(
    choices: Iterable[Choice], ids: Mapping[str, str], sides: Iterable[str]
) -> dict[str, Choice]:
    """The choices that these sides show, by side; ``ids`` are those of all sides."""
    there = {choice.id: choice for choice in choices}
    return {side: there[ids[side]] for side in sides if ids[side] in there}


def _newest(other: Shot, board: Board, title: Callable[[str], str]) -> Choice | None:
    versions = board.versions_of(other.id)
    if not versions:
        return None
    newest = versions[-1]
    label = f"{other.id.shot} {title(newest.service)} {newest.label}"
    return Choice(newest.id, label, review_sign(newest.status), newest, other)
