"""The panel: what stands in its frame, and what one part tells another.

At once there is a shell only, in a few milliseconds. Once it was seen the rest is loaded on a
thread and put in, in steps between which the host has its turn. A part is made when it is first
wanted: a page when somebody goes there, a popover when it is opened.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QApplication, QWidget

from bridge_core.host import Capability
from bridge_ui.panel.doorway import Doorway
from bridge_ui.panel.frame import PAGES, Frame
from bridge_ui.panel.loading import Loading, in_words
from bridge_ui.qt.bridge import soon
from bridge_ui.theme.sheet import dress, look
from bridge_ui.theme.tones import tones_for
from bridge_ui.translate import tr

if TYPE_CHECKING:
    from bridge_core.errors import ShotbridgeError
    from bridge_core.host import Scene
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import ShotId
    from bridge_ui.controllers.jobs import JobsState
    from bridge_ui.controllers.observable import Unwatch
    from bridge_ui.controllers.placing import PlacingState
    from bridge_ui.controllers.review import ReviewState
    from bridge_ui.controllers.shots import ShotRow, ShotsState
    from bridge_ui.panel.choosing import ServicePopover
    from bridge_ui.panel.connection import ConnectionButton, ConnectionPopover, StatusBar
    from bridge_ui.panel.host_notes import HostNotesBar
    from bridge_ui.panel.jobs import JobsTab
    from bridge_ui.panel.keys import KeySheet
    from bridge_ui.panel.made_by import MadeByTab
    from bridge_ui.panel.notes import NotesTab
    from bridge_ui.panel.parts import Controllers
    from bridge_ui.panel.placing import PlaceBar
    from bridge_ui.panel.send import SendTab
    from bridge_ui.panel.shots import ShotsList
    from bridge_ui.panel.top import TopBar
    from bridge_ui.review.room import ReviewRoom

_log = logging.getLogger(__name__)

#: Parts that watch controllers, where they were made.
_WATCHING = (
    *("top", "status", "_lamp", "_connection", "shots", "send", "jobs", "notes", "made_by"),
    *("place", "host_notes"),
)

#: What stands on a page, from the top, where it is more than the part of that name.
_PARTS_OF = {"review": ("room", "place"), "notes": ("host_notes", "notes")}
#: Modules of parts that have another name.
_HOMES = {
    "room": "bridge_ui.review.room",
    "place": "bridge_ui.panel.placing",
    "status": "bridge_ui.panel.connection",
}


class Panel(Frame):
    """One widget for every host. Given controllers, whose ``post`` lands on this thread, it is
    whole at once; given their :class:`Loading` it opens when it is first seen, and goes to work.
    End everything with :meth:`close_down`."""

    ready = Signal()
    """Everything in sight is there."""
    refused = Signal(object)
    """Why it cannot open, as a :class:`bridge_core.errors.ShotbridgeError`; it says so itself."""

    def __init__(self, controllers: Controllers | Loading, parent: QWidget | None = None) -> None:
        super().__init__(_page_names(), parent)
        self.setObjectName("shotbridge")
        self.setWindowTitle("Shotbridge")
        self.setMinimumWidth(300)
        self._source = controllers
        self._tones = tones_for(self.palette())
        self._opened: str | None = None
        """Key of the row under review."""
        self._scene: Scene | None = None
        """What was looked through for notes."""
        self._furnished = False
        self._closed = False
        self._reviewed: tuple[ShotId, int] | None = None
        """The shot under review, and how many versions it had."""
        self._unwatch: list[Unwatch] = []
        look(self, "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.doorway = Doorway()
        self.doorway.seen.connect(self._open)
        self.doorway.again.connect(self._open)
        self.set_head(self.doorway)
        self.wanted.connect(self._wanted)
        self.arranged.connect(self._arranged)
        dress(self, self._tones)
        self.set_wide(False)
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
        for name in _WATCHING:
            if self._has(name):
                getattr(self, name).close_watches()
        if self._has("room"):
            self.room.close_down()
        if isinstance(self._source, Loading):
            self._source.close(timeout)
        if self._has("controllers"):
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
                yield from self._make_page(page)
        yield from self._make("status")
        yield from self._make("top")
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
        yield from self._make_page("review")

    def _arranged(self, wide: bool) -> None:
        if self._furnished:
            self.top.set_wide(wide)
            self.status.setVisible(wide)

    def _wanted(self, page: str) -> None:
        if self._furnished:
            for _ in self._make_page(page):
                pass

    def _make_page(self, page: str) -> Iterator[None]:
        for part in _PARTS_OF.get(page, (page,)):
            yield from self._make(part)

    def _make(self, part: str) -> Iterator[None]:
        """Importing takes as long as making it."""
        if not self._has(part):
            import_module(_HOMES.get(part, f"bridge_ui.panel.{part}"))
            yield
            getattr(self, part)
            yield

    def _has(self, part: str) -> bool:
        """It was made; asking for it would make it."""
        return part in self.__dict__

    def _take_focus(self) -> None:
        """From the shell, which nobody means, to the list."""
        at = QApplication.focusWidget()
        inside = at is not None and (at is self or self.isAncestorOf(at))
        self.setFocusProxy(self.shots.view)
        if inside:
            self.shots.view.setFocus()

    # Its parts

    @cached_property
    def controllers(self) -> Controllers:
        """Made with the first part that needs them; whoever asks before the panel has loaded
        waits for them.

        :raises ShotbridgeError: they cannot be loaded.
        """
        source = self._source
        return source.controllers() if isinstance(source, Loading) else source

    @cached_property
    def shots(self) -> ShotsList:
        from bridge_ui.panel.shots import ShotsList

        made = ShotsList(self.controllers.shots, self._tones)
        made.opened.connect(self._open_row)
        self.put("shots", made)
        return made

    @cached_property
    def room(self) -> ReviewRoom:
        from bridge_ui.review.room import ReviewRoom

        on = self.controllers
        made = ReviewRoom(on.session, on.shots, on.review, self._tones)
        made.frame_changed.connect(self._frame_moved)
        made.again.connect(self._ask_again)
        self.put("review", made)
        return made

    @cached_property
    def place(self) -> PlaceBar:
        """Below the review room."""
        from bridge_ui.panel.placing import PlaceBar

        on = self.controllers
        made = PlaceBar(on.placing, on.review, self._row_under_review, self._tones)
        self.put("review", made, grows=False)
        return made

    @cached_property
    def send(self) -> SendTab:
        from bridge_ui.panel.send import SendTab

        on = self.controllers
        made = SendTab(on.session, on.send, self._tones, self._frame)
        made.tried.connect(lambda job: self._look_at_job(job.id))
        made.choosing.connect(self.choose_service)
        self.put("send", made)
        return made

    @cached_property
    def jobs(self) -> JobsTab:
        from bridge_ui.panel.jobs import JobsTab

        made = JobsTab(self.controllers.jobs, self._tones)
        made.look_at.connect(self._look_at_job)
        self.put("jobs", made)
        return made

    @cached_property
    def host_notes(self) -> HostNotesBar:
        """Above the notes."""
        from bridge_ui.panel.host_notes import HostNotesBar

        made = HostNotesBar(self.controllers.host_notes, self.controllers.session.host.title)
        self.put("notes", made, grows=False)
        return made

    @cached_property
    def notes(self) -> NotesTab:
        from bridge_ui.panel.notes import NotesTab

        made = NotesTab(self.controllers.review, self._tones)
        made.go_to.connect(self._go_to)
        made.again.connect(self._ask_again)
        self.put("notes", made)
        return made

    @cached_property
    def made_by(self) -> MadeByTab:
        from bridge_ui.panel.made_by import MadeByTab

        made = MadeByTab(self.controllers.lineage, self.controllers.review, self._tones)
        made.again.connect(self._ask_again)
        self.put("made_by", made)
        return made

    @cached_property
    def top(self) -> TopBar:
        from bridge_ui.panel.top import TopBar

        on = self.controllers
        can = on.session.host.capabilities
        made = TopBar(on.shots, can, self._tones, lambda: self.keys.toggle(), self._lamp)
        made.place_wanted.connect(lambda: on.placing.place_approved(on.shots.selected))
        return made

    @cached_property
    def status(self) -> StatusBar:
        from bridge_ui.panel.connection import StatusBar

        made = StatusBar(self.controllers.session, self._tones)
        made.connection_pressed.connect(lambda: self._toggle_connection(made.connection))
        return made

    @cached_property
    def keys(self) -> KeySheet:
        from bridge_ui.panel.keys import KeySheet

        return KeySheet(self)

    @cached_property
    def services(self) -> ServicePopover:
        from bridge_ui.panel.choosing import ServicePopover

        made = ServicePopover(self, self._tones, self.controllers.send.find)
        made.chosen.connect(self.controllers.send.choose)
        return made

    @cached_property
    def _lamp(self) -> ConnectionButton:
        from bridge_ui.panel.connection import ConnectionButton

        made = ConnectionButton(self.controllers.session, self._tones, short=True)
        made.pressed.connect(lambda: self._toggle_connection(made))
        return made

    @cached_property
    def _connection(self) -> ConnectionPopover:
        from bridge_ui.panel.connection import ConnectionPopover

        return ConnectionPopover(self, self.controllers.session, self._tones)

    # What comes from outside

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        if self.focusWidget() is None or (
            self._has("top") and self.focusWidget() is self.top.menu_button
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
            # Which of the two needs Shift depends on the keyboard.
            *((key, self._find_shot) for key in ("/", "Shift+/")),
            *((key, lambda: self.keys.toggle()) for key in ("?", "Shift+?")),
            ("Ctrl+Return", lambda: self.send.send()),
            ("Ctrl+T", lambda: self.send.try_this_frame()),
            ("Ctrl+K", self.choose_service),
            *((f"Ctrl+{n}", lambda n=n: self.go_to_tab(n - 1)) for n in range(1, 7)),
        )
        for key, does in keys:
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda does=does: does())

    def choose_service(self) -> None:
        """Show the services to choose from."""
        from bridge_ui.panel.connection import place

        self.show_page("send")
        service = self.controllers.send.state.value.service
        self.services.open(service.id if service else None)
        place(self.services, self.send.service)

    def _toggle_connection(self, anchor: QWidget) -> None:
        from bridge_ui.panel.connection import place

        if self._connection.isVisible():
            self._connection.hide()
        else:
            place(self._connection, anchor)

    def _find_shot(self) -> None:
        self.show_page("shots")
        self.shots.search.setFocus()
        self.shots.search.selectAll()

    # What one tells another

    def _follow(self) -> None:
        on = self.controllers
        self._unwatch = [
            on.shots.state.watch(self._shots_changed),
            on.jobs.state.watch(self._jobs_changed),
            on.review.state.watch(self._review_changed),
            on.placing.state.watch(self._placing_changed),
        ]

    def _frame(self) -> int | None:
        """The plate's frame under review."""
        return self.room.frame if self._has("room") else None

    def _frame_moved(self, _frame: int) -> None:
        if self._has("send"):
            self.send.frame_moved()

    def _name_tabs(self) -> None:
        jobs, review = self.controllers.jobs.state.value, self.controllers.review.state.value
        going = jobs.running + jobs.queued + jobs.waiting
        waiting = self.controllers.shots.state.value.needs_you
        counts = {"shots": waiting, "jobs": going, "notes": len(review.notes)}
        self.name_tabs(
            {
                page: f"{name} {counts[page]}" if counts.get(page) else name
                for page, name in _page_names().items()
            }
        )

    def _shots_changed(self, state: ShotsState) -> None:
        selected = self.controllers.shots.selected
        self.controllers.send.set_shots(
            [r.shot for r in selected if r.shot is not None],
            {r.shot: r.key for r in selected if r.shot is not None and r.to_render},
        )
        # What has the cursor among the selected is what is looked at.
        current = self.shots.current
        first = next((r for r in selected if r.key == current), None)
        first = first or (selected[0] if selected else None)
        key = first.key if first else None
        if key != self._opened:
            self._opened = key
            self.controllers.review.open(
                first.shot if first else None, to_render=first is not None and first.to_render
            )
        if self._has("place"):
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
            soon(self, lambda: self.controllers.review.step_version(1))
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


def _page_names() -> dict[str, str]:
    return {
        "shots": tr("Shots"),
        "send": tr("Send"),
        "jobs": tr("Jobs"),
        "review": tr("Review"),
        "notes": tr("Notes"),
        "made_by": tr("Made by"),
    }
