"""What happens at the gateway, as it happens: server-sent events with resumption.

The parser follows the WHATWG's HTML standard, section 9.2.6, "Interpreting an event stream".
"""

from __future__ import annotations

import codecs
import json
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from bridge_core.errors import GatewayFault, GatewayUnreachable
from bridge_core.transport import Transport

if TYPE_CHECKING:
    import requests

    from bridge_core.models.gateway import Event
    from bridge_core.models.requests import Request

#: The gateway says something every 15 s, if only a comment; three of them missed is a dead peer.
SILENCE_SECONDS = 45.0
#: Seconds of reading after which the reader steps back for a moment: a thousand events in a row
#: would keep Python's lock from a host's main thread, which waits up to 5 ms each time it wants it.
_TURN, _BREAK = 0.002, 0.001


@dataclass(frozen=True)
class Message:
    """A dispatched block of a stream. ``id`` is the last one given, by this block or before."""

    data: str
    event: str = ""
    id: str = ""


class Parser:
    """Turns the bytes of a stream into messages; bytes may be cut anywhere."""

    def __init__(self) -> None:
        self.last_id = ""
        """The last id of a whole block, also of one without data."""
        self.retry: float | None = None
        """Seconds that the other side asks to wait before coming back."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._first = True
        self._data: list[str] = []
        self._event = ""
        self._id = ""

    def feed(self, block: bytes) -> Iterator[Message]:
        text = self._decoder.decode(block)
        if self._first and text:
            text = text.removeprefix("\ufeff")
            self._first = False
        text = self._rest + text
        # A carriage return at the end may be half of a line's end; it waits for what follows.
        held = "\r" if text.endswith("\r") else ""
        lines = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = lines.pop() + held
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

    def _dispatch(self) -> Message | None:
        self.last_id = self._id
        data, event = self._data, self._event
        self._data, self._event = [], ""
        return Message("\n".join(data), event, self._id) if data else None


class Signal(Enum):
    """What happens to a stream besides events."""

    CONNECTED = auto()
    """The line stands, for the first time or again. Without an ``after`` nothing is known of what
    happened before."""
    LOST = auto()
    """The line is cut; :attr:`EventStream.lost` says why. It is tried again until it stands."""
    QUIET = auto()
    """Nothing came for a moment: time to look at the clock."""


class EventStream:
    """The gateway's events from ``after`` on (an event's id; None: from now on), of one ``job``
    or of all. It comes back by itself whenever the line is cut, with none lost and none twice.

    ``patience``: seconds without a gateway after which it gives up; None: never.
    """

    #: Seconds between two looks at the clock.
    PULSE = 0.2

    def __init__(
        self,
        transport: Transport,
        *,
        after: int | None = None,
        job: str | None = None,
        patience: float | None = None,
    ) -> None:
        self.last_id = after
        self.lost: GatewayUnreachable | None = None
        """Why there is no line just now; None while it stands."""
        self._transport = transport
        self._job = job
        self._patience = patience
        self._requests: dict[str, Request] = {}
        """Of the jobs that are going on, by the job's id: it never changes, and is nine tenths of
        what each word about a job's progress repeats."""
        self._queue: queue.SimpleQueue[Event | Signal | Exception] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._response: requests.Response | None = None

    def events(self, stop: threading.Event | None = None) -> Iterator[Event]:
        """Events until ``stop`` is set.

        :raises ShotbridgeError: what a further try would not mend: a wrong token, a gateway that
            cannot be started, or GatewayUnreachable after ``patience``.
        """
        with closing(self.signals()) as signals:
            for signal in signals:
                if stop is not None and stop.is_set():
                    return
                if not isinstance(signal, Signal):
                    yield signal

    def signals(self) -> Generator[Event | Signal]:
        """Events, and what happens to the stream; ends when the iterator is closed."""
        # A thread reads, for nothing else can be waited for together with a socket that requests
        # holds: the one who iterates stays free to stop at any moment.
        thread = threading.Thread(target=self._read, name="shotbridge-events", daemon=True)
        thread.start()
        try:
            while True:
                try:
                    item = self._queue.get(timeout=self.PULSE)
                except queue.Empty:
                    yield Signal.QUIET
                    continue
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self._ended.set()
            self._hang_up()

    def _hang_up(self) -> None:
        """End the reading thread's wait; where urllib3 cannot (before 2.3), the next heartbeat
        ends it."""
        response = self._response
        if response is None:
            return
        shutdown: Callable[[], None] | None = getattr(response.raw, "shutdown", None)
        if shutdown is not None:
            try:
                shutdown()
            except (OSError, ValueError, RuntimeError):
                return  # it has ended by itself

    def _read(self) -> None:
        attempt, lost_at = 0, time.monotonic()
        turn = time.monotonic()
        while not self._ended.is_set():
            heard = False
            try:
                for block in self._blocks():
                    heard = True
                    for message in block:
                        self._take(message)
                    if time.monotonic() - turn > _TURN:
                        time.sleep(_BREAK)
                        turn = time.monotonic()
                raise GatewayUnreachable("the gateway ended the stream of events")
            except GatewayUnreachable as error:
                if heard:
                    attempt, lost_at = 0, time.monotonic()
                self.lost = error
                self._queue.put(Signal.LOST)
                if self._patience is not None and time.monotonic() - lost_at > self._patience:
                    return self._queue.put(error)
                if self._ended.wait(min(10.0, 0.2 * 2 ** min(attempt, 10))):
                    return None
                attempt += 1
            except Exception as error:
                # Also one that nobody foresaw: whoever waits for the stream would wait for ever.
                return self._queue.put(error)
        return None

    def _blocks(self) -> Iterator[list[Message]]:
        """One connection's messages, in the portions in which its bytes came."""
        import requests

        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if self.last_id is not None:
            headers["Last-Event-ID"] = str(self.last_id)
        response = self._transport.send(
            "GET",
            "/v1/events",
            params={"job": self._job},
            headers=headers,
            stream=True,
            read_timeout=SILENCE_SECONDS,
        )
        with response:
            self._response = response
            if self._ended.is_set():
                return
            _check_type(response)
            self.lost = None
            self._queue.put(Signal.CONNECTED)
            parser = Parser()
            try:
                # Chunks come as they are sent; without chunking only single bytes come at once.
                size = None if getattr(response.raw, "chunked", False) else 1
                said = False
                for block in response.iter_content(size):
                    messages = list(parser.feed(block))
                    said = said or bool(messages)
                    # An id before the first event says where the stream begins: a line that is
                    # cut before anything happens is taken up again from there.
                    if not said and parser.last_id.isdigit():
                        self.last_id = int(parser.last_id)
                    yield messages
            except (requests.exceptions.RequestException, OSError, AttributeError) as error:
                # AttributeError: urllib3 finds its socket gone when another thread hung up.
                if isinstance(error, AttributeError) and not self._ended.is_set():
                    raise
                raise GatewayUnreachable(f"the stream of events was cut: {error}") from error

    def _take(self, message: Message) -> None:
        event = self._event(message)
        if event is None or (self.last_id is not None and event.id <= self.last_id):
            return
        self.last_id = event.id
        self._queue.put(event)

    def _event(self, message: Message) -> Event | None:
        """The event; None for a kind that a newer gateway knows and this client does not."""
        from pydantic import ValidationError

        from bridge_core.models.gateway import Event, EventKind

        try:
            raw: Any = json.loads(message.data)
            if isinstance(raw, dict) and raw.get("kind") not in set(EventKind):
                return None
            job = raw.get("job") if isinstance(raw, dict) else None
            if isinstance(job, dict) and (known := self._requests.get(str(job.get("id")))):
                job["request"] = known
            event = Event.model_validate(raw)
        except (ValueError, ValidationError) as error:
            raise GatewayFault(
                f"the gateway sent an event that cannot be read: {message.data[:200]!r}",
                next_step="have the gateway looked at, or update Shotbridge",
            ) from error
        if event.job is not None and event.job.state.ended:
            self._requests.pop(event.job.id, None)
        elif event.job is not None:
            self._requests[event.job.id] = event.job.request
        return event


def _check_type(response: requests.Response) -> None:
    kind = response.headers.get("Content-Type", "")
    if not kind.startswith("text/event-stream"):
        raise GatewayFault(
            f"events come as {kind or 'something without a type'}, not as text/event-stream",
            where=response.url,
            next_step="check client.url: is there a proxy or another program at this address?",
        )
