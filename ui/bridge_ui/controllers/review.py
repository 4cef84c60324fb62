"""Reviewing a shot: its plate and versions to compare, notes, decisions, and asking again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from bridge_core.errors import ShotbridgeError
from bridge_core.models.jobs import JobState
from bridge_core.models.versions import ReviewStatus
from bridge_ui.controllers.asking_again import NextRequest, quoted, said_about
from bridge_ui.controllers.board import BoardChange
from bridge_ui.controllers.choices import PLATE, Choice, choices_of, first_choice, on_screen
from bridge_ui.controllers.feedback import Feedback
from bridge_ui.controllers.frames import FrameSource
from bridge_ui.controllers.new_results import NewResults
from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.pictures import Pictures
from bridge_ui.controllers.pool import Latest
from bridge_ui.controllers.sheets import in_order
from bridge_ui.translate import tr

if TYPE_CHECKING:
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.notes import Note, Stroke
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import DecisionRecord, Version
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
    sides: tuple[str, ...] = ("A", "B")
    """Those that are on the screen."""
    targets: tuple[Choice, ...] = ()
    """The shot's versions that are on the screen, A's first."""
    version: Version | None = None
    """What decisions and notes are about: one of the ``targets``; None: none is on the screen."""
    offered: Choice | None = None
    """What has been made since the shot was opened, and is not on the screen."""
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

    @property
    def compared(self) -> tuple[Choice, ...]:
        """The shot's versions that are A or B, on the screen or not."""
        mine = {one.id: one for one in self.choices if one.can_be_reviewed}
        return tuple(mine[one] for one in dict.fromkeys((self.a, self.b)) if one in mine)


