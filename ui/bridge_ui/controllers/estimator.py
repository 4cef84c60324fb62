"""What requests will take and cost, asked of the gateway while the form rests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge_core.errors import GatewayError, ShotbridgeError
from bridge_ui.controllers.pool import Latest, Task

if TYPE_CHECKING:
    from bridge_core.models.jobs import Estimate
    from bridge_core.models.requests import Request
    from bridge_ui.controllers.session import Session

#: Seconds that a form rests before it is estimated: a slider that is being dragged asks nothing.
_REST = 0.15


class Estimator:
    """``told`` is called when more is known of the requests that were asked about last."""

    def __init__(self, session: Session, told: Callable[[], None]) -> None:
        self.found: tuple[Estimate, ...] = ()
        """One for each request, or none while they are not known."""
        self._session = session
        self._told = told
        self._of: tuple[Request, ...] = ()
        self._refused: tuple[tuple[Request, ...], str] = ((), "")
        """What could not be estimated, and why."""
        self._asking: Latest[tuple[Estimate, ...]] = Latest(session.pool)

    @property
    def busy(self) -> bool:
        return self._asking.busy

    def why_not(self, requests: tuple[Request, ...]) -> str:
        """Why the gateway would not even estimate these; empty: it would."""
        return self._refused[1] if self._refused[0] == requests else ""

    def ask(self, requests: tuple[Request, ...]) -> None:
        """Unless these were asked about last."""
        if requests == self._of:
            return
        self.found = ()
        self._of = requests
        if not requests or not self._session.connection.value.up:
            self._asking.cancel()
            self._of = ()
            return
        client = self._session.client

        def ask(task: Task) -> tuple[Estimate, ...]:
            task.flag.wait(_REST)
            found = []
            for request in requests:
                if task.cancelled:
                    break
                found.append(client.estimate(request))
            return tuple(found)

        def answered(estimates: tuple[Estimate, ...]) -> None:
            self.found, self._refused = estimates, ((), "")
            self._told()

        def failed(error: ShotbridgeError) -> None:
            if isinstance(error, GatewayError):
                self._of = ()  # asked again when the gateway is back
            else:
                self._refused = (requests, error.what)
            self._told()

        self._asking.ask(ask, answered, failed)

    def close(self) -> None:
        self._asking.cancel()
