"""What the jobs of a shot make while the shot is under review."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from bridge_ui.controllers.choices import Choice

if TYPE_CHECKING:
    from bridge_core.models.shots import ShotId
    from bridge_ui.controllers.board import Board


class Arrivals:
    """Results of jobs that were seen to run; what was made before is no news."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._going: set[str] = set()
        """Ids of jobs that had not ended when they were last looked at."""
        self._made: list[str] = []
        """Ids of versions and tries that nobody has looked at yet, oldest first."""

    def clear(self) -> None:
        """Another shot is under review."""
        self._going.clear()
        self._made.clear()

    def look(self, shot: ShotId) -> None:
        """See which of the shot's jobs have ended since."""
        for job in self._board.jobs_of(shot):
            if not job.state.ended:
                self._going.add(job.id)
            elif job.id in self._going:
                self._going.discard(job.id)
                made = job.version or job.tried
                if made is not None:
                    self._made.append(made)

    def offered(self, choices: Iterable[Choice], on_screen: Collection[str]) -> Choice | None:
        """The newest of them that can be looked at; what is on the screen is offered no more."""
        self._made = [one for one in self._made if one not in on_screen]
        there = {choice.id: choice for choice in choices}
        return next((there[one] for one in reversed(self._made) if one in there), None)
