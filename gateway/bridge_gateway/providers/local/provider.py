"""The local provider: implements the contract with model processes."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from bridge_core.errors import JobCancelled, ModelCrashed, UnknownService, format_frames
from bridge_core.models.services import Service
from bridge_core.models.settings import GatewaySettings
from bridge_gateway.providers.base import (
    FrameProvider,
    ProviderQueue,
    ProviderTask,
    TaskMonitor,
    TaskResult,
)
from bridge_gateway.providers.local import services
from bridge_gateway.providers.local.local_task import LocalTask, TaskFinished, parse_message
from bridge_gateway.workers.child_process import ChildProcess, ProcessDied
from bridge_gateway.workers.messages import FrameDone, TaskFailed, encode_message
from bridge_gateway.workers.process_pool import ProcessPool, threads_per_worker

log = logging.getLogger(__name__)

#: How soon a cancellation is noticed.
_POLL_SECONDS = 0.1


class LocalProvider(FrameProvider):
    """Runs the services of :mod:`.services` in child processes on this machine.

    Up to ``settings.workers`` jobs run at once, each in its own process.
    """

    id = services.PROVIDER_ID

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self.queue = ProviderQueue(concurrency=settings.workers)
        self._threads = settings.threads or threads_per_worker(settings.workers)
        self._pool = ProcessPool(
            "bridge_gateway.providers.local.worker",
            name="model",
            workers=settings.workers,
            threads=self._threads,
            idle_seconds=settings.model_idle_seconds,
        )

    def list_services(self) -> tuple[Service, ...]:
        return services.list_services(self._settings.models_dir)

    def run(self, task: ProviderTask, monitor: TaskMonitor) -> TaskResult:
        """Process the task's frames; see :class:`bridge_gateway.providers.base.FrameProvider`.

        If the process dies, another one continues once, at the first unfinished frame.

        :raises ModelCrashed: the process died again, or failed unexpectedly.
        :raises ModelMissing: the weights are not installed, or have been changed.
        """
        if task.service not in services.SERVICE_IDS:
            raise UnknownService(
                f"the local provider has no service {task.service!r}",
                where=f"job {task.job_id}",
                next_step=f"it has: {', '.join(services.SERVICE_IDS)}",
            )
        local_task = LocalTask.from_task(task, self._settings, threads=self._threads)
        progress = _FrameReporter(local_task, monitor)
        progress.report_finished()
        try:
            return self._run_once(local_task, monitor, progress)
        except ProcessDied as death:
            progress.report_finished()
            log.warning(
                "the model process of job %s ended with %s; another one continues at frames %s",
                *(task.job_id, death.reason, format_frames(local_task.unfinished_frames())),
            )
        try:
            return self._run_once(local_task, monitor, progress)
        except ProcessDied as death:
            raise _crash_error(local_task, death) from None

    def close(self) -> None:
        self._pool.close()

    def _run_once(
        self, task: LocalTask, monitor: TaskMonitor, progress: _FrameReporter
    ) -> TaskResult:
        with self._pool.lease(monitor.cancelled) as process:
            process.send(encode_message(task))
            outcome = self._wait_for_result(process, monitor, progress)
            if isinstance(outcome, TaskFailed) and not outcome.is_reusable:
                process.kill()
        if isinstance(outcome, TaskFailed):
            raise outcome.problem.to_error()
        return outcome.result

    def _wait_for_result(
        self, process: ChildProcess, monitor: TaskMonitor, progress: _FrameReporter
    ) -> TaskFinished | TaskFailed:
        while True:
            if monitor.cancelled():
                raise JobCancelled("the job was cancelled while it was running")
            text = process.receive(_POLL_SECONDS)
            if text is None:
                continue
            message = parse_message(text)
            if not isinstance(message, FrameDone):
                return message
            progress.report((message.frame,))


class _FrameReporter:
    """Reports each frame once, however often the job is resumed."""

    def __init__(self, task: LocalTask, monitor: TaskMonitor) -> None:
        self._task = task
        self._monitor = monitor
        self._reported: set[int] = set()

    def report_finished(self) -> None:
        """Report frames that are finished on disk, by an earlier run or by a process that died
        before it could report them."""
        self.report(sorted(set(self._task.frames) - set(self._task.unfinished_frames())))

    def report(self, frames: Iterable[int]) -> None:
        for frame in frames:
            if frame not in self._reported:
                self._reported.add(frame)
                self._monitor.frame_done(frame)


def _crash_error(task: LocalTask, death: ProcessDied) -> ModelCrashed:
    unfinished = task.unfinished_frames()
    at = f"frame {unfinished[0]}" if unfinished else "the end of the job"
    was_killed = death.reason == "signal SIGKILL"
    return ModelCrashed(
        f"the model process ended twice, the second time with {death.reason} at {at}",
        where=f"job {task.job_id}, service {task.service}",
        next_step=(
            "the machine most likely ran out of memory: close other programs, or set "
            "gateway.workers lower, and send the job again; finished frames are kept"
            if was_killed
            else "send the job again; if this happens again, report it with the gateway's log"
        ),
        details={
            "ended_by": death.reason,
            "unfinished": list(unfinished),
            "last_output": death.last_output,
        },
    )
