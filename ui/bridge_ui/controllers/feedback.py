"""Decisions and notes on their way to the gateway, in the name of the session's user."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bridge_core.errors import InvalidRequest, ShotbridgeError
from bridge_core.models.base import invalid
from bridge_core.models.notes import NewNote
from bridge_core.models.versions import Decision, ReviewStatus
from bridge_ui.controllers.note_keeping import decide_once, keep_note
from bridge_ui.controllers.pool import Failed, Task
from bridge_ui.controllers.words import name_missing, status_words
from bridge_ui.translate import tr

if TYPE_CHECKING:
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.notes import Note, Stroke
    from bridge_core.models.versions import Version
    from bridge_ui.controllers.session import Session


class Feedback:
    """Several may be on their way. What a caller has written stays with it until ``done`` is
    called; where it fails, ``failed`` is told and ``done`` is not called."""

    def __init__(
        self,
        session: Session,
        tell: Callable[..., None],
        noted: Callable[[Iterable[Note]], None],
        failed: Failed,
    ) -> None:
        """``tell`` changes ``busy``, ``told``, ``problem`` and ``next_step`` of the review's state;
        ``noted`` is given the notes that are kept."""
        self._session = session
        self._tell, self._noted, self._failed = tell, noted, failed
        self._going: set[Task] = set()

    def decide(
        self,
        version: Version,
        status: ReviewStatus,
        comment: str,
        done: Callable[[], None] | None,
    ) -> None:
        """With the hash of what was shown."""
        client, board = self._session.client, self._session.board
        try:
            decision = Decision(
                status=status,
                by=self._name(),
                comment=comment[:5000],
                content_hash=version.content_hash,
            )
        except (ValidationError, ShotbridgeError) as error:
            self._failed(_in_words(error))
            return

        def decided(now: Version) -> None:
            board.learn(versions=[now])
            last = now.decisions[-1]
            words = tr(
                "{version} {status} by {name}, {time}",
                version=self._title(now),
                status=status_words(last.status),
                name=last.by,
                time=f"{last.at.astimezone():%H:%M}",
            )
            self._tell(told=words)
            if done is not None:
                done()

        self._send(lambda _: decide_once(client, version, decision), decided)

    def add_note(
        self,
        version: Version,
        text: str,
        strokes: tuple[Stroke, ...],
        frames: FrameRange | None,
        drawn_on: int | None,
        done: Callable[[Note], None] | None,
    ) -> None:
        """``frames`` are inclusive; None: the whole version."""
        if not text.strip() and not strokes:
            self._tell(problem=tr("a note says or draws something"), next_step=tr("write or draw"))
            return
        client = self._session.client
        try:
            note = NewNote(
                frames=frames,
                text=text[:5000],
                strokes=strokes,
                drawn_on=drawn_on if strokes else None,
                by=self._name(),
            )
        except (ValidationError, ShotbridgeError) as error:
            self._failed(_in_words(error))
            return

        def added(now: Note) -> None:
            self._noted([now])
            self._tell(told=tr("note added to {version}", version=self._title(version)))
            if done is not None:
                done(now)

        self._send(lambda _: keep_note(client, version.id, note), added)

    def _send(self, call: Callable[[Task], Any], done: Callable[[Any], None]) -> None:
        def ended(answer: Any) -> None:
            self._going.discard(task)
            self._tell(busy=bool(self._going))
            done(answer)

        def failed(error: ShotbridgeError) -> None:
            self._going.discard(task)
            self._tell(busy=bool(self._going))
            self._failed(error)

        self._tell(busy=True, problem="", next_step="", told="")
        task = self._session.pool.run(call, ended, failed)
        self._going.add(task)

    def _title(self, version: Version) -> str:
        return f"{self._session.service_title(version.service)} {version.label}"

    def _name(self) -> str:
        """Under which is decided and noted.

        :raises InvalidRequest: the user's name is blank.
        """
        name = self._session.user.strip()
        if not name:
            what, next_step = name_missing()
            raise InvalidRequest(what, next_step=next_step)
        return name


def _in_words(error: ValidationError | ShotbridgeError) -> ShotbridgeError:
    return invalid(error, what=error.title) if isinstance(error, ValidationError) else error
