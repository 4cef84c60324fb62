"""Reviewing a shot: its plate and versions to compare, notes, decisions, and asking again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from bridge_core.errors import GatewayUnreachable, ShotbridgeError
from bridge_core.models.notes import NewNote
from bridge_core.models.versions import Decision, ReviewStatus
from bridge_ui.controllers.asking_again import answering, quoted, said_about
from bridge_ui.controllers.board import BoardChange
from bridge_ui.controllers.choices import PLATE, Choice, choices_of
from bridge_ui.controllers.frames import FrameSource
from bridge_ui.controllers.note_keeping import keep_note
from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.pictures import Pictures
from bridge_ui.controllers.pool import Latest, Task
from bridge_ui.controllers.sheets import in_order
from bridge_ui.controllers.words import status_words
from bridge_ui.translate import tr

if TYPE_CHECKING:
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.notes import Note, Stroke
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import DecisionRecord, Lineage, Version
    from bridge_ui.controllers.session import Session

__all__ = ["PLATE", "Choice", "ReviewController", "ReviewState"]

#: Other shots whose versions are among the choices: as many as a list holds at a glance.
_MOST_OTHERS = 12


@dataclass(frozen=True, slots=True)
class ReviewState:
    """Everything that the review shows besides pictures."""

    shot: Shot | None = None
    choices: tuple[Choice, ...] = ()
    """The plate, then the newest first."""
    a: str = ""
    """Ids of the choices; empty: none."""
    b: str = ""
    version: Version | None = None
    """What is under review: B, else A, whichever is a version of the shot."""
    notes: tuple[Note, ...] = ()
    """Of that version, by frame; those on the whole version first."""
    decisions: tuple[DecisionRecord, ...] = ()
    """Of that version, newest first."""
    busy: bool = False
    """Something that was decided or said is on its way."""
    problem: str = ""
    next_step: str = ""
    told: str = ""
    """What was done last, in words: ``v003 approved by Ada Lovelace, 11:20``"""


class ReviewController:
    """``state`` says what there is, ``a`` and ``b`` give the pictures."""

    def __init__(self, session: Session) -> None:
        self.state: Observable[ReviewState] = Observable(ReviewState())
        self.a: Observable[FrameSource | None] = Observable(None)
        self.b: Observable[FrameSource | None] = Observable(None)
        self._session = session
        self._to_render = False
        self._others: tuple[Shot, ...] = ()
        self._pictures = Pictures(session)
        self._versions: Latest[list[Version]] = Latest(session.pool)
        self._notes: Latest[list[Note]] = Latest(session.pool)
        self._making: Latest[Lineage] = Latest(session.pool)
        self._saying: set[Task] = set()
        self._unwatch = [
            session.board.watch(self._learned),
            session.on_connected(self._ask_anew),
            session.services.watch(lambda _: self._choices_changed(), at_once=False),
        ]

    # What is looked at

    def open(self, shot: Shot | None, *, to_render: bool = False) -> None:
        """Review another shot: A is its plate, B its newest version. None: nothing. The same shot
        again changes nothing, unless its range or plate did. Of a shot whose plate the host has
        yet to render (``to_render``), the plate is what was rendered when it was sent."""
        self._to_render = to_render
        if shot == self.state.value.shot:
            return
        self._leave()
        self.state.set(ReviewState(shot=shot))
        if shot is None:
            self.a.set(None)
            self.b.set(None)
            return
        choices = self._choices()
        self._tell(choices=choices, a=PLATE, b=_newest(choices) or "")
        self._show()
        self._ask_anew()
        self.look_at_plate()

    def compare_with(self, others: Iterable[Shot]) -> None:
        """Have the newest versions of other shots among the choices as well, to look at this one
        beside its neighbours. What is reviewed stays this shot."""
        found = tuple({one.id: one for one in islice(others, _MOST_OTHERS)}.values())
        if found != self._others:
            self._others = found
            self._choices_changed()

    def look_at_plate(self) -> None:
        """Somebody may have rendered the plate anew under its old name: show it as it is now."""
        shot = self.state.value.shot
        if shot is not None:
            self._pictures.look_at_plate(shot, self._show)

    def choose_a(self, id: str) -> None:  # noqa: A002  the API's word
        if self._known(id):
            self._tell(a=id)
            self._show()

    def choose_b(self, id: str) -> None:  # noqa: A002
        """The empty text: no B."""
        if not id or self._known(id):
            self._tell(b=id)
            self._show()

    def swap(self) -> None:
        if self.state.value.b:
            self._tell(a=self.state.value.b, b=self.state.value.a)
            self._show()

    def step_version(self, by: int) -> None:
        """B becomes the next newer (1) or older (-1) version; at the end it stays."""
        versions = [c.id for c in self.state.value.choices if c.version and c.of is None]
        if not versions:
            return
        b = self.state.value.b
        at = versions.index(b) - by if b in versions else 0
        self.choose_b(versions[min(max(at, 0), len(versions) - 1)])

    # What is decided and said

    def decide(
        self,
        status: ReviewStatus,
        comment: str = "",
        *,
        done: Callable[[], None] | None = None,
    ) -> None:
        """Set the review status of the version under review, in the name of the session's user.
        ``done`` is told once the gateway has it; until then, and where it fails
        (``state.problem``), the caller keeps the words."""
        version = self.state.value.version
        if version is None:
            self._nothing_to_review()
            return
        client, board = self._session.client, self._session.board
        decision = Decision(status=status, by=self._session.user, comment=comment[:5000])

        def decide(_: Task) -> Version:
            try:
                return client.decide(version.id, decision)
            except GatewayUnreachable:
                # The answer was lost on its way: whether it was taken is seen by looking, and it
                # is never decided twice.
                now = client.version(version.id)
                if len(now.decisions) > len(version.decisions) and now.status is status:
                    return now
                raise

        def decided(now: Version) -> None:
            board.learn(versions=[now])
            last = now.decisions[-1]
            words = tr(
                "{version} {status} by {name}, {time}",
                version=now.label,
                status=status_words(last.status),
                name=last.by,
                time=f"{last.at.astimezone():%H:%M}",
            )
            self._tell(told=words)
            if done is not None:
                done()

        self._say(decide, decided)

    def add_note(
        self,
        text: str,
        strokes: Iterable[Stroke] = (),
        frames: FrameRange | None = None,
        *,
        drawn_on: int | None = None,
        done: Callable[[Note], None] | None = None,
    ) -> None:
        """On the version under review, its strokes on the frame ``drawn_on``. ``done`` is told
        once the gateway has it; until then, and where it fails (``state.problem``), the caller
        keeps the drawing."""
        version = self.state.value.version
        if version is None:
            self._nothing_to_review()
            return
        drawn = tuple(strokes)
        if not text.strip() and not drawn:
            self._tell(problem=tr("a note says or draws something"), next_step=tr("write or draw"))
            return
        client = self._session.client
        note = NewNote(
            frames=frames,
            text=text[:5000],
            strokes=drawn,
            drawn_on=drawn_on if drawn else None,
            by=self._session.user,
        )

        def added(now: Note) -> None:
            self._learn_notes([now])
            self._tell(told=tr("note added to {version}", version=version.label))
            if done is not None:
                done(now)

        self._say(lambda _: keep_note(client, version.id, note), added)

    def make_again(self, note: Note, then: Callable[[Request], None]) -> None:
        """The request that the note's version was made from, with what the note says in it, for
        :meth:`bridge_ui.controllers.send.SendController.prefill`."""
        self._ask_next(note.version, (quoted(note),), then)

    def make_next(self, then: Callable[[Request], None]) -> None:
        """The same with everything that was said about the version under review."""
        state = self.state.value
        if state.version is None:
            self._nothing_to_review()
            return
        self._ask_next(state.version.id, said_about(state.version, state.notes), then)

    def _ask_next(
        self, version: str, said: tuple[str, ...], then: Callable[[Request], None]
    ) -> None:
        session, shot = self._session, self.state.value.shot

        def told(lineage: Lineage) -> None:
            asked = lineage.request.service
            service = next((one for one in session.services.value if one.id == asked), None)
            then(answering(lineage, version, said, service, shot))

        self._making.ask(lambda _: session.client.lineage(version), told, self._failed)

    def close(self) -> None:
        for unwatch in self._unwatch:
            unwatch()
        self._leave()

    # Behind it

    def _leave(self) -> None:
        for asked in (self._versions, self._notes, self._making):
            asked.cancel()
        self._pictures.close()

    def _known(self, which: str) -> bool:
        return any(choice.id == which for choice in self.state.value.choices)

    def _ask_anew(self) -> None:
        """The gateway is there (again): it may have more of this shot than we know."""
        shot, client = self.state.value.shot, self._session.client
        if shot is None or not self._session.connection.value.up:
            return
        which = shot.id

        def learn(found: list[Version]) -> None:
            self._session.board.learn(versions=found)

        self._versions.ask(
            lambda _: client.versions(show=which.show, sequence=which.sequence, shot=which.shot),
            learn,
            self._failed,
        )
        self._ask_notes()

    def _learned(self, change: BoardChange) -> None:
        shot, board = self.state.value.shot, self._session.board
        if shot is None:
            return
        mine = any(board.versions[one].shot == shot.id for one in change.versions) or any(
            board.jobs[one].request.shot.id == shot.id for one in change.jobs
        )
        if mine:
            self._choices_changed()
        self._learn_notes(change.notes)

    def _choices(self) -> tuple[Choice, ...]:
        shot = self.state.value.shot
        if shot is None:
            return ()
        session = self._session
        others = (other for other in self._others if other.id != shot.id)
        return choices_of(shot, session.board, self._pictures.tries, session.service_title, others)

    def _choices_changed(self) -> None:
        state = self.state.value
        if state.shot is None:
            return
        self._pictures.ask_for_tries(state.shot, self._choices_changed)
        choices = self._choices()
        if not state.b and _newest(state.choices) is None:
            # The shot's first version takes the place that was empty for want of one.
            state = replace(state, b=_newest(choices) or "")
        there = {choice.id for choice in choices}
        # A job that has ended gives its place to what it made.
        jobs = self._session.board.jobs

        def now(which: str) -> str:
            if not which or which in there:
                return which
            job = jobs.get(which)
            made = (job.version or job.tried) if job is not None else None
            return made if made in there and made is not None else which

        self._tell(choices=choices, a=now(state.a), b=now(state.b))
        if state.b and now(state.b) not in there:
            self._tell(b="")
        if now(state.a) not in there:
            self._tell(a=PLATE)
        self._show()

    def _show(self) -> None:
        """Have sources and the version under review follow the choices."""
        state = self.state.value
        self._set_source(self.a, state.a)
        self._set_source(self.b, state.b)
        self._pictures.keep_only((state.a, state.b))
        # Of this shot: a note on another one's version would count in the wrong frames.
        mine = {choice.id: choice.version for choice in state.choices if choice.of is None}
        version = mine.get(state.b) or mine.get(state.a)
        before = state.version
        decisions = tuple(reversed(version.decisions)) if version is not None else ()
        self._tell(version=version, decisions=decisions)
        if (version and version.id) != (before and before.id):
            self._tell(notes=())
            self._ask_notes()

    def _set_source(self, side: Observable[FrameSource | None], which: str) -> None:
        shown = side.value
        source = self._source(which)
        # The same pictures stay in the player's hands, with everything that it has decoded.
        if shown is None or source is None or shown.key != source.key:
            side.set(source)

    def _source(self, which: str) -> FrameSource | None:
        state = self.state.value
        choice = next((one for one in state.choices if one.id == which), None)
        if choice is None or state.shot is None:
            return None
        shot: Shot | None = state.shot
        if which == PLATE and self._to_render:
            shot = self._pictures.as_sent(state.shot, state.version)
        return self._pictures.of(choice, shot) if shot is not None else None

    def _ask_notes(self) -> None:
        version, client = self.state.value.version, self._session.client
        if version is None:
            self._notes.cancel()
            return
        which = version.id
        self._notes.ask(lambda _: client.notes(which), self._learn_notes, self._failed)

    def _learn_notes(self, notes: Iterable[Note]) -> None:
        version = self.state.value.version
        if version is None:
            return
        known = {note.id: note for note in self.state.value.notes}
        known |= {note.id: note for note in notes if note.version == version.id}
        self._tell(notes=tuple(sorted(known.values(), key=in_order)))

    def _say(self, call: Callable[[Task], Any], done: Callable[[Any], None]) -> None:
        """Something is told to the gateway; several may be on their way."""

        def ended(answer: Any) -> None:
            self._saying.discard(task)
            self._tell(busy=bool(self._saying))
            done(answer)

        def failed(error: ShotbridgeError) -> None:
            self._saying.discard(task)
            self._tell(busy=bool(self._saying))
            self._failed(error)

        self._tell(busy=True, problem="", next_step="", told="")
        task = self._session.pool.run(call, ended, failed)
        self._saying.add(task)

    def _nothing_to_review(self) -> None:
        self._tell(
            problem=tr("there is no version to review"),
            next_step=tr("choose a version as A or B"),
        )

    def _failed(self, error: ShotbridgeError) -> None:
        self._tell(problem=error.what, next_step=error.next_step)

    def _tell(self, **changed: Any) -> None:
        self.state.set(replace(self.state.value, **changed))


def _newest(choices: Iterable[Choice]) -> str | None:
    """The shot's own newest version; None: it has none yet."""
    return next((c.id for c in choices if c.version is not None and c.of is None), None)
