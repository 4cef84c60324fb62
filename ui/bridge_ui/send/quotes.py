"""Asks the gateway for quotes after the form has not changed for a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge_core.errors import InvalidRequest, ShotbridgeError
from bridge_ui.core.thread_pool import BackgroundTask, LatestCall

if TYPE_CHECKING:
    from bridge_core.models.costs import Quote
    from bridge_core.models.requests import Request
    from bridge_ui.core.session import Session

#: Seconds without a change before asking, so that dragging a slider makes no calls.
_DEBOUNCE_SECONDS = 0.15


class QuoteLoader:
    """``on_changed`` is called when there are new quotes or a refusal."""

    def __init__(self, session: Session, on_changed: Callable[[], None]) -> None:
        self.quotes: tuple[Quote, ...] = ()
        """One per request; empty while not known."""
        self._session = session
        self._on_changed = on_changed
        self._requests: tuple[Request, ...] = ()
        self._refusal: tuple[tuple[Request, ...], str] = ((), "")
        """Requests for which there are no quotes, and why."""
        self._call: LatestCall[tuple[Quote, ...]] = LatestCall(session.request_pool)
        self.close = self._call.cancel

    @property
    def busy(self) -> bool:
        return self._call.busy

    def refusal(self, requests: tuple[Request, ...]) -> str:
        """Why the gateway gives no quotes for these requests; otherwise empty."""
        return self._refusal[1] if self._refusal[0] == requests else ""

    def forget(self) -> None:
        """The answers may be out of date: the next :meth:`update` asks again."""
        self._call.cancel()
        self.quotes, self._requests, self._refusal = (), (), ((), "")

    def update(self, requests: tuple[Request, ...]) -> None:
        """Ask for quotes for these requests, unless they are the latest and there is an answer."""
        if requests == self._requests:
            return
        self.quotes = ()
        self._requests = requests
        if not requests or not self._session.connection.value.is_connected:
            self._call.cancel()
            self._requests = ()
            return
        client = self._session.client

        def load(task: BackgroundTask) -> tuple[Quote, ...]:
            task.cancel_event.wait(_DEBOUNCE_SECONDS)
            return () if task.cancelled else tuple(client.quote(requests))

        def loaded(quotes: tuple[Quote, ...]) -> None:
            self.quotes, self._refusal = quotes, ((), "")
            self._on_changed()

        def failed(error: ShotbridgeError) -> None:
            if isinstance(error, InvalidRequest):
                self._refusal = (requests, error.message)
            else:
                # Such as storage that hangs: says nothing about the requests.
                self._requests = ()
            self._on_changed()

        self._call.run(load, loaded, failed)