class ReviewController:
    """``state`` says what there is, ``a`` and ``b`` give the pictures."""

    def __init__(self, session: Session) -> None:
        self.state: Observable[ReviewState] = Observable(ReviewState())
        self.a: Observable[FrameSource | None] = Observable(None)
        self.b: Observable[FrameSource | None] = Observable(None)
        self._session = session
        self._to_render = False
        self._means = "B"
        """The side that decisions and notes are about where both show a version."""
        self._follows = True
        """Nobody has chosen B yet: it follows what there is to review."""
        self._awaited = ""
        """The choice that becomes B as soon as it can be looked at."""
        self._new_results = NewResults(session.board, session.recent_requests)
        self._others: tuple[Shot, ...] = ()
        self._pictures = Pictures(session)
        self._versions: Latest[list[Version]] = Latest(session.pool)
        self._notes: Latest[list[Note]] = Latest(session.pool)
        self._next = NextRequest(session, self._failed)
        self._feedback = Feedback(session, self._tell, self._learn_notes, self._failed)
        self._unwatch = [
            session.board.watch(self._learned),
            session.on_connected(self._ask_anew),
            session.services.watch(lambda _: self._choices_changed(), at_once=False),
        ]

    # What is looked at

    def open(self, shot: Shot | None, *, to_render: bool = False) -> None:
        """Review another shot: A is its plate, B the newest version that waits for review, or else
        the newest. None: nothing. The same shot again changes nothing, unless its range or plate
        did. Where the host has yet to render the plate (``to_render``), what was rendered when the
        shot was sent is shown."""
        self._to_render = to_render
        if shot == self.state.value.shot:
            return
        self._leave()
        self._means, self._follows, self._awaited = "B", True, ""
        self._new_results.begin(shot.id if shot is not None else None)
        self.state.set(ReviewState(shot=shot, sides=self.state.value.sides))
        if shot is None:
            self.a.set(None)
            self.b.set(None)
            return
        self._tell(a=PLATE)
        self._choices_changed()
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
        """Empty: no B. What cannot be looked at yet (a queued job, a try that was not fetched)
        becomes B when it can."""
        self._follows = False
        self._awaited = "" if not id or self._known(id) else id
        if not self._awaited:
            self._tell(b=id)
            self._show()

    def swap(self) -> None:
        """What decisions and notes are about stays the same version."""
        if self.state.value.b:
            self._follows = False
            self._means = "A" if self._means == "B" else "B"
            self._tell(a=self.state.value.b, b=self.state.value.a)
            self._show()

    def show_sides(self, sides: tuple[str, ...]) -> None:
        """These are on the screen: decisions and notes are about one of them."""
        if sides != self.state.value.sides:
            self._tell(sides=sides)
            self._show_target()

    def choose_target(self, id: str) -> None:  # noqa: A002
        """Decide and note about this one of the ``targets``."""
        state = self.state.value
        if any(choice.id == id for choice in state.targets):
            self._means = "A" if id == state.a else "B"
            self._show_target()

    def step_version(self, by: int) -> None:
        """B becomes the next newer (1) or older (-1) version; at the end it stays."""
        versions = [c.id for c in self.state.value.choices if c.can_be_reviewed]
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
        version: str | None = None,
        done: Callable[[], None] | None = None,
    ) -> None:
        """Set the review status of a version, in the name of the session's user; None: of the one
        under review. ``done`` is told once the gateway has it; until then, and where it fails
        (``state.problem``), the caller keeps the words."""
        found = self._version(version)
        if found is not None:
            self._feedback.decide(found, status, comment, done)

    def add_note(
        self,
        text: str,
        strokes: Iterable[Stroke] = (),
        frames: FrameRange | None = None,
        *,
        drawn_on: int | None = None,
        version: str | None = None,
        done: Callable[[Note], None] | None = None,
    ) -> None:
        """On a version (None: the one under review), its strokes on the frame ``drawn_on``.
        ``done`` is told once the gateway has it; until then, and where it fails
        (``state.problem``), the caller keeps the drawing."""
        found = self._version(version)
        if found is not None:
            self._feedback.add_note(found, text, tuple(strokes), frames, drawn_on, done)

    def make_again(self, note: Note, then: Callable[[Request], None]) -> None:
        """The request that the note's version was made from, with what the note says in it, for
        :meth:`bridge_ui.controllers.send.SendController.prefill`."""
        self._next.ask(note.version, (quoted(note),), self.state.value.shot, then)

    def make_next(self, then: Callable[[Request], None]) -> None:
        """The same with everything that was said about the version under review."""
        version = self._version(None)
        if version is not None:
            said = said_about(version, self.state.value.notes)
            self._next.ask(version.id, said, self.state.value.shot, then)

    def close(self) -> None:
        for unwatch in self._unwatch:
            unwatch()
        self._leave()

    # Behind it

    def _leave(self) -> None:
        for asked in (self._versions, self._notes, self._next):
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
            self._new_results.update(which)
            self._new_results.settled = True
            self._choices_changed()

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
        self._new_results.update(state.shot.id)
        choices = self._choices()
        there = {choice.id for choice in choices}
        a, b = self._now(state.a, there) or PLATE, self._now(state.b, there)
        if self._follows:
            b = first_choice(choices)
            # From here on new results are offered, and replace nothing on the screen.
            self._follows = not (b and self._new_results.settled)
        elif (awaited := self._now(self._awaited, there)) in there:
            b, self._awaited = awaited, ""
        self._tell(choices=choices, a=a, b=b)
        self._show()

    def _now(self, which: str, there: Collection[str]) -> str:
        """What a choice has become: a job that has ended is replaced by its result as soon as that
        can be looked at. Empty: it no longer exists."""
        job = self._session.board.jobs.get(which)
        if which in there or job is None:
            return which if which in there else ""
        made = job.version or job.tried
        if made in there and made is not None:
            return made
        return which if job.state is JobState.SUCCEEDED else ""

    def _show(self) -> None:
        """Have sources and the version under review follow the choices."""
        state = self.state.value
        self._set_source(self.a, state.a)
        self._set_source(self.b, state.b)
        self._pictures.keep_only((state.a, state.b))
        self._show_target()

    def _show_target(self) -> None:
        """Have the version under review follow the screen."""
        state = self.state.value
        shown = on_screen(state.choices, {"A": state.a, "B": state.b}, state.sides)
        targets = {side: one for side, one in shown.items() if one.can_be_reviewed}
        meant = targets.get(self._means) or next(iter(targets.values()), None)
        version = meant.version if meant is not None else None
        before = state.version
        self._tell(
            targets=tuple(dict.fromkeys(targets.values())),
            version=version,
            decisions=tuple(reversed(version.decisions)) if version is not None else (),
            offered=self._new_results.offered(state.choices, [one.id for one in shown.values()]),
        )
        if (version and version.id) != (before and before.id):
            self._tell(notes=())
            self._ask_notes()

    def _set_source(self, side: Observable[FrameSource | None], which: str) -> None:
        shown = side.value
        if shown is not None and which and not self._known(which):
            return  # a job that has ended, until its result can be looked at
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
            beside = next((one.version for one in reversed(state.compared)), None)
            shot = self._pictures.as_sent(state.shot, beside)
        return self._pictures.of(choice, shot) if shot is not None else None

    def _version(self, which: str | None) -> Version | None:
        """By its id; None: the one under review. Where there is none, ``state.problem`` says so."""
        if which is None:
            found = self.state.value.version
        else:
            choices = self.state.value.choices
            found = next((one.version for one in choices if one.id == which), None)
        if found is None:
            self._tell(
                problem=tr("no version of this shot is on the screen"),
                next_step=tr("look at the version that you mean"),
            )
        return found

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

    def _failed(self, error: ShotbridgeError) -> None:
        self._tell(problem=error.what, next_step=error.next_step)

    def _tell(self, **changed: Any) -> None:
        self.state.set(replace(self.state.value, **changed))
