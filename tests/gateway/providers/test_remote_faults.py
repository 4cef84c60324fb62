"""Remote jobs whose provider is missing, cannot be reached, or is behind. Work that was paid for is
neither lost nor paid for again."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from job_helpers import harness, running_runtime, wait_for_job, wait_until

from bridge_core.errors import JobCancelled, JobFailed, ProviderUnavailable, UnreadableMedia
from bridge_core.models.base import now
from bridge_core.models.jobs import Cancellation, Job, JobState
from bridge_core.models.problems import Problem
from bridge_core.models.services import ServiceCapabilities
from bridge_gateway.db.tables import RemoteJobRow
from bridge_gateway.jobs import reconciler, transitions
from bridge_gateway.jobs.runtime import JobRuntime
from bridge_gateway.providers import remote as runner
from bridge_gateway.providers.base import RemoteState, RemoteStatus
from bridge_gateway.providers.conformance.cases import CASES
from bridge_gateway.providers.conformance.pytest_suite import ProviderConformance
from bridge_gateway.providers.conformance.tasks import ConformanceContext, ConformanceError
from bridge_gateway.providers.registry import ProviderRegistry
from bridge_gateway.providers.remote_cancel import store_cancellation_response
from bridge_gateway.providers.remote_table import load_row

remote = harness.load_remote()
Provider = remote.CountingRemoteProvider

URL = "https://render.example/results/1"


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_FIRST_DELAY", 0.02)
    monkeypatch.setattr(runner, "_LAST_DELAY", 0.02)
    monkeypatch.setattr(runner, "_SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(reconciler, "RECONCILE_SECONDS", 0.1)
    monkeypatch.setattr(reconciler, "FIRST_RETRY_SECONDS", 0.1)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[JobRuntime]:
    (tmp_path / "remote").mkdir()
    with running_runtime(tmp_path) as opened:
        yield opened


def submit(runtime: JobRuntime, folder: Path, service: str, behaviour: str = "work") -> Job:
    given = harness.submission(
        harness.write_plate(folder), service=service, parameters={"behaviour": behaviour}
    )
    job, _ = runtime.jobs.submit(given, f"key-{time.time_ns()}", harness.PRINCIPAL)
    return job


def charges(folder: Path) -> list[str]:
    found: list[str] = Provider(folder / "remote").charges()
    return found


def wait_for_poll(runtime: JobRuntime, job: Job) -> None:
    wait_until(lambda: runtime.jobs.get_job(job.id).progress.fraction == 0.5, "a poll")


def row(runtime: JobRuntime, job: Job) -> RemoteJobRow | None:
    return load_row(runtime.gateway.database, job.id)


def stopped(runtime: JobRuntime, job: Job) -> bool | None:
    cancellation = runtime.jobs.get_job(job.id).cancellation
    return cancellation.provider_stopped if cancellation is not None else None


def replace_call(
    monkeypatch: pytest.MonkeyPatch, name: str, call: Callable[..., Any]
) -> list[float]:
    """Replace a method of the provider; ``call(real, number, *args)`` counts from 1. The times of
    the calls."""
    real, times = getattr(Provider, name), []

    def replaced(self: Any, *args: Any) -> Any:
        times.append(time.monotonic())
        return call(lambda: real(self, *args), len(times), *args)

    monkeypatch.setattr(Provider, name, replaced)
    return times


# --- a provider that is missing after a restart


def without_remote(folder: Path) -> ProviderRegistry:
    return ProviderRegistry.of([harness.CopyProvider(folder)])


def leave_hanging(folder: Path) -> Job:
    """A job whose gateway has ended while its work goes on."""
    (folder / "remote").mkdir()
    with running_runtime(folder) as runtime:
        job = submit(runtime, folder, remote.BLIND, "hang")
        wait_for_poll(runtime, job)
    return job


def wait_for_provider(runtime: JobRuntime, job: Job) -> None:
    wait_until(
        lambda: (
            "waiting for the provider 'remote'" in runtime.jobs.get_job(job.id).progress.message
        ),
        "the job says that it waits",
    )


def test_a_job_waits_for_its_missing_provider(tmp_path: Path) -> None:
    job = leave_hanging(tmp_path)
    with running_runtime(tmp_path, providers=without_remote(tmp_path)) as runtime:
        wait_for_provider(runtime, job)
        assert runtime.jobs.get_job(job.id).state is JobState.RUNNING
    (path,) = (tmp_path / "remote").glob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "behaviour": "work"}))
    with running_runtime(tmp_path) as runtime:
        ended = wait_for_job(runtime, job)
        assert ended.state is JobState.SUCCEEDED, ended.problem
    assert len(charges(tmp_path)) == 1


def test_a_job_that_waits_for_its_provider_can_be_cancelled(tmp_path: Path) -> None:
    job = leave_hanging(tmp_path)
    with running_runtime(tmp_path, providers=without_remote(tmp_path)) as runtime:
        wait_for_provider(runtime, job)
        assert runtime.jobs.cancel(job.id).state is JobState.CANCELLED
        wait_until(lambda: runtime.jobs.get_job(job.id).cancellation, "the user is told")
        cancellation = runtime.jobs.get_job(job.id).cancellation
        assert cancellation is not None and cancellation.provider_stopped is None
        assert "could not be told" in cancellation.message
    with running_runtime(tmp_path) as runtime:
        wait_until(lambda: stopped(runtime, job), "the provider is told")
    assert len(charges(tmp_path)) == 1


def test_a_job_that_submitted_nothing_does_not_wait(tmp_path: Path) -> None:
    job = leave_hanging(tmp_path)
    with running_runtime(tmp_path, providers=without_remote(tmp_path)) as runtime:
        with runtime.gateway.database.begin_write() as session:
            session.delete(session.get_one(RemoteJobRow, job.id))
        ended = wait_for_job(runtime, job)
        assert ended.state is JobState.FAILED and ended.problem is not None
        assert ended.problem.code == "unknown_service"


@pytest.mark.parametrize("has_handle", [True, False], ids=["handle", "killed in submit"])
def test_a_job_does_not_fail_while_its_work_goes_on(
    runtime: JobRuntime, tmp_path: Path, has_handle: bool
) -> None:
    job = submit(runtime, tmp_path, remote.BLIND, "hang")
    wait_for_poll(runtime, job)
    if not has_handle:
        with runtime.gateway.database.begin_write() as session:
            session.get_one(RemoteJobRow, job.id).handle = None
    error = JobFailed("a part of the gateway broke", next_step="send it again")
    transitions.fail_job(runtime.gateway.database, job.id, error)
    ended = runtime.jobs.get_job(job.id)
    assert ended.state is JobState.UNKNOWN and ended.problem is not None
    assert ended.problem.code == "outcome_unknown"
    assert "a part of the gateway broke" in ended.problem.message
    assert f"shotbridge-{job.id}" in ended.problem.next_step
    (costs,) = runtime.jobs.list_show_costs()
    assert costs.reserved == remote.PRICE.amount, "kept until it is resolved"


# --- results that cannot be fetched at once


@pytest.mark.parametrize(
    "error",
    [
        http.client.IncompleteRead(b"half"),
        urllib.error.HTTPError(URL, 503, "busy", Message(), None),
        RuntimeError("an error of a library"),
        ConnectionResetError("the connection was closed"),
        ProviderUnavailable("not now"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_fetch_is_repeated(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fetch(real: Callable[[], Any], number: int, *_: Any) -> Any:
        if number <= 3:
            raise error
        return real()

    calls = replace_call(monkeypatch, "fetch", fetch)
    job = wait_for_job(runtime, submit(runtime, tmp_path, remote.BLIND))
    assert job.state is JobState.SUCCEEDED, job.problem
    assert len(calls) == 4 and len(charges(tmp_path)) == 1


def test_a_fetch_is_not_repeated_for_ever(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: Any) -> None:
        raise http.client.IncompleteRead(b"half")

    calls = replace_call(monkeypatch, "fetch", fetch)
    job = wait_for_job(runtime, submit(runtime, tmp_path, remote.BLIND))
    assert job.state is JobState.FAILED and job.problem is not None
    assert "its results cannot be fetched: IncompleteRead" in job.problem.message
    assert "charged again" in job.problem.next_step
    assert len(calls) == runner._MAX_FETCH_FAULTS + 1 and len(charges(tmp_path)) == 1


@pytest.mark.parametrize(
    "error",
    [PermissionError(13, "not permitted", "main.1001.exr"), OSError(28, "no space")],
    ids=["not permitted", "disk full"],
)
def test_an_error_of_a_local_file_ends_a_fetch(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def fetch(*_: Any) -> None:
        raise error

    calls = replace_call(monkeypatch, "fetch", fetch)
    job = wait_for_job(runtime, submit(runtime, tmp_path, remote.BLIND))
    assert job.state is JobState.FAILED and job.problem is not None
    assert job.problem.code in ("not_writable", "disk_full")
    assert len(calls) == 1


# --- submissions


def test_a_refusal_leaves_no_recorded_submission(runtime: JobRuntime, tmp_path: Path) -> None:
    job = wait_for_job(runtime, submit(runtime, tmp_path, remote.BLIND, "refuse"))
    assert job.state is JobState.FAILED and row(runtime, job) is None


@pytest.mark.parametrize("is_blind", [False, True], ids=["found by its key", "not to be found"])
def test_a_failure_before_a_repeated_submission_asks_the_provider(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_blind: bool
) -> None:
    """The first call was accepted; the failure of the second one says nothing about that."""
    if is_blind:
        (tmp_path / "remote" / "blind").touch()

    def send(real: Callable[[], Any], number: int, *_: Any) -> Any:
        if number == 1:
            _lose(real)
        raise UnreadableMedia("the plate cannot be read", where="plate.1001.exr")

    submissions = replace_call(monkeypatch, "submit", send)
    job = wait_for_job(runtime, submit(runtime, tmp_path, remote.KEYED))
    assert len(submissions) == 2 and len(charges(tmp_path)) == 1
    if is_blind:
        assert job.state is JobState.UNKNOWN and job.problem is not None
        assert "cannot be submitted again: the plate cannot be read" in job.problem.message
    else:
        assert job.state is JobState.SUCCEEDED, job.problem


def test_a_failure_before_the_first_submission_keeps_its_error(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(*_: Any) -> None:
        raise UnreadableMedia("the plate cannot be read", where="plate.1001.exr")

    replace_call(monkeypatch, "submit", send)
    job = wait_for_job(runtime, submit(runtime, tmp_path, remote.KEYED))
    assert job.state is JobState.FAILED and job.problem is not None
    assert job.problem.code == "unreadable_media" and row(runtime, job) is None


def test_a_list_that_is_behind_is_asked_again(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work appears in it some time after its submission."""
    monkeypatch.setattr(runner, "_SETTLE_SECONDS", 30.0)
    calls = replace_call(
        monkeypatch, "find", lambda real, number, *_: real() if number > 3 else None
    )
    job = wait_for_job(runtime, submit(runtime, tmp_path, remote.FINDABLE, "lose"))
    assert job.state is JobState.SUCCEEDED, job.problem
    assert len(calls) == 4 and len(charges(tmp_path)) == 1


