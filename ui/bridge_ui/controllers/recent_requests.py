"""The requests of this session, so that nothing is made twice by mistake.

Only people are asked to confirm. The client sends a repeated request as it is: there the
idempotency key tells a retry from a second request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bridge_core.models.base import now
from bridge_core.models.jobs import JobState
from bridge_ui.controllers.form import fields
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from bridge_core.models.jobs import Job
    from bridge_core.models.outbox import Entry
    from bridge_core.models.requests import Request
    from bridge_core.models.services import Service
    from bridge_ui.controllers.board import Board

#: How long a finished job counts as just made.
MOMENTS = timedelta(minutes=10)


class RecentRequests:
    """By key, as they were before a host rendered their plates."""

    def __init__(
        self,
        board: Board,
        services: Callable[[], Iterable[Service]],
        waiting: Callable[[], Iterable[Entry]],
    ) -> None:
        """``services`` gives those of the gateway, ``waiting`` the entries of the outbox."""
        self._board, self._services, self._waiting = board, services, waiting
        self._requests: dict[str, Request] = {}

    def add(self, requests: Mapping[str, Request]) -> None:
        for key, request in requests.items():
            self._requests.setdefault(key, request)

    def __contains__(self, key: object) -> bool:
        return key in self._requests

    def drop(self, *keys: str) -> None:
        """They were withdrawn, or cannot be sent."""
        for key in keys:
            self._requests.pop(key, None)

    def question(self, requests: Collection[Request]) -> str:
        """Whether to make again what is being sent, queued, running or was just made; empty where
        none of it is."""
        found = [repeat for request in requests if (repeat := self._repeats(request))]
        if not found:
            return ""
        words = found[0]
        if len(found) > 1:
            words += " " + counted(len(found) - 1, "(and {n} more)", "(and {n} more)")
        return tr("{what}. Make it again?", what=words)

    def _repeats(self, request: Request) -> str:
        wanted, service = self._pictures(request), self._service(request)
        title = service.title if service is not None else request.service
        shot, jobs = request.shot.id.shot, self._board.jobs_of(request.shot.id)
        for job in reversed(jobs):
            asked = self._requests.get(job.key, job.request)
            if self._same(asked, request, wanted) and _fresh(job):
                if not job.state.ended:
                    return tr("{service} of {shot} is being made", service=title, shot=shot)
                made = self._board.versions.get(job.version or "")
                name = f"{title} {made.label}" if made is not None else title
                return tr("{name} of {shot} was just made like this", name=name, shot=shot)
        there = {job.key for job in jobs}
        going = [one for key, one in self._requests.items() if key not in there]
        going += [one.request for one in self._waiting() if one.key not in there]
        if any(self._same(one, request, wanted) for one in going):
            return tr("{service} of {shot} is being sent", service=title, shot=shot)
        return ""

    def _same(self, asked: Request, request: Request, wanted: dict[str, Any]) -> bool:
        # The note is cleared once sent: an empty one makes no other request, a different one does.
        return request.note in ("", asked.note) and self._pictures(asked) == wanted

    def _service(self, request: Request) -> Service | None:
        return next((one for one in self._services() if one.id == request.service), None)

    def _pictures(self, request: Request) -> dict[str, Any]:
        """All that the pictures depend on. Giving a default is the same as leaving it out."""
        service = self._service(request)
        values = dict(request.parameters)
        if service is not None:
            values = {one.parameter.name: one.value for one in fields(service, values)}
        words = ("note", "asked_by", "made_from", "schema_version", "parameters")
        kept = {name: value for name, value in dict(request).items() if name not in words}
        return {**kept, "parameters": values}


class Repeat:
    """Asks before the same request is made again."""

    def __init__(self, recent: RecentRequests, tell: Callable[[str], None]) -> None:
        """``tell`` is given the question; empty: nothing is asked."""
        self._recent, self._tell = recent, tell
        self._then: Callable[[], None] | None = None

    def ask(self, requests: Collection[Request], then: Callable[[], None]) -> None:
        """Call ``then``: at once, or on :meth:`yes`."""
        question = self._recent.question(requests)
        self._then = then if question else None
        self._tell(question)
        if not question:
            then()

    def yes(self) -> None:
        then = self._then
        self.no()
        if then is not None:
            then()

    def no(self) -> None:
        self._then = None
        self._tell("")


def _fresh(job: Job) -> bool:
    """It is being made, or was just made; what failed or was cancelled may be requested again."""
    if not job.state.ended:
        return True
    finished = job.finished or job.created
    return job.state is JobState.SUCCEEDED and now() - finished < MOMENTS
