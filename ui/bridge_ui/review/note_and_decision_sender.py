"""Sends decisions and notes to the gateway, in the name of the session's user."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bridge_core.errors import InvalidRequest, ShotbridgeError
from bridge_core.models.base import fingerprint, validation_error
from bridge_core.models.enumerations import ReviewStatus
from bridge_ui.core.display_text import missing_user_name, review_status_sign
from bridge_ui.core.thread_pool import BackgroundTask, OnError
from bridge_ui.core.translate import tr

if TYPE_CHECKING:
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.notes import NewNote, Note, Stroke
    from bridge_core.models.versions import Decision, Version
    from bridge_ui.core.session import Session


class NoteAndDecisionSender:
    """Sends several at once. Callers keep their input until ``done`` is called; on failure,
    ``on_error`` is called instead."""

    def __init__(
        self,
        session: Session,
        update_state: Callable[..., None],
        on_notes: Callable[[Iterable[Note]], None],
        on_error: OnError,
    ) -> None:
        """``update_state`` changes ``busy``, ``message``, ``problem`` and ``next_step`` of the
        review's state; ``on_notes`` receives notes that were saved."""
        self._session = session
        self._update_state, self._on_notes, self._on_error = update_state, on_notes, on_error
        self._tasks: set[BackgroundTask] = set()
        self._unanswered: dict[tuple[str, type, str, str, int], str] = {}
        """The idempotency keys of decisions and notes without a response."""

    def decide(
        self, version: Version, status: ReviewStatus, comment: str, done: Callable[[], None] | None
    ) -> None:
        """Send a decision with the content hash of the version that was shown."""
        from bridge_core.models.versions import Decision

        def decision() -> Decision:
            content_hash = version.content_hash
            return Decision(status=status, comment=comment[:5000], content_hash=content_hash)

        def decided(saved: Version) -> None:
            self._session.store.merge(versions=[saved])
            last = saved.decisions[-1]
            message = tr(
                "{version} {status} by {name}, {time}",
                version=self._version_title(saved),
                status=review_status_sign(last.status).text,
                name=last.by,
                time=f"{last.at.astimezone():%H:%M}",
            )
            self._update_state(message=message)
            if done is not None:
                done()

        self._send(version, decision, self._session.client.decide, decided)

    def add_note(
        self,
        version: Version,
        text: str,
        strokes: tuple[Stroke, ...],
        frames: FrameRange | None,
        drawn_on: int | None,
        done: Callable[[Note], None] | None,
    ) -> None:
        """Send a note; ``frames`` None: about the whole version."""
        if not text.strip() and not strokes:
            self._update_state(
                problem=tr("the note is empty"), next_step=tr("write or draw something")
            )
            return

        from bridge_core.models.notes import NewNote

        def note() -> NewNote:
            return NewNote(
                frames=frames,
                text=text[:5000],
                strokes=strokes,
                drawn_on=drawn_on if strokes else None,
            )

        def added(saved: Note) -> None:
            self._on_notes([saved])
            message = tr("note added to {version}", version=self._version_title(version))
            self._update_state(message=message)
            if done is not None:
                done(saved)

        self._send(version, note, self._session.client.add_note, added)

    def _send(
        self,
        version: Version,
        make: Callable[[], Decision | NewNote],
        send: Callable[..., Any],
        done: Callable[[Any], None],
    ) -> None:
        """Send what ``make`` returns."""
        from bridge_core.models.versions import Decision

        try:
            author, content = self._author(), make()
        except ValidationError as error:
            self._on_error(validation_error(error, label=error.title))
            return
        except ShotbridgeError as error:
            self._on_error(error)
            return
        # A user who saw no response sends the same again: it has the same key, and counts once.
        # A decision that returns to an earlier one is another act.
        seen = _other_decisions(version, content, author) if isinstance(content, Decision) else 0
        act = (version.id, type(content), fingerprint(content), author, seen)
        key = self._unanswered.setdefault(act, uuid.uuid4().hex)

        def ended(answer: Any) -> None:
            self._unanswered.pop(act, None)
            self._tasks.discard(task)
            self._update_state(busy=bool(self._tasks))
            done(answer)

        def failed(error: ShotbridgeError) -> None:
            self._tasks.discard(task)
            self._update_state(busy=bool(self._tasks))
            self._on_error(error)

        self._update_state(busy=True, problem="", next_step="", message="")
        task = self._session.request_pool.run(
            lambda _: send(version.id, content, key=key, user=author), ended, failed
        )
        self._tasks.add(task)

    def _version_title(self, version: Version) -> str:
        return f"{self._session.service_title(version.service)} {version.label}"

    def _author(self) -> str:
        """The user's name.

        :raises InvalidRequest: the user's name is blank.
        """
        name = self._session.user.strip()
        if not name:
            message, next_step = missing_user_name()
            raise InvalidRequest(message, next_step=next_step)
        return name


def _other_decisions(version: Version, decision: Decision, author: str) -> int:
    """Number of the version's decisions before the last ones that equal this one: those may be this
    one, recorded without a response."""
    number = len(version.decisions)
    for last in reversed(version.decisions):
        if (last.status, last.by, last.comment) != (decision.status, author, decision.comment):
            break
        number -= 1
    return number
