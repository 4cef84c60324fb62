"""The panel: how it opens and closes, and what follows from what the controllers say.

At once there is a shell only, in a few milliseconds. Once it was seen the rest is loaded on a
thread and put in, in steps between which the host has its turn. A part is made when it is first
wanted: a page when somebody goes there, a popover when it is opened.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QWidget

from bridge_core.host import Capability
from bridge_ui.panel.doorway import Doorway
from bridge_ui.panel.focus_keys import FocusKeys
from bridge_ui.panel.frame import PAGES
from bridge_ui.panel.loading import Loading, in_words
from bridge_ui.panel.pages import Pages, page_names
from bridge_ui.qt.bridge import soon
from bridge_ui.theme.sheet import dress, look

if TYPE_CHECKING:
    from bridge_core.errors import ShotbridgeError
    from bridge_core.host import Scene
    from bridge_core.models.shots import Shot
    from bridge_ui.controllers.jobs import JobsState
    from bridge_ui.controllers.observable import Unwatch
    from bridge_ui.controllers.placing import PlacingState
    from bridge_ui.controllers.review import ReviewState
    from bridge_ui.controllers.shots import ShotsState
    from bridge_ui.panel.parts import Controllers

_log = logging.getLogger(__name__)


class Panel(Pages):
    """One widget for every host. Given controllers, whose ``post`` lands on this thread, it is
    whole at once; given their :class:`Loading` it opens when it is first seen, and goes to work.
    End everything with :meth:`close_down`."""

    ready = Signal()
    """Everything in sight is there."""
    refused = Signal(object)
    """Why it cannot open, as a :class:`bridge_core.errors.ShotbridgeError`; it says so itself."""

    def __init__(self, controllers: Controllers | Loading, parent: QWidget | None = None) -> None:
        super().__init__(controllers, parent)
        self.setObjectName("shotbridge")
        self.setWindowTitle("Shotbridge")
        self.setMinimumWidth(300)
        self._scene: Scene | None = None
        """What was looked through for notes."""
        self._furnished = False
        self._closed = False
        self._to_send: tuple[tuple[Shot, str], ...] = ()
        """The shots that the selection last gave the form, each with its handle if the host has
        yet to render it."""
        self._unwatch: list[Unwatch] = []
        look(self, "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.doorway = Doorway()
        self.doorway.seen.connect(self._open)
        self.doorway.again.connect(self._open)
        self.set_head(self.doorway)
        self.wanted.connect(self._wanted)
        self.arranged.connect(self._arranged)
        self.set_wide(False)
        dress(self, self._tones)
        if not isinstance(controllers, Loading):
            for _ in self._furnish():
                pass

    def close_down(self, timeout: float = 0.0) -> None:
        """End all that the panel does; called again it does nothing."""
        if self._closed:
            return
        self._closed = True
        for unwatch in self._unwatch:
            unwatch()
        self.close_parts()
        if isinstance(self._source, Loading):
            self._source.close(timeout)
        if self.has("controllers"):
            self.controllers.close(timeout)

    # Opening

    def _open(self) -> None:
        if isinstance(self._source, Loading) and not (self._furnished or self._closed):
            self.doorway.wait()
            self.show_pages(True)
            self._source.start(lambda: self._step(self._go_to_work()), self._refuse)

    def _step(self, steps: Iterator[None]) -> None:
        """Take one and come back for the next: the host has its turn in between."""
        try:
            if self._closed or next(steps, self) is self:
                return
        except Exception as error:
            _log.exception("the panel could not be put together")
            self._refuse(in_words(error))
        else:
            soon(self, lambda: self._step(steps))

    def _refuse(self, error: ShotbridgeError) -> None:
        if self._furnished:
            self.status.say(f"{error.what}. {error.next_step}")
        else:
            self.doorway.refuse(error)
            self.show_pages(False)
            self.refused.emit(error)

    def _go_to_work(self) -> Iterator[None]:
        self.controllers.shots.reload()
        yield
        yield from self._furnish()
        # Last: what it imports on its threads would hold up every step.
        self.controllers.session.start()

    def _furnish(self) -> Iterator[None]:
        """Put in what is in sight; each step is a few milliseconds long."""
        for page in PAGES:
            if self._pages[page].isVisible():
                yield from self.make_page(page)
        yield from self.make("status")
        yield from self.make("top")
        self.set_head(self.top)
        self.set_foot(self.status)
        self._furnished = True
        self._arranged(self.wide)
        self._follow()
        self._add_keys()
        self.setAcceptDrops(True)
        self._take_focus()
        self.ready.emit()
        yield
        # What is tried is the frame under review, seen or not.
        yield from self.make_page("review")

    def _arranged(self, wide: bool) -> None:
        if self._furnished:
            self.top.set_wide(wide)
            self.status.setVisible(wide)

    def _wanted(self, page: str) -> None:
        if self._furnished:
            for _ in self.make_page(page):
                pass

    def _take_focus(self) -> None:
        """From the shell, which nobody means, to the list; from nothing else in the window."""
        at = self.window().focusWidget()
        inside = at is not None and (at is self or self.isAncestorOf(at))
        self.setFocusProxy(self.shots.view)
        if inside:
            self.shots.view.setFocus()

    # What comes from outside

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        if self.focusWidget() is None or (
            self.has("top") and self.focusWidget() is self.top.menu_button
        ):
            self.setFocus()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        opens = Capability.OPEN in self.controllers.session.host.capabilities
        if opens and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        urls = [url for url in event.mimeData().urls() if url.isLocalFile()]
        if urls:
            self.controllers.shots.open(Path(urls[0].toLocalFile()))
            event.acceptProposedAction()

    def _add_keys(self) -> None:
        keys: tuple[tuple[str, Callable[[], object]], ...] = (
            # Without Shift, which Qt leaves aside where a keyboard needs it for the sign. "Shift+/"
            # would be "?" as well on many, and Qt does neither of two.
            ("/", self._find_shot),
            *((key, lambda: self.keys.toggle()) for key in ("?", "Shift+?")),
            ("Ctrl+Return", lambda: self.send.send()),
            ("Ctrl+T", lambda: self.send.try_this_frame()),
            ("Ctrl+Shift+Return", self._send_again),
            ("Ctrl+K", self.choose_service),
            *((f"Ctrl+{n}", lambda n=n: self.go_to_tab(n - 1)) for n in range(1, 7)),
        )
        for key, does in keys:
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setAutoRepeat(False)  # a key that is held asks once
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda does=does: does())

        self._focus_keys = FocusKeys(self, self._play)

    def _play(self, action: str) -> None:
        if not self._closed and self.has("room") and self.room.isVisible():
            self.room.act(action)

    def _send_again(self) -> None:
        if self.has("jobs") and self.jobs.isVisible():
            self.jobs.send_again()

    # What one tells another

    def _follow(self) -> None:
        on = self.controllers
        self._unwatch = [
            on.shots.state.watch(self._shots_changed),
            on.jobs.state.watch(self._jobs_changed),
            on.review.state.watch(self._review_changed),
            on.placing.state.watch(self._placing_changed),
            on.send.unrendered.left.watch(lambda _: self._name_tabs(), at_once=False),
        ]

    def _name_tabs(self) -> None:
        jobs, review = self.controllers.jobs.state.value, self.controllers.review.state.value
        going = jobs.running + jobs.queued + jobs.waiting
        waiting = self.controllers.shots.state.value.needs_you
        left = len(self.controllers.send.unrendered.left.value.shots)
        counts = {"shots": waiting, "send": left, "jobs": going, "notes": len(review.notes)}
        self.name_tabs(
            {
                page: f"{name} {counts[page]}" if counts.get(page) else name
                for page, name in page_names().items()
            }
        )

    def _shots_changed(self, state: ShotsState) -> None:
        self._selection_changed()
        if self.has("place"):
            self.place.look_again()
        scene = self.controllers.shots.scene
        if scene is not None and scene is not self._scene:
            self._scene = scene
            self.controllers.host_notes.look()
            self.controllers.send.unrendered.look(scene)
        if state.told:
            self.status.say(state.told)
        self._name_tabs()

    def _selection_changed(self) -> None:
        """If it has: news of other kinds must not undo what somebody set or looks at."""
        selected = self.controllers.shots.selected
        to_send = tuple((r.shot, r.key if r.to_render else "") for r in selected if r.shot)
        if to_send != self._to_send:
            self._to_send = to_send
            self.controllers.send.set_shots(
                [shot for shot, _ in to_send], {shot: key for shot, key in to_send if key}
            )
        # What has the cursor among the selected is what is looked at.
        current = self.shots.current
        keys = [row.key for row in selected]
        key = current if current in keys else next(iter(keys), None)
        if key != self._leading:
            self._leading = key
            self._review(key)

    def _placing_changed(self, state: PlacingState) -> None:
        if state.problem:
            self.status.say(f"{state.problem}. {state.next_step}")
        elif state.told:
            self.status.say(state.told)

    def _jobs_changed(self, state: JobsState) -> None:
        self.status.say_jobs(state.words)
        self._name_tabs()

    def _review_changed(self, state: ReviewState) -> None:
        self._name_tabs()
        if state.problem:
            self.status.say(f"{state.problem}. {state.next_step}")
        elif state.told:
            self.status.say(state.told)
