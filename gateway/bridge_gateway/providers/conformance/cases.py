"""The cases of the suite. Each takes a context, and raises a ConformanceError or returns."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from bridge_core.errors import (
    InvalidRequest,
    JobCancelled,
    OutcomeUnknown,
    ProviderRefused,
    ShotbridgeError,
    StorageError,
)
from bridge_core.models.services import OutputKind, Service, resolve_parameters
from bridge_gateway.providers.base import (
    MAX_HANDLE_BYTES,
    PROXY_FILENAME,
    CancelOutcome,
    FrameProvider,
    Provider,
    RemoteProvider,
    RemoteState,
)
from bridge_gateway.providers.conformance.tasks import (
    ConformanceContext,
    ConformanceError,
    RecordingMonitor,
    all_files,
    check_result,
    complete_task,
    make_task,
    require,
    submit,
    wait_until_ended,
)
from bridge_gateway.providers.pricing import RequestFacts
from bridge_gateway.providers.registry import require_provider
from bridge_gateway.providers.remote_table import remote_key

#: Seconds from a cancellation to the end of the work, by the contract.
CANCEL_SECONDS = 2.0


#: A case, called with its context and the context's provider.
CaseCheck = Callable[[ConformanceContext, Any], None]


@dataclass(frozen=True)
class ConformanceCase:
    """A case; its title is a sentence."""

    title: str
    check: CaseCheck
    kind: type
    """The kind of provider that it is for."""

    def run(self, context: ConformanceContext) -> bool:
        """Run the case; False where it is not for this kind of provider.

        :raises ConformanceError: the provider does not fulfil the contract.
        """
        if not isinstance(context.provider, self.kind):
            return False
        self.check(context, context.provider)
        return True


#: In the order in which they run.
CASES: list[ConformanceCase] = []


def _case(kind: type = object) -> Callable[[CaseCheck], CaseCheck]:
    """Adds a function to the :data:`CASES`; its name is the case's title."""

    def add(check: CaseCheck) -> CaseCheck:
        CASES.append(ConformanceCase(check.__name__.replace("_", " ").strip(), check, kind))
        return check

    return add


@_case()
def _services_are_described(context: ConformanceContext, provider: Provider) -> None:
    require_provider(provider, "under test")
    services = provider.list_services()
    require(services, "it lists no services")
    names = [service.id for service in services]
    require(len(set(names)) == len(names), f"two services have one id: {names}")
    for service in services:
        require(service.provider == provider.id, f"{service.id}: its provider is {provider.id!r}")
        require(
            Service.model_validate_json(service.model_dump_json()) == service,
            f"{service.id}: it changes when it is sent as JSON",
        )
        require(
            service.available or service.unavailable_reason,
            f"{service.id}: it is not available, and does not say why",
        )
        require(service.produces, f"{service.id}: it produces nothing")
        try:
            resolve_parameters(service, {})
        except ShotbridgeError as error:
            raise ConformanceError(f"{service.id}: a default is not valid: {error}") from error


@_case()
def _quotes_are_costs(context: ConformanceContext, provider: Provider) -> None:
    for service in provider.list_services():
        facts = RequestFacts(
            frames=24,
            seconds=1.0,
            width=1920,
            height=1080,
            references=0,
            is_test_frame=False,
            parameters=resolve_parameters(service, {}),
        )
        cost = provider.quote(service, facts)
        require(
            isinstance(cost.amount, Decimal) and cost.amount >= 0,
            f"{service.id}: a quote of {cost.amount}",
        )
        require(
            cost.currency == service.pricing.currency,
            f"{service.id}: a quote in {cost.currency}, and its prices are in "
            f"{service.pricing.currency}",
        )


@_case()
def _closing_twice_is_allowed(context: ConformanceContext, provider: Provider) -> None:
    another = context.make_provider()
    another.list_services()
    another.close()
    another.close()


