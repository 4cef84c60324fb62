"""Creates the panel's pages, bars and popovers when first needed, and connects them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from bridge_ui.app.page_layout import PageLayout
from bridge_ui.app.panel_loader import PanelLoader
from bridge_ui.core.translate import tr
from bridge_ui.host.playhead import ViewedFrame, find_viewed_frame
from bridge_ui.theme.colours import colours_for
from bridge_ui.widgets.popover import show_popover

if TYPE_CHECKING:
    from bridge_core.models.requests import Request
    from bridge_ui.app.controllers import Controllers
    from bridge_ui.app.shortcuts_overlay import ShortcutsOverlay
    from bridge_ui.app.status_bar import StatusBar
    from bridge_ui.app.toolbar import Toolbar
    from bridge_ui.connection.connection_view import ConnectionButton, ConnectionPopover
    from bridge_ui.host.notes_bar import HostNotesBar
    from bridge_ui.host.placement_bar import PlacementBar
    from bridge_ui.jobs.page import JobsPage
    from bridge_ui.lineage.page import LineagePage
    from bridge_ui.review.notes_page import NotesPage
    from bridge_ui.review.review_widget import ReviewWidget
    from bridge_ui.send.page import SendPage
    from bridge_ui.send.service_popover import ServicePopover
    from bridge_ui.shots.controller import ShotRow
    from bridge_ui.shots.page import ShotsPage

#: Parts that watch controllers, where they exist.
_WATCHING_PARTS = (
    *("toolbar", "status", "_connection_button", "_connection_popover"),
    *("shots", "send", "jobs", "notes", "lineage", "placement", "host_notes"),
)

#: The parts of a page, from the top, where it has more than the part of its own name.
_PARTS_BY_PAGE = {"review": ("review", "placement"), "notes": ("host_notes", "notes")}
_MODULE_BY_PART = {
    "shots": "bridge_ui.shots.page",
    "review": "bridge_ui.review.review_widget",
    "placement": "bridge_ui.host.placement_bar",
    "send": "bridge_ui.send.page",
    "jobs": "bridge_ui.jobs.page",
    "host_notes": "bridge_ui.host.notes_bar",
    "notes": "bridge_ui.review.notes_page",
    "lineage": "bridge_ui.lineage.page",
    "toolbar": "bridge_ui.app.toolbar",
    "status": "bridge_ui.app.status_bar",
}


class PanelPages(PageLayout):
    """Reading a part creates it and adds it to its page; :meth:`has_part` does not."""

    def __init__(
        self, controllers: Controllers | PanelLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(page_titles(), parent)
        self._controllers_source = controllers
        self._colours = colours_for(self.palette())
        self._reviewed_key: str | None = None
        """Key of the row under review; None: the review was not opened from a row."""
        self._followed_key: str | None = None
        """Key of the row that the selection last opened in the review."""

    def make_page(self, page: str) -> Iterator[None]:
        """Create the parts of a page in steps of a few milliseconds."""
        for part in _PARTS_BY_PAGE.get(page, (page,)):
            yield from self.make_part(part)

    def make_part(self, part: str) -> Iterator[None]:
        """Create a part unless it exists. Importing its module takes as long as creating it, so it
        is a step of its own."""
        if not self.has_part(part):
            import_module(_MODULE_BY_PART[part])
            yield
            getattr(self, part)
            yield

    def has_part(self, part: str) -> bool:
        """Whether a part was created."""
        return part in self.__dict__

    def close_parts(self) -> None:
        """Stop all existing parts from watching controllers."""
        for name in _WATCHING_PARTS:
            if self.has_part(name):
                getattr(self, name).stop_watching()
        if self.has_part("review"):
            self.review.close_down()

    @cached_property
    def controllers(self) -> Controllers:
        """Created when first needed; before the panel has loaded, this blocks.

        :raises ShotbridgeError: they cannot be loaded.
        """
        source = self._controllers_source
        return source.make_controllers() if isinstance(source, PanelLoader) else source

    @cached_property
    def shots(self) -> ShotsPage:
        from bridge_ui.shots.page import ShotsPage

        page = ShotsPage(self.controllers.shots, self._colours)
        page.review_requested.connect(self._review_row)
        page.row_clicked.connect(self._return_to_row)
        self.add_to_page("shots", page)
        return page

    @cached_property
    def review(self) -> ReviewWidget:
        from bridge_ui.review.review_widget import ReviewWidget

        on = self.controllers
        page = ReviewWidget(on.session, on.shots, on.review, self._colours)
        page.frame_changed.connect(self._frame_changed)
        page.revision_ready.connect(self._prefill)
        self.add_to_page("review", page)
        return page

    @cached_property
    def placement(self) -> PlacementBar:
        from bridge_ui.host.placement_bar import PlacementBar

        on = self.controllers
        bar = PlacementBar(on.placement, on.review, self._reviewed_row, self._colours)
        self.add_to_page("review", bar, grows=False)
        return bar

    @cached_property
    def send(self) -> SendPage:
        from bridge_ui.send.page import SendPage

        on = self.controllers
        page = SendPage(on.session, on.send, self._colours, self._viewed_frame)
        page.test_frame_sent.connect(lambda job: self._view_job(job.id))
        page.choose_service_requested.connect(self.choose_service)
        self.add_to_page("send", page)
        return page

    @cached_property
    def jobs(self) -> JobsPage:
        from bridge_ui.jobs.page import JobsPage

        page = JobsPage(self.controllers.jobs, self._colours)
        page.view_requested.connect(self._view_job)
        self.add_to_page("jobs", page)
        return page

    @cached_property
    def host_notes(self) -> HostNotesBar:
        from bridge_ui.host.notes_bar import HostNotesBar

        bar = HostNotesBar(self.controllers.host_notes, self.controllers.session.host.title)
        self.add_to_page("notes", bar, grows=False)
        return bar

    @cached_property
    def notes(self) -> NotesPage:
        from bridge_ui.review.notes_page import NotesPage

        page = NotesPage(self.controllers.review, self._colours)
        page.frame_requested.connect(self._go_to_frame)
        page.revision_ready.connect(self._prefill)
        self.add_to_page("notes", page)
        return page

    @cached_property
    def lineage(self) -> LineagePage:
        from bridge_ui.lineage.page import LineagePage

        page = LineagePage(self.controllers.lineage, self.controllers.review, self._colours)
        page.repeat_requested.connect(self._prefill)
        self.add_to_page("lineage", page)
        return page

    @cached_property
    def toolbar(self) -> Toolbar:
        from bridge_ui.app.toolbar import Toolbar

        on = self.controllers
        host = on.session.host
        bar = Toolbar(
            on.shots,
            host.capabilities,
            host.placement_modes,
            self._colours,
            lambda: self.shortcuts.toggle(),
            self._connection_button,
        )
        bar.placement_requested.connect(
            lambda mode: on.placement.place_approved(on.shots.selected, mode)
        )
        return bar

    @cached_property
    def status(self) -> StatusBar:
        from bridge_ui.app.status_bar import StatusBar

        bar = StatusBar(self.controllers.session, self._colours)
        bar.connection_pressed.connect(lambda: self._toggle_connection(bar.connection))
        return bar

    @cached_property
    def shortcuts(self) -> ShortcutsOverlay:
        from bridge_ui.app.shortcuts_overlay import ShortcutsOverlay

        return ShortcutsOverlay(self)

    @cached_property
    def service_popover(self) -> ServicePopover:
        from bridge_ui.send.service_popover import ServicePopover

        popover = ServicePopover(self, self._colours, self.controllers.send.find_services)
        popover.service_chosen.connect(self.controllers.send.choose_service)
        return popover

    @cached_property
    def _connection_button(self) -> ConnectionButton:
        from bridge_ui.connection.connection_view import ConnectionButton

        button = ConnectionButton(self.controllers.session, self._colours, short=True)
        button.pressed.connect(lambda: self._toggle_connection(button))
        return button

    @cached_property
    def _connection_popover(self) -> ConnectionPopover:
        from bridge_ui.connection.connection_view import ConnectionPopover

        return ConnectionPopover(self, self.controllers.session, self._colours)

    # Navigation

    def choose_service(self) -> None:
        """Open the popover with the services."""
        self.show_page("send")
        service = self.controllers.send.state.value.service
        self.service_popover.open(service.id if service else None)
        show_popover(self.service_popover, self.send.service)

    def _toggle_connection(self, anchor: QWidget) -> None:
        if self._connection_popover.isVisible():
            self._connection_popover.hide()
        else:
            show_popover(self._connection_popover, anchor)

    def _find_shot(self) -> None:
        self.show_page("shots")
        self.shots.search.setFocus()
        self.shots.search.selectAll()

    def _viewed_frame(self) -> ViewedFrame | None:
        """The plate frame on screen: in the review if it is visible, otherwise in the host."""
        on = self.controllers
        shot = on.review.state.value.shot
        frame = self.review.frame if self.has_part("review") else None
        reviewed = ViewedFrame(shot.id, frame) if shot is not None and frame is not None else None
        if reviewed is not None and self.review.isVisible():
            return reviewed
        shown = find_viewed_frame(on.session.host, on.send.state.value.shots)
        return reviewed if shown is None else shown

    def _frame_changed(self, _frame: int) -> None:
        if self.has_part("send"):
            self.send.frame_changed()

    def _reviewed_row(self) -> ShotRow | None:
        return self.controllers.shots.row(self._reviewed_key) if self._reviewed_key else None

    def _review_row(self, key: str) -> None:
        self.controllers.shots.select([key])
        self._follow_row(key)
        self.show_page("review")
        self.review.setFocus()

    def _follow_row(self, key: str | None) -> None:
        """Open a row's shot in the review; None: nothing."""
        self._reviewed_key = key
        row = self._reviewed_row()
        self.controllers.review.open(
            row.shot if row else None, needs_render=row is not None and row.needs_render
        )

    def _return_to_row(self, key: str) -> None:
        """Return from a job to the selected row when it is clicked."""
        if key == self._followed_key:
            self._follow_row(key)

    def _view_job(self, id: str) -> None:  # noqa: A002
        job = self.controllers.jobs.job(id)
        if job is None:
            return
        review, shot = self.controllers.review, job.request.shot
        if review.state.value.shot != shot:
            row = self._reviewed_row()
            if row is None or row.shot is None or row.shot.id != shot.id:
                self._reviewed_key = None
            review.open(shot)
        review.choose_b(job.version_id or job.test_frame_id or job.id)
        self.show_page("review")

    def _go_to_frame(self, frame: int) -> None:
        self.show_page("review")
        self.review.go_to_frame(frame)

    def _prefill(self, request: Request) -> None:
        self.controllers.send.prefill(request)
        self.show_page("send")


def page_titles() -> dict[str, str]:
    """Titles of the tabs."""
    return {
        "shots": tr("Shots"),
        "send": tr("Send"),
        "jobs": tr("Jobs"),
        "review": tr("Review"),
        "notes": tr("Notes"),
        "lineage": tr("Lineage"),
    }
