"""The client with a strict gateway, with failures and kills at every step of a request."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from bridge_core.client import Client
from bridge_core.errors import (
    ConfigError,
    GatewayFault,
    GatewayUnreachable,
    IdempotencyKeyReused,
    InvalidRequest,
    JobCancelled,
    MissingFrames,
    NotAuthorised,
    NotFound,
    StorageError,
    UnknownService,
)
from bridge_core.models.costs import MAX_QUOTED_REQUESTS
from bridge_core.models.findings import Finding, Findings
from bridge_core.models.gateway import Event
from bridge_core.models.jobs import JobOutcome, JobState, Resolution
from bridge_core.models.media import Plate
from bridge_core.models.notes import NewNote
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request
from bridge_core.models.settings import Settings
from bridge_core.models.versions import Decision, ReviewStatus

JOBS = "/v1/jobs"


def problem(error: Exception, status: int) -> dict[str, Any]:
    text = Problem.from_error(error).model_dump_json()  # type: ignore[arg-type]
    return {"answer": (status, "application/problem+json", text.encode())}


def test_a_request_becomes_a_job_and_the_outbox_is_empty(
    gateway: Any, client: Client, request_of: Request, plate: Plate
) -> None:
    job = client.submit(request_of)
    assert job.state is JobState.QUEUED
    assert job.request == request_of
    assert len(gateway.submissions[job.id].plate_files) == plate.range.count
    assert client.outbox.entries() == ()
    assert not list((client.outbox.folder / "locks").iterdir())


@pytest.mark.parametrize("fault", ["drop_answer", "cut_answer", "hang"])
def test_a_lost_response_makes_no_second_job(
    fault: str, gateway: Any, client: Client, request_of: Request
) -> None:
    gateway.fault("POST", JOBS, **{fault: True})
    client.submit(request_of)
    assert len(gateway.jobs) == 1
    assert gateway.count("POST", JOBS) == 2


def test_a_key_can_only_be_reused_for_the_same_content(
    gateway: Any, client: Client, request_of: Request
) -> None:
    first = client.submit(request_of, key="one-and-only")
    assert client.submit(request_of, key="one-and-only").id == first.id
    with pytest.raises(IdempotencyKeyReused):
        client.submit(request_of.model_copy(update={"note": "other"}), key="one-and-only")
    assert len(gateway.jobs) == 1
    [refused] = client.outbox.refused()
    assert refused.problem is not None
    assert refused.problem.code == "key_reused"


def test_without_a_gateway_a_request_is_kept_and_sent_later(
    gateway: Any, client: Client, request_of: Request
) -> None:
    gateway.stop()
    with pytest.raises(GatewayUnreachable, match="kept in the outbox") as caught:
        client.submit(request_of)
    [entry] = client.outbox.entries()
    assert caught.value.details["outbox_key"] == entry.key
    assert "shotbridge outbox --send" in caught.value.next_step
    with pytest.raises(GatewayUnreachable):
        client.flush()
    gateway.start(gateway.port)
    [job] = client.flush()
    assert job.key == entry.key
    assert client.outbox.entries() == ()
    assert client.flush() == []


def test_a_permanent_error_does_not_stop_the_next_request(
    gateway: Any, client: Client, request_of: Request, plate: Plate
) -> None:
    Path(plate.path_at(1003)).rename(plate.path_at(1003) + ".gone")
    with pytest.raises(MissingFrames, match="1003"):
        client.submit(request_of)
    Path(plate.path_at(1003) + ".gone").rename(plate.path_at(1003))
    assert client.outbox.entries() == ()
    assert len(client.outbox.refused()) == 1
    gateway.fault("POST", JOBS, **problem(UnknownService("no such service"), 422))
    with pytest.raises(UnknownService):
        client.submit(request_of)
    assert len(client.outbox.refused()) == 2
    client.submit(request_of)
    assert len(gateway.jobs) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StorageError("full"), 507),
        (NotAuthorised("who are you"), 401),
        (GatewayFault("reference 17"), 500),
    ],
)
def test_a_temporary_error_keeps_the_request(
    error: Exception, status: int, gateway: Any, client: Client, request_of: Request
) -> None:
    gateway.fault("POST", JOBS, **problem(error, status))
    with pytest.raises(type(error)) as caught:
        client.submit(request_of)
    assert "outbox_key" in caught.value.details  # type: ignore[attr-defined]
    assert len(client.outbox.entries()) == 1
    assert len(client.flush()) == 1
    assert len(gateway.jobs) == 1


def test_flush_continues_after_an_error(gateway: Any, client: Client, request_of: Request) -> None:
    for number in range(4):
        client.outbox.add(request_of.model_copy(update={"note": str(number)}), requested_by="Ada")
    gateway.fault("POST", JOBS, **problem(GatewayFault("reference 17"), 500))
    gateway.fault("POST", JOBS, **problem(InvalidRequest("no"), 422))
    with pytest.raises(GatewayFault):
        client.flush()
    assert [job.request.note for job in gateway.jobs.values()] == ["2", "3"]
    assert [entry.request.note for entry in client.outbox.entries()] == ["0"]
    assert [entry.request.note for entry in client.outbox.refused()] == ["1"]


def as_user(settings: Settings, user: str | None) -> Client:
    client = settings.client.model_copy(update={"user": user})
    return Client(settings.model_copy(update={"client": client}))


def test_a_request_is_sent_in_the_name_of_who_asked(
    gateway: Any, settings: Settings, request_of: Request
) -> None:
    """Also if it is sent later, by another process, as another user."""
    with as_user(settings, "Größe & Ada") as asking:
        gateway.fault("POST", JOBS, **problem(GatewayFault("reference 17"), 500))
        with pytest.raises(GatewayFault):
            asking.submit(request_of)
    with as_user(settings, "Eve") as sending:
        (job,) = sending.flush()
        assert job.requested_by == "Größe & Ada"
        assert sending.submit(request_of).requested_by == "Eve"
        sending.set_user("Grace")
        assert sending.submit(request_of).requested_by == "Grace"
        assert sending.submit(request_of, user="Ada").requested_by == "Ada"
        assert sending.add_note("v", NewNote(text="x")).by == "Grace"
        assert sending.add_note("v", NewNote(text="x"), user="Ada").by == "Ada"


def test_without_a_name_nothing_is_requested_or_decided(
    gateway: Any, settings: Settings, request_of: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "artist-7")
    with as_user(settings, None) as client:
        assert client.submit(request_of).requested_by == "artist-7"
    monkeypatch.setattr("getpass.getuser", _no_login_name)
    with as_user(settings, None) as client:
        for act in (
            lambda: client.submit(request_of),
            lambda: client.submit(request_of, user=" "),
            lambda: client.add_note("v", NewNote(text="x")),
            lambda: client.add_note("v", NewNote(text="x"), user=""),
            lambda: client.decide("v", Decision(status=ReviewStatus.APPROVED)),
            lambda: client.resolve_job("j", Resolution(outcome=JobOutcome.NOT_MADE, text="x")),
        ):
            with pytest.raises(ConfigError, match="recorded under a name") as caught:
                act()
            assert "client.user" in caught.value.next_step
        assert client.outbox.entries() == ()


@pytest.mark.parametrize(
    ("login", "reason"),
    [
        ("\u200b", "invisible characters"),
        ("\u2060\u00ad", "invisible characters"),
        ("\x07", "control characters"),
        ("\u0301", "a visible character"),
    ],
)
def test_a_login_name_that_cannot_be_seen_is_refused_in_words(
    gateway: Any,
    settings: Settings,
    request_of: Request,
    monkeypatch: pytest.MonkeyPatch,
    login: str,
    reason: str,
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: login)
    with as_user(settings, None) as client:
        with pytest.raises(ConfigError, match=f"recorded under a name.*{reason}") as caught:
            client.submit(request_of)
        assert "client.user" in caught.value.next_step
        with pytest.raises(ConfigError, match=reason):
            client.add_note("v", NewNote(text="x"), user=login)
        assert client.outbox.entries() == ()
        client.set_user("Ada")
        assert client.submit(request_of).requested_by == "Ada"


def _no_login_name() -> str:
    raise KeyError("uid not found")


def test_a_long_list_is_quoted_in_several_calls(
    gateway: Any, client: Client, request_of: Request
) -> None:
    assert client.quote([]) == [] and gateway.count("POST", "/v1/quotes") == 0
    requests = [request_of] * (MAX_QUOTED_REQUESTS + 1)
    quotes = client.quote(requests)
    assert [quote.frames for quote in quotes] == [len(request_of.frames)] * len(requests)
    assert gateway.count("POST", "/v1/quotes") == 2


def test_a_request_that_another_process_sends_is_skipped(
    gateway: Any, client: Client, settings: Settings, request_of: Request
) -> None:
    entry = client.outbox.add(request_of, requested_by="Ada")
    with Client(settings) as other, other.outbox.lock_for_sending(entry.key):
        assert client.flush() == []
    assert len(client.flush()) == 1


def test_cancelling_during_the_upload_withdraws_the_request(
    gateway: Any, client: Client, request_of: Request
) -> None:
    cancel = threading.Event()
    gateway.fault("POST", "/v1/content/states", before=cancel.set)
    with pytest.raises(JobCancelled):
        client.submit(request_of, cancel=cancel)
    assert client.outbox.entries() == ()
    assert gateway.jobs == {}


def test_a_request_with_files_by_path_can_be_withdrawn(
    gateway: Any, client: Client, request_of: Request, plate: Plate
) -> None:
    gateway.roots = [Path(plate.path).parent]
    cancel = threading.Event()
    gateway.fault("POST", "/v1/media/readable", before=cancel.set)
    with pytest.raises(JobCancelled):
        client.submit(request_of, cancel=cancel)
    assert client.outbox.entries() == ()
    assert gateway.jobs == {}


SENDER = """
import sys
from bridge_core.client import Client
from bridge_core.models.requests import Request
from bridge_core.models.settings import Settings
settings = Settings.model_validate_json(sys.argv[1])
with Client(settings) as client:
    client.submit(Request.model_validate_json(sys.argv[2]), key="killed-key")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/about"),
        ("POST", "/v1/media/readable"),
        ("POST", "/v1/content/states"),
        ("PATCH", "/v1/content/.*"),
        ("POST", "/v1/jobs"),
    ],
)
def test_a_client_killed_at_any_step_loses_nothing_and_sends_nothing_twice(
    method: str, path: str, gateway: Any, client: Client, settings: Settings, request_of: Request
) -> None:
    patient = settings.model_copy(
        update={"client": settings.client.model_copy(update={"read_timeout": 60.0})}
    )
    # The gateway makes the call and does not respond, so the client waits in this step.
    fault = gateway.fault(method, path, hang=True)
    sender = subprocess.Popen(
        [sys.executable, "-c", SENDER, patient.model_dump_json(), request_of.model_dump_json()]
    )
    assert fault.triggered.wait(60)
    sender.kill()
    assert sender.wait(60) == -9

    [entry] = client.outbox.entries()
    assert entry.request == request_of
    received = gateway.received
    [job] = client.flush()
    assert job.key == "killed-key"
    assert len(gateway.jobs) == 1
    assert client.outbox.entries() == ()
    if path == "/v1/jobs":
        assert gateway.received == received  # the files were there, and were not uploaded again


