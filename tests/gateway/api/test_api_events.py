"""The event stream: no event is lost or repeated over lost connections and restarts."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from in_process_gateway import TOKEN, InProcessGateway

from bridge_gateway.api import sse


def all_event_ids(gateway: InProcessGateway) -> list[int]:
    """The ids of all stored events."""
    return [event.id for event in gateway.runtime.events.list_events(after=0, limit=10_000)]


def send(gateway: InProcessGateway, **submission: Any) -> str:
    answer = gateway.send(gateway.submission(**submission))
    assert answer.status == 201
    job_id: str = answer.json()["id"]
    return job_id


def test_new_events(gateway: InProcessGateway) -> None:
    gateway.wait_for_job(send(gateway))
    with gateway.event_stream() as listener:
        job = send(gateway)
        messages = listener.until_end_of(job)
    assert {message["kind"] for message in messages} >= {"job", "version"}
    for message in messages:
        assert message["id"] == message["data"]["id"]
        assert message["kind"] == message["data"]["kind"]
        if message["kind"] == "job":
            assert message["data"]["job"]["id"] == job


def test_all_events_from_the_beginning(gateway: InProcessGateway) -> None:
    for _ in range(3):
        gateway.wait_for_job(send(gateway))
    kept = all_event_ids(gateway)
    for path, last in (("/v1/events?after=0", None), ("/v1/events?after=999999", 0)):
        with gateway.event_stream(path, last) as listener:
            assert [message["id"] for message in listener.take(len(kept))] == kept


def test_no_event_is_lost_or_repeated_over_lost_connections(gateway: InProcessGateway) -> None:
    """Events of notes are never deleted, so the stream can be compared with what is stored."""
    version = gateway.make_version()
    start = gateway.runtime.events.last_event_id()
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            note = {"text": f"note {number}"}
            gateway.call("POST", f"/v1/versions/{version}/notes", note)
            number += 1
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    received: list[int] = []
    last = start
    try:
        for take in (1, 3, 20, 2, 7, 30, 1, 1, 15):
            with gateway.event_stream(last=last) as listener:
                taken = [message["id"] for message in listener.take(take)]
            received += taken
            last = taken[-1]
    finally:
        stop.set()
        writer.join(30)
    assert received == [event for event in all_event_ids(gateway) if start < event <= last]


def test_a_connection_lost_before_the_first_event(gateway: InProcessGateway) -> None:
    """The first message of a stream has the id to continue from, so that no event is lost."""
    gateway.wait_for_job(send(gateway))
    with gateway.event_stream() as listener:
        raw = [listener.response.readline() for _ in range(3)]
    assert raw[1].startswith(b"id: ")
    last = int(raw[1][4:])
    assert last == gateway.runtime.events.last_event_id()
    job = send(gateway)
    with gateway.event_stream(last=last) as listener:
        messages = listener.until_end_of(job)
    ids = [message["id"] for message in messages]
    assert ids == sorted(set(ids))
    assert messages[-1]["data"]["job"]["state"] == "succeeded"


def test_the_events_of_one_job(gateway: InProcessGateway) -> None:
    # The frames of the second take until it is cancelled, so that it certainly reports progress.
    first, second = send(gateway), send(gateway, seconds=60)
    assert _kinds_of_events(gateway, first) >= {"job", "version"}
    assert _kinds_of_events(gateway, second, cancel=True) == {"job", "progress"}


def _kinds_of_events(gateway: InProcessGateway, job: str, *, cancel: bool = False) -> set[str]:
    """The kinds of a job's events, which have to be of this job; with ``cancel`` it is cancelled
    after the first progress."""
    messages = []
    with gateway.event_stream(f"/v1/events?after=0&job={job}") as listener:
        if cancel:
            for message in listener.messages():
                messages.append(message)
                if message["kind"] == "progress":
                    break
            gateway.call("POST", f"/v1/jobs/{job}/cancel")
        messages += listener.until_end_of(job)
    for message in messages:
        event = message["data"]
        match event["kind"]:
            case "job":
                assert event["job"]["id"] == job
            case "progress":
                assert event["update"]["id"] == job and "job" not in event
            case "version":
                assert event["version"]["job_id"] == job
    return {message["data"]["kind"] for message in messages}


def test_an_id_of_another_database_counts_as_now(gateway: InProcessGateway) -> None:
    with gateway.event_stream(last=10**12) as listener:
        job = send(gateway)
        assert listener.until_end_of(job)


def test_many_listeners_receive_the_same(gateway: InProcessGateway) -> None:
    version = gateway.make_version()
    start = gateway.runtime.events.last_event_id()
    received: list[list[int]] = [[] for _ in range(20)]

    def listen(into: list[int]) -> None:
        with gateway.event_stream(last=start) as listener:
            into.extend(message["id"] for message in listener.take(30))

    threads = [threading.Thread(target=listen, args=(into,)) for into in received]
    for thread in threads:
        thread.start()
    for number in range(30):
        gateway.call("POST", f"/v1/versions/{version}/notes", {"text": str(number)})
    for thread in threads:
        thread.join(60)
    kept = [event for event in all_event_ids(gateway) if event > start]
    assert all(ids == kept for ids in received)


def test_a_listener_that_does_not_read_delays_nobody(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = gateway.make_version()
    start = gateway.runtime.events.last_event_id()
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.connect(("127.0.0.1", gateway.port))
    stuck.sendall(
        b"GET /v1/events?after=0 HTTP/1.1\r\nHost: localhost\r\n"
        b"Authorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"
    )
    with stuck, gateway.event_stream(last=start) as listener:
        text = "x" * 4900
        for number in range(sse.PAGE_SIZE // 2):
            note = {"text": f"{number} {text}"}
            gateway.call("POST", f"/v1/versions/{version}/notes", note)
        ids = [message["id"] for message in listener.take(sse.PAGE_SIZE // 2)]
    assert ids == [event for event in all_event_ids(gateway) if event > start]


def test_keep_alive_messages(gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_SECONDS", 0.2)
    with gateway.event_stream() as listener:
        lines = [listener.response.readline() for _ in range(5)]
    assert lines[3].startswith(b": ")


def test_listeners_count_as_activity_and_are_removed(gateway: InProcessGateway) -> None:
    with gateway.event_stream():
        time.sleep(0.2)
        assert gateway.activity.idle_seconds() == 0
    gateway.wait_until(lambda: gateway.activity.idle_seconds() > 0)
    events = gateway.app.state.context.event_broadcaster
    gateway.wait_until(lambda: events._reader_task is None)
    assert events._listeners == 0


@pytest.mark.parametrize("last", ["-1", "x", "1.5", "99999999999999999999"])
def test_invalid_ids(gateway: InProcessGateway, last: str) -> None:
    for path, headers in (
        ("/v1/events", {"Last-Event-ID": last}),
        (f"/v1/events?after={last}", {}),
    ):
        assert gateway.call("GET", path, headers=headers).status == 422
