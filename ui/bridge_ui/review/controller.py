"""Reviewing a shot: its plate and versions to compare, notes, decisions, and asking again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from bridge_core.errors import ShotbridgeError
from bridge_core.models.jobs import JobState
from bridge_core.models.versions import ReviewStatus
from bridge_ui.core.observable import Observable
from bridge_ui.core.store import StoreChange
from bridge_ui.core.translate import tr
from bridge_ui.core.workers import LatestCall
from bridge_ui.review.compare.media_choices import (
    PLATE,
    MediaChoice,
    default_choice,
    list_choices,
    visible_choices,
)
from bridge_ui.review.feedback import FeedbackSender
from bridge_ui.review.new_results import NewResultTracker
from bridge_ui.review.player.gateway_frames import GatewayFrameSource
from bridge_ui.review.player.source_provider import SourceProvider
from bridge_ui.review.report.report_data import note_sort_key
from bridge_ui.review.revision import RevisionBuilder, remark_text, review_remarks

if TYPE_CHECKING:
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.notes import Note, Stroke
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import DecisionRecord, Version
    from bridge_ui.core.session import Session

__all__ = ["PLATE", "MediaChoice", "ReviewController", "ReviewState"]

#: Other shots whose versions are among the choices: as many as a list holds at a glance.
_MAX_OTHER_SHOTS = 12


@dataclass(frozen=True, slots=True)
class ReviewState:
    """Everything that the review shows besides pictures."""

    shot: Shot | None = None
    choices: tuple[MediaChoice, ...] = ()
    """The plate, then the newest first."""
    a: str = ""
    """Ids of the choices; empty: none."""
    b: str = ""
    visible_sides: tuple[str, ...] = ("A", "B")
    """Those that are on the screen."""
    targets: tuple[MediaChoice, ...] = ()
    """The shot's versions that are on the screen, A's first."""
    version: Version | None = None
    """What decisions and notes are about: one of the ``targets``; None: none is on the screen."""
    new_result: MediaChoice | None = None
    """What has been made since the shot was opened, and is not on the screen."""
    notes: tuple[Note, ...] = ()
    """Of that version, by frame; those on the whole version first."""
    decisions: tuple[DecisionRecord, ...] = ()
    """Of that version, newest first."""
    busy: bool = False
    """Something that was decided or said is on its way."""
    problem: str = ""
    next_step: str = ""
    message: str = ""
    """What was done last, in words: ``v003 approved by Ada Lovelace, 11:20``"""

    @property
    def compared_versions(self) -> tuple[MediaChoice, ...]:
        """The shot's versions that are A or B, on the screen or not."""
        mine = {one.id: one for one in self.choices if one.can_be_reviewed}
        return tuple(mine[one] for one in dict.fromkeys((self.a, self.b)) if one in mine)


