"""The panel: shots, review room and tabs beside each other where there is room, tabs where not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabBar, QWidget

from bridge_core.host import Capability, Scene
from bridge_core.models.requests import Request
from bridge_core.models.shots import ShotId
from bridge_ui.controllers.jobs import JobsState
from bridge_ui.controllers.placing import PlacingState
from bridge_ui.controllers.review import ReviewState
from bridge_ui.controllers.shots import ShotRow, ShotsState
from bridge_ui.panel.choosing import ServicePopover
from bridge_ui.panel.connection import ConnectionButton, ConnectionPopover, StatusBar, place
from bridge_ui.panel.host_notes import HostNotesBar
from bridge_ui.panel.jobs import JobsTab
from bridge_ui.panel.keys import KeySheet
from bridge_ui.panel.made_by import MadeByTab
from bridge_ui.panel.notes import NotesTab
from bridge_ui.panel.parts import Controllers
from bridge_ui.panel.pieces import box, column
from bridge_ui.panel.placing import PlaceBar
from bridge_ui.panel.send import SendTab
from bridge_ui.panel.shots import ShotsList
from bridge_ui.panel.top import TopBar
from bridge_ui.review.room import ReviewRoom
from bridge_ui.theme.sheet import dress, look
from bridge_ui.theme.tones import tones_for
from bridge_ui.translate import tr

#: Widths of a text's letter "x" from which there is room for three columns; letters, not pixels,
#: so that a larger font of the host's counts.
_WIDE = 140
_PAGES = ("shots", "send", "jobs", "review", "notes", "made_by")


class Panel(QWidget):
    """One widget for every host. Give it controllers whose ``post`` lands on this thread; start
    the session with :meth:`start`, end everything with :meth:`close_down`."""

    def __init__(self, controllers: Controllers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shotbridge")
        self.setWindowTitle("Shotbridge")
        self.setMinimumWidth(300)
        self.controllers = controllers
        self._tones = tones_for(self.palette())
        self._wide: bool | None = None
        self._opened: str | None = None
        """Key of the row under review."""
        self._scene: Scene | None = None
        """What was looked through for notes."""
        self._closed = False
        self._reviewed: tuple[ShotId, int] | None = None
        """The shot under review, and how many versions it had."""
        look(self, "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._make_parts()
        self._arrange_parts()
        self._connect_parts()
        self._add_keys()
        dress(self, self._tones)
        self.set_wide(False)

    def start(self) -> None:
        """Look for the gateway, ask the host what there is."""
        self.controllers.session.start()
        self.controllers.shots.reload()

    def close_down(self, timeout: float = 0.0) -> None:
        """End all that the panel does; called again it does nothing."""
        if self._closed:
            return
        self._closed = True
        for unwatch in self._unwatch:
            unwatch()
        for part in (
            self.top,
            self.status,
            self._lamp,
            self._connection,
            self.shots,
            self.send,
            self.jobs,
            self.notes,
            self.made_by,
            self.place,
            self.host_notes,
        ):
            part.close_watches()
        self.room.close_down()
        self.controllers.close(timeout)

    def set_wide(self, wide: bool) -> None:
        """Three columns, or one with tabs; the panel's width decides, see :meth:`resizeEvent`."""
        if wide == self._wide:
            return
        self._wide = wide
        page = self.page
        if wide:
            self._columns.insertWidget(0, self.shots)
            self._columns.insertWidget(1, self._review_page)
            self.shots.show()
            self._review_page.show()
            letters = self.fontMetrics().horizontalAdvance("x")
            sides = (43 * letters, 49 * letters)
            self._columns.setSizes([sides[0], self.width() - sum(sides), sides[1]])
            self._columns.setStretchFactor(1, 1)
        else:
            self._stack.insertWidget(0, self.shots)
            self._stack.insertWidget(3, self._review_page)
        look(self._tabs, "roomy" if wide else "tight")
        self._fill_tabs(wide)
        self.show_page(page if page in self._tab_pages else "send")
        self.top.set_wide(wide)
        self.status.setVisible(wide)

    @property
    def page(self) -> str:
        """Name of the tab that is shown."""
        at = self._tabs.currentIndex()
        return self._tab_pages[at] if 0 <= at < len(self._tab_pages) else "shots"

    def show_page(self, name: str) -> None:
        if name in self._tab_pages:
            self._tabs.setCurrentIndex(self._tab_pages.index(name))
            self._stack.setCurrentWidget(self._pages[name])

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        if self.focusWidget() is None or self.focusWidget() is self.top.menu_button:
            self.shots.view.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.set_wide(self.width() >= self.fontMetrics().horizontalAdvance("x") * _WIDE)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        opens = Capability.OPEN in self.controllers.session.host.capabilities
        if opens and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        urls = [url for url in event.mimeData().urls() if url.isLocalFile()]
        if urls:
            self.controllers.shots.open(Path(urls[0].toLocalFile()))
            event.acceptProposedAction()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self._wide is not None:
            self.set_wide(self.width() >= self.fontMetrics().horizontalAdvance("x") * _WIDE)

    def _make_parts(self) -> None:
        on, tones = self.controllers, self._tones
        capabilities = on.session.host.capabilities
        self.shots = ShotsList(on.shots, tones)
        self.room = ReviewRoom(on.session, on.shots, on.review, tones)
        self.send = SendTab(on.session, on.send, tones, lambda: self.room.frame)
        self.send.tried.connect(lambda job: self._look_at_job(job.id))
        self.jobs = JobsTab(on.jobs, tones)
        self.notes = NotesTab(on.review, tones)
        self.made_by = MadeByTab(on.lineage, on.review, tones)
        host = on.session.host.title
        self.place = PlaceBar(on.placing, on.review, self._row_under_review, host, tones)
        self.host_notes = HostNotesBar(on.host_notes, host)
        self._review_page = box(column(self.room, self.place, gap=0, grows=0))
        self._review_page.setFocusProxy(self.room)
        self._pages: dict[str, QWidget] = {
            "shots": self.shots,
            "send": self.send,
            "jobs": self.jobs,
            "review": self._review_page,
            "notes": box(column(self.host_notes, self.notes, gap=0, grows=1)),
            "made_by": self.made_by,
        }
        self._lamp = ConnectionButton(on.session, tones, short=True)
        self.keys = KeySheet(self)
        self.top = TopBar(on.shots, capabilities, tones, self.keys.toggle, self._lamp)
        self.top.place_wanted.connect(lambda: on.placing.place_approved(on.shots.selected))
        self.status = StatusBar(on.session, tones)
        self._connection = ConnectionPopover(self, on.session, tones)
        self.services = ServicePopover(self, tones, on.send.find)

    def _arrange_parts(self) -> None:
        self._tab_pages: tuple[str, ...] = ()
        self._tabs = QTabBar()
        self._tabs.setObjectName("tabs")
        self._tabs.setExpanding(False)
        self._tabs.setUsesScrollButtons(True)
        self._tabs.setDrawBase(False)
        self._stack = QStackedWidget()
        for name in _PAGES:
            self._stack.addWidget(self._pages[name])
        side = QWidget()
        look(side, "panel")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        side.setLayout(column(self._tabs, self._stack, gap=0))
        self._columns = QSplitter(Qt.Orientation.Horizontal)
        self._columns.setHandleWidth(1)
        self._columns.setChildrenCollapsible(False)
        self._columns.addWidget(side)
        self.setLayout(column(self.top, self._columns, self.status, gap=0, grows=1))
        self.setAcceptDrops(True)
        self.setFocusProxy(self.shots.view)

    def _fill_tabs(self, wide: bool) -> None:
        blocked = self._tabs.blockSignals(True)
        while self._tabs.count():
            self._tabs.removeTab(0)
        self._tab_pages = tuple(
            name for name in _PAGES if not (wide and name in ("shots", "review"))
        )
        for name in self._tab_pages:
            self._tabs.addTab(name)
        self._tabs.blockSignals(blocked)
        self._name_tabs()

    def _name_tabs(self) -> None:
        jobs, review = self.controllers.jobs.state.value, self.controllers.review.state.value
        going = jobs.running + jobs.queued + jobs.waiting
        waiting = self.controllers.shots.state.value.needs_you
        names = {
            "shots": tr("Shots") + (f" {waiting}" if waiting else ""),
            "send": tr("Send"),
            "jobs": tr("Jobs") + (f" {going}" if going else ""),
            "review": tr("Review"),
            "notes": tr("Notes") + (f" {len(review.notes)}" if review.notes else ""),
            "made_by": tr("Made by"),
        }
        for at, name in enumerate(self._tab_pages):
            self._tabs.setTabText(at, names[name])

    def _connect_parts(self) -> None:
        on = self.controllers
        self._tabs.currentChanged.connect(
            lambda at: self._stack.setCurrentWidget(self._pages[self._tab_pages[at]])
        )
        self.shots.opened.connect(self._open_row)
        self.send.choosing.connect(self.choose_service)
        self.services.chosen.connect(on.send.choose)
        self.jobs.look_at.connect(self._look_at_job)
        self.notes.go_to.connect(self._go_to)
        self.notes.again.connect(self._ask_again)
        self.made_by.again.connect(self._ask_again)
        self.room.frame_changed.connect(lambda _frame: self.send.frame_moved())
        self.room.again.connect(self._ask_again)
        self.status.connection_pressed.connect(
            lambda: self._toggle(self._connection, self.status.connection)
        )
        self._lamp.pressed.connect(lambda: self._toggle(self._connection, self._lamp))
        self._unwatch = [
            on.shots.state.watch(self._shots_changed),
            on.jobs.state.watch(self._jobs_changed),
            on.review.state.watch(self._review_changed),
            on.placing.state.watch(self._placing_changed),
        ]

    def _add_keys(self) -> None:
        keys: tuple[tuple[str, Callable[[], object]], ...] = (
            # Which of the two needs Shift depends on the keyboard.
            *((key, self._find_shot) for key in ("/", "Shift+/")),
            *((key, self.keys.toggle) for key in ("?", "Shift+?")),
            ("Ctrl+Return", self.send.send),
            ("Ctrl+T", self.send.try_this_frame),
            ("Ctrl+K", self.choose_service),
            *((f"Ctrl+{n}", lambda n=n: self._go_to_tab(n - 1)) for n in range(1, 7)),
        )
        for key, does in keys:
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda does=does: does())

    def choose_service(self) -> None:
        """Show the services to choose from."""
        self.show_page("send")
        service = self.controllers.send.state.value.service
        self.services.open(service.id if service else None)
        place(self.services, self.send.service)

    def _toggle(self, popover: QWidget, anchor: QWidget) -> None:
        if popover.isVisible():
            popover.hide()
        else:
            place(popover, anchor)

    def _go_to_tab(self, at: int) -> None:
        if at < len(self._tab_pages):
            self.show_page(self._tab_pages[at])
            self._pages[self._tab_pages[at]].setFocus()

    def _find_shot(self) -> None:
        self.show_page("shots")
        self.shots.search.setFocus()
        self.shots.search.selectAll()

    def _shots_changed(self, state: ShotsState) -> None:
        selected = self.controllers.shots.selected
        self.controllers.send.set_shots(
            [r.shot for r in selected if r.shot is not None],
            {r.shot: r.key for r in selected if r.shot is not None and r.to_render},
        )
        # What has the cursor among the selected is what is looked at.
        first = next((r for r in selected if r.key == self.shots.current), None)
        first = first or (selected[0] if selected else None)
        key = first.key if first else None
        if key != self._opened:
            self._opened = key
            self.controllers.review.open(
                first.shot if first else None, to_render=first is not None and first.to_render
            )
        self.place.look_again()
        if self.controllers.shots.scene is not self._scene:
            self._scene = self.controllers.shots.scene
            self.controllers.host_notes.look()
        if state.told:
            self.status.say(state.told)
        self._name_tabs()

    def _row_under_review(self) -> ShotRow | None:
        return self.controllers.shots.row(self._opened) if self._opened else None

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
        versions = sum(choice.version is not None for choice in state.choices)
        same = state.shot is not None and self._reviewed == (state.shot.id, 0)
        if same and versions and not state.b:
            # The shot's first version has come while it is looked at: it is what was waited for.
            QTimer.singleShot(0, self, lambda: self.controllers.review.step_version(1))
        self._reviewed = (state.shot.id, versions) if state.shot else None
        if state.problem:
            self.status.say(f"{state.problem}. {state.next_step}")
        elif state.told:
            self.status.say(state.told)

    def _open_row(self, key: str) -> None:
        self.controllers.shots.select([key])
        self.show_page("review")
        self.room.setFocus()

    def _look_at_job(self, id: str) -> None:  # noqa: A002
        job = self.controllers.jobs.job(id)
        if job is None:
            return
        review = self.controllers.review
        if review.state.value.shot != job.request.shot:
            self._opened = None
            review.open(job.request.shot)
        review.choose_b(job.version or job.tried or job.id)
        self.show_page("review")

    def _go_to(self, frame: int) -> None:
        self.show_page("review")
        self.room.go_to(frame)

    def _ask_again(self, request: Request) -> None:
        self.controllers.send.prefill(request)
        self.show_page("send")
