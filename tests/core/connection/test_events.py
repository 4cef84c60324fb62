"""The event stream: parsed as in the standard, without gaps or repetitions."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_core.connection import events
from bridge_core.connection.events import (
    EventStream,
    EventStreamParser,
    ServerSentEvent,
    StreamSignal,
)
from bridge_core.connection.transport import Transport
from bridge_core.errors import GatewayFault, GatewayUnreachable, NotAuthorised
from bridge_core.models.base import now
from bridge_core.models.gateway import Event, EventKind
from bridge_core.models.jobs import Job, JobState
from bridge_core.models.requests import Request

PATH = "/v1/events"


def parse(*blocks: bytes) -> list[ServerSentEvent]:
    parser = EventStreamParser()
    return [message for block in blocks for message in parser.feed(block)]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        # The first five are the examples of the standard.
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [ServerSentEvent("YHOO\n+2\n10")]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
            b"data:  third event\n\n",
            [
                ServerSentEvent("first event", id="1"),
                ServerSentEvent("second event"),
                ServerSentEvent(" third event"),
            ],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [ServerSentEvent(""), ServerSentEvent("\n")]),
        (b"data:test\n\ndata: test\n\n", [ServerSentEvent("test"), ServerSentEvent("test")]),
        (
            b"event: add\ndata: 1\n\ndata: 2\n\n",
            [ServerSentEvent("1", "add"), ServerSentEvent("2")],
        ),
        (b"\xef\xbb\xbfdata: after a mark\n\n", [ServerSentEvent("after a mark")]),
        (b"data: a\r\ndata: b\rdata: c\n\r\n", [ServerSentEvent("a\nb\nc")]),
        (b"id: 7\n\ndata: x\n\n", [ServerSentEvent("x", id="7")]),
        (
            b"id: 7\ndata: x\n\nid: 8\0\ndata: y\n\n",
            [ServerSentEvent("x", id="7"), ServerSentEvent("y", id="7")],
        ),
        (b"unknown: 1\ndata: x\n\n", [ServerSentEvent("x")]),
        (b"data: cut in the mid", []),
        (b"data: gr\xc3\xb6\xc3\x9fe \xff\n\n", [ServerSentEvent("größe \ufffd")]),
    ],
)
def test_streams_are_parsed_as_in_the_standard(
    text: bytes, messages: list[ServerSentEvent]
) -> None:
    assert parse(text) == messages
    assert parse(*(text[i : i + 1] for i in range(len(text)))) == messages


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_bytes_can_be_split_anywhere(blocks: list[bytes]) -> None:
    assert parse(*blocks) == parse(b"".join(blocks))


def test_an_id_without_data_counts_and_retry_is_read() -> None:
    parser = EventStreamParser()
    assert list(parser.feed(b"retry: 1500\nid: 12\n\n")) == []
    assert (parser.last_id, parser.retry) == ("12", 1.5)


def test_an_id_counts_only_after_a_complete_message() -> None:
    parser = EventStreamParser()
    list(parser.feed(b"data: x\nid: 12\n"))
    assert parser.last_id == ""


@pytest.fixture
def job(request_of: Request) -> Job:
    return Job(
        id="job-1",
        key="k" * 8,
        request=request_of,
        requested_by="Ada",
        state=JobState.RUNNING,
        created=now(),
    )


@pytest.fixture(autouse=True)
def _short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SILENCE_TIMEOUT", 1.0)


class EventRecorder:
    """Receives events in a thread, as a panel does."""

    def __init__(self, stream: EventStream) -> None:
        self.ids: list[int] = []
        self.error: Exception | None = None
        self.stop = threading.Event()
        self._stream = stream
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for event in self._stream.events(self.stop):
                self.ids.append(event.id)
        except Exception as error:
            self.error = error

    def wait_for_last(self, event: int) -> None:
        """Wait until the stream has received the id of the last event."""
        deadline = time.monotonic() + 30
        while self._stream.last_id != event:
            assert time.monotonic() < deadline, self._stream.last_id
            time.sleep(0.01)

    def until(self, count: int) -> list[int]:
        deadline = time.monotonic() + 30
        while len(self.ids) < count and self.error is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.ids

    def close(self) -> None:
        self.stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture
def listen(gateway: Any, transport: Transport) -> Iterator[Any]:
    listeners: list[EventRecorder] = []

    def start(**options: Any) -> EventRecorder:
        listeners.append(EventRecorder(EventStream(transport, **options)))
        with gateway.lock:
            assert gateway.changed.wait_for(lambda: gateway.listeners, 30)
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


def test_events_arrive_in_order_from_now_on(gateway: Any, listen: Any, job: Job) -> None:
    gateway.publish_job(job)
    listener = listen()
    for _ in range(3):
        gateway.publish_job(job)
    assert listener.until(3) == [2, 3, 4]


def test_events_resume_after_an_id(gateway: Any, listen: Any, job: Job) -> None:
    for _ in range(5):
        gateway.publish_job(job)
    assert listen(after=2).until(3) == [3, 4, 5]


def test_events_of_one_job_only(gateway: Any, listen: Any, job: Job) -> None:
    listener = listen(job="job-2")
    gateway.publish_job(job)
    gateway.publish_job(job.model_copy(update={"id": "job-2"}))
    gateway.publish_job(job)
    gateway.publish_job(job.model_copy(update={"id": "job-2"}))
    assert listener.until(2) == [2, 4]


@pytest.mark.parametrize("fault", [{"cut_answer": True}, {"drop_answer": True}, {"hang": True}])
def test_no_event_is_lost_or_repeated_after_a_disconnect(
    fault: dict[str, Any], gateway: Any, listen: Any, job: Job
) -> None:
    for _ in range(3):
        gateway.fault("GET", PATH, **fault)
    listener = listen()
    for _ in range(12):
        gateway.publish_job(job)
        time.sleep(0.02)
    assert listener.until(12) == list(range(1, 13))
    assert gateway.count("GET", PATH) >= 4


def test_a_disconnect_before_the_first_event_loses_nothing(
    gateway: Any, listen: Any, job: Job
) -> None:
    gateway.publish_job(job)
    listener = listen()
    listener.wait_for_last(1)
    gateway.stop()
    gateway.publish_job(job)
    gateway.start(gateway.port)
    assert listener.until(1) == [2]


def test_a_gateway_can_be_restarted_many_times(gateway: Any, listen: Any, job: Job) -> None:
    listener = listen()
    for count in range(1, 4):
        gateway.publish_job(job)
        listener.until(count)
        gateway.restart()
        gateway.publish_job(job)
    assert listener.until(6) == [1, 2, 3, 4, 5, 6]


def test_a_gateway_with_new_event_ids_is_followed(gateway: Any, listen: Any, job: Job) -> None:
    gateway.first_event = 1000
    listener = listen()
    gateway.publish_job(job)
    listener.until(1)
    gateway.stop()
    gateway.first_event, gateway.events = 1, []
    gateway.start(gateway.port)
    with gateway.lock:
        assert gateway.changed.wait_for(lambda: gateway.listeners, 30)
    listener.wait_for_last(0)
    gateway.publish_job(job)
    assert listener.until(2) == [1000, 1]


def test_a_silent_peer_is_detected(gateway: Any, listen: Any, job: Job) -> None:
    gateway.heartbeat = 30
    listener = listen()
    deadline = time.monotonic() + 30
    while gateway.count("GET", PATH) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gateway.count("GET", PATH) >= 2
    gateway.publish_job(job)
    assert listener.until(1) == [1]


def test_stopping_is_quick_and_leaves_no_thread(gateway: Any, transport: Transport) -> None:
    gateway.heartbeat = 30
    before = set(threading.enumerate())
    listener = EventRecorder(EventStream(transport))
    with gateway.lock:
        assert gateway.changed.wait_for(lambda: gateway.listeners, 30)
    begin = time.monotonic()
    listener.close()
    deadline = begin + 20
    mine = [t for t in threading.enumerate() if t.name == "shotbridge-events" and t not in before]
    for thread in mine:
        thread.join(max(0, deadline - time.monotonic()))
        assert not thread.is_alive()


def test_permanent_errors_are_raised(gateway: Any, transport: Transport) -> None:
    gateway.fault("GET", PATH, answer=(401, "text/plain", b"no"))
    with pytest.raises(NotAuthorised):
        next(EventStream(transport).events())
    gateway.fault("GET", PATH, answer=(200, "text/html", b"<html>"))
    with pytest.raises(GatewayFault, match="text/html"):
        next(EventStream(transport).events())
    gateway.fault("GET", PATH, answer=(200, "text/event-stream", b"data: nonsense\n\n"))
    with pytest.raises(GatewayFault, match="nonsense"):
        next(EventStream(transport).events())


def test_it_gives_up_after_a_while(gateway: Any, transport: Transport) -> None:
    gateway.stop()
    with pytest.raises(GatewayUnreachable):
        next(EventStream(transport, give_up_after=0.1).events())
    gateway.start(gateway.port)


def test_event_kinds_of_a_newer_gateway_are_ignored(
    gateway: Any, transport: Transport, job: Job
) -> None:
    known = Event(id=3, kind="job", at=now(), job=job).model_dump_json()
    stream = f'id: 2\ndata: {{"id": 2, "kind": "weather", "at": 1}}\n\nid: 3\ndata: {known}\n\n'
    gateway.fault("GET", PATH, answer=(200, "text/event-stream", stream.encode()))
    assert next(EventStream(transport).events()).id == 3


def test_each_connection_and_disconnect_is_reported(
    gateway: Any, transport: Transport, job: Job
) -> None:
    gateway.fault("GET", PATH, drop_answer=True)
    signals = (s for s in EventStream(transport).signals() if s is not StreamSignal.IDLE)
    assert next(signals) is StreamSignal.CONNECTED
    with gateway.lock:
        assert gateway.changed.wait_for(lambda: gateway.listeners, 30)
    gateway.publish_job(job)
    gateway.publish_job(job)
    first, disconnected, again, second = islice(signals, 4)
    assert isinstance(first, Event)
    assert disconnected is StreamSignal.DISCONNECTED
    assert again is StreamSignal.CONNECTED
    assert isinstance(second, Event)
    signals.close()


def test_only_the_progress_of_given_jobs_is_followed(
    gateway: Any, transport: Transport, job: Job
) -> None:
    other = job.model_copy(update={"id": "job-2"})
    for each in (job, other):
        gateway.publish_job(each)
    stream = EventStream(transport, after=0, only={job.id})
    with closing(stream.events()) as found:
        received = [next(found), next(found)]
        gateway.publish_progress(other.id, 1)
        gateway.publish_progress(job.id, 1)
        gateway.end_job(other.id)
        received += [next(found), next(found)]
    names = [event.job.id for event in received if event.job is not None]
    assert names == ["job-1", "job-2", "job-1", "job-2"]
    assert received[-1].job is not None and received[-1].job.state.ended
    assert gateway.count("GET", "/v1/jobs/job-[12]") == 0


def test_skipped_progress_is_not_received_again(gateway: Any, listen: Any, job: Job) -> None:
    gateway.publish_job(job)
    listener = listen(only=())
    gateway.publish_progress(job.id, 1)
    listener.wait_for_last(2)
    assert listener.ids == []


def test_progress_becomes_an_event_with_the_whole_job(
    gateway: Any, transport: Transport, job: Job
) -> None:
    """The rest of the job is known, or is asked for once."""
    gateway.publish_job(job)
    stream, received = EventStream(transport, after=0), []
    with closing(stream.events()) as found:
        received.append(next(found))
        gateway.publish_progress(job.id, 1)
        received.append(next(found))
        assert gateway.count("GET", f"/v1/jobs/{job.id}") == 0
    late = EventStream(transport, after=stream.last_id)
    with closing(late.events()) as found:
        gateway.publish_progress("unknown", 1)
        for done in (2, 3):
            gateway.publish_progress(job.id, done)
            received.append(next(found))
        gateway.end_job(job.id)
        received.append(next(found))
    assert gateway.count("GET", f"/v1/jobs/{job.id}") == 1
    jobs = [event.job for event in received if event.job is not None]
    assert {event.kind for event in received} == {EventKind.JOB}
    assert [one.progress.done for one in jobs] == [0, 1, 2, 3, 0]
    assert [one.state.ended for one in jobs] == [False, False, False, False, True]
    assert all(one.request == job.request for one in jobs)