def ended(event: Event) -> bool:
    return event.job is not None and event.job.state.ended


def test_wait_ends_when_all_jobs_have(gateway: Any, client: Client, request_of: Request) -> None:
    jobs = [client.submit(request_of) for _ in range(3)]
    received: list[Event] = []

    def work() -> None:
        with gateway.lock:
            gateway.changed.wait_for(lambda: gateway.listeners, 30)
        gateway.end_job(jobs[2].id, JobState.FAILED)
        gateway.end_job(jobs[0].id)
        gateway.end_job(jobs[1].id, JobState.UNKNOWN)

    worker = threading.Thread(target=work)
    worker.start()
    states = [job.state for job in client.wait([job.id for job in jobs], received.append)]
    worker.join()
    assert states == [JobState.SUCCEEDED, JobState.UNKNOWN, JobState.FAILED]
    assert sum(ended(event) for event in received) == 3


def test_wait_asks_for_no_job_of_others(gateway: Any, client: Client, request_of: Request) -> None:
    own, other = client.submit(request_of), client.submit(request_of)
    was_queried = threading.Event()  # from now on, only events end the wait

    def work() -> None:
        assert was_queried.wait(30)
        gateway.publish_progress(other.id, 1)
        gateway.end_job(other.id)
        gateway.publish_progress(own.id, 1)
        gateway.end_job(own.id)

    worker = threading.Thread(target=work)
    worker.start()
    [ended_job] = client.wait([own.id], on_event=lambda _: was_queried.set())
    assert ended_job.state is JobState.SUCCEEDED
    worker.join()
    assert gateway.count("GET", f"/v1/jobs/{other.id}") == 0


