"""The controllers of a panel."""

from __future__ import annotations

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
    from bridge_core.hosts.base import Host
    from bridge_core.models.settings import Settings
    from bridge_ui.core.observable import Post


class Controllers:
    """Nothing is requested before ``session.start()``."""

    def __init__(self, settings: Settings, host: Host, post: Post) -> None:
        self.session = Session(settings, host, post)
        self.shots = ShotsController(self.session)
        self.send = SendController(self.session)
        self.jobs = JobsController(self.session)
        self.review = ReviewController(self.session)
        self.documents = DocumentsController(self.session, self.review)
        self.lineage = LineageController(self.session)
        self.placement = PlacementController(self.session, self.shots.reload)
        self.host_notes = HostNotesController(self.session)

    def close(self, timeout: float = 0.0) -> None:
        """Close all controllers and the session; jobs continue at the gateway."""
        first = (self.shots, self.send, self.jobs, self.documents, self.review)
        for controller in (*first, self.lineage, self.placement, self.host_notes):
            controller.close()
        self.session.close(timeout)
