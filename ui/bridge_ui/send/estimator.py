"""Asks the gateway what requests will take and cost, once the form has not changed for a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge_core.errors import GatewayError, ShotbridgeError
from bridge_ui.core.workers import BackgroundTask, LatestCall

if TYPE_CHECKING:
    from bridge_core.models.jobs import Estimate
    from bridge_core.models.requests import Request
    from bridge_ui.core.session import Session

#: Seconds without a change before the form is estimated: dragging a slider asks nothing.
_DEBOUNCE_SECONDS = 0.15


class Estimator:
    """``changed`` is called when more is known about the requests that were asked about last."""

    def __init__(self, session: Session, on_changed: Callable[[], None]) -> None:
        self.estimates: tuple[Estimate, ...] = ()
        """One for each request, or none while they are not known."""
        self._session = session
        self._on_changed = on_changed
        self._requests: tuple[Request, ...] = ()
        self._refusal: tuple[tuple[Request, ...], str] = ((), "")
        """What could not be estimated, and why."""
        self._estimate_call: LatestCall[tuple[Estimate, ...]] = LatestCall(session.request_pool)

    @property
    def busy(self) -> bool:
        return self._estimate_call.busy

    def refusal(self, requests: tuple[Request, ...]) -> str:
        """Why the gateway would not even estimate these; empty: it would."""
        return self._refusal[1] if self._refusal[0] == requests else ""

    def update(self, requests: tuple[Request, ...]) -> None:
        """Unless these were asked about last."""
        if requests == self._requests:
            return
        self.estimates = ()
        self._requests = requests
        if not requests or not self._session.connection.value.is_connected:
            self._estimate_call.cancel()
            self._requests = ()
            return
        client = self._session.client

        def ask(task: BackgroundTask) -> tuple[Estimate, ...]:
            task.cancel_event.wait(_DEBOUNCE_SECONDS)
            found = []
            for request in requests:
                if task.cancelled:
                    break
                found.append(client.estimate(request))
            return tuple(found)

        def answered(estimates: tuple[Estimate, ...]) -> None:
            self.estimates, self._refusal = estimates, ((), "")
            self._on_changed()

        def failed(error: ShotbridgeError) -> None:
            if isinstance(error, GatewayError):
                self._requests = ()  # asked again when the gateway is back
            else:
                self._refusal = (requests, error.message)
            self._on_changed()

        self._estimate_call.run(ask, answered, failed)

    def close(self) -> None:
        self._estimate_call.cancel()
