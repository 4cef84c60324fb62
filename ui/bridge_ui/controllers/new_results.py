"""What is made of a shot while the shot is under review."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from bridge_ui.controllers.choices import Choice

if TYPE_CHECKING:
    from bridge_core.models.shots import ShotId
    from bridge_ui.controllers.recent_requests import RecentRequests
    from bridge_ui.controllers.board import Board


class NewResults:
    """Versions that the shot did not have when it was opened, and tries of jobs that were seen to
    run or were asked for here."""

    def __init__(self, board: Board, asked: RecentRequests) -> None:
        self._board, self._asked = board, asked
        self._known: set[str] = set()
        """Ids of versions and tries that are no news, or have been told."""
        self.settled = False
        """All versions that were there at the opening are known."""
        self._going: set[str] = set()
        """Ids of jobs that had not ended when they were last looked at."""
        self._made: list[str] = []
        """Ids of versions and tries that nobody has looked at yet, oldest first."""

    def begin(self, shot: ShotId | None) -> None:
        """Another shot is under review: what is there is no news."""
        self._known.clear()
        self._going.clear()
        self._made.clear()
        self.settled = False
        if shot is not None:
            self._known |= {job.tried for job in self._board.jobs_of(shot) if job.tried}

    def look(self, shot: ShotId) -> None:
        """See what has come since."""
        versions = [one.id for one in self._board.versions_of(shot) if one.id not in self._known]
        self._known.update(versions)
        if self.settled:
            self._made += versions
        for job in self._board.jobs_of(shot):
            if not job.state.ended:
                self._going.add(job.id)
            elif job.tried and job.tried not in self._known:
                self._known.add(job.tried)
                if job.id in self._going or job.key in self._asked:
                    self._made.append(job.tried)

    def offered(self, choices: Iterable[Choice], on_screen: Collection[str]) -> Choice | None:
        """The newest of them that can be looked at; what is on the screen is offered no more."""
        self._made = [one for one in self._made if one not in on_screen]
        there = {choice.id: choice for choice in choices}
        return next((there[one] for one in reversed(self._made) if one in there), None)
