"""The requests of this session, so that nothing is requested twice by mistake.

Only the panel asks for confirmation. The client sends a repeated request as it is: there the
idempotency key distinguishes a retry from a second request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bridge_core.models.base import now
from bridge_core.models.enumerations import JobState
from bridge_ui.core.translate import tr, tr_count

if TYPE_CHECKING:
    from bridge_core.models.jobs import Job
    from bridge_core.models.outbox import OutboxEntry
    from bridge_core.models.requests import Request
    from bridge_core.models.services import Service
    from bridge_ui.core.store import Store

#: How long a finished job counts as just made.
RECENT_PERIOD = timedelta(minutes=10)


class RecentRequests:
    """Requests by key, as they were before a host rendered their plates."""

    def __init__(
        self,
        store: Store,
        service: Callable[[str], Service | None],
        waiting: Callable[[], Iterable[OutboxEntry]],
    ) -> None:
        """``service`` returns a service by its id, ``waiting`` the outbox entries."""
        self._store, self._service, self._waiting = store, service, waiting
        self._requests: dict[str, Request] = {}

    def add(self, requests: Mapping[str, Request]) -> None:
        for key, request in requests.items():
            self._requests.setdefault(key, request)

    def __contains__(self, key: object) -> bool:
        return key in self._requests

    def discard(self, *keys: str) -> None:
        """Forget requests that were withdrawn or cannot be sent."""
        for key in keys:
            self._requests.pop(key, None)

    def duplicate_question(self, requests: Collection[Request]) -> str:
        """Ask whether to repeat requests that are being sent, queued, running or recently done, or
        whose outcome is unknown.

        Empty if there are none.
        """
        duplicates = [repeat for request in requests if (repeat := self._duplicate_text(request))]
        if not duplicates:
            return ""
        text = duplicates[0]
        if len(duplicates) > 1:
            text += " " + tr_count(len(duplicates) - 1, "(and {n} more)", "(and {n} more)")
        return tr("{what}. Make it again?", what=text)

    def _duplicate_text(self, request: Request) -> str:
        inputs, service = self._picture_inputs(request), self._service(request.service)
        title = service.title if service is not None else request.service
        shot, jobs = request.shot.id.shot, self._store.jobs_of(request.shot.id)
        for job in filter(_may_be_repeat, reversed(jobs)):
            # A form repeats the request as it was before rendering, the job list as it was sent.
            earlier = (self._requests.get(job.key, job.request), job.request)
            if any(self._is_same(sent, request, inputs) for sent in earlier):
                if job.state is JobState.UNKNOWN:
                    return tr(
                        "The provider may have made and charged for {service} of {shot}",
                        service=title,
                        shot=shot,
                    )
                if not job.state.ended:
                    return tr("{service} of {shot} is being made", service=title, shot=shot)
                version = self._store.versions.get(job.version_id or "")
                name = f"{title} {version.label}" if version is not None else title
                return tr("{name} of {shot} was just made like this", name=name, shot=shot)
        known_keys = {job.key for job in jobs}
        unsent = [waiting for key, waiting in self._requests.items() if key not in known_keys]
        unsent += [entry.request for entry in self._waiting() if entry.key not in known_keys]
        if any(self._is_same(waiting, request, inputs) for waiting in unsent):
            return tr("{service} of {shot} is being sent", service=title, shot=shot)
        return ""

    def _is_same(self, earlier: Request, request: Request, inputs: dict[str, Any]) -> bool:
        # The note is cleared after sending, so an empty note is no difference.
        return request.note in ("", earlier.note) and self._picture_inputs(earlier) == inputs

    def _picture_inputs(self, request: Request) -> dict[str, Any]:
        """Everything the pictures depend on; an explicit default equals an omitted value."""
        service = self._service(request.service)
        values = dict(request.parameters)
        if service is not None:
            values = {p.name: values.get(p.name, p.default) for p in service.parameters}
        ignored = ("note", "source_version_id", "schema_version", "parameters")
        kept = {name: value for name, value in dict(request).items() if name not in ignored}
        return {**kept, "parameters": values}


class DuplicateCheck:
    """Asks for confirmation before a request is repeated."""

    def __init__(self, recent: RecentRequests, show_question: Callable[[str], None]) -> None:
        """``show_question`` receives the question, or an empty text to hide it."""
        self._recent, self._show_question = recent, show_question
        self._on_confirmed: Callable[[], None] | None = None

    def check(self, requests: Collection[Request], on_confirmed: Callable[[], None]) -> None:
        """Call ``on_confirmed`` now, or on :meth:`confirm` if the user has to be asked."""
        question = self._recent.duplicate_question(requests)
        self._on_confirmed = on_confirmed if question else None
        self._show_question(question)
        if not question:
            on_confirmed()

    def confirm(self) -> None:
        on_confirmed = self._on_confirmed
        self.cancel()
        if on_confirmed is not None:
            on_confirmed()

    def cancel(self) -> None:
        self._on_confirmed = None
        self._show_question("")


def _may_be_repeat(job: Job) -> bool:
    """Active, recently succeeded or with an unknown outcome; failed and cancelled jobs may be
    requested again."""
    if not job.state.ended or job.state is JobState.UNKNOWN:
        return True
    finished = job.finished or job.created
    return job.state is JobState.SUCCEEDED and now() - finished < RECENT_PERIOD
