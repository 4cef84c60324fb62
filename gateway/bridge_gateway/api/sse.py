"""Server-sent events: one reader of the gateway's events, any number of listeners.

Events are numbered and kept, so a listener is nothing but a number: the last event that it was
sent. What happened lately stands encoded in one short memory that all share; a listener that is
further behind reads on from the database at its own pace. So neither a slow listener nor many of
them make the gateway's memory grow, and none can miss or see an event twice.
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
    from bridge_gateway.jobs.services import JobService

#: Seconds between two looks whether this process has made an event.
POLL_SECONDS = 0.1
#: Seconds after which the database is read all the same: another process may share it.
MAX_READ_INTERVAL_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
PAGE_SIZE = 500

_log = logging.getLogger(__name__)


class EventBroadcaster:
    """Reads the desk's events while somebody listens. Lives in one event loop."""

    def __init__(self, job_service: JobService) -> None:
        self._job_service = job_service
        self._listeners = 0
        self._closed = False
        self._changed = asyncio.Event()
        self._reader_task: asyncio.Task[None] | None = None
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=PAGE_SIZE)
        #: ``_recent`` holds all events after this one; nobody is ahead of ``maxsize``.
        self._recent_start = sys.maxsize

    async def start_position(self, after: int | None) -> int:
        """The number to listen from: ``after``, or now. A number from before the database was
        made anew lies ahead of everything and counts as now."""
        last = await to_thread.run_sync(self._job_service.last_event_id)
        return last if after is None else min(after, last)

    async def listen(self, after: int, job: str | None = None) -> AsyncIterator[bytes]:
        """The events after a number, encoded, until the listener leaves or the gateway stops.

        The first message has an id and no data: browsers dispatch nothing, and whoever loses the
        line before anything happened knows where to go on.
        """
        self._listeners += 1
        if self._reader_task is None:
            self._reader_task = asyncio.create_task(self._read_events())
        try:
            yield b"retry: 1000\nid: %d\n\n" % after
            while not self._closed:
                # Taken before reading, so that what happens meanwhile ends the wait at once.
                changed = self._changed
                page = await self._next_page(after, job)
                for number, message in page:
                    yield message
                    after = number
                if not page and not await _wait_for_change(changed, KEEP_ALIVE_SECONDS):
                    yield b": still here\n\n"
        finally:
            self._listeners -= 1

    def close(self) -> None:
        """End all listening, now and later."""
        self._closed = True
        self._wake_listeners()

    async def _next_page(self, after: int, job: str | None) -> list[tuple[int, bytes]]:
        if job is None and after >= self._recent_start:
            return [message for message in self._recent if message[0] > after]
        return await to_thread.run_sync(self._read_page, after, job)

    def _read_page(self, after: int, job: str | None) -> list[tuple[int, bytes]]:
        events = self._job_service.list_events(after=after, job=job, limit=PAGE_SIZE)
        return [(event.id, encode_event(event)) for event in events]

    async def _read_events(self) -> None:
        last: int | None = None
        last_change_count, next_read = -1, 0.0
        while self._listeners and not self._closed:
            change_count = self._job_service.change_count()
            if change_count == last_change_count and time.monotonic() < next_read:
                await asyncio.sleep(POLL_SECONDS)
                continue
            try:
                if last is None:
                    self._recent_start = last = await to_thread.run_sync(
                        self._job_service.last_event_id
                    )
                    # Whoever read before this number was known looks once more.
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
            # The number was taken before reading, so what was written meanwhile is read next.
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
    """One message of a stream; JSON has no line breaks of its own."""
    text = event.model_dump_json()
    return f"id: {event.id}\nevent: {event.kind}\ndata: {text}\n\n".encode()


async def _wait_for_change(changed: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return False
    return True
