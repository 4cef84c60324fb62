"""The pictures of what can be A or B in a review, and whether a plate is still what it was."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.models.base import fingerprint
from bridge_ui.controllers.choices import PLATE, Choice
from bridge_ui.controllers.frames import FrameSource, PlateFrames, ResultFrames, ShiftedFrames
from bridge_ui.controllers.job_frames import FollowedFrames
from bridge_ui.controllers.pool import Latest, Task

if TYPE_CHECKING:
    from bridge_core.errors import ShotbridgeError
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Try, Version
    from bridge_ui.controllers.session import Session

Stamp = tuple[tuple[int, int] | None, ...]
"""Size and time of each of a plate's files; None: it is not there."""


class Pictures:
    """Makes sources of choices; those of running jobs are followed until they are let go."""

    def __init__(self, session: Session) -> None:
        self.tries: dict[str, Try] = {}
        """What was tried, as far as it was asked for, by id."""
        self._session = session
        self._asked: set[str] = set()
        """Ids of tries that are on their way."""
        self._followed: dict[str, FollowedFrames] = {}
        self._looking: Latest[Stamp] = Latest(session.plates)
        self._stamps: dict[str, Stamp] = {}
        """What the files of a plate were when they were last looked at, by its fingerprint."""
        self._editions: dict[str, int] = {}

    def of(self, choice: Choice, shot: Shot) -> FrameSource:
        """In the numbering of ``shot``'s plate; a version of another shot is laid beside it, so
        that both cuts begin on the same frame."""
        client = self._session.client
        if choice.id == PLATE:
            return PlateFrames(client, shot, self._editions.get(fingerprint(shot.plate), 0))
        if choice.version is not None:
            made = ResultFrames(client, choice.version, choice.label)
            if choice.of is None:
                return made
            return ShiftedFrames(made, shot.cut_range.first - choice.of.cut_range.first)
        if choice.id in self.tries:
            return ResultFrames(client, self.tries[choice.id], choice.label)
        if choice.id not in self._followed:
            job = self._session.board.jobs[choice.id]
            self._followed[choice.id] = FollowedFrames(self._session, job, choice.label)
        return self._followed[choice.id].source

    def as_sent(self, shot: Shot, version: Version | None) -> Shot | None:
        """A shot whose plate the host renders, as it was when ``version``, or else its last job,
        was asked for; None: nothing is known of any."""
        board = self._session.board
        job = board.jobs.get(version.job) if version is not None else None
        jobs = [job] if job is not None else board.jobs_of(shot.id)
        return jobs[-1].request.shot if jobs else None

    def ask_for_tries(self, shot: Shot, changed: Callable[[], None]) -> None:
        """What was tried of a shot, once for each; ``changed`` is told when one has come."""
        client = self._session.client
        for job in self._session.board.jobs_of(shot.id):
            which = job.tried
            if which is None or which in self.tries or which in self._asked:
                continue
            self._asked.add(which)

            def told(found: Try) -> None:
                self._asked.discard(found.id)
                self.tries[found.id] = found
                changed()

            def failed(_: ShotbridgeError, which: str = which) -> None:
                self._asked.discard(which)

            def ask(_: Task, which: str = which) -> Try:
                return client.tried(which)

            self._session.pool.run(ask, told, failed)

    def keep_only(self, which: Collection[str]) -> None:
        """Let go of all jobs but these."""
        for gone in self._followed.keys() - set(which):
            self._followed.pop(gone).close()

    def look_at_plate(self, shot: Shot, changed: Callable[[], None]) -> None:
        """See whether the plate's files are what they were; ``changed`` is told if not, and from
        then on the plate's source is another one. Its files may lie where only the gateway sees
        them: then nothing is ever told."""
        plate, key = shot.plate, fingerprint(shot.plate)
        frames = shot.work_range

        def look(_: object) -> Stamp:
            paths = dict.fromkeys(plate.file(frame) for frame in frames.frames())
            return tuple(_stamp(path) for path in paths)

        def told(stamp: Stamp) -> None:
            before = self._stamps.get(key)
            self._stamps[key] = stamp
            if before is not None and before != stamp:
                self._editions[key] = self._editions.get(key, 0) + 1
                changed()

        self._looking.ask(look, told)

    def close(self) -> None:
        self._looking.cancel()
        self.keep_only(())


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).expanduser().stat()
    except (OSError, RuntimeError):  # RuntimeError: there is no home for the path's ``~``
        return None
    return found.st_size, found.st_mtime_ns