@pytest.mark.parametrize("name", [".", ".."])
def test_an_id_never_changes_the_path(gateway: Any, client: Client, name: str) -> None:
    for call in (client.job, client.cancel, client.version, lambda one: client.wait([one])):
        with pytest.raises(NotFound, match="there is nothing with the id"):
            call(name)


def test_wait_includes_jobs_that_have_already_ended(
    gateway: Any, client: Client, request_of: Request
) -> None:
    job = client.submit(request_of)
    gateway.end_job(job.id)
    assert client.wait([job.id])[0].state is JobState.SUCCEEDED
    assert client.wait([]) == []


def test_wait_survives_a_restart_of_the_gateway(
    gateway: Any, client: Client, request_of: Request
) -> None:
    job = client.submit(request_of)

    def work() -> None:
        with gateway.lock:
            gateway.changed.wait_for(lambda: gateway.listeners, 30)
        gateway.stop()
        gateway.end_job(job.id)  # there is no listener
        gateway.events.clear()
        time.sleep(0.5)
        gateway.start(gateway.port)

    worker = threading.Thread(target=work)
    worker.start()
    assert client.wait([job.id])[0].state is JobState.SUCCEEDED
    worker.join()


def test_wait_returns_the_current_state_after_the_timeout(
    gateway: Any, client: Client, request_of: Request
) -> None:
    job = client.submit(request_of)
    assert client.wait([job.id], timeout=0.3)[0].state is JobState.QUEUED


