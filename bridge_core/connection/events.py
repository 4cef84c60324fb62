"""The gateway's stream of events: server-sent events, with resumption.

The parser follows the WHATWG HTML standard, section 9.2.6, "Interpreting an event stream".
"""

from __future__ import annotations

import codecs
import json
import math
import queue
import threading
import time
from collections.abc import Collection, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from bridge_core.connection.transport import Transport, get_job
from bridge_core.errors import GatewayFault, GatewayUnreachable, NotFound

if TYPE_CHECKING:
    import requests

    from bridge_core.models.gateway import Event
    from bridge_core.models.jobs import Job

#: The gateway sends at least a comment every 15 s; after three missed ones it counts as dead.
SILENCE_TIMEOUT = 45.0
#: Seconds of reading after which the reading thread yields: with a thousand events in a row, it
#: would keep the GIL from the host's main thread, which waits up to 5 ms each time it needs it.
_READ_SECONDS, _YIELD_SECONDS = 0.002, 0.001


@dataclass(frozen=True)
class ServerSentEvent:
    """A message of the stream. ``id`` is the last one received, with this message or before."""

    data: str
    event: str = ""
    id: str = ""


class EventStreamParser:
    """Parses the bytes of a stream into messages; they may be split anywhere."""

    def __init__(self) -> None:
        self.last_id = ""
        """The last id of a complete message, also of one without data."""
        self.retry: float | None = None
        """Seconds that the server asks to wait before reconnecting."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._partial_line = ""
        self._at_start = True
        self._data: list[str] = []
        self._event = ""
        self._id = ""

    def feed(self, block: bytes) -> Iterator[ServerSentEvent]:
        text = self._decoder.decode(block)
        if self._at_start and text:
            text = text.removeprefix("\ufeff")
            self._at_start = False
        text = self._partial_line + text
        # A carriage return at the end may be half of a CRLF; keep it until more data comes.
        held = "\r" if text.endswith("\r") else ""
        lines = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._partial_line = lines.pop() + held
        for line in lines:
            if line:
                self._field(line)
            elif (message := self._dispatch()) is not None:
                yield message

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            case "event":
                self._event = value
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry = int(value) / 1000

    def _dispatch(self) -> ServerSentEvent | None:
        self.last_id = self._id
        data, event = self._data, self._event
        self._data, self._event = [], ""
        return ServerSentEvent("\n".join(data), event, self._id) if data else None


class StreamSignal(Enum):
    CONNECTED = auto()
    """The stream is connected, for the first time or again. Without ``after``, earlier events are
    not sent."""
    DISCONNECTED = auto()
    """The connection was lost, see :attr:`EventStream.connection_error`. The stream reconnects."""
    IDLE = auto()
    """Nothing was received for a moment, so that the caller can check a deadline."""


class EventStream:
    """The gateway's events after the id ``after`` (None: from now on), of one ``job`` or of all.

    The stream reconnects by itself, without losing or repeating an event. ``give_up_after``:
    seconds without a gateway after which it gives up; None: never. ``only``: the jobs whose
    progress is needed (None: of all); that of other jobs is skipped, their other events are not.
    """

    #: Seconds between two :attr:`StreamSignal.IDLE` signals.
    POLL_SECONDS = 0.2

    def __init__(
        self,
        transport: Transport,
        *,
        after: int | None = None,
        job: str | None = None,
        only: Collection[str] | None = None,
        give_up_after: float | None = None,
    ) -> None:
        self.last_id = after
        self.connection_error: GatewayUnreachable | None = None
        """Why the stream is not connected; None if it is."""
        self._transport = transport
        self._job = job
        self._only = only
        self._give_up_after = math.inf if give_up_after is None else give_up_after
        self._jobs: dict[str, Job] = {}
        """Unfinished jobs as of their last event, by id: progress events have only what changes."""
        self._queue: queue.SimpleQueue[Event | StreamSignal | Exception] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._response: requests.Response | None = None

    def events(self, stop: threading.Event | None = None) -> Iterator[Event]:
        """Events until ``stop`` is set.

        :raises ShotbridgeError: an error that retrying does not solve: a wrong token, a gateway
            that cannot be started, or GatewayUnreachable after ``give_up_after``.
        """
        with closing(self.signals()) as signals:
            for signal in signals:
                if stop is not None and stop.is_set():
                    return
                if not isinstance(signal, StreamSignal):
                    yield signal

    def signals(self) -> Generator[Event | StreamSignal]:
        """Events and state changes, until the iterator is closed."""
        # A thread reads, because one cannot wait for a socket of requests and for anything else at
        # the same time. So the caller can stop at any moment.
        name = "shotbridge-events"
        threading.Thread(target=self._read_in_thread, name=name, daemon=True).start()
        try:
            while True:
                try:
                    item = self._queue.get(timeout=self.POLL_SECONDS)
                except queue.Empty:
                    yield StreamSignal.IDLE
                    continue
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self._closed.set()
            self._shut_down_response()

    def _shut_down_response(self) -> None:
        """Interrupt the reading thread. With urllib3 before 2.3, it only ends at the next
        heartbeat."""
        raw: Any = self._response.raw if self._response is not None else None
        if hasattr(raw, "shutdown"):
            with suppress(OSError, ValueError, RuntimeError):  # it has already ended
                raw.shutdown()

    def _read_in_thread(self) -> None:
        attempt, lost_at = 0, time.monotonic()
        read_since = time.monotonic()
        while not self._closed.is_set():
            received = False
            try:
                for batch in self._message_batches():
                    received = True
                    for message in batch:
                        self._queue_event(message)
                    if time.monotonic() - read_since > _READ_SECONDS:
                        time.sleep(_YIELD_SECONDS)
                        read_since = time.monotonic()
                raise GatewayUnreachable("the gateway closed the event stream")
            except GatewayUnreachable as error:
                if received:
                    attempt, lost_at = 0, time.monotonic()
                self.connection_error = error
                self._queue.put(StreamSignal.DISCONNECTED)
                if time.monotonic() - lost_at > self._give_up_after:
                    return self._queue.put(error)
                if self._closed.wait(min(10.0, 0.2 * 2 ** min(attempt, 10))):
                    return None
                attempt += 1
            except Exception as error:
                # Also an unexpected one: otherwise the caller would wait for ever.
                return self._queue.put(error)
        return None

    def _message_batches(self) -> Iterator[list[ServerSentEvent]]:
        """The messages of one connection, one batch for each block of received bytes."""
        import requests

        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if self.last_id is not None:
            headers["Last-Event-ID"] = str(self.last_id)
        response = self._transport.request(
            "GET",
            "/v1/events",
            params={"job": self._job},
            headers=headers,
            stream=True,
            read_timeout=SILENCE_TIMEOUT,
        )
        with response:
            self._response = response
            if self._closed.is_set():
                return
            _check_content_type(response)
            self.connection_error = None
            self._queue.put(StreamSignal.CONNECTED)
            parser = EventStreamParser()
            try:
                # Chunks are returned as they arrive; without chunking only single bytes are.
                size = None if getattr(response.raw, "chunked", False) else 1
                received_event = False
                for block in response.iter_content(size):
                    messages = list(parser.feed(block))
                    received_event = received_event or bool(messages)
                    # An id before the first event is the start of the stream: if the connection is
                    # lost before any event, the stream resumes from there.
                    if not received_event and parser.last_id.isdigit():
                        self.last_id = int(parser.last_id)
                    yield messages
            except (requests.exceptions.RequestException, OSError, AttributeError) as error:
                # AttributeError: urllib3 finds no socket if another thread has closed it.
                if isinstance(error, AttributeError) and not self._closed.is_set():
                    raise
                raise GatewayUnreachable(f"the event stream was interrupted: {error}") from error

    def _queue_event(self, message: ServerSentEvent) -> None:
        event = self._parse_event(message)
        if event is None or (self.last_id is not None and event.id <= self.last_id):
            return
        # If this fails because the gateway is lost, the event is received again.
        completed = self._with_whole_job(event)
        self.last_id = event.id
        if completed is not None:
            self._queue.put(completed)

    def _parse_event(self, message: ServerSentEvent) -> Event | None:
        """The event; None for a kind that only a newer gateway knows."""
        from pydantic import ValidationError

        from bridge_core.models.gateway import Event, EventKind

        try:
            raw: Any = json.loads(message.data)
            if isinstance(raw, dict) and raw.get("kind") not in set(EventKind):
                return None
            return Event.model_validate(raw)
        except (ValueError, ValidationError) as error:
            reason = f"the gateway sent an event that cannot be read: {message.data[:200]!r}"
            next_step = "check the gateway, or update Shotbridge"
            raise GatewayFault(reason, next_step=next_step) from error

    def _with_whole_job(self, event: Event) -> Event | None:
        """The event, with the whole job for a progress event; None for progress that is not needed
        or of a job that has ended."""
        from bridge_core.models.gateway import EventKind

        changed = event.update or event.job
        if changed is None or (self._only is not None and changed.id not in self._only):
            return None if event.update is not None else event
        if event.update is not None:
            job = self._jobs.get(event.update.id) or self._fetch_job(event.update.id)
            if job is None or job.state.ended:
                return None  # the event of its end follows
            changes = {"kind": EventKind.JOB, "job": event.update.apply_to(job), "update": None}
            event = event.model_copy(update=changes)
        if event.job is not None and event.job.state.ended:
            self._jobs.pop(event.job.id, None)
        elif event.job is not None:
            self._jobs[event.job.id] = event.job
        return event

    def _fetch_job(self, job_id: str) -> Job | None:
        """A job that began before the stream was connected; None if it does not exist."""
        try:
            return get_job(self._transport, job_id)
        except NotFound:
            return None


def _check_content_type(response: requests.Response) -> None:
    kind = response.headers.get("Content-Type", "")
    if not kind.startswith("text/event-stream"):
        message = f"the event stream has the content type {kind or '(none)'}, not text/event-stream"
        next_step = "check client.url: is a proxy or another program at this URL?"
        raise GatewayFault(message, where=response.url, next_step=next_step)
