"""The cases of the suite. Each takes a context, and raises a ConformanceError or returns."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

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
    wait_until_ended,
)
from bridge_gateway.providers.pricing import RequestFacts
from bridge_gateway.providers.registry import require_provider
from bridge_gateway.providers.remote_table import remote_key

#: Seconds from a cancellation to the end of the work, by the contract.
CANCEL_SECONDS = 2.0


@dataclass(frozen=True)
class ConformanceCase:
    """A case; its title is a sentence."""

    title: str
    check: Callable[[ConformanceContext], None]
    is_for: tuple[type, ...] = (object,)
    """The kinds of provider that it is for."""
    submits: bool = True
    """Whether it has the provider work, which may cost money."""

    def run(self, context: ConformanceContext) -> bool:
        """Run the case; False where it is not for this kind of provider.

        :raises ConformanceError: the provider does not fulfil the contract.
        """
        if not isinstance(context.provider, self.is_for):
            return False
        self.check(context)
        return True


def _services_are_described(context: ConformanceContext) -> None:
    provider = require_provider(context.provider, "under test")
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


def _quotes_are_costs(context: ConformanceContext) -> None:
    for service in context.provider.list_services():
        facts = RequestFacts(
            frames=24,
            seconds=1.0,
            width=1920,
            height=1080,
            references=0,
            is_test_frame=False,
            parameters=resolve_parameters(service, {}),
        )
        cost = context.provider.quote(service, facts)
        require(
            isinstance(cost.amount, Decimal) and cost.amount >= 0,
            f"{service.id}: a quote of {cost.amount}",
        )
        require(
            cost.currency == service.pricing.currency,
            f"{service.id}: a quote in {cost.currency}, and its prices are in "
            f"{service.pricing.currency}",
        )


def _every_service_does_its_work(context: ConformanceContext) -> None:
    for service in context.services():
        task, monitor = make_task(context, service, service.id), RecordingMonitor()
        plate = all_files(task.folder.parent / "plate")
        result = complete_task(context, task, monitor)
        check_result(service, task, result)
        require(
            all_files(task.folder.parent / "plate") == plate, f"{service.id}: it changed the plate"
        )
        if isinstance(context.provider, FrameProvider) and result.outputs:
            require(
                sorted(monitor.frames) == list(task.frames),
                f"{service.id}: it reported the frames {monitor.frames}, not {task.frames}",
            )


def _finished_work_is_not_repeated(context: ConformanceContext) -> None:
    provider = context.provider
    assert isinstance(provider, FrameProvider)
    task = make_task(context, context.services()[0], "again")
    first = provider.run(task, RecordingMonitor())
    before = all_files(task.folder)
    second = provider.run(task, RecordingMonitor())
    require(all_files(task.folder) == before, "it wrote finished frames again")
    require(second == first, "it describes the same files differently")


def _results_can_be_fetched_twice(context: ConformanceContext) -> None:
    provider, service = _remote(context), context.services()[0]
    task = make_task(context, service, "fetched twice")
    handle = provider.submit(task, remote_key(task.job_id))
    wait_until_ended(context, provider, handle)
    first = provider.fetch(handle, task, RecordingMonitor())
    names = list(all_files(task.folder))
    second = provider.fetch(handle, task, RecordingMonitor())
    require(first == second, "it describes the same results differently")
    require(list(all_files(task.folder)) == names, "it wrote other files the second time")
    check_result(service, task, second)


def _cancelling_ends_within_two_seconds(context: ConformanceContext) -> None:
    provider = context.provider
    assert isinstance(provider, FrameProvider)
    service = context.services()[0]
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
    kept = {
        frame: (task.folder / PROXY_FILENAME.format(frame=frame)).stat().st_mtime_ns
        for frame in monitor.frames
        if (task.folder / PROXY_FILENAME.format(frame=frame)).exists()
    }
    again = RecordingMonitor()
    check_result(service, task, provider.run(task, again))
    require(sorted(again.frames) == list(task.frames), "a resumed task does not report all frames")
    for frame, written in kept.items():
        path = task.folder / PROXY_FILENAME.format(frame=frame)
        require(path.stat().st_mtime_ns == written, f"it made the finished frame {frame} again")


def _a_cancelled_task_is_not_started(context: ConformanceContext) -> None:
    provider = context.provider
    assert isinstance(provider, FrameProvider)
    task, monitor = make_task(context, context.services()[0], "not started"), RecordingMonitor()
    monitor.stop.set()
    try:
        provider.run(task, monitor)
    except JobCancelled:
        require(not monitor.frames, "it made frames of a cancelled task")
    else:
        raise ConformanceError("it ran a task that had been cancelled")


def _an_unknown_service_is_refused(context: ConformanceContext) -> None:
    task = replace(make_task(context, context.services()[0], "unknown"), service="no_such_service")
    error = _require_error(
        lambda: complete_task(context, task, RecordingMonitor()), "an unknown service"
    )
    require(
        isinstance(error, ProviderRefused | InvalidRequest),
        f"an unknown service is refused by ProviderRefused, not by {type(error).__name__}",
    )
    require(not all_files(task.folder), "it wrote files for an unknown service")


def _a_folder_that_cannot_be_written_is_reported(context: ConformanceContext) -> None:
    service = context.services()[0]
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


def _any_frame_number_and_any_path(context: ConformanceContext) -> None:
    service = context.services()[0]
    for name, first in (("Größe 東京 %d", 9_999), ("before zero", -1)):
        task = make_task(context, service, name, first=first, frames=2)
        check_result(service, task, complete_task(context, task, RecordingMonitor()))


def _closing_twice_is_allowed(context: ConformanceContext) -> None:
    provider = context.make_provider()
    provider.list_services()
    provider.close()
    provider.close()


def _work_can_be_followed_by_its_handle(context: ConformanceContext) -> None:
    provider, service = _remote(context), context.services()[0]
    task = make_task(context, service, "followed")
    handle = provider.submit(task, remote_key(task.job_id))
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


def _cancelling_is_answered(context: ConformanceContext) -> None:
    provider, service = _remote(context), context.services()[0]
    task = make_task(context, service, "remote cancelled")
    handle = provider.submit(task, remote_key(task.job_id))
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


def _a_key_makes_one_piece_of_work(context: ConformanceContext) -> None:
    provider = _remote(context)
    for service in context.services():
        if service.capabilities.idempotency:
            task = make_task(context, service, f"key {service.id}")
            first = provider.submit(task, remote_key(task.job_id))
            second = provider.submit(task, remote_key(task.job_id))
            require(first == second, f"{service.id}: one key made {first} and {second}")
            provider.cancel(first)


def _work_is_found_by_its_key(context: ConformanceContext) -> None:
    provider, service = _remote(context), context.services()[0]
    task = make_task(context, service, "found")
    try:
        require(
            provider.find(remote_key(task.job_id)) is None, "it found work that was never submitted"
        )
    except OutcomeUnknown:
        return  # it cannot look up work, which is allowed
    handle = provider.submit(task, remote_key(task.job_id))
    require(
        provider.find(remote_key(task.job_id)) == handle,
        "it does not find the work that was submitted",
    )
    provider.cancel(handle)


CASES: tuple[ConformanceCase, ...] = (
    ConformanceCase("services are described", _services_are_described, submits=False),
    ConformanceCase("quotes are costs", _quotes_are_costs, submits=False),
    ConformanceCase("closing twice is allowed", _closing_twice_is_allowed, submits=False),
    ConformanceCase("every service does its work", _every_service_does_its_work),
    ConformanceCase("any frame number and any path", _any_frame_number_and_any_path),
    ConformanceCase("an unknown service is refused", _an_unknown_service_is_refused),
    ConformanceCase(
        "a folder that cannot be written is reported", _a_folder_that_cannot_be_written_is_reported
    ),
    ConformanceCase(
        "finished work is not repeated", _finished_work_is_not_repeated, (FrameProvider,)
    ),
    ConformanceCase(
        "a cancelled task is not started", _a_cancelled_task_is_not_started, (FrameProvider,)
    ),
    ConformanceCase(
        "cancelling ends within two seconds", _cancelling_ends_within_two_seconds, (FrameProvider,)
    ),
    ConformanceCase(
        "work can be followed by its handle", _work_can_be_followed_by_its_handle, (RemoteProvider,)
    ),
    ConformanceCase(
        "results can be fetched twice", _results_can_be_fetched_twice, (RemoteProvider,)
    ),
    ConformanceCase("cancelling is answered", _cancelling_is_answered, (RemoteProvider,)),
    ConformanceCase(
        "a key makes one piece of work", _a_key_makes_one_piece_of_work, (RemoteProvider,)
    ),
    ConformanceCase("work is found by its key", _work_is_found_by_its_key, (RemoteProvider,)),
)


def _remote(context: ConformanceContext) -> RemoteProvider:
    assert isinstance(context.provider, RemoteProvider)
    return context.provider


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
