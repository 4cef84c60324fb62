"""The texts and findings of the version under review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.errors import ShotbridgeError
from bridge_ui.core.observable import Observable, unwatch_all
from bridge_ui.core.thread_pool import BackgroundTask, LatestCall

if TYPE_CHECKING:
    from bridge_core.models.findings import Finding
    from bridge_core.models.versions import Version
    from bridge_ui.core.session import Session
    from bridge_ui.review.controller import ReviewController, ReviewState


@dataclass(frozen=True, slots=True)
class Documents:
    """What a service wrote about a shot."""

    findings: tuple[Finding, ...] = ()
    """By frame; those about the whole shot first."""
    texts: tuple[tuple[str, str], ...] = ()
    """The name and the content of each text."""
    busy: bool = False
    problem: str = ""
    next_step: str = ""


class DocumentsController:
    """Loads them once for each version that has some; they never change."""

    def __init__(self, session: Session, review: ReviewController) -> None:
        self.state: Observable[Documents] = Observable(Documents())
        self._session = session
        self._version_id: str | None = None
        self._call: LatestCall[Documents] = LatestCall(session.request_pool)
        self.close = unwatch_all(
            review.state.watch(self._review_changed),
            session.on_connected(lambda: self._retry(review.state.value.version)),
            self._call.cancel,
        )

    def _review_changed(self, review: ReviewState) -> None:
        version = review.version
        if (version and version.id) != self._version_id:
            self._version_id = version.id if version else None
            self._load(version)

    def _retry(self, version: Version | None) -> None:
        if self.state.value.problem:
            self._load(version)

    def _load(self, version: Version | None) -> None:
        self._call.cancel()
        if version is None or not (version.texts or version.finding_count):
            self.state.set(Documents())
            return
        client = self._session.client

        def fetch(_: BackgroundTask) -> Documents:
            findings = client.findings(version.id) if version.finding_count else ()
            texts = tuple((name, client.result_text(version.id, name)) for name in version.texts)
            by_frame = sorted(findings, key=lambda f: (f.frame is not None, f.frame or 0))
            return Documents(tuple(by_frame), texts)

        self.state.set(Documents(busy=True))
        self._call.run(fetch, self.state.set, self._on_error)

    def _on_error(self, error: ShotbridgeError) -> None:
        self.state.set(Documents(problem=error.message, next_step=error.next_step))