def test_work_that_is_not_found_for_a_while_is_submitted_again(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_SETTLE_SECONDS", 0.5)
    first_submissions = []

    def send(real: Callable[[], Any], number: int, task: Any, *_: Any) -> Any:
        if number > 1:
            return real()
        first = load_row(runtime.gateway.database, task.job_id)
        assert first is not None
        first_submissions.append(first.submitted)
        raise ConnectionError("the connection was closed before the work was accepted")

    submissions = replace_call(monkeypatch, "submit", send)
    job = wait_for_job(runtime, submit(runtime, tmp_path, remote.FINDABLE))
    assert job.state is JobState.SUCCEEDED, job.problem
    assert len(submissions) == 2 and submissions[1] - submissions[0] >= 0.5
    assert len(charges(tmp_path)) == 1
    last = row(runtime, job)
    assert last is not None and last.submitted >= first_submissions[0] + timedelta(seconds=0.4)


def test_a_late_answer_of_find_is_stored_and_the_work_cancelled(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def find(real: Callable[[], Any], *_: Any) -> Any:
        asked.set()
        answer.wait(60)
        return real()

    replace_call(monkeypatch, "find", find)
    # Work that hangs, and whose first answer is lost.
    replace_call(monkeypatch, "submit", lambda real, number, *_: _lose(real))
    job = submit(runtime, tmp_path, remote.FINDABLE, "hang")
    assert asked.wait(60)
    runtime.jobs.cancel(job.id)
    wait_until(lambda: not list((tmp_path / "library" / ".work").iterdir()), "the end of our work")
    assert stopped(runtime, job) is None
    answer.set()
    wait_until(lambda: stopped(runtime, job), "the provider is told")
    assert len(charges(tmp_path)) == 1


def _lose(real: Callable[[], Any]) -> None:
    real()
    raise ConnectionError("the connection was closed")


def test_a_key_is_not_repeated_once_it_has_expired(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It expires while the gateway waits for a provider that is busy."""
    capabilities = ServiceCapabilities(cancel=True, idempotency=True, idempotency_hours=1)
    replace_call(
        monkeypatch,
        "list_services",
        lambda real, *_: tuple(
            one.model_copy(update={"capabilities": capabilities}) for one in real()
        ),
    )

    def send(real: Callable[[], Any], number: int, *_: Any) -> Any:
        if number == 1:
            _lose(real)
        if number == 2:
            raise ProviderUnavailable("busy")
        return real()

    real_pause = runner.RemoteRun._pause

    def pause(self: runner.RemoteRun, seconds: float) -> None:
        if len(submissions) == 2:
            with runtime.gateway.database.begin_write() as session:
                session.get_one(RemoteJobRow, job.id).submitted = now() - timedelta(hours=2)
        real_pause(self, seconds)

    submissions = replace_call(monkeypatch, "submit", send)
    monkeypatch.setattr(runner.RemoteRun, "_pause", pause)
    # A job of this kind makes another charge for a key that has expired.
    job = submit(runtime, tmp_path, remote.FINDABLE)
    ended = wait_for_job(runtime, job)
    assert ended.state is JobState.SUCCEEDED, ended.problem
    assert len(submissions) == 2 and len(charges(tmp_path)) == 1


@pytest.mark.parametrize("code", ["storage_unavailable", "job_cancelled"])
def test_a_problem_of_the_provider_is_not_one_of_the_gateway(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """The gateway would wait for a disk, or take the job for one that was cancelled here."""
    problem = Problem(code=code, message="their disk is away")
    replace_call(monkeypatch, "poll", lambda *_: RemoteStatus(RemoteState.FAILED, problem=problem))
    job = wait_for_job(runtime, submit(runtime, tmp_path, remote.BLIND), seconds=20)
    assert job.state is JobState.FAILED and job.problem is not None
    assert job.problem.message == "their disk is away"


# --- cancellations


def test_a_cancellation_that_fails_is_repeated_without_a_restart(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel(real: Callable[[], Any], number: int, *_: Any) -> Any:
        if number <= 2:
            raise ConnectionError("the connection was closed")
        return real()

    calls = replace_call(monkeypatch, "cancel", cancel)
    job = submit(runtime, tmp_path, remote.BLIND, "hang")
    wait_for_poll(runtime, job)
    runtime.jobs.cancel(job.id)
    wait_until(lambda: stopped(runtime, job), "the provider is told again")
    assert len(calls) == 3


def test_a_cancellation_under_way_is_not_repeated(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run and the reconciler each ask once; the answer that says more is kept."""
    monkeypatch.setattr(reconciler, "LAST_RETRY_SECONDS", 0.1)
    calls = replace_call(monkeypatch, "cancel", lambda real, *_: real())
    job = submit(runtime, tmp_path, remote.BLIND, "deaf")
    wait_for_poll(runtime, job)
    runtime.jobs.cancel(job.id)
    wait_until(lambda: len(calls) == 2, "the reconciler asks")
    time.sleep(1.0)  # several reconciliations
    assert len(calls) == 2
    (tmp_path / "remote" / "answer").touch()
    wait_until(lambda: stopped(runtime, job), "the answer")


def test_a_second_answer_does_not_replace_the_first(runtime: JobRuntime, tmp_path: Path) -> None:
    job = submit(runtime, tmp_path, remote.BLIND, "hang")
    wait_for_poll(runtime, job)
    database = runtime.gateway.database
    ended = Cancellation(provider_stopped=False, message="it had ended")
    with database.begin_write() as session:
        assert store_cancellation_response(session, job.id, ended)
        assert store_cancellation_response(session, job.id, Cancellation(provider_stopped=True))
        assert not store_cancellation_response(session, job.id, ended)
    kept = row(runtime, job)
    assert kept is not None and json.loads(kept.cancellation or "")["provider_stopped"] is True


def test_work_of_an_earlier_attempt_is_cancelled(runtime: JobRuntime, tmp_path: Path) -> None:
    """The job is cancelled before this attempt has loaded the handle."""
    job = submit(runtime, tmp_path, remote.BLIND, "hang")
    wait_for_poll(runtime, job)
    answers: list[Cancellation] = []
    attempt = runner.RemoteRun(
        runtime.gateway.database,
        Provider(tmp_path / "remote"),
        SimpleNamespace(job_id=job.id),  # type: ignore[arg-type]
        SimpleNamespace(cancelled=lambda: True, cancelled_by_user=True),  # type: ignore[arg-type]
        capabilities=ServiceCapabilities(cancel=True),
        on_cancellation=lambda _, answer: answers.append(answer),
    )
    with pytest.raises(JobCancelled):
        attempt.run()
    wait_until(lambda: answers[-1].provider_stopped, "the provider is told")


# --- the suite


def test_the_suite_wants_a_provider() -> None:
    class Forgotten(ProviderConformance):
        pass

    with pytest.raises(TypeError, match="make_provider"):
        Forgotten()  # type: ignore[abstract]


def test_the_suite_wants_a_refusal_by_its_name(tmp_path: Path) -> None:
    """After a ProviderUnavailable the gateway would submit such work for ever."""

    class Unavailable(Provider):  # type: ignore[misc, valid-type]
        def submit(self, task: Any, key: str) -> Any:
            raise ProviderUnavailable(f"there is no service {task.service!r}")

    (case,) = (case for case in CASES if case.title == "an unknown service is refused")
    for kind, folder in ((Provider, tmp_path / "refuses"), (Unavailable, tmp_path / "waits")):
        folder.mkdir()
        context = ConformanceContext(kind(folder / "remote"), Provider, folder / "tasks")
        if kind is Provider:
            assert case.run(context)
        else:
            with pytest.raises(ConformanceError, match="not by ProviderUnavailable"):
                case.run(context)
