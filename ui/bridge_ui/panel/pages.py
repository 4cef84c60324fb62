"""The panel's pages and what lies over them, each made when it is first wanted, and the ways that
lead from one to another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from bridge_ui.controllers.playhead import LookedAt, plate_frame
from bridge_ui.panel.frame import Frame
from bridge_ui.panel.loading import Loading
from bridge_ui.theme.tones import tones_for
from bridge_ui.translate import tr

if TYPE_CHECKING:
    from bridge_core.models.requests import Request
    from bridge_ui.controllers.shots import ShotRow
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


class Pages(Frame):
    """Asking for a part makes it, and puts it in its place; :meth:`has` does not."""

    def __init__(self, controllers: Controllers | Loading, parent: QWidget | None = None) -> None:
        super().__init__(page_names(), parent)
        self._source = controllers
        self._tones = tones_for(self.palette())
        self._opened: str | None = None
        """Key of the row under review; None: something that no row led to."""
        self._leading: str | None = None
        """Key of the row that the selection last led the review to."""

    def make_page(self, page: str) -> Iterator[None]:
        """All that stands on it, in steps of some milliseconds each."""
        for part in _PARTS_OF.get(page, (page,)):
            yield from self.make(part)

    def make(self, part: str) -> Iterator[None]:
        """Unless it is there; importing it, a step of its own, takes as long as making it."""
        if not self.has(part):
            import_module(_HOMES.get(part, f"bridge_ui.panel.{part}"))
            yield
            getattr(self, part)
            yield

    def has(self, part: str) -> bool:
        """It was made; asking for it would make it."""
        return part in self.__dict__

    def close_parts(self) -> None:
        """Have all that was made hear of nothing any more."""
        for name in _WATCHING:
            if self.has(name):
                getattr(self, name).close_watches()
        if self.has("room"):
            self.room.close_down()

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
        made.clicked.connect(self._come_back)
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
        made = SendTab(on.session, on.send, self._tones, self._looked_at)
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
        host = on.session.host
        made = TopBar(
            on.shots,
            host.capabilities,
            host.place_as,
            self._tones,
            lambda: self.keys.toggle(),
            self._lamp,
        )
        made.place_wanted.connect(lambda way: on.placing.place_approved(on.shots.selected, way))
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

    # From one to another

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

    def _looked_at(self) -> LookedAt | None:
        """The frame of a plate that somebody looks at: in the review, where that is in sight, else
        in the host."""
        on = self.controllers
        shot = on.review.state.value.shot
        frame = self.room.frame if self.has("room") else None
        reviewed = LookedAt(shot.id, frame) if shot is not None and frame is not None else None
        if reviewed is not None and self.room.isVisible():
            return reviewed
        shown = plate_frame(on.session.host, on.send.state.value.shots)
        return reviewed if shown is None else shown

    def _frame_moved(self, _frame: int) -> None:
        if self.has("send"):
            self.send.frame_moved()

    def _row_under_review(self) -> ShotRow | None:
        return self.controllers.shots.row(self._opened) if self._opened else None

    def _open_row(self, key: str) -> None:
        self.controllers.shots.select([key])
        self._review(key)
        self.show_page("review")
        self.room.setFocus()

    def _review(self, key: str | None) -> None:
        """Look at a row's shot; None: at nothing."""
        self._opened = key
        row = self._row_under_review()
        self.controllers.review.open(
            row.shot if row else None, to_render=row is not None and row.to_render
        )

    def _come_back(self, key: str) -> None:
        """From a job to the row that is selected all the while."""
        if key == self._leading:
            self._review(key)

    def _look_at_job(self, id: str) -> None:  # noqa: A002
        job = self.controllers.jobs.job(id)
        if job is None:
            return
        review, shot = self.controllers.review, job.request.shot
        if review.state.value.shot != shot:
            row = self._row_under_review()
            if row is None or row.shot is None or row.shot.id != shot.id:
                self._opened = None
            review.open(shot)
        review.choose_b(job.version or job.tried or job.id)
        self.show_page("review")

    def _go_to(self, frame: int) -> None:
        self.show_page("review")
        self.room.go_to(frame)

    def _ask_again(self, request: Request) -> None:
        self.controllers.send.prefill(request)
        self.show_page("send")


def page_names() -> dict[str, str]:
    """What the tabs say."""
    return {
        "shots": tr("Shots"),
        "send": tr("Send"),
        "jobs": tr("Jobs"),
        "review": tr("Review"),
        "notes": tr("Notes"),
        "made_by": tr("Made by"),
    }
