"""Creates the panel's pages, bars and popovers when first needed, and connects them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtWidgets import QWidget

from bridge_ui.app.page_layout import PageLayout
from bridge_ui.app.page_registry import PageSpec, PartSpec
from bridge_ui.app.panel_loader import PanelLoader
from bridge_ui.host.playhead import ViewedFrame, find_viewed_frame
from bridge_ui.theme.colours import colours_for
from bridge_ui.widgets.basic import show_popover

if TYPE_CHECKING:
    from bridge_core.models.requests import Request
    from bridge_ui.app.bars import StatusBar, Toolbar
    from bridge_ui.app.controllers import Controllers
    from bridge_ui.app.shortcuts_overlay import ShortcutsOverlay
    from bridge_ui.connection.connection_view import ConnectionButton, ConnectionPopover
    from bridge_ui.host.placement_bar import PlacementBar
    from bridge_ui.jobs.page import JobsPage
    from bridge_ui.review.review_widget import ReviewWidget
    from bridge_ui.send.page import SendPage
    from bridge_ui.send.service_popover import ServicePopover
    from bridge_ui.shots.controller import ShotRow
    from bridge_ui.shots.page import ShotsPage


def _parts_by_id(pages: Sequence[PageSpec]) -> dict[str, tuple[PageSpec, PartSpec]]:
    return {part.id: (page, part) for page in pages for part in page.parts}


class PanelPages(PageLayout):
    """Reading a part or a property creates it; :meth:`has_part` does not. Implements
    :class:`~bridge_ui.app.page_registry.PageContext`."""

    def __init__(
        self,
        controllers: Controllers | PanelLoader,
        parent: QWidget | None = None,
        *,
        pages: Sequence[PageSpec],
    ) -> None:
        super().__init__(pages, parent)
        self._controllers_source = controllers
        self._specs = _parts_by_id(pages)
        self._parts: dict[str, QWidget] = {}
        self._placed: set[str] = set()
        """Ids of the parts that are on their pages."""
        self.colours = colours_for(self.palette())
        self._reviewed_key: str | None = None
        """Key of the row under review; None: the review was not opened from a row."""
        self._followed_key: str | None = None
        """Key of the row that the selection last opened in the review."""

    def add_pages(self, pages: Sequence[PageSpec]) -> None:
        """Add tabs, before the panel is built."""
        self._specs.update(_parts_by_id(pages))
        super().add_pages(pages)

    def make_page(self, page_id: str) -> Iterator[None]:
        """Create the parts of a page in steps of a few milliseconds."""
        for part in self._specs[page_id][0].parts:
            if not self.has_part(part.id):
                import_module(part.module)
                yield
                self._create_part(part.id)
                yield
                self._place_part(part.id)
                yield

    def part(self, part_id: str) -> Any:
        """A page, or another part of one; created and added to the page when first needed."""
        self._create_part(part_id)
        self._place_part(part_id)
        return self._parts[part_id]

    def _create_part(self, part_id: str) -> None:
        if part_id not in self._parts:
            self._parts[part_id] = self._specs[part_id][1].create(self)

    def _place_part(self, part_id: str) -> None:
        """Add a part to its page, which lays it out: that takes as long as creating it."""
        if part_id not in self._placed:
            self._placed.add(part_id)
            page, spec = self._specs[part_id]
            self.add_to_page(page.id, self._parts[part_id], grows=spec is page)

    def has_part(self, name: str) -> bool:
        """Whether a part of a page, or another property of this class, was created."""
        return name in self._parts or name in self.__dict__

    def stop_parts(self) -> None:
        """Stop everything that was created from watching controllers."""
        for name in ("toolbar", "status", "_connection_button", "_connection_popover"):
            if self.has_part(name):
                getattr(self, name).stop()
        for part_id, widget in self._parts.items():
            self._specs[part_id][1].stop(widget)

    @cached_property
    def controllers(self) -> Controllers:
        """Created when first needed; before the panel has loaded, this blocks.

        :raises ShotbridgeError: they cannot be loaded.
        """
        source = self._controllers_source
        return source.make_controllers() if isinstance(source, PanelLoader) else source

    @property
    def shots(self) -> ShotsPage:
        return cast("ShotsPage", self.part("shots"))

    @property
    def review(self) -> ReviewWidget:
        return cast("ReviewWidget", self.part("review"))

    @property
    def placement(self) -> PlacementBar:
        return cast("PlacementBar", self.part("placement"))

    @property
    def send(self) -> SendPage:
        return cast("SendPage", self.part("send"))

    @property
    def jobs(self) -> JobsPage:
        return cast("JobsPage", self.part("jobs"))

    @cached_property
    def toolbar(self) -> Toolbar:
        from bridge_ui.app.bars import Toolbar

        on = self.controllers
        bar = Toolbar(on.shots, on.session.host, self.colours, self._connection_button)
        bar.shortcuts_requested.connect(lambda: self.shortcuts.toggle())
        bar.placement_requested.connect(
            lambda mode: on.placement.place_approved(on.shots.selected, mode)
        )
        return bar

    @cached_property
    def status(self) -> StatusBar:
        from bridge_ui.app.bars import StatusBar

        bar = StatusBar(self.controllers.session, self.colours)
        bar.connection_pressed.connect(lambda: self._toggle_connection(bar.connection))
        return bar

    @cached_property
    def shortcuts(self) -> ShortcutsOverlay:
        from bridge_ui.app.shortcuts_overlay import ShortcutsOverlay

        return ShortcutsOverlay(self, self.shortcut_count)

    @cached_property
    def service_popover(self) -> ServicePopover:
        from bridge_ui.send.service_popover import ServicePopover

        popover = ServicePopover(self, self.colours, self.controllers.send.find_services)
        popover.service_chosen.connect(self.controllers.send.choose_service)
        return popover

    @cached_property
    def _connection_button(self) -> ConnectionButton:
        from bridge_ui.connection.connection_view import ConnectionButton

        button = ConnectionButton(self.controllers.session, self.colours, short=True)
        button.pressed.connect(lambda: self._toggle_connection(button))
        return button

    @cached_property
    def _connection_popover(self) -> ConnectionPopover:
        from bridge_ui.connection.connection_view import ConnectionPopover

        return ConnectionPopover(self, self.controllers.session, self.colours)

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

    def viewed_frame(self) -> ViewedFrame | None:
        """The plate frame on screen: in the review if it is visible, otherwise in the host."""
        on = self.controllers
        shot = on.review.state.value.shot
        frame = self.review.frame if self.has_part("review") else None
        reviewed = ViewedFrame(shot.id, frame) if shot is not None and frame is not None else None
        if reviewed is not None and self.review.isVisible():
            return reviewed
        shown = find_viewed_frame(on.session.host, on.send.state.value.shots)
        return reviewed if shown is None else shown

    def frame_changed(self, frame: int) -> None:
        """The review shows another frame."""
        if self.has_part("send"):
            self.send.frame_changed()

    def reviewed_row(self) -> ShotRow | None:
        """The row under review; None if the review was not opened from a row."""
        return self.controllers.shots.row(self._reviewed_key) if self._reviewed_key else None

    def review_row(self, key: str) -> None:
        """Select a row and show it in the review."""
        self.controllers.shots.select([key])
        self._follow_row(key)
        self.show_page("review")
        self.review.setFocus()

    def _follow_row(self, key: str | None) -> None:
        """Open a row's shot in the review; None: nothing."""
        self._reviewed_key = key
        row = self.reviewed_row()
        self.controllers.review.open(
            row.shot if row else None, needs_render=row is not None and row.needs_render
        )

    def return_to_row(self, key: str) -> None:
        """Return from a job to the selected row when it is clicked."""
        if key == self._followed_key:
            self._follow_row(key)

    def view_job(self, job_id: str) -> None:
        """Review the result of a job, or its finished frames."""
        job = self.controllers.jobs.job(job_id)
        if job is None:
            return
        review, shot = self.controllers.review, job.request.shot
        if review.state.value.shot != shot:
            row = self.reviewed_row()
            if row is None or row.shot is None or row.shot.id != shot.id:
                self._reviewed_key = None
            review.open(shot)
        review.choose_b(job.version_id or job.test_frame_id or job.id)
        self.show_page("review")

    def go_to_frame(self, frame: int) -> None:
        """Show a frame in the review."""
        self.show_page("review")
        self.review.go_to_frame(frame)

    def prefill(self, request: Request) -> None:
        """Fill the form from an earlier request and show it."""
        self.controllers.send.prefill(request)
        self.show_page("send")
