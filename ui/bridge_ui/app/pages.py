"""The panel's pages and what lies over them, each made when it is first wanted, and the ways that
lead from one to another."""

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

if TYPE_CHECKING:
    from bridge_core.models.requests import Request
    from bridge_ui.app.controllers import Controllers
    from bridge_ui.app.shortcuts_overlay import ShortcutsOverlay
    from bridge_ui.app.toolbar import Toolbar
    from bridge_ui.connection.connection_view import ConnectionButton, ConnectionPopover, StatusBar
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
    "status": "bridge_ui.connection.connection_view",
}


class PanelPages(PageLayout):
    """Asking for a part makes it, and puts it in its place; :meth:`has` does not."""

    def __init__(
        self, controllers: Controllers | PanelLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(page_titles(), parent)
        self._controllers_source = controllers
        self._colours = colours_for(self.palette())
        self._reviewed_key: str | None = None
        """Key of the row under review; None: something that no row led to."""
        self._followed_key: str | None = None
        """Key of the row that the selection last led the review to."""

    def make_page(self, page: str) -> Iterator[None]:
        """All that stands on it, in steps of some milliseconds each."""
        for part in _PARTS_BY_PAGE.get(page, (page,)):
            yield from self.make_part(part)

    def make_part(self, part: str) -> Iterator[None]:
        """Unless it is there; importing it, a step of its own, takes as long as making it."""
        if not self.has_part(part):
            import_module(_MODULE_BY_PART[part])
            yield
            getattr(self, part)
            yield

    def has_part(self, part: str) -> bool:
        """It was made; asking for it would make it."""
        return part in self.__dict__

    def close_parts(self) -> None:
        """Have all that was made hear of nothing any more."""
        for name in _WATCHING_PARTS:
            if self.has_part(name):
                getattr(self, name).stop_watching()
        if self.has_part("review"):
            self.review.close_down()

    @cached_property
    def controllers(self) -> Controllers:
        """Made with the first part that needs them; whoever asks before the panel has loaded
        waits for them.

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
        """Below the review room."""
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
        """Above the notes."""
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
            lambda way: on.placement.place_approved(on.shots.selected, way)
        )
        return bar

    @cached_property
    def status(self) -> StatusBar:
        from bridge_ui.connection.connection_view import StatusBar

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

    # From one to another

    def choose_service(self) -> None:
        """Show the services to choose from."""
        from bridge_ui.connection.connection_view import show_popover

        self.show_page("send")
        service = self.controllers.send.state.value.service
        self.service_popover.open(service.id if service else None)
        show_popover(self.service_popover, self.send.service)

    def _toggle_connection(self, anchor: QWidget) -> None:
        from bridge_ui.connection.connection_view import show_popover

        if self._connection_popover.isVisible():
            self._connection_popover.hide()
        else:
            show_popover(self._connection_popover, anchor)

    def _find_shot(self) -> None:
        self.show_page("shots")
        self.shots.search.setFocus()
        self.shots.search.selectAll()

    def _viewed_frame(self) -> ViewedFrame | None:
        """The frame of a plate that somebody looks at: in the review, where that is in sight, else
        in the host."""
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
        """Look at a row's shot; None: at nothing."""
        self._reviewed_key = key
        row = self._reviewed_row()
        self.controllers.review.open(
            row.shot if row else None, needs_render=row is not None and row.needs_render
        )

    def _return_to_row(self, key: str) -> None:
        """From a job to the row that is selected all the while."""
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
    """What the tabs say."""
    return {
        "shots": tr("Shots"),
        "send": tr("Send"),
        "jobs": tr("Jobs"),
        "review": tr("Review"),
        "notes": tr("Notes"),
        "lineage": tr("Lineage"),
    }
