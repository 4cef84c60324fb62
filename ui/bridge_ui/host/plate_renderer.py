"""Renders plates in the host, one after the other."""

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

from bridge_core.errors import ShotbridgeError
from bridge_core.hosts.base import HostCapability
from bridge_core.system.files import storage_errors
from bridge_core.system.private_files import make_private_folder
from bridge_ui.core.observable import Observable
from bridge_ui.core.thread_pool import BackgroundTask, OnError

if TYPE_CHECKING:
    from bridge_core.hosts.base import RenderStep
    from bridge_core.models.shots import Shot, ShotId
    from bridge_ui.core.session import Session

_log = logging.getLogger(__name__)

#: Seconds between two render steps, in which the host paints and handles input.
STEP_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class RenderProgress:
    shot: str = ""
    """Empty: nothing is rendered."""
    frames_done: int = 0
    total_frames: int = 0
    waiting_shots: int = 0
    """Shots in the queue."""


@dataclass(frozen=True, slots=True)
class _PlateRequest:
    item_id: str
    shot: Shot
    frames: tuple[int, ...]
    on_done: Callable[[Shot], None]
    on_error: OnError


class PlateRenderer:
    """Plates are kept in ``plates/SHOW/SEQUENCE/SHOT/TIME`` under ``client.state_dir``, to compare
    versions with them and to request more."""

    def __init__(self, session: Session) -> None:
        self.state: Observable[RenderProgress] = Observable(RenderProgress())
        self._session = session
        self._queue: deque[_PlateRequest] = deque()
        self._current: _PlateRequest | None = None
        self._steps: Generator[RenderStep, None, None] | None = None
        self._task: BackgroundTask | None = None

    def render(
        self,
        item_id: str,
        shot: Shot,
        frames: Sequence[int],
        on_done: Callable[[Shot], None],
        on_error: OnError,
    ) -> None:
        """Render the plate of a shot, or only ``frames`` of it. ``on_done`` gets the shot with its
        rendered plate. After :meth:`stop` nothing is called."""
        self._queue.append(_PlateRequest(item_id, shot, tuple(frames), on_done, on_error))
        if self._current is None:
            self._start_next()
        else:
            self.state.update(waiting_shots=len(self._queue))

    def stop(self) -> None:
        """Stop rendering; the files of an unfinished plate are removed."""
        self._queue.clear()
        if self._task is not None:
            self._task.cancel()
        steps, self._steps = self._steps, None
        # stop() may be called from within a render step, which then ends first.
        if steps is not None and getgeneratorstate(steps) != GEN_RUNNING:
            self._close(steps)
        self._current = self._task = None
        self.state.set(RenderProgress())

    def _start_next(self) -> None:
        if not self._queue:
            self._current = None
            self.state.set(RenderProgress())
            return
        self._current = self._queue.popleft()
        total = len(self._current.frames) or self._current.shot.work_range.count
        self.state.set(RenderProgress(self._current.shot.id.shot, 0, total, len(self._queue)))
        root, shot_id = self._session.settings.client.state_dir / "plates", self._current.shot.id
        self._task = self._session.disk_pool.run(
            lambda _: _new_folder(root, shot_id), self._start, self._on_error
        )

    def _start(self, folder: Path) -> None:
        host, request = self._session.host, self._current
        if request is None:
            return
        if HostCapability.ANY_THREAD in host.capabilities:
            self._task = self._session.transfer_pool.run(
                lambda task: self._render_in_worker(task, request, folder),
                self._finish,
                self._on_error,
            )
            return
        self._steps = host.render(request.item_id, folder, request.frames)
        self._step()

    def _render_in_worker(
        self, task: BackgroundTask, request: _PlateRequest, folder: Path
    ) -> Shot | None:
        """Render all steps in a worker thread."""
        steps = self._session.host.render(request.item_id, folder, request.frames)
        shot = None
        try:
            for step in steps:
                self._session.post(partial(self._report_progress, request, step))
                shot = step.shot
                if task.cancel_event.wait(STEP_PAUSE):
                    break
        finally:
            self._close(steps)
        return shot

    def _step(self, shot: Shot | None = None) -> None:
        """Run one step on the panel's thread, which is the host's. ``shot`` is the result of the
        previous step; after the last one, the host restores its state."""
        steps = self._steps
        if steps is None:
            return

        def stepped(step: RenderStep | None) -> None:
            if self._steps is not steps or self._current is None:
                self._close(steps)  # stopped meanwhile
                return
            if step is None:
                self._finish(shot)
                return
            self._report_progress(self._current, step)
            self._task = self._session.disk_pool.run(
                lambda task: task.cancel_event.wait(STEP_PAUSE), lambda _: self._step(step.shot)
            )

        self._session.call_host(lambda _: next(steps, None), stepped, self._on_error)

    def _finish(self, shot: Shot | None) -> None:
        request, self._steps = self._current, None
        if request is None:
            return
        if shot is not None and shot.id == request.shot.id:
            self._start_next()
            request.on_done(shot)
            return
        problem = "the host finished rendering without a result"
        next_step = "try again; if it persists, tell your support"
        if shot is not None:
            problem = f"the host rendered {shot.id} instead"
            next_step = "open the file with this shot and send it from there"
        self._on_error(ShotbridgeError(problem, where=str(request.shot.id), next_step=next_step))

    def _on_error(self, error: ShotbridgeError) -> None:
        request, self._steps = self._current, None
        self._start_next()
        if request is not None:
            request.on_error(error)

    def _close(self, steps: Generator[RenderStep, None, None]) -> None:
        try:
            steps.close()
        except Exception:
            _log.exception("the host could not restore its state after rendering")

    def _report_progress(self, request: _PlateRequest, step: RenderStep) -> None:
        if request is self._current:
            name = request.shot.id.shot
            self.state.set(RenderProgress(name, step.completed, step.total, len(self._queue)))


def _new_folder(root: Path, shot_id: ShotId) -> Path:
    """
    :raises NotWritable: it cannot be created.
    :raises DiskFull: no space or quota is left.
    """
    timestamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    name = f"{timestamp}-{uuid.uuid4().hex[:6]}"
    folder = root / shot_id.show / shot_id.sequence / shot_id.shot / name
    with storage_errors(folder, hint="or move client.state_dir"):
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700)
    return folder
