"""Estimates duration and cost of requests after the form has not changed for a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge_core.errors import GatewayError, ShotbridgeError
from bridge_ui.core.workers import BackgroundTask, LatestCall

if TYPE_CHECKING:
    from bridge_core.models.jobs import Estimate
    from bridge_core.models.requests import Request
    from bridge_ui.core.session import Session

#: Seconds without a change before estimating, so that dragging a slider makes no calls.
_DEBOUNCE_SECONDS = 0.15


class Estimator:
    """``on_changed`` is called when there are new estimates or a refusal."""

    def __init__(self, session: Session, on_changed: Callable[[], None]) -> None:
        self.estimates: tuple[Estimate, ...] = ()
        """One per request; empty while not known."""
        self._session = session
        self._on_changed = on_changed
        self._requests: tuple[Request, ...] = ()
        self._refusal: tuple[tuple[Request, ...], str] = ((), "")
        """Requests that could not be estimated, and why."""
        self._estimate_call: LatestCall[tuple[Estimate, ...]] = LatestCall(session.request_pool)

    @property
    def busy(self) -> bool:
        return self._estimate_call.busy

    def refusal(self, requests: tuple[Request, ...]) -> str:
        """Why the gateway refused to estimate these requests; otherwise empty."""
        return self._refusal[1] if self._refusal[0] == requests else ""

    def update(self, requests: tuple[Request, ...]) -> None:
        """Estimate these requests, unless they are the latest."""
        if requests == self._requests:
            return
        self.estimates = ()
        self._requests = requests
        if not requests or not self._session.connection.value.is_connected:
            self._estimate_call.cancel()
            self._requests = ()
            return
        client = self._session.client

        def estimate(task: BackgroundTask) -> tuple[Estimate, ...]:
            task.cancel_event.wait(_DEBOUNCE_SECONDS)
            found = []
            for request in requests:
                if task.cancelled:
                    break
                found.append(client.estimate(request))
            return tuple(found)

        def estimated(estimates: tuple[Estimate, ...]) -> None:
            self.estimates, self._refusal = estimates, ((), "")
            self._on_changed()

        def failed(error: ShotbridgeError) -> None:
            if isinstance(error, GatewayError):
                self._requests = ()  # retried after reconnecting
            else:
                self._refusal = (requests, error.message)
            self._on_changed()

        self._estimate_call.run(estimate, estimated, failed)

    def close(self) -> None:
        self._estimate_call.cancel()
