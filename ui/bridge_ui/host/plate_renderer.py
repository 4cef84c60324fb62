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
from bridge_core.hosts.base import Capability
from bridge_core.system.private_files import make_private_folder
from bridge_ui.core.host_calls import call_host
from bridge_ui.core.observable import Observable
from bridge_ui.core.workers import BackgroundTask, OnError

if TYPE_CHECKING:
    from bridge_core.hosts.base import RenderStep
    from bridge_core.models.shots import Shot, ShotId
    from bridge_ui.core.session import Session

_log = logging.getLogger(__name__)

#: Seconds that the host has to itself between two steps of a rendering: it draws, and hears keys.
STEP_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class RenderProgress:
    """What the host writes now, for the panel to show."""

    shot: str = ""
    """Empty: nothing is rendered."""
    frames_done: int = 0
    total_frames: int = 0
    waiting_shots: int = 0
    """Shots that come after it."""


@dataclass(frozen=True, slots=True)
class _PlateRequest:
    handle: str
    shot: Shot
    frames: tuple[int, ...]
    on_done: Callable[[Shot], None]
    on_error: OnError


class PlateRenderer:
    """Plates go to ``plates/SHOW/SEQUENCE/SHOT/TIME`` under ``client.state_dir`` and stay there:
    versions are compared with them, and made again from them."""

    def __init__(self, session: Session) -> None:
        self.state: Observable[RenderProgress] = Observable(RenderProgress())
        self._session = session
        self._queue: deque[_PlateRequest] = deque()
        self._current: _PlateRequest | None = None
        self._steps: Generator[RenderStep, None, None] | None = None
        self._task: BackgroundTask | None = None

    def render(
        self,
        handle: str,
        shot: Shot,
        frames: Sequence[int],
        on_done: Callable[[Shot], None],
        on_error: OnError,
    ) -> None:
        """Have the host write the plate of a shot, or only ``frames`` of it. ``done`` is told the
        shot with its plate's files; after :meth:`stop` nobody is told anything."""
        self._queue.append(_PlateRequest(handle, shot, tuple(frames), on_done, on_error))
        if self._current is None:
            self._start_next()
        else:
            self._report_waiting()

    def stop(self) -> None:
        """Render no more; what was written of an unfinished plate is taken away."""
        self._queue.clear()
        if self._task is not None:
            self._task.cancel()
        steps, self._steps = self._steps, None
        # A host may hear of the wish to stop while it renders: then the step ends first.
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
        root, which = self._session.settings.client.state_dir / "plates", self._current.shot.id
        self._task = self._session.disk_pool.run(
            lambda _: _new_folder(root, which), self._start, self._on_error
        )

    def _start(self, folder: Path) -> None:
        host, request = self._session.host, self._current
        if request is None:
            return
        if Capability.ANY_THREAD in host.capabilities:
            self._task = self._session.transfer_pool.run(
                lambda task: self._render_in_worker(task, request, folder),
                self._finish,
                self._on_error,
            )
            return
        self._steps = host.render(request.handle, folder, request.frames)
        self._step()

    def _render_in_worker(
        self, task: BackgroundTask, request: _PlateRequest, folder: Path
    ) -> Shot | None:
        """The whole rendering, off the panel's thread."""
        steps = self._session.host.render(request.handle, folder, request.frames)
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
        """One step on the host's own thread, which is this one; ``made`` came with the one
        before. What has made its shot is asked once more, and puts everything back then."""
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

        call_host(
            self._session.host,
            self._session.disk_pool.run,
            lambda _: next(steps, None),
            stepped,
            self._on_error,
        )

    def _finish(self, shot: Shot | None) -> None:
        request, self._steps = self._current, None
        if request is None:
            return
        if shot is None:
            self._on_error(
                ShotbridgeError(
                    "the host ended the rendering without saying what it made",
                    where=request.shot.id.shot,
                    next_step="try again; if it stays, tell whoever keeps Shotbridge",
                )
            )
            return
        if shot.id != request.shot.id:
            self._on_error(
                ShotbridgeError(
                    f"the host rendered {shot.id} instead",
                    where=str(request.shot.id),
                    next_step="open the file that the shot is in, and send it from there",
                )
            )
            return
        self._start_next()
        request.on_done(shot)

    def _on_error(self, error: ShotbridgeError) -> None:
        request, self._steps = self._current, None
        self._start_next()
        if request is not None:
            request.on_error(error)

    def _close(self, steps: Generator[RenderStep, None, None]) -> None:
        try:
            steps.close()
        except Exception:
            _log.exception("the host could not put everything back after rendering")

    def _report_progress(self, request: _PlateRequest, step: RenderStep) -> None:
        if request is self._current:
            name = request.shot.id.shot
            self.state.set(RenderProgress(name, step.completed, step.total, len(self._queue)))

    def _report_waiting(self) -> None:
        now = self.state.value
        self.state.set(
            RenderProgress(now.shot, now.frames_done, now.total_frames, len(self._queue))
        )


def _new_folder(root: Path, shot_id: ShotId) -> Path:
    """
    :raises NotWritable: it cannot be made.
    """
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    folder = root / shot_id.show / shot_id.sequence / shot_id.shot / f"{at}-{uuid.uuid4().hex[:6]}"
    try:
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise NotWritable(
            f"no folder for the rendered plate can be made: {error.strerror or error}",
            where=str(folder),
            next_step="make room or have the permissions changed, or move client.state_dir",
        ) from error
    return folder
