"""Whether the gateway is in use."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Receive, Scope, Send


class Activity:
    """Counts the calls in progress, including event streams."""

    def __init__(self) -> None:
        self._active_calls = 0
        self._last_call_ended = time.monotonic()

    def idle_seconds(self) -> float:
        """Seconds since the last call ended; 0 while one is running."""
        return 0.0 if self._active_calls else time.monotonic() - self._last_call_ended

    def count_calls(self, app: ASGIApp) -> ASGIApp:
        """Middleware that counts each call of ``app``."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self._active_calls += 1
            try:
                await app(scope, receive, send)
            finally:
                self._active_calls -= 1
                self._last_call_ended = time.monotonic()

        return counted
