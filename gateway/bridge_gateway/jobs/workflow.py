"""The workflow of a job: its steps, their order, and how their errors are handled.

Each step is checkpointed by DBOS; docs/decisions/0003-steps-of-a-job.md describes the steps. A
change to the steps, their order or their results must raise
:data:`bridge_gateway.jobs.queue.WORKFLOW_VERSION`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from typing import TypeVar

from pydantic import TypeAdapter

from bridge_core.errors import GatewayFault, JobCancelled, ShotbridgeError, StorageUnavailable
from bridge_core.models.versions import Proxies
from bridge_gateway.jobs import transitions
from bridge_gateway.jobs.context import GatewayContext, JobContext, unexpected_fault
from bridge_gateway.jobs.progress import JobMonitor
from bridge_gateway.jobs.queue import JobInterrupted, JobQueue, StepRunner
from bridge_gateway.jobs.steps import admit, outputs, publish, run, stage
from bridge_gateway.jobs.steps.step_results import (
    AdmittedJob,
    HashedOutputs,
    StagedInputs,
    StepName,
)
from bridge_gateway.library.work_dir import library_errors
from bridge_gateway.providers.base import TaskResult
from bridge_gateway.threads import run_in_thread

T = TypeVar("T")

_log = logging.getLogger(__name__)

_ADMITTED_JOB = TypeAdapter(AdmittedJob)
_STAGED_INPUTS = TypeAdapter(StagedInputs)
_TASK_RESULT = TypeAdapter(TaskResult)
_PROXIES: TypeAdapter[Proxies | None] = TypeAdapter(Proxies | None)
_HASHED_OUTPUTS = TypeAdapter(HashedOutputs)
_NOTHING = TypeAdapter(None)

#: Seconds that steps have to end once the gateway stops; after that they are abandoned.
_INTERRUPT_SECONDS = 3.0
#: Seconds that a step has to end after a cancellation before it is abandoned, as in the provider
#: contract.
_GRACE_SECONDS = 2.0
_POLL_SECONDS = 0.05
#: Seconds between two attempts to use a disk or a database that is not available.
_RETRY_SECONDS = 1.0


class Workflow:
    """Runs jobs, each in a thread of the queue."""

    def __init__(self, gateway: GatewayContext) -> None:
        self._gateway = gateway
        self._lock = threading.Lock()
        self._running: dict[str, JobMonitor] = {}

    def run_job(self, job_id: str, run_step: StepRunner) -> None:
        """Run a job until it has ended; its errors are stored in its row.

        :raises JobInterrupted: the gateway stops, the queue's database cannot be used, or another
            thread already runs this job.
        """
        gateway = self._gateway
        work_dir = gateway.storage.library.work_dir(job_id)
        monitor = JobMonitor(gateway.database, job_id, gateway.stopping)
        with self._lock:
            if gateway.stopping.is_set() or job_id in self._running:
                raise JobInterrupted
            self._running[job_id] = monitor
        try:
            started = self._retry_until_available(
                lambda: transitions.start_job(gateway.database, job_id)
            )
            if started is not None:
                with monitor:
                    self._run_steps(
                        JobContext(gateway, job_id, *started, work_dir, monitor), run_step
                    )
        except ShotbridgeError as error:
            _log.info("job %s ended: %s", job_id, error)
            self._fail_job(job_id, error)
        except Exception as error:
            self._fail_job(job_id, _unexpected_fault(error, job_id, "between two steps"))
        finally:
            with self._lock:
                del self._running[job_id]
        gateway.storage.library.remove_work_dir(work_dir)

    def cancel(self, job_id: str) -> None:
        """Stop running a job that was cancelled, if it is running."""
        with self._lock:
            monitor = self._running.get(job_id)
        if monitor is not None:
            monitor.cancel()

    def drain(self, seconds: float, queue: JobQueue) -> None:
        """Start no more jobs, wait ``seconds`` for the running ones, then interrupt them."""
        timer = threading.Timer(seconds, self._gateway.stopping.set)
        if seconds > 0:
            timer.start()
        with self._lock:
            if seconds <= 0:
                self._gateway.stopping.set()
            should_wait = seconds > 0 or bool(self._running)
        queue.stop(seconds + _INTERRUPT_SECONDS if should_wait else 0)
        timer.cancel()
        self._gateway.stopping.set()

    def _run_steps(self, context: JobContext, run_step: StepRunner) -> None:
        def step(name: StepName, result_type: TypeAdapter[T], body: Callable[[], T]) -> T:
            return run_step(name, result_type, lambda: self._run_step(context, name, body))

        admitted = step(StepName.ADMIT, _ADMITTED_JOB, lambda: admit.admit_job(context))
        staged = step(StepName.STAGE, _STAGED_INPUTS, lambda: stage.stage_inputs(context))
        task_result = step(
            StepName.RUN, _TASK_RESULT, lambda: run.run_provider(context, admitted, staged)
        )
        step(
            StepName.CHECK,
            _NOTHING,
            lambda: outputs.check_outputs(context, admitted, staged, task_result),
        )
        proxies = step(
            StepName.PROXIES, _PROXIES, lambda: outputs.make_proxies(context, task_result)
        )
        hashed = step(
            StepName.HASH,
            _HASHED_OUTPUTS,
            lambda: outputs.hash_outputs(context, task_result, proxies),
        )
        step(
            StepName.PUBLISH,
            _NOTHING,
            lambda: publish.publish_result(context, admitted, staged, task_result, hashed),
        )
        step(StepName.SETTLE, _NOTHING, lambda: publish.settle_job(context))

    def _run_step(self, context: JobContext, name: StepName, body: Callable[[], T]) -> T:
        """Run a step's body, record its time, and turn its errors into ShotbridgeErrors.

        Where a disk or the database is not available, the body runs again from its beginning, as
        after a kill, until it succeeds, the job is cancelled or the gateway stops.
        """

        def attempt() -> T:
            with library_errors(context.work_dir, context.request):
                return body()

        def timed() -> T:
            started = time.monotonic()
            value = _run_supervised(attempt, name, context)
            transitions.record_timing(
                self._gateway.database, context.job_id, name, time.monotonic() - started
            )
            return value

        context.monitor.begin_step(name, 0)
        try:
            return self._retry_until_available(timed, context.monitor)
        except JobCancelled:
            if self._gateway.stopping.is_set() and not context.monitor.cancelled_by_user:
                raise JobInterrupted from None
            raise
        except ShotbridgeError:
            raise
        except Exception as error:
            raise _unexpected_fault(error, context.job_id, f"in the step '{name}'") from error

    def _retry_until_available(self, call: Callable[[], T], monitor: JobMonitor | None = None) -> T:
        """Call ``call`` until disks and the database are available, and return its result.

        :raises JobCancelled: ``monitor`` reports that the job was cancelled.
        :raises JobInterrupted: the gateway stops.
        """
        logged = False
        while True:
            try:
                return call()
            except StorageUnavailable as error:
                if not logged:
                    _log.warning("a job is waiting: %s", error)
                logged = True
            if monitor is not None:
                monitor.raise_if_cancelled()
            if self._gateway.stopping.wait(_RETRY_SECONDS):
                raise JobInterrupted

    def _fail_job(self, job_id: str, error: ShotbridgeError) -> None:
        # Does nothing where the job was cancelled: its row has already ended.
        self._retry_until_available(
            lambda: transitions.fail_job(self._gateway.database, job_id, error)
        )


def _run_supervised(body: Callable[[], T], step_name: str, context: JobContext) -> T:
    """Run a step's body in a thread of its own, so that a provider or a disk that hangs can be
    abandoned once the job is cancelled."""
    outcome = run_in_thread(body, f"{step_name} {context.job_id}")
    while not outcome.done() and not context.monitor.cancelled():
        wait([outcome], timeout=_POLL_SECONDS)
    wait([outcome], timeout=_GRACE_SECONDS)
    if not outcome.done():
        _log.error(
            "step '%s' of job %s did not end within %g s of its cancellation and was abandoned; "
            "restart the gateway if it keeps the machine busy",
            *(step_name, context.job_id, _GRACE_SECONDS),
        )
        context.monitor.raise_if_cancelled()
    return outcome.result()


def _unexpected_fault(error: Exception, job_id: str, when: str) -> GatewayFault:
    advice = "send the job again; if it fails again, report it with this part of the gateway's log"
    return unexpected_fault(error, f"job {job_id}", when, advice)
