"""The panel's controllers in one hand, and what one tells another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_ui.core.session import Session
from bridge_ui.host.notes_controller import HostNotesController
from bridge_ui.host.placement_controller import PlacementController
from bridge_ui.jobs.controller import JobsController
from bridge_ui.lineage.controller import LineageController
from bridge_ui.review.controller import ReviewController
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
    lineage: LineageController
    placement: PlacementController
    host_notes: HostNotesController

    @classmethod
    def create(
        cls, settings: Settings, host: Host, post: Post, *, client: Client | None = None
    ) -> Controllers:
        """All of them for one panel. Nothing is asked of anybody before ``session.start()``."""
        session = Session(settings, host, post, client=client)
        shots = ShotsController(session)
        return cls(
            session,
            shots,
            SendController(session),
            JobsController(session),
            ReviewController(session),
            LineageController(session),
            PlacementController(session, shots.reload),
            HostNotesController(session),
        )

    def close(self, timeout: float = 0.0) -> None:
        """Let go of everything; what was sent goes on at the gateway."""
        for one in (
            self.shots,
            self.send,
            self.jobs,
            self.review,
            self.lineage,
            self.placement,
            self.host_notes,
        ):
            one.close()
        self.session.close(timeout)
