"""What people wrote in the host itself, to be kept at the gateway as notes of its version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bridge_core.host import Capability
from bridge_core.models.notes import NewNote
from bridge_ui.controllers.host_calls import ask_host
from bridge_ui.controllers.note_keeping import keep_note
from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.pool import Latest, Task
from bridge_ui.translate import counted

if TYPE_CHECKING:
    from bridge_core.errors import ShotbridgeError
    from bridge_core.host import HostNote
    from bridge_core.models.notes import Note
    from bridge_ui.controllers.session import Session


@dataclass(frozen=True, slots=True)
class HostNotesState:
    notes: tuple[HostNote, ...] = ()
    """Those that the gateway has not got."""
    busy: bool = False
    problem: str = ""
    next_step: str = ""

    @property
    def words(self) -> str:
        return counted(len(self.notes), "{n} note was written", "{n} notes were written")


class HostNotesController:
    """Notes go over when a person says so: not every marker is meant for others."""

    def __init__(self, session: Session) -> None:
        self.state: Observable[HostNotesState] = Observable(HostNotesState())
        self._session = session
        self._looking: Latest[tuple[HostNote, ...]] = Latest(session.disk)
        self._task: Task | None = None

    def look(self) -> None:
        """See what there is; whoever reads the scene anew calls this."""
        host = self._session.host
        if Capability.NOTES not in host.capabilities or self.state.value.busy:
            return

        def found(notes: tuple[HostNote, ...]) -> None:
            self._tell(notes=notes)

        ask_host(host, self._looking.ask, lambda _: host.notes(), found, self._failed)

    def take_over(self) -> None:
        """Give the gateway all of them, in the name of the session's user."""
        session, notes = self._session, self.state.value.notes
        if not notes or self.state.value.busy:
            return

        def keep(task: Task) -> list[tuple[str, Note]]:
            kept: list[tuple[str, Note]] = []
            for one in notes:
                if task.cancelled:
                    break
                kept.append((one.key, self._keep(one)))
            return kept

        self._tell(busy=True, problem="", next_step="")
        self._task = session.pool.run(keep, self._kept, self._failed)

    def close(self) -> None:
        self._looking.cancel()
        if self._task is not None:
            self._task.cancel()

    def _keep(self, one: HostNote) -> Note:
        note = NewNote(frames=one.frames, text=one.text[:5000], by=self._session.user)
        return keep_note(self._session.client, one.version, note)

    def _kept(self, kept: list[tuple[str, Note]]) -> None:
        host = self._session.host

        def note_down(_: Task) -> tuple[HostNote, ...]:
            for key, note in kept:
                host.noted(key, note)
            return host.notes()

        def noted(left: tuple[HostNote, ...]) -> None:
            self._session.board.learn(notes=[note for _, note in kept])
            self._tell(busy=False, notes=left)

        ask_host(host, self._session.disk.run, note_down, noted, self._failed)

    def _failed(self, error: ShotbridgeError) -> None:
        self._tell(busy=False, problem=error.what, next_step=error.next_step)

    def _tell(self, **changed: Any) -> None:
        self.state.set(replace(self.state.value, **changed))
