"""Server-sent events: one reader of the gateway's events, any number of listeners.

Events are stored with ascending ids, so the state of a listener is only the id of the last event
that it was sent. The latest events are kept encoded in a short buffer that all listeners share. A
listener that is further behind reads from the database at its own pace. So memory does not grow
with slow or many listeners, and no event is lost or sent twice.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from anyio import to_thread

from bridge_core.models.gateway import Event

if TYPE_CHECKING:
    from bridge_gateway.jobs.events import EventLog

#: Seconds between two checks for events of this process.
POLL_SECONDS = 0.1
#: Seconds after which the database is read in any case, because another process may share it.
MAX_READ_INTERVAL_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
PAGE_SIZE = 500

_log = logging.getLogger(__name__)


class EventBroadcaster:
    """Reads the events while there are listeners. Belongs to one event loop."""

    def __init__(self, event_log: EventLog) -> None:
        self._event_log = event_log
        self._listeners = 0
        self._closed = False
        self._changed = asyncio.Event()
        self._reader_task: asyncio.Task[None] | None = None
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=PAGE_SIZE)
        #: ``_recent`` holds all events after this id; ``maxsize`` while it is not in use.
        self._recent_start = sys.maxsize

    async def start_position(self, after: int | None) -> int:
        """The event id to listen from: ``after``, or the last one. An id of an older database,
        which is greater than all, counts as the last one."""
        last = await to_thread.run_sync(self._event_log.last_event_id)
        return last if after is None else min(after, last)

    async def listen(self, after: int, job: str | None = None) -> AsyncIterator[bytes]:
        """The encoded events after an id, until the listener disconnects or the gateway stops.

        The first message has an id and no data: browsers do not dispatch it, and a listener that
        loses the connection before the first event knows where to continue.
        """
        self._listeners += 1
        if self._reader_task is None:
            self._reader_task = asyncio.create_task(self._read_events())
        try:
            yield b"retry: 1000\nid: %d\n\n" % after
            while not self._closed:
                # Taken before reading, so that an event in the meantime ends the wait at once.
                changed = self._changed
                page = await self._next_page(after, job)
                for number, message in page:
                    yield message
                    after = number
                if not page and not await _wait_for_change(changed, KEEP_ALIVE_SECONDS):
                    yield b": keep-alive\n\n"
        finally:
            self._listeners -= 1

    def close(self) -> None:
        """End all streams, now and later."""
        self._closed = True
        self._wake_listeners()

    async def _next_page(self, after: int, job: str | None) -> list[tuple[int, bytes]]:
        if job is None and after >= self._recent_start:
            return [message for message in self._recent if message[0] > after]
        return await to_thread.run_sync(self._read_page, after, job)

    def _read_page(self, after: int, job: str | None) -> list[tuple[int, bytes]]:
        events = self._event_log.list_events(after=after, job=job, limit=PAGE_SIZE)
        return [(event.id, encode_event(event)) for event in events]

    async def _read_events(self) -> None:
        last: int | None = None
        last_change_count, next_read = -1, 0.0
        while self._listeners and not self._closed:
            change_count = self._event_log.change_count()
            if change_count == last_change_count and time.monotonic() < next_read:
                await asyncio.sleep(POLL_SECONDS)
                continue
            try:
                if last is None:
                    self._recent_start = last = await to_thread.run_sync(
                        self._event_log.last_event_id
                    )
                    # Listeners that read before this id was known read again.
                    self._wake_listeners()
                page = await to_thread.run_sync(self._read_page, last, None)
            except Exception:
                _log.exception("events cannot be read; trying again")
                await asyncio.sleep(10 * POLL_SECONDS)
                continue
            for message in page:
                if len(self._recent) == PAGE_SIZE:
                    self._recent_start = self._recent[0][0]
                self._recent.append(message)
                last = message[0]
            if page:
                self._wake_listeners()
            # Taken before reading, so what was written in the meantime is read next.
            last_change_count = change_count if len(page) < PAGE_SIZE else -1
            next_read = time.monotonic() + MAX_READ_INTERVAL_SECONDS
            await asyncio.sleep(POLL_SECONDS)
        self._reader_task = None
        self._recent_start = sys.maxsize
        self._recent.clear()

    def _wake_listeners(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def encode_event(event: Event) -> bytes:
    """One message of a stream; the JSON has no line breaks."""
    # Most fields are for events of other kinds.
    absent = {name for name, value in event if value is None}
    text = event.model_dump_json(exclude=absent)
    return f"id: {event.id}\nevent: {event.kind}\ndata: {text}\n\n".encode()


async def _wait_for_change(changed: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return False
    return True
