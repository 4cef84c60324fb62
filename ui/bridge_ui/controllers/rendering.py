"""Plates that the host has yet to write: rendered one after the other before they are sent."""

from __future__ import annotations

import logging
import uuid
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from inspect import GEN_RUNNING, getgeneratorstate
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import NotWritable, ShotbridgeError
from bridge_core.host import Capability
from bridge_core.private_files import private_folder
from bridge_ui.controllers.host_calls import ask_host
from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.pool import Failed, Task

if TYPE_CHECKING:
    from bridge_core.host import Rendered
    from bridge_core.models.shots import Shot, ShotId
    from bridge_ui.controllers.session import Session

_log = logging.getLogger(__name__)

#: Seconds that the host has to itself between two steps of a rendering: it draws, and hears keys.
PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Rendering:
    """What the host writes now, for the panel to show."""

    shot: str = ""
    """Empty: nothing is rendered."""
    frames: int = 0
    total: int = 0
    waiting: int = 0
    """Shots that come after it."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    handle: str
    shot: Shot
    frames: tuple[int, ...]
    done: Callable[[Shot], None]
    failed: Failed


class Renderings:
    """Plates go to ``plates/SHOW/SEQUENCE/SHOT/TIME`` under ``client.state_dir`` and stay there:
    versions are compared with them, and made again from them."""

    def __init__(self, session: Session) -> None:
        self.state: Observable[Rendering] = Observable(Rendering())
        self._session = session
        self._wanted: deque[_Wanted] = deque()
        self._now: _Wanted | None = None
        self._steps: Generator[Rendered, None, None] | None = None
        self._task: Task | None = None

    def render(
        self,
        handle: str,
        shot: Shot,
        frames: Sequence[int],
        done: Callable[[Shot], None],
        failed: Failed,
    ) -> None:
        """Have the host write the plate of a shot, or only ``frames`` of it. ``done`` is told the
        shot with its plate's files; after :meth:`stop` nobody is told anything."""
        self._wanted.append(_Wanted(handle, shot, tuple(frames), done, failed))
        if self._now is None:
            self._next()
        else:
            self._tell_waiting()

    def stop(self) -> None:
        """Render no more; what was written of an unfinished plate is taken away."""
        self._wanted.clear()
        if self._task is not None:
            self._task.cancel()
        steps, self._steps = self._steps, None
        # A host may hear of the wish to stop while it renders: then the step ends first.
        if steps is not None and getgeneratorstate(steps) != GEN_RUNNING:
            self._close(steps)
        self._now = self._task = None
        self.state.set(Rendering())

    def _next(self) -> None:
        if not self._wanted:
            self._now = None
            self.state.set(Rendering())
            return
        self._now = self._wanted.popleft()
        total = len(self._now.frames) or self._now.shot.work_range.count
        self.state.set(Rendering(self._now.shot.id.shot, 0, total, len(self._wanted)))
        root, which = self._session.settings.client.state_dir / "plates", self._now.shot.id
        self._task = self._session.disk.run(
            lambda _: _new_folder(root, which), self._begin, self._failed
        )

    def _begin(self, folder: Path) -> None:
        host, wanted = self._session.host, self._now
        if wanted is None:
            return
        if Capability.ANY_THREAD in host.capabilities:
            self._task = self._session.transfers.run(
                lambda task: self._walk(task, wanted, folder), self._ended, self._failed
            )
            return
        self._steps = host.render(wanted.handle, folder, wanted.frames)
        self._step()

    def _walk(self, task: Task, wanted: _Wanted, folder: Path) -> Shot | None:
        """The whole rendering, off the panel's thread."""
        steps = self._session.host.render(wanted.handle, folder, wanted.frames)
        made = None
        try:
            for step in steps:
                self._session.post(partial(self._tell, wanted, step))
                made = step.shot
                if task.flag.wait(PAUSE):
                    break
        finally:
            self._close(steps)
        return made

    def _step(self, made: Shot | None = None) -> None:
        """One step on the host's own thread, which is this one; ``made`` came with the one
        before. What has made its shot is asked once more, and puts everything back then."""
        steps = self._steps
        if steps is None:
            return

        def stepped(step: Rendered | None) -> None:
            if self._steps is not steps or self._now is None:
                self._close(steps)  # stopped meanwhile
                return
            if step is None:
                self._ended(made)
                return
            self._tell(self._now, step)
            self._task = self._session.disk.run(
                lambda task: task.flag.wait(PAUSE), lambda _: self._step(step.shot)
            )

        ask_host(
            self._session.host,
            self._session.disk.run,
            lambda _: next(steps, None),
            stepped,
            self._failed,
        )

    def _ended(self, shot: Shot | None) -> None:
        wanted, self._steps = self._now, None
        if wanted is None:
            return
        if shot is None:
            self._failed(
                ShotbridgeError(
                    "the host ended the rendering without saying what it made",
                    where=wanted.shot.id.shot,
                    next_step="try again; if it stays, tell whoever keeps Shotbridge",
                )
            )
            return
        if shot.id != wanted.shot.id:
            self._failed(
                ShotbridgeError(
                    f"the host rendered {shot.id} instead",
                    where=str(wanted.shot.id),
                    next_step="open the file that the shot is in, and send it from there",
                )
            )
            return
        self._next()
        wanted.done(shot)

    def _failed(self, error: ShotbridgeError) -> None:
        wanted, self._steps = self._now, None
        self._next()
        if wanted is not None:
            wanted.failed(error)

    def _close(self, steps: Generator[Rendered, None, None]) -> None:
        try:
            steps.close()
        except Exception:
            _log.exception("the host could not put everything back after rendering")

    def _tell(self, wanted: _Wanted, step: Rendered) -> None:
        if wanted is self._now:
            name = wanted.shot.id.shot
            self.state.set(Rendering(name, step.frames, step.total, len(self._wanted)))

    def _tell_waiting(self) -> None:
        now = self.state.value
        self.state.set(Rendering(now.shot, now.frames, now.total, len(self._wanted)))


def _new_folder(root: Path, which: ShotId) -> Path:
    """
    :raises NotWritable: it cannot be made.
    """
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    folder = root / which.show / which.sequence / which.shot / f"{at}-{uuid.uuid4().hex[:6]}"
    try:
        private_folder(folder.parent)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise NotWritable(
            f"no folder for the rendered plate can be made: {error.strerror or error}",
            where=str(folder),
            next_step="make room or have the permissions changed, or move client.state_dir",
        ) from error
    return folder