@_case()
def _every_service_does_its_work(context: ConformanceContext, provider: Provider) -> None:
    for service in context.services():
        task, monitor = make_task(context, service, service.id), RecordingMonitor()
        plate = all_files(task.folder.parent / "plate")
        result = complete_task(context, task, monitor)
        check_result(service, task, result)
        require(
            all_files(task.folder.parent / "plate") == plate, f"{service.id}: it changed the plate"
        )
        if isinstance(provider, FrameProvider) and result.outputs:
            require(
                sorted(monitor.frames) == list(task.frames),
                f"{service.id}: it reported the frames {monitor.frames}, not {task.frames}",
            )


@_case(FrameProvider)
def _finished_work_is_not_repeated(context: ConformanceContext, provider: FrameProvider) -> None:
    task = make_task(context, context.service, "again")
    first = provider.run(task, RecordingMonitor())
    before = all_files(task.folder)
    second = provider.run(task, RecordingMonitor())
    require(all_files(task.folder) == before, "it wrote finished frames again")
    require(second == first, "it describes the same files differently")


@_case(RemoteProvider)
def _results_can_be_fetched_twice(context: ConformanceContext, provider: RemoteProvider) -> None:
    task = make_task(context, context.service, "fetched twice")
    handle = submit(provider, task)
    wait_until_ended(context, provider, handle)
    first = provider.fetch(handle, task, RecordingMonitor())
    names = list(all_files(task.folder))
    second = provider.fetch(handle, task, RecordingMonitor())
    require(first == second, "it describes the same results differently")
    require(list(all_files(task.folder)) == names, "it wrote other files the second time")
    check_result(context.service, task, second)


@_case(FrameProvider)
def _cancelling_ends_within_two_seconds(
    context: ConformanceContext, provider: FrameProvider
) -> None:
    service = context.service
    task, monitor = make_task(context, service, "cancelled", frames=24), RecordingMonitor()
    cancelled_at: list[float] = []

    def cancel(frame: int) -> None:
        if not cancelled_at:
            cancelled_at.append(time.monotonic())
            monitor.stop.set()

    monitor.on_frame = cancel
    try:
        result = provider.run(task, monitor)
    except JobCancelled:
        took = time.monotonic() - cancelled_at[0]
        require(took < CANCEL_SECONDS, f"it went on for {took:.1f} s after a cancellation")
    else:
        check_result(service, task, result)  # it was faster than the cancellation
    proxies = [task.folder / PROXY_FILENAME.format(frame=frame) for frame in monitor.frames]
    kept = {path: path.stat().st_mtime_ns for path in proxies if path.exists()}
    again = RecordingMonitor()
    check_result(service, task, provider.run(task, again))
    require(sorted(again.frames) == list(task.frames), "a resumed task does not report all frames")
    for path, written in kept.items():
        require(path.stat().st_mtime_ns == written, f"it made the finished {path.name} again")


@_case(FrameProvider)
def _a_cancelled_task_is_not_started(context: ConformanceContext, provider: FrameProvider) -> None:
    task, monitor = make_task(context, context.service, "not started"), RecordingMonitor()
    monitor.stop.set()
    try:
        provider.run(task, monitor)
    except JobCancelled:
        require(not monitor.frames, "it made frames of a cancelled task")
    else:
        raise ConformanceError("it ran a task that had been cancelled")


@_case()
def _an_unknown_service_is_refused(context: ConformanceContext, provider: Provider) -> None:
    task = replace(make_task(context, context.service, "unknown"), service="no_such_service")
    error = _require_error(
        lambda: complete_task(context, task, RecordingMonitor()), "an unknown service"
    )
    require(
        isinstance(error, ProviderRefused | InvalidRequest),
        f"an unknown service is refused by ProviderRefused, not by {type(error).__name__}",
    )
    require(not all_files(task.folder), "it wrote files for an unknown service")


