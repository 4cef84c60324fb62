"""The panel: opening, closing, shortcuts, and reactions to the controllers.

The empty panel is created in a few milliseconds. When it is first shown, the rest is loaded on a
thread and built in steps between which the host processes events. Pages and popovers are created
when they are first shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QWidget

from bridge_core.hosts.base import HostCapability
from bridge_ui.app.loading_view import LoadingView
from bridge_ui.app.page_registry import PAGES, PageSpec
from bridge_ui.app.panel_loader import PanelLoader, opening_error
from bridge_ui.app.panel_pages import PanelPages
from bridge_ui.app.shortcuts_overlay import panel_shortcuts
from bridge_ui.core.observable import ActionState, Unwatch, unwatch_all
from bridge_ui.review.review_shortcuts import FocusKeyFilter
from bridge_ui.theme.style_sheet import apply_theme
from bridge_ui.widgets.basic import fill_background
from bridge_ui.widgets.main_thread import call_later

if TYPE_CHECKING:
    from bridge_core.errors import ShotbridgeError
    from bridge_core.hosts.base import HostScene
    from bridge_core.models.shots import Shot
    from bridge_ui.app.controllers import Controllers
    from bridge_ui.jobs.controller import JobsState
    from bridge_ui.review.controller import ReviewState
    from bridge_ui.shots.controller import ShotsState

_log = logging.getLogger(__name__)


class Panel(PanelPages):
    """The widget that all hosts embed. With controllers, whose ``post`` must deliver on this
    thread, it is built immediately; with a :class:`PanelLoader`, when it is first shown. Must be
    ended with :meth:`stop`."""

    ready = Signal()
    """All visible parts are built."""
    open_failed = Signal(object)
    """The :class:`bridge_core.errors.ShotbridgeError` that prevents opening; also shown here."""

    def __init__(
        self,
        controllers: Controllers | PanelLoader,
        parent: QWidget | None = None,
        *,
        pages: Sequence[PageSpec] = PAGES,
    ) -> None:
        super().__init__(controllers, parent, pages=pages)
        self.setObjectName("shotbridge")
        self.setWindowTitle("Shotbridge")
        self.setMinimumWidth(300)
        self._scene: HostScene | None = None
        """The scene that was last searched for notes."""
        self._is_built = False
        self._closed = False
        self._form_shots: tuple[tuple[Shot, str], ...] = ()
        """The shots last set in the form, with the item id of those that the host has to render."""
        self._unwatch: Unwatch = unwatch_all()
        fill_background(self, "background")
        self.loading_view = LoadingView()
        self.loading_view.first_shown.connect(self._start_loading)
        self.loading_view.retry_requested.connect(self._start_loading)
        self.set_header(self.loading_view)
        self.page_requested.connect(self._page_requested)
        self.layout_changed.connect(self._layout_changed)
        self.set_wide(False)
        apply_theme(self, self.colours)
        if not isinstance(controllers, PanelLoader):
            for _ in self._build():
                pass

    def stop(self, timeout: float = 0.0) -> None:
        """End everything the panel does; may be called repeatedly."""
        if self._closed:
            return
        self._closed = True
        self._unwatch()
        self.stop_parts()
        if isinstance(self._controllers_source, PanelLoader):
            self._controllers_source.close(timeout)
        if self.has_part("controllers"):
            self.controllers.close(timeout)

    # Opening

    def _start_loading(self) -> None:
        if isinstance(self._controllers_source, PanelLoader) and not (
            self._is_built or self._closed
        ):
            self.loading_view.show_loading()
            self.set_pages_visible(True)
            self._controllers_source.start(
                lambda: self._run_steps(self._start_session()), self._show_open_error
            )

    def _run_steps(self, steps: Iterator[None]) -> None:
        """Run one step and schedule the next, so that the host processes events in between."""
        try:
            if self._closed or next(steps, self) is self:
                return
        except Exception as error:
            _log.exception("the panel could not be built")
            self._show_open_error(opening_error(error))
        else:
            call_later(self, lambda: self._run_steps(steps))

    def _show_open_error(self, error: ShotbridgeError) -> None:
        if self._is_built:
            self.status.show_message(f"{error.message}. {error.next_step}")
        else:
            self.loading_view.show_error(error)
            self.set_pages_visible(False)
            self.open_failed.emit(error)

    def _start_session(self) -> Iterator[None]:
        if isinstance(self._controllers_source, PanelLoader):
            self.add_pages(self._controllers_source.plugin_pages)
        self.controllers.shots.reload()
        yield
        yield from self._build()
        # Last, as imports on other threads would delay every step.
        self.controllers.session.start()
        if isinstance(self._controllers_source, PanelLoader):
            self._controllers_source.load_rest()

    def _build(self) -> Iterator[None]:
        """Create the visible parts, in steps of a few milliseconds."""
        for page in self.pages:
            if self._slots[page.id].isVisible():
                yield from self.make_page(page.id)
        import_module("bridge_ui.app.bars")  # takes as long as creating one
        yield
        for part in ("status", "toolbar"):
            getattr(self, part)
            yield
        self.set_header(self.toolbar)
        self.set_footer(self.status)
        self._is_built = True
        self._layout_changed(self.wide)
        self._watch_controllers()
        self._add_shortcuts()
        self.setAcceptDrops(True)
        self._take_focus()
        self.ready.emit()
        yield
        # Test frames use the frame under review, even if it is not visible.
        yield from self.make_page("review")

    def _layout_changed(self, wide: bool) -> None:
        if self._is_built:
            self.toolbar.set_wide(wide)
            self.status.setVisible(wide)

    def _page_requested(self, page: str) -> None:
        if self._is_built:
            for _ in self.make_page(page):
                pass

    def _take_focus(self) -> None:
        """Move the focus from the panel itself to the list; leave it elsewhere in the window."""
        focused = self.window().focusWidget()
        inside = focused is not None and (focused is self or self.isAncestorOf(focused))
        self.setFocusProxy(self.shots.view)
        if inside:
            self.shots.view.setFocus()

    # Events

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        if self.focusWidget() is None or (
            self.has_part("toolbar") and self.focusWidget() is self.toolbar.menu_button
        ):
            self.setFocus()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        opens = HostCapability.OPEN in self.controllers.session.host.capabilities
        if opens and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        urls = [url for url in event.mimeData().urls() if url.isLocalFile()]
        if urls:
            self.controllers.shots.open(Path(urls[0].toLocalFile()))
            event.acceptProposedAction()

    def _add_shortcuts(self) -> None:
        tab_count = self.shortcut_count
        actions: dict[str, Callable[[], object]] = {
            "find_shot": self._find_shot,
            "send": lambda: self.send.send(),
            "request_test_frame": lambda: self.send.request_test_frame(),
            "resend_job": self._resend,
            "choose_service": self.choose_service,
            "toggle_shortcuts": lambda: self.shortcuts.toggle(),
            **{f"go_to_tab_{n}": partial(self.go_to_tab, n - 1) for n in range(1, tab_count + 1)},
        }
        for panel_shortcut in panel_shortcuts(tab_count):
            for key, action in panel_shortcut.actions.items():
                shortcut = QShortcut(QKeySequence(key), self)
                shortcut.setAutoRepeat(False)
                shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                shortcut.activated.connect(actions[action])
        self._focus_keys = FocusKeyFilter(self, self._play)

    def _play(self, action: str) -> None:
        if not self._closed and self.has_part("review") and self.review.isVisible():
            self.review.trigger_action(action)

    def _resend(self) -> None:
        if self.has_part("jobs") and self.jobs.isVisible():
            self.jobs.resend()

    # Reactions to the controllers

    def _watch_controllers(self) -> None:
        on = self.controllers
        self._unwatch = unwatch_all(
            on.shots.state.watch(self._shots_changed),
            on.jobs.state.watch(self._jobs_changed),
            on.review.state.watch(self._review_changed),
            on.placement.state.watch(self._show_result),
            on.send.pending_renders.state.watch(
                lambda _: self._update_tab_titles(), immediately=False
            ),
        )

    def _update_tab_titles(self) -> None:
        titles = {}
        for page in self.pages:
            count = page.badge(self.controllers)
            titles[page.id] = f"{page.title()} {count}" if count else page.title()
        self.set_tab_titles(titles)

    def _shots_changed(self, state: ShotsState) -> None:
        self._selection_changed()
        if self.has_part("placement"):
            self.placement.refresh()
        scene = self.controllers.shots.scene
        if scene is not None and scene is not self._scene:
            self._scene = scene
            self.controllers.host_notes.refresh()
            self.controllers.send.pending_renders.refresh(scene)
        if state.message:
            self.status.show_message(state.message)
        self._update_tab_titles()

    def _selection_changed(self) -> None:
        """Only if it did: other updates must not reset the form or the review."""
        selected = self.controllers.shots.selected
        to_send = tuple((r.shot, r.key if r.needs_render else "") for r in selected if r.shot)
        if to_send != self._form_shots:
            self._form_shots = to_send
            self.controllers.send.set_shots(
                [shot for shot, _ in to_send], {shot: key for shot, key in to_send if key}
            )
        # The review follows the current row if it is selected.
        current = self.shots.current_key
        keys = [shot_row.key for shot_row in selected]
        key = current if current in keys else next(iter(keys), None)
        if key != self._followed_key:
            self._followed_key = key
            self._follow_row(key)

    def _jobs_changed(self, state: JobsState) -> None:
        self.status.show_jobs(state.text)
        self._update_tab_titles()

    def _review_changed(self, state: ReviewState) -> None:
        self._update_tab_titles()
        self._show_result(state)

    def _show_result(self, state: ActionState) -> None:
        """Show the result of the last action, or why it failed."""
        if text := state.problem_text or state.message:
            self.status.show_message(text)
