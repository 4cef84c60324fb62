"""The controllers of a panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_ui.core.session import Session
from bridge_ui.host.notes_controller import HostNotesController
from bridge_ui.host.placement_controller import PlacementController
from bridge_ui.jobs.controller import JobsController
from bridge_ui.lineage.controller import LineageController
from bridge_ui.review.controller import ReviewController
from bridge_ui.review.documents_controller import DocumentsController
from bridge_ui.send.controller import SendController
from bridge_ui.shots.controller import ShotsController

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.hosts.base import Host
    from bridge_core.models.settings import Settings
    from bridge_ui.core.observable import Post


@dataclass(frozen=True)
class Controllers:
    session: Session
    shots: ShotsController
    send: SendController
    jobs: JobsController
    review: ReviewController
    documents: DocumentsController
    lineage: LineageController
    placement: PlacementController
    host_notes: HostNotesController

    @classmethod
    def create(
        cls, settings: Settings, host: Host, post: Post, *, client: Client | None = None
    ) -> Controllers:
        """Create the controllers of a panel. Nothing is requested before ``session.start()``."""
        session = Session(settings, host, post, client=client)
        shots, review = ShotsController(session), ReviewController(session)
        return cls(
            session,
            shots,
            SendController(session),
            JobsController(session),
            review,
            DocumentsController(session, review),
            LineageController(session),
            PlacementController(session, shots.reload),
            HostNotesController(session),
        )

    def close(self, timeout: float = 0.0) -> None:
        """Close all controllers and the session; jobs continue at the gateway."""
        for controller in (
            self.shots,
            self.send,
            self.jobs,
            self.documents,
            self.review,
            self.lineage,
            self.placement,
            self.host_notes,
        ):
            controller.close()
        self.session.close(timeout)
