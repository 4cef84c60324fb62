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
    from bridge_gateway.jobs.desk import Desk

#: Seconds between two looks whether this process has made an event.
POLL_SECONDS = 0.1
#: Seconds after which the database is read all the same: another process may share it.
READ_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
PAGE = 500

_log = logging.getLogger(__name__)


class Broadcaster:
    """Reads the desk's events while somebody listens. Lives in one event loop."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._listeners = 0
        self._closed = False
        self._changed = asyncio.Event()
        self._puller: asyncio.Task[None] | None = None
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=PAGE)
        #: ``_recent`` holds all events after this one; nobody is ahead of ``maxsize``.
        self._floor = sys.maxsize

    async def start(self, after: int | None) -> int:
        """The number to listen from: ``after``, or now. A number from before the database was
        made anew lies ahead of everything and counts as now."""
        last = await to_thread.run_sync(self._desk.last_event)
        return last if after is None else min(after, last)

    async def listen(self, after: int, job: str | None = None) -> AsyncIterator[bytes]:
        """The events after a number, encoded, until the listener leaves or the gateway stops.

        The first message has an id and no data: browsers dispatch nothing, and whoever loses the
        line before anything happened knows where to go on.
        """
        self._listeners += 1
        if self._puller is None:
            self._puller = asyncio.create_task(self._pull())
        try:
            yield b"retry: 1000\nid: %d\n\n" % after
            while not self._closed:
                # Taken before reading, so that what happens meanwhile ends the wait at once.
                changed = self._changed
                page = await self._page(after, job)
                for number, message in page:
                    yield message
                    after = number
                if not page and not await _within(changed, KEEP_ALIVE_SECONDS):
                    yield b": still here\n\n"
        finally:
            self._listeners -= 1

    def close(self) -> None:
        """End all listening, now and later."""
        self._closed = True
        self._wake()

    async def _page(self, after: int, job: str | None) -> list[tuple[int, bytes]]:
        if job is None and after >= self._floor:
            return [message for message in self._recent if message[0] > after]
        return await to_thread.run_sync(self._read, after, job)

    def _read(self, after: int, job: str | None) -> list[tuple[int, bytes]]:
        events = self._desk.events(after=after, job=job, limit=PAGE)
        return [(event.id, encode(event)) for event in events]

    async def _pull(self) -> None:
        last: int | None = None
        seen, due = -1, 0.0
        while self._listeners and not self._closed:
            changes = self._desk.changes()
            if changes == seen and time.monotonic() < due:
                await asyncio.sleep(POLL_SECONDS)
                continue
            try:
                if last is None:
                    self._floor = last = await to_thread.run_sync(self._desk.last_event)
                    # Whoever read before this number was known looks once more.
                    self._wake()
                page = await to_thread.run_sync(self._read, last, None)
            except Exception:
                _log.exception("events cannot be read; trying again")
                await asyncio.sleep(10 * POLL_SECONDS)
                continue
            for message in page:
                if len(self._recent) == PAGE:
                    self._floor = self._recent[0][0]
                self._recent.append(message)
                last = message[0]
            if page:
                self._wake()
            # The number was taken before reading, so what was written meanwhile is read next.
            seen = changes if len(page) < PAGE else -1
            due = time.monotonic() + READ_SECONDS
            await asyncio.sleep(POLL_SECONDS)
        self._puller = None
        self._floor = sys.maxsize
        self._recent.clear()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def encode(event: Event) -> bytes:
    """One message of a stream; JSON has no line breaks of its own."""
    text = event.model_dump_json()
    return f"id: {event.id}\nevent: {event.kind}\ndata: {text}\n\n".encode()


async def _within(changed: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return False
    return True