def test_waiting_for_an_unknown_job_is_an_error(gateway: Any, client: Client) -> None:
    with pytest.raises(NotFound):
        client.wait(["no-such-job"])


def test_cancel_and_lists(gateway: Any, client: Client, request_of: Request) -> None:
    job = client.submit(request_of)
    assert client.cancel(job.id).state is JobState.CANCELLED
    assert [j.id for j in client.jobs(show="bunny", state=JobState.CANCELLED)] == [job.id]
    assert client.job(job.id).state is JobState.CANCELLED


def test_an_unknown_outcome_is_resolved(gateway: Any, client: Client, request_of: Request) -> None:
    job = client.submit(request_of)
    found = Resolution(outcome=JobOutcome.NOT_MADE, text="not on the invoice")
    assert client.resolve_job(job.id, found).state is JobState.FAILED


def test_an_id_is_quoted_in_paths(gateway: Any, client: Client) -> None:
    with pytest.raises(NotFound):
        client.job("../about")
    assert gateway.calls[-1] == ("GET", "/v1/jobs/..%2Fabout")


def test_a_note_whose_response_is_lost_is_sent_again_and_added_once(
    gateway: Any, client: Client
) -> None:
    gateway.fault("POST", "/v1/versions/v/notes", drop_answer=True)
    note = client.add_note("v", NewNote(text="x"))
    assert gateway.count("POST", "/v1/versions/v/notes") == 2
    assert list(gateway.notes.values()) == [note]


def test_each_note_has_a_key_of_its_own_unless_one_is_given(gateway: Any, client: Client) -> None:
    new = NewNote(text="x")
    notes = [client.add_note("v", new), client.add_note("v", new)]
    notes += [client.add_note("v", new, key="the-key-1") for _ in range(2)]
    assert len({note.id for note in notes}) == 3
    assert notes[2] == notes[3]


def test_without_a_token_for_the_studios_gateway_nothing_is_sent(
    gateway: Any, settings: Settings, request_of: Request
) -> None:
    bare = settings.client.model_copy(update={"token_file": None})
    with Client(settings.model_copy(update={"client": bare})) as client:
        with pytest.raises(ConfigError, match="token"):
            client.services()
        with pytest.raises(ConfigError, match="kept"):
            client.submit(request_of)
        assert len(client.outbox.entries()) == 1
    assert gateway.calls == []


def test_a_token_that_others_can_read_is_not_used(gateway: Any, settings: Settings) -> None:
    assert settings.client.token_file is not None
    settings.client.token_file.chmod(0o604)
    with Client(settings) as client, pytest.raises(NotAuthorised, match="604"):
        client.health()
    assert gateway.calls == []


def test_importing_the_client_loads_nothing_heavy() -> None:
    code = """
import sys
import bridge_core.client, bridge_core.connection.transport, bridge_core.gateway_launcher
import bridge_core.outbox
print(sorted({"pydantic", "requests", "urllib3", "yaml", "opentimelineio"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("clock", "ahead"),
    [
        (lambda: formatdate(time.time(), usegmt=True), 0.0),
        (lambda: formatdate(time.time() + 3600, usegmt=True), 3600.0),
        (lambda: formatdate(time.time() - 600, usegmt=True), -600.0),
        (lambda: "half past ten", None),
    ],
)
def test_the_gateways_clock_is_compared(
    gateway: Any,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    clock: Callable[[], str],
    ahead: float | None,
) -> None:
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda *_: clock())
    offset = client.clock_offset()
    # The date has whole seconds only.
    assert offset == (None if ahead is None else pytest.approx(ahead, abs=60.0 if ahead else 0.0))


def test_texts_and_findings_of_a_result(gateway: Any, client: Client) -> None:
    finding = Finding(frame=1003, measure="face drift", value=3, threshold=2.5, text="größer")
    gateway.results["ver-1"] = {
        "texts/notes 1.txt": "größer".encode(),
        "findings.json": Findings(findings=(finding,)).model_dump_json().encode(),
    }
    assert client.result_text("ver-1", "notes 1.txt") == "größer"
    assert client.findings("ver-1") == (finding,)