class ReviewController:
    """``state`` says what there is, ``a`` and ``b`` give the pictures."""

    def __init__(self, session: Session) -> None:
        self.state: Observable[ReviewState] = Observable(ReviewState())
        self.a: Observable[GatewayFrameSource | None] = Observable(None)
        self.b: Observable[GatewayFrameSource | None] = Observable(None)
        self._session = session
        self._needs_render = False
        self._target_side = "B"
        """The side that decisions and notes are about where both show a version."""
        self._chooses_b = True
        """Nobody has chosen B yet: it follows what there is to review."""
        self._awaited_choice = ""
        """The choice that becomes B as soon as it can be looked at."""
        self._new_results = NewResultTracker(session.store, session.recent_requests)
        self._other_shots: tuple[Shot, ...] = ()
        self._sources = SourceProvider(session)
        self._versions_call: LatestCall[list[Version]] = LatestCall(session.request_pool)
        self._notes_call: LatestCall[list[Note]] = LatestCall(session.request_pool)
        self._revision = RevisionBuilder(session, self._on_error)
        self._feedback = FeedbackSender(session, self._update, self._merge_notes, self._on_error)
        self._unwatch = [
            session.store.watch(self._store_changed),
            session.on_connected(self._refresh),
            session.services.watch(lambda _: self._update_choices(), immediately=False),
        ]

    # What is looked at

    def open(self, shot: Shot | None, *, needs_render: bool = False) -> None:
        """Review another shot: A is its plate, B the newest version that waits for review, or else
        the newest. None: nothing. The same shot again changes nothing, unless its range or plate
        did. Where the host has yet to render the plate (``to_render``), what was rendered when the
        shot was sent is shown."""
        self._needs_render = needs_render
        if shot == self.state.value.shot:
            return
        self._release()
        self._target_side, self._chooses_b, self._awaited_choice = "B", True, ""
        self._new_results.reset(shot.id if shot is not None else None)
        self.state.set(ReviewState(shot=shot, visible_sides=self.state.value.visible_sides))
        if shot is None:
            self.a.set(None)
            self.b.set(None)
            return
        self._update(a=PLATE)
        self._update_choices()
        self._refresh()
        self.check_plate()

    def set_other_shots(self, others: Iterable[Shot]) -> None:
        """Have the newest versions of other shots among the choices as well, to look at this one
        beside its neighbours. What is reviewed stays this shot."""
        found = tuple({one.id: one for one in islice(others, _MAX_OTHER_SHOTS)}.values())
        if found != self._other_shots:
            self._other_shots = found
            self._update_choices()

    def check_plate(self) -> None:
        """Somebody may have rendered the plate anew under its old name: show it as it is now."""
        shot = self.state.value.shot
        if shot is not None:
            self._sources.check_plate(shot, self._update_sources)

    def choose_a(self, id: str) -> None:  # noqa: A002  the API's word
        if self._has_choice(id):
            self._update(a=id)
            self._update_sources()

    def choose_b(self, id: str) -> None:  # noqa: A002
        """Empty: no B. What cannot be looked at yet (a queued job, a try that was not fetched)
        becomes B when it can."""
        self._chooses_b = False
        self._awaited_choice = "" if not id or self._has_choice(id) else id
        if not self._awaited_choice:
            self._update(b=id)
            self._update_sources()

    def swap(self) -> None:
        """What decisions and notes are about stays the same version."""
        if self.state.value.b:
            self._chooses_b = False
            self._target_side = "A" if self._target_side == "B" else "B"
            self._update(a=self.state.value.b, b=self.state.value.a)
            self._update_sources()

    def set_visible_sides(self, sides: tuple[str, ...]) -> None:
        """These are on the screen: decisions and notes are about one of them."""
        if sides != self.state.value.visible_sides:
            self._update(visible_sides=sides)
            self._update_target()

    def choose_target(self, id: str) -> None:  # noqa: A002
        """Decide and note about this one of the ``targets``."""
        state = self.state.value
        if any(choice.id == id for choice in state.targets):
            self._target_side = "A" if id == state.a else "B"
            self._update_target()

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
        found = self._find_version(version)
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
        found = self._find_version(version)
        if found is not None:
            self._feedback.add_note(found, text, tuple(strokes), frames, drawn_on, done)

    def revise_from_note(self, note: Note, on_request: Callable[[Request], None]) -> None:
        """The request that the note's version was made from, with what the note says in it, for
        :meth:`bridge_ui.send.controller.SendController.prefill`."""
        self._revision.build(
            note.version_id, (remark_text(note),), self.state.value.shot, on_request
        )

    def revise_from_review(self, on_request: Callable[[Request], None]) -> None:
        """The same with everything that was said about the version under review."""
        version = self._find_version(None)
        if version is not None:
            remarks = review_remarks(version, self.state.value.notes)
            self._revision.build(version.id, remarks, self.state.value.shot, on_request)

    def close(self) -> None:
        for unwatch in self._unwatch:
            unwatch()
        self._release()

    # Behind it

    def _release(self) -> None:
        for asked in (self._versions_call, self._notes_call, self._revision):
            asked.cancel()
        self._sources.close()

    def _has_choice(self, which: str) -> bool:
        return any(choice.id == which for choice in self.state.value.choices)

    def _refresh(self) -> None:
        """The gateway is there (again): it may have more of this shot than we know."""
        shot, client = self.state.value.shot, self._session.client
        if shot is None or not self._session.connection.value.is_connected:
            return
        which = shot.id

        def learn(found: list[Version]) -> None:
            self._session.store.merge(versions=found)
            self._new_results.update(which)
            self._new_results.is_settled = True
            self._update_choices()

        self._versions_call.run(
            lambda _: client.versions(show=which.show, sequence=which.sequence, shot=which.shot),
            learn,
            self._on_error,
        )
        self._fetch_notes()

    def _store_changed(self, change: StoreChange) -> None:
        shot, board = self.state.value.shot, self._session.store
        if shot is None:
            return
        mine = any(board.versions[one].shot == shot.id for one in change.versions) or any(
            board.jobs[one].request.shot.id == shot.id for one in change.jobs
        )
        if mine:
            self._update_choices()
        self._merge_notes(change.notes)

    def _list_choices(self) -> tuple[MediaChoice, ...]:
        shot = self.state.value.shot
        if shot is None:
            return ()
        session = self._session
        others = (other for other in self._other_shots if other.id != shot.id)
        return list_choices(
            shot, session.store, self._sources.test_frames, session.service_title, others
        )

    def _update_choices(self) -> None:
        state = self.state.value
        if state.shot is None:
            return
        self._sources.fetch_test_frames(state.shot, self._update_choices)
        self._new_results.update(state.shot.id)
        choices = self._list_choices()
        available = {choice.id for choice in choices}
        a, b = (
            self._current_choice(state.a, available) or PLATE,
            self._current_choice(state.b, available),
        )
        if self._chooses_b:
            b = default_choice(choices)
            # From here on new results are offered, and replace nothing on the screen.
            self._chooses_b = not (b and self._new_results.is_settled)
        elif (awaited := self._current_choice(self._awaited_choice, available)) in available:
            b, self._awaited_choice = awaited, ""
        self._update(choices=choices, a=a, b=b)
        self._update_sources()

    def _current_choice(self, choice_id: str, available: Collection[str]) -> str:
        """What a choice has become: a job that has ended is replaced by its result as soon as that
        can be looked at. Empty: it no longer exists."""
        job = self._session.store.jobs.get(choice_id)
        if choice_id in available or job is None:
            return choice_id if choice_id in available else ""
        result = job.version_id or job.test_frame_id
        if result in available and result is not None:
            return result
        return choice_id if job.state is JobState.SUCCEEDED else ""

    def _update_sources(self) -> None:
        """Have sources and the version under review follow the choices."""
        state = self.state.value
        self._set_source(self.a, state.a)
        self._set_source(self.b, state.b)
        self._sources.keep_only((state.a, state.b))
        self._update_target()

    def _update_target(self) -> None:
        """Have the version under review follow the screen."""
        state = self.state.value
        shown = visible_choices(state.choices, {"A": state.a, "B": state.b}, state.visible_sides)
        targets = {side: one for side, one in shown.items() if one.can_be_reviewed}
        target = targets.get(self._target_side) or next(iter(targets.values()), None)
        version = target.version if target is not None else None
        before = state.version
        self._update(
            targets=tuple(dict.fromkeys(targets.values())),
            version=version,
            decisions=tuple(reversed(version.decisions)) if version is not None else (),
            new_result=self._new_results.newest(state.choices, [one.id for one in shown.values()]),
        )
        if (version and version.id) != (before and before.id):
            self._update(notes=())
            self._fetch_notes()

    def _set_source(self, side: Observable[GatewayFrameSource | None], which: str) -> None:
        shown = side.value
        if shown is not None and which and not self._has_choice(which):
            return  # a job that has ended, until its result can be looked at
        source = self._source(which)
        # The same pictures stay in the player's hands, with everything that it has decoded.
        if shown is None or source is None or shown.key != source.key:
            side.set(source)

    def _source(self, which: str) -> GatewayFrameSource | None:
        state = self.state.value
        choice = next((one for one in state.choices if one.id == which), None)
        if choice is None or state.shot is None:
            return None
        shot: Shot | None = state.shot
        if which == PLATE and self._needs_render:
            beside = next((one.version for one in reversed(state.compared_versions)), None)
            shot = self._sources.shot_as_sent(state.shot, beside)
        return self._sources.source_for(choice, shot) if shot is not None else None

    def _find_version(self, which: str | None) -> Version | None:
        """By its id; None: the one under review. Where there is none, ``state.problem`` says so."""
        if which is None:
            found = self.state.value.version
        else:
            choices = self.state.value.choices
            found = next((one.version for one in choices if one.id == which), None)
        if found is None:
            self._update(
                problem=tr("no version of this shot is on the screen"),
                next_step=tr("look at the version that you mean"),
            )
        return found

    def _fetch_notes(self) -> None:
        version, client = self.state.value.version, self._session.client
        if version is None:
            self._notes_call.cancel()
            return
        which = version.id
        self._notes_call.run(lambda _: client.notes(which), self._merge_notes, self._on_error)

    def _merge_notes(self, notes: Iterable[Note]) -> None:
        version = self.state.value.version
        if version is None:
            return
        known = {note.id: note for note in self.state.value.notes}
        known |= {note.id: note for note in notes if note.version_id == version.id}
        self._update(notes=tuple(sorted(known.values(), key=note_sort_key)))

    def _on_error(self, error: ShotbridgeError) -> None:
        self._update(problem=error.message, next_step=error.next_step)

    def _update(self, **changed: Any) -> None:
        self.state.set(replace(self.state.value, **changed))
