"""The pages of the panel. A new page is one entry in :data:`PAGES`.

Tabs, layout, shortcuts and tests follow from it. Modules of pages are imported when a page is first
shown, so nothing of theirs is imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bridge_ui.core.translate import tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from bridge_core.models.requests import Request
    from bridge_ui.app.controllers import Controllers
    from bridge_ui.host.playhead import ViewedFrame
    from bridge_ui.shots.shot_row import ShotRow
    from bridge_ui.theme.colours import ThemeColours


class PageContext(Protocol):
    """What pages may use of the panel."""

    colours: ThemeColours

    @property
    def controllers(self) -> Controllers: ...
    def viewed_frame(self) -> ViewedFrame | None: ...
    def reviewed_row(self) -> ShotRow | None: ...
    def review_row(self, key: str) -> None: ...
    def return_to_row(self, key: str) -> None: ...
    def view_job(self, job_id: str) -> None: ...
    def go_to_frame(self, frame: int) -> None: ...
    def frame_changed(self, frame: int) -> None: ...
    def choose_service(self) -> None: ...
    def prefill(self, request: Request) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSpec:
    """A widget on a page, created when the page is first shown."""

    id: str
    module: str
    """Imported in a step of its own, as this takes as long as creating the widget."""
    create: Callable[[PageContext], QWidget]
    stop: Callable[[Any], None] = lambda widget: widget.stop()
    """Called when the panel closes, with the widget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSpec(PartSpec):
    title: Callable[[], str]
    badge: Callable[[Controllers], int] = lambda controllers: 0
    """The number in the tab; 0 is not shown."""
    has_column: bool = False
    """In the wide layout it is a column, not a tab."""
    header: PartSpec | None = None
    footer: PartSpec | None = None

    @property
    def parts(self) -> tuple[PartSpec, ...]:
        """From the top."""
        return tuple(part for part in (self.header, self, self.footer) if part is not None)


def _create_shots(panel: PageContext) -> QWidget:
    from bridge_ui.shots.page import ShotsPage

    page = ShotsPage(panel.controllers.shots, panel.colours)
    page.review_requested.connect(panel.review_row)
    page.row_clicked.connect(panel.return_to_row)
    return page


def _create_send(panel: PageContext) -> QWidget:
    from bridge_ui.send.page import SendPage

    on = panel.controllers
    page = SendPage(on.session, on.send, panel.colours, panel.viewed_frame)
    page.test_frame_sent.connect(lambda job: panel.view_job(job.id))
    page.choose_service_requested.connect(panel.choose_service)
    return page


def _create_jobs(panel: PageContext) -> QWidget:
    from bridge_ui.jobs.page import JobsPage

    page = JobsPage(panel.controllers.jobs, panel.colours)
    page.view_requested.connect(panel.view_job)
    return page


def _create_review(panel: PageContext) -> QWidget:
    from bridge_ui.review.review_widget import ReviewWidget

    on = panel.controllers
    page = ReviewWidget(on.session, on.shots, on.review, panel.colours)
    page.frame_changed.connect(panel.frame_changed)
    page.revision_ready.connect(panel.prefill)
    return page


def _create_placement(panel: PageContext) -> QWidget:
    from bridge_ui.host.placement_bar import PlacementBar

    on = panel.controllers
    return PlacementBar(on.placement, on.review, panel.reviewed_row, panel.colours)


def _create_notes(panel: PageContext) -> QWidget:
    from bridge_ui.review.notes_page import NotesPage

    on = panel.controllers
    page = NotesPage(on.review, on.documents, panel.colours)
    page.frame_requested.connect(panel.go_to_frame)
    page.revision_ready.connect(panel.prefill)
    return page


def _create_host_notes(panel: PageContext) -> QWidget:
    from bridge_ui.host.notes_bar import HostNotesBar

    on = panel.controllers
    return HostNotesBar(on.host_notes, on.session.host.title)


def _create_lineage(panel: PageContext) -> QWidget:
    from bridge_ui.lineage.page import LineagePage

    on = panel.controllers
    page = LineagePage(on.lineage, on.review, panel.colours)
    page.repeat_requested.connect(panel.prefill)
    return page


def _active_jobs(controllers: Controllers) -> int:
    state = controllers.jobs.state.value
    return state.running + state.queued + state.in_outbox


#: In the order of the tabs and of ``Ctrl+1``, ``Ctrl+2``, ...
PAGES = (
    PageSpec(
        id="shots",
        title=lambda: tr("Shots"),
        module="bridge_ui.shots.page",
        create=_create_shots,
        badge=lambda controllers: controllers.shots.state.value.attention_count,
        has_column=True,
    ),
    PageSpec(
        id="send",
        title=lambda: tr("Send"),
        module="bridge_ui.send.page",
        create=_create_send,
        badge=lambda controllers: len(controllers.send.pending_renders.state.value.shots),
    ),
    PageSpec(
        id="jobs",
        title=lambda: tr("Jobs"),
        module="bridge_ui.jobs.page",
        create=_create_jobs,
        badge=_active_jobs,
    ),
    PageSpec(
        id="review",
        title=lambda: tr("Review"),
        module="bridge_ui.review.review_widget",
        create=_create_review,
        has_column=True,
        footer=PartSpec(
            id="placement", module="bridge_ui.host.placement_bar", create=_create_placement
        ),
    ),
    PageSpec(
        id="notes",
        title=lambda: tr("Notes"),
        module="bridge_ui.review.notes_page",
        create=_create_notes,
        badge=lambda controllers: len(controllers.review.state.value.notes),
        header=PartSpec(
            id="host_notes", module="bridge_ui.host.notes_bar", create=_create_host_notes
        ),
    ),
    PageSpec(
        id="lineage",
        title=lambda: tr("Lineage"),
        module="bridge_ui.lineage.page",
        create=_create_lineage,
    ),
)
