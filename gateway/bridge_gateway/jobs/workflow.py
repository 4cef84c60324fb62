"""The way of a job: which steps, in which order, and what becomes of their errors.

Each step is checkpointed by the engine (docs/decisions/0003-steps-of-a-job.md says what a step
is and why there are these). A change of the steps, of their order or of what they hand on raises
:data:`bridge_gateway.jobs.engine.SHAPE`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress
from typing import TypeVar
from uuid import uuid4

from pydantic import TypeAdapter

from bridge_core.errors import (
    GatewayFault,
    JobCancelled,
    ShotbridgeError,
    StorageUnavailable,
)
from bridge_core.models.versions import Proxies
from bridge_gateway.jobs import publish, recovery, states, steps
from bridge_gateway.jobs.bench import Admitted, Bench, Sealed, Staged
from bridge_gateway.jobs.engine import Checkpointed, Engine, Interrupted
from bridge_gateway.jobs.progress import Reporter
from bridge_gateway.jobs.space import told_of_disk
from bridge_gateway.jobs.tools import Tools
from bridge_gateway.jobs.work import WorkFolder
from bridge_gateway.providers.contract import Made
from bridge_gateway.threads import run_in_thread

T = TypeVar("T")

_log = logging.getLogger(__name__)

_ADMITTED = TypeAdapter(Admitted)
_STAGED = TypeAdapter(Staged)
_MADE = TypeAdapter(Made)
_PROXIES = TypeAdapter(Proxies)
_SEALED = TypeAdapter(Sealed)
_NOTHING = TypeAdapter(None)

#: How long steps have to end once the gateway stops; then they are left behind.
_INTERRUPT_SECONDS = 3.0
#: How long a step has to end after a cancellation before it is left behind: what a provider's
#: contract says.
_GRACE_SECONDS = 2.0
_LOOK_SECONDS = 0.05
#: Seconds between two tries of a job to use a disk or a database that does not answer.
_RETRY_SECONDS = 1.0


class Workflow:
    """Works on jobs, each in a thread of the engine's."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._lock = threading.Lock()
        self._running: dict[str, Reporter] = {}

    def work(self, job_id: str, checkpointed: Checkpointed) -> None:
        """Work on a job until it has ended; its errors end in its row.

        :raises Interrupted: the gateway stops, or the engine's database cannot be used, or another
            thread already works on this job.
        """
        tools = self._tools
        folder = WorkFolder(tools.settings.library_dir, job_id, tools.instance)
        watch = Reporter(tools.database, job_id, tools.stopping)
        with self._lock:
            if tools.stopping.is_set() or job_id in self._running:
                raise Interrupted
            self._running[job_id] = watch
        try:
            submission = self._until_available(lambda: states.take_up(tools.database, job_id))
            if submission is not None:
                with watch:
                    self._steps(Bench(tools, job_id, submission, folder, watch), checkpointed)
        except ShotbridgeError as error:
            _log.info("job %s ended: %s", job_id, error)
            self._fail(job_id, error)
        except Exception as error:
            self._fail(job_id, _fault(error, f"job {job_id}", "between two steps"))
        finally:
            with self._lock:
                del self._running[job_id]
        with suppress(StorageUnavailable):  # a later sweep removes it
            tools.library.run(folder.remove)
        recovery.unpin(tools, job_id)

    def cancel(self, job_id: str) -> bool:
        """End the work on a job that was cancelled. False where nobody is working on it."""
        with self._lock:
            watch = self._running.get(job_id)
        if watch is None:
            return False
        watch.cancel()
        return True

    def drain(self, seconds: float, engine: Engine) -> None:
        """Take up no more jobs, wait ``seconds`` for those that run, then interrupt them."""
        timer = threading.Timer(seconds, self._tools.stopping.set)
        if seconds > 0:
            timer.start()
        with self._lock:
            if seconds <= 0:
                self._tools.stopping.set()
            waits = seconds > 0 or bool(self._running)
        engine.stop(seconds + _INTERRUPT_SECONDS if waits else 0)
        timer.cancel()
        self._tools.stopping.set()

    def _steps(self, bench: Bench, checkpointed: Checkpointed) -> None:
        def step(name: str, kind: TypeAdapter[T], body: Callable[[], T]) -> T:
            return checkpointed(name, kind, lambda: self._step(bench, name, body))

        admitted = step("admit", _ADMITTED, lambda: steps.admit(bench))
        staged = step("stage", _STAGED, lambda: steps.stage(bench))
        made = step("run", _MADE, lambda: steps.run(bench, admitted, staged))
        step("check", _NOTHING, lambda: steps.check(bench, staged, made))
        proxies = step("proxy", _PROXIES, lambda: steps.proxy(bench, made))
        sealed = step("seal", _SEALED, lambda: steps.seal(bench, made, proxies))
        step("publish", _NOTHING, lambda: publish.publish(bench, admitted, staged, made, sealed))
        step("settle", _NOTHING, lambda: steps.settle(bench))

    def _step(self, bench: Bench, name: str, body: Callable[[], T]) -> T:
        """Run a step's body, record its time, and turn its errors into those of the tree.

        As after a kill, it runs again from its beginning where a disk or the database did not
        answer, until it succeeds, the job is cancelled or the gateway stops.
        """

        def attempt() -> T:
            with told_of_disk(bench.folder, bench.request):
                return body()

        def timed() -> T:
            begun = time.monotonic()
            value = _supervised(attempt, name, bench)
            states.record_timing(self._tools.database, bench.job, name, time.monotonic() - begun)
            return value

        bench.watch.begin(name, 0)
        try:
            return self._until_available(timed, bench.watch)
        except JobCancelled:
            if self._tools.stopping.is_set() and not bench.watch.unwanted:
                raise Interrupted from None
            raise
        except ShotbridgeError:
            raise
        except Exception as error:
            raise _fault(error, f"job {bench.job}", f"in the step {name!r}") from error

    def _until_available(self, call: Callable[[], T], watch: Reporter | None = None) -> T:
        """What ``call`` returns, once disks and the database are available.

        :raises JobCancelled: ``watch`` says that nobody wants the job any more.
        :raises Interrupted: the gateway stops.
        """
        logged = False
        while True:
            try:
                return call()
            except StorageUnavailable as error:
                if not logged:
                    _log.warning("a job waits: %s", error)
                logged = True
            if watch is not None:
                watch.check()
            if self._tools.stopping.wait(_RETRY_SECONDS):
                raise Interrupted

    def _fail(self, job_id: str, error: ShotbridgeError) -> None:
        # Changes nothing where the job was cancelled: its row has ended already.
        self._until_available(lambda: states.fail(self._tools.database, job_id, error))


def _supervised(body: Callable[[], T], step: str, bench: Bench) -> T:
    """Run a step's body in a thread of its own, so that a provider or a disk that does not answer
    can be left behind once the job is not wanted."""
    outcome = run_in_thread(body, f"{step} {bench.job}")
    while not outcome.done() and not bench.watch.cancelled():
        wait([outcome], timeout=_LOOK_SECONDS)
    wait([outcome], timeout=_GRACE_SECONDS)
    if not outcome.done():
        _log.error(
            "the step %r of job %s did not end within %g s of its cancellation and was left "
            "behind; restart the gateway if it keeps the machine busy",
            *(step, bench.job, _GRACE_SECONDS),
        )
        bench.watch.check()
    return outcome.result()


def _fault(error: Exception, where: str, when: str) -> GatewayFault:
    """For an unexpected error, which is logged under a reference."""
    reference = uuid4().hex[:12]
    _log.error("reference %s: %s, %s", reference, where, when, exc_info=error)
    return GatewayFault(
        f"the gateway made a mistake {when}: {type(error).__name__}",
        where=f"gateway log, reference {reference}",
        next_step="send the job again; if it happens again, report it with this part of the "
        "gateway's log",
    )
