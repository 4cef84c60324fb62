"""Imports notes that were written in the host."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.hosts.base import HostCapability
from bridge_core.models.base import fingerprint
from bridge_ui.core.observable import ActionState, Observable
from bridge_ui.core.thread_pool import BackgroundTask, LatestCall
from bridge_ui.core.translate import tr_count

if TYPE_CHECKING:
    from bridge_core.hosts.base import HostNote
    from bridge_core.models.notes import Note
    from bridge_ui.core.session import Session


@dataclass(frozen=True, slots=True)
class HostNotesState(ActionState):
    notes: tuple[HostNote, ...] = ()
    """Notes that are not imported yet."""

    @property
    def text(self) -> str:
        return tr_count(len(self.notes), "{n} new note", "{n} new notes")


class HostNotesController:
    """Only imports on request: not every marker is meant for others."""

    def __init__(self, session: Session) -> None:
        self.state: Observable[HostNotesState] = Observable(HostNotesState())
        self._session = session
        self._notes_call: LatestCall[tuple[HostNote, ...]] = LatestCall(session.disk_pool)
        self._task: BackgroundTask | None = None

    def refresh(self) -> None:
        """Read the host's notes; call after reading the scene."""
        host = self._session.host
        if HostCapability.NOTES not in host.capabilities or self.state.value.busy:
            return

        def show_notes(notes: tuple[HostNote, ...]) -> None:
            self.state.update(notes=notes)

        self._session.call_host(
            lambda _: host.notes(), show_notes, self.state.show_error, self._notes_call.run
        )

    def import_notes(self) -> None:
        """Submit all notes in the name of the user."""
        session, notes, user = self._session, self.state.value.notes, self._session.user
        if not notes or self.state.value.busy:
            return

        def submit_all(task: BackgroundTask) -> list[tuple[str, Note]]:
            submitted: list[tuple[str, Note]] = []
            for host_note in notes:
                if task.cancelled:
                    break
                submitted.append((host_note.note_key, self._submit(host_note, user)))
            return submitted

        self.state.update(busy=True, problem="", next_step="")
        self._task = session.request_pool.run(submit_all, self._submitted, self.state.show_error)

    def close(self) -> None:
        self._notes_call.cancel()
        if self._task is not None:
            self._task.cancel()

    def _submit(self, host_note: HostNote, user: str) -> Note:
        from bridge_core.models.notes import NewNote

        note = NewNote(frames=host_note.frames, text=host_note.text[:5000])
        # The same key whenever this note is imported: a crash may come before the host marks it.
        act = f"{host_note.note_key}\n{host_note.version_id}\n{fingerprint(note)}\n{user}"
        key = hashlib.sha256(act.encode()).hexdigest()
        return self._session.client.add_note(host_note.version_id, note, key=key, user=user)

    def _submitted(self, submitted: list[tuple[str, Note]]) -> None:
        host = self._session.host

        def mark_imported(_: BackgroundTask) -> tuple[HostNote, ...]:
            for key, note in submitted:
                host.mark_note_synced(key, note)
            return host.notes()

        def marked(remaining: tuple[HostNote, ...]) -> None:
            self._session.store.merge(notes=[note for _, note in submitted])
            self.state.update(busy=False, notes=remaining)

        self._session.call_host(mark_imported, marked, self.state.show_error)