@_case()
def _a_folder_that_cannot_be_written_is_reported(
    context: ConformanceContext, provider: Provider
) -> None:
    service = context.service
    task = make_task(context, service, "not writable")
    obstacle = context.folder / "a file"
    obstacle.touch()
    task = replace(task, folder=obstacle / "work")
    if OutputKind.PICTURES in service.produces or OutputKind.MOVIE in service.produces:
        error = _require_error(
            lambda: complete_task(context, task, RecordingMonitor()), "a folder without permission"
        )
        require(
            isinstance(error, StorageError | OSError),
            f"a folder that cannot be written is no {type(error).__name__}",
        )


@_case()
def _any_frame_number_and_any_path(context: ConformanceContext, provider: Provider) -> None:
    for name, first in (("Größe 東京 %d", 9_999), ("before zero", -1)):
        task = make_task(context, context.service, name, first=first, frames=2)
        check_result(context.service, task, complete_task(context, task, RecordingMonitor()))


@_case(RemoteProvider)
def _work_can_be_followed_by_its_handle(
    context: ConformanceContext, provider: RemoteProvider
) -> None:
    task = make_task(context, context.service, "followed")
    handle = submit(provider, task)
    text = json.dumps(handle, allow_nan=False)
    require(isinstance(handle, dict), f"a handle is a JSON object, not {type(handle).__name__}")
    require(len(text.encode()) <= MAX_HANDLE_BYTES, f"a handle has {len(text.encode())} bytes")
    # As after a restart of the gateway: another object, and the handle from the database.
    other = context.make_provider()
    try:
        assert isinstance(other, RemoteProvider)
        require(
            other.poll(json.loads(text)).state is not RemoteState.UNKNOWN,
            "another provider object does not know the work by its stored handle",
        )
        wait_until_ended(context, other, json.loads(text))
    finally:
        other.close()


@_case(RemoteProvider)
def _cancelling_is_answered(context: ConformanceContext, provider: RemoteProvider) -> None:
    service = context.service
    task = make_task(context, service, "remote cancelled")
    handle = submit(provider, task)
    outcome = provider.cancel(handle)
    require(isinstance(outcome, CancelOutcome), "cancel must return a CancelOutcome")
    require(
        not outcome.stopped or service.capabilities.cancel,
        f"{service.id}: it stopped, and its capabilities say that it cannot",
    )
    if outcome.stopped:
        require(
            provider.poll(handle).state.ended, "the work that was stopped is reported as running"
        )
    require(isinstance(provider.cancel(handle), CancelOutcome), "it cannot be cancelled twice")


@_case(RemoteProvider)
def _a_key_makes_one_piece_of_work(context: ConformanceContext, provider: RemoteProvider) -> None:
    for service in context.services():
        if service.capabilities.idempotency:
            task = make_task(context, service, f"key {service.id}")
            first = submit(provider, task)
            second = submit(provider, task)
            require(first == second, f"{service.id}: one key made {first} and {second}")
            provider.cancel(first)


@_case(RemoteProvider)
def _work_is_found_by_its_key(context: ConformanceContext, provider: RemoteProvider) -> None:
    task = make_task(context, context.service, "found")
    key = remote_key(task.job_id)
    try:
        require(provider.find(key) is None, "it found work that was never submitted")
    except OutcomeUnknown:
        return  # it cannot look up work, which is allowed
    handle = submit(provider, task)
    require(provider.find(key) == handle, "it does not find the work that was submitted")
    provider.cancel(handle)


def _require_error(call: Callable[[], object], what: str) -> BaseException:
    """The error of a call that has to fail with words for a director."""
    try:
        call()
    except ConformanceError:
        raise
    except ShotbridgeError as error:
        require(error.message, f"the error about {what} has no message")
        return error
    except OSError as error:
        return error
    except Exception as error:
        raise ConformanceError(f"{what} raises {type(error).__name__}: {error}") from error
    raise ConformanceError(f"{what} is not refused")
