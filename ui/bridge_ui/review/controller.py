"""The review of a shot: plate and versions to compare, notes, decisions, and revisions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bridge_core.errors import ShotbridgeError
from bridge_core.models.enumerations import JobState, ReviewStatus
from bridge_ui.core.observable import ActionState, Observable, unwatch_all
from bridge_ui.core.store import StoreChange
from bridge_ui.core.thread_pool import LatestCall
from bridge_ui.core.translate import tr
from bridge_ui.review.compare.media_choices import (
    PLATE,
    MediaChoice,
    NewResultTracker,
    default_choice,
    list_choices,
    visible_choices,
)
from bridge_ui.review.note_and_decision_sender import NoteAndDecisionSender
from bridge_ui.review.report.report_data import note_sort_key
from bridge_ui.review.review_sources import ReviewSources
from bridge_ui.review.revision import feedback_texts, note_text, revision_request

if TYPE_CHECKING:
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.notes import Note, Stroke
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import DecisionRecord, Lineage, Version
    from bridge_ui.core.session import Session
    from bridge_ui.review.player.frame_sources import FrameSource

__all__ = ["PLATE", "MediaChoice", "ReviewController", "ReviewState"]

#: Other shots whose newest versions can be compared; more would make the list hard to read.
_MAX_OTHER_SHOTS = 12


@dataclass(frozen=True, slots=True)
class ReviewState(ActionState):
    """Everything that the review shows except pictures. ``busy``: a decision or note is being
    sent."""

    shot: Shot | None = None
    choices: tuple[MediaChoice, ...] = ()
    """The plate, then the newest first."""
    a: str = ""
    """Id of the choice that A shows; empty for none."""
    b: str = ""
    visible_sides: tuple[str, ...] = ("A", "B")
    targets: tuple[MediaChoice, ...] = ()
    """The shot's visible versions, A's first."""
    version: Version | None = None
    """The one of ``targets`` that decisions and notes are for; None if no version is visible."""
    new_result: MediaChoice | None = None
    """The newest result since the shot was opened that is not visible."""
    notes: tuple[Note, ...] = ()
    """Notes on ``version``, by frame; those on the whole version first."""
    decisions: tuple[DecisionRecord, ...] = ()
    """Decisions about ``version``, newest first."""

    def choice(self, choice_id: str) -> MediaChoice | None:
        """A choice by its id."""
        return next((choice for choice in self.choices if choice.id == choice_id), None)

    @property
    def version_label(self) -> str:
        """``Upscale v003``, the label of ``version``; empty if there is none."""
        if self.version is None:
            return ""
        choice = self.choice(self.version.id)
        return choice.label if choice is not None else self.version.label

    @property
    def compared_versions(self) -> tuple[MediaChoice, ...]:
        """The shot's versions that are A or B, visible or not."""
        sides = (self.choice(choice_id) for choice_id in dict.fromkeys((self.a, self.b)))
        return tuple(choice for choice in sides if choice is not None and choice.can_be_reviewed)


class ReviewController:
    """Holds the review's ``state``; ``a`` and ``b`` are the frame sources of both sides."""

    def __init__(self, session: Session) -> None:
        self.state: Observable[ReviewState] = Observable(ReviewState())
        self.a: Observable[FrameSource | None] = Observable(None)
        self.b: Observable[FrameSource | None] = Observable(None)
        self._session = session
        self._needs_render = False
        self._target_side = "B"
        """The side that decisions and notes are for if both show a version."""
        self._chooses_b = True
        """B is chosen automatically, until the user chooses it."""
        self._awaited_choice = ""
        """The choice that becomes B as soon as it can be shown."""
        self._new_results = NewResultTracker(session.store, session.recent_requests)
        self._other_shots: tuple[Shot, ...] = ()
        self._sources = ReviewSources(session)
        self._versions_call: LatestCall[list[Version]] = LatestCall(session.request_pool)
        self._notes_call: LatestCall[list[Note]] = LatestCall(session.request_pool)
        self._lineage_call: LatestCall[Lineage] = LatestCall(session.request_pool)
        self._feedback = NoteAndDecisionSender(
            session, self.state.update, self._merge_notes, self._on_error
        )
        self.close = unwatch_all(
            session.store.watch(self._store_changed),
            session.on_connected(self._refresh),
            session.services.watch(lambda _: self._update_choices(), immediately=False),
            self._release,
        )

    # What is shown

    def open(self, shot: Shot | None, *, needs_render: bool = False) -> None:
        """Review another shot, or None. A is its plate; B is the newest version that is pending
        review, or else the newest. An unchanged shot is not opened again.

        If the host has yet to render the plate, the plate of the last request is shown.
        """
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
        self.state.update(a=PLATE)
        self._update_choices()
        self._refresh()
        self.check_plate()

    def set_other_shots(self, others: Iterable[Shot]) -> None:
        """Offer the newest versions of other shots for comparison."""
        shots = tuple({shot.id: shot for shot in islice(others, _MAX_OTHER_SHOTS)}.values())
        if shots != self._other_shots:
            self._other_shots = shots
            self._update_choices()

    def check_plate(self) -> None:
        """Reload the plate if its files have changed under the same names."""
        shot = self.state.value.shot
        if shot is not None:
            self._sources.check_plate(shot, self._update_sources)

    def choose_a(self, id: str) -> None:  # noqa: A002  the API's word
        if self.state.value.choice(id):
            self.state.update(a=id)
            self._update_sources()

    def choose_b(self, id: str) -> None:  # noqa: A002
        """Choose B; empty for none. What cannot be shown yet (a queued job, a test frame that is
        not loaded) becomes B as soon as it can."""
        self._chooses_b = False
        self._awaited_choice = "" if not id or self.state.value.choice(id) else id
        if not self._awaited_choice:
            self.state.update(b=id)
            self._update_sources()

    def swap(self) -> None:
        """Swap A and B; decisions and notes stay with the same version."""
        if self.state.value.b:
            self._chooses_b = False
            self._target_side = "A" if self._target_side == "B" else "B"
            self.state.update(a=self.state.value.b, b=self.state.value.a)
            self._update_sources()

    def set_visible_sides(self, sides: tuple[str, ...]) -> None:
        """Tell which sides are on the screen."""
        if sides != self.state.value.visible_sides:
            self.state.update(visible_sides=sides)
            self._update_target()

    def choose_target(self, id: str) -> None:  # noqa: A002
        """Make this one of the ``targets`` the version that decisions and notes are for."""
        if any(choice.id == id for choice in self.state.value.targets):
            self._target_side = "A" if id == self.state.value.a else "B"
            self._update_target()

    def step_version(self, offset: int) -> None:
        """Set B to the next newer (1) or older (-1) version, if there is one."""
        state = self.state.value
        versions, b = [choice.id for choice in state.choices if choice.can_be_reviewed], state.b
        if versions:
            index = versions.index(b) - offset if b in versions else 0
            self.choose_b(versions[min(max(index, 0), len(versions) - 1)])

    # Feedback

    def decide(
        self,
        status: ReviewStatus,
        comment: str = "",
        *,
        version: str | None = None,
        done: Callable[[], None] | None = None,
    ) -> None:
        """Set the review status of a version (None: the one under review), in the name of the
        session's user. ``done`` is called once the gateway has the decision; on failure
        ``state.problem`` is set."""
        target = self._find_version(version)
        if target is not None:
            self._feedback.decide(target, status, comment, done)

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
        """Add a note to a version (None: the one under review), its strokes on ``drawn_on``.
        ``done`` is called once the gateway has it; on failure ``state.problem`` is set."""
        target = self._find_version(version)
        if target is not None:
            self._feedback.add_note(target, text, tuple(strokes), frames, drawn_on, done)

    def revise_from_note(self, note: Note, on_request: Callable[[Request], None]) -> None:
        """Build the request for the next version from a note, for
        :meth:`bridge_ui.send.controller.SendController.prefill`."""
        self._revise(note.version_id, (note_text(note),), on_request)

    def revise_from_review(self, on_request: Callable[[Request], None]) -> None:
        """Build it from all feedback on the version under review."""
        version = self._find_version(None)
        if version is not None:
            self._revise(version.id, feedback_texts(version, self.state.value.notes), on_request)

    # Internals

    def _revise(
        self, version_id: str, feedback: tuple[str, ...], on_request: Callable[[Request], None]
    ) -> None:
        session, shot = self._session, self.state.value.shot

        def lineage_loaded(lineage: Lineage) -> None:
            service = session.service(lineage.request.service)
            on_request(revision_request(lineage, version_id, feedback, service, shot))

        self._lineage_call.run(
            lambda _: session.client.lineage(version_id), lineage_loaded, self._on_error
        )

    def _release(self) -> None:
        for call in (self._versions_call, self._notes_call, self._lineage_call):
            call.cancel()
        self._sources.close()

    def _refresh(self) -> None:
        """Fetch what the gateway has of this shot."""
        shot, client = self.state.value.shot, self._session.client
        if shot is None or not self._session.connection.value.is_connected:
            return
        shot_id = shot.id

        def merge(versions: list[Version]) -> None:
            self._session.store.merge(versions=versions)
            self._new_results.update(shot_id)
            self._new_results.is_settled = True
            self._update_choices()

        def fetch(_: object) -> list[Version]:
            return client.versions(show=shot_id.show, sequence=shot_id.sequence, shot=shot_id.shot)

        self._versions_call.run(fetch, merge, self._on_error)
        self._fetch_notes()

    def _store_changed(self, change: StoreChange) -> None:
        shot, store = self.state.value.shot, self._session.store
        if shot is None:
            return
        changed = {store.versions[version_id].shot for version_id in change.versions}
        changed |= {store.jobs[job_id].request.shot.id for job_id in change.jobs}
        if shot.id in changed:
            self._update_choices()
        self._merge_notes(change.notes)

    def _update_choices(self) -> None:
        session, state, shot = self._session, self.state.value, self.state.value.shot
        if shot is None:
            return
        self._sources.fetch_test_frames(shot, self._update_choices)
        self._new_results.update(shot.id)
        others = (other for other in self._other_shots if other.id != shot.id)
        choices = list_choices(
            shot, session.store, self._sources.test_frames, session.service_title, others
        )
        available = {choice.id for choice in choices}
        a = self._current_choice(state.a, available) or PLATE
        b = self._current_choice(state.b, available)
        if self._chooses_b:
            b = default_choice(choices)
            # From here on new results are offered instead of replacing B.
            self._chooses_b = not (b and self._new_results.is_settled)
        elif (awaited := self._current_choice(self._awaited_choice, available)) in available:
            b, self._awaited_choice = awaited, ""
        self.state.update(choices=choices, a=a, b=b)
        self._update_sources()

    def _current_choice(self, choice_id: str, available: Collection[str]) -> str:
        """The choice that stands for ``choice_id`` now: a job that has ended is replaced by its
        result once that can be shown. Empty if there is none."""
        job = self._session.store.jobs.get(choice_id)
        if choice_id in available or job is None:
            return choice_id if choice_id in available else ""
        result = job.version_id or job.test_frame_id
        if result in available and result is not None:
            return result
        return choice_id if job.state is JobState.SUCCEEDED else ""

    def _update_sources(self) -> None:
        """Update the sources and the version under review from the choices."""
        state = self.state.value
        self._set_source(self.a, state.a)
        self._set_source(self.b, state.b)
        self._sources.keep_only((state.a, state.b))
        self._update_target()

    def _update_target(self) -> None:
        """Update the version under review from what is visible."""
        state = self.state.value
        shown = visible_choices(state.choices, {"A": state.a, "B": state.b}, state.visible_sides)
        targets = {side: choice for side, choice in shown.items() if choice.can_be_reviewed}
        target = targets.get(self._target_side) or next(iter(targets.values()), None)
        version = target.version if target is not None else None
        self.state.update(
            targets=tuple(dict.fromkeys(targets.values())),
            version=version,
            decisions=tuple(reversed(version.decisions)) if version is not None else (),
            new_result=self._new_results.newest(state.choices, [c.id for c in shown.values()]),
        )
        if (version and version.id) != (state.version and state.version.id):
            self.state.update(notes=())
            self._fetch_notes()

    def _set_source(self, side: Observable[FrameSource | None], choice_id: str) -> None:
        current = side.value
        if current is not None and choice_id and not self.state.value.choice(choice_id):
            return  # a job that has ended, until its result can be shown
        source = self._source(choice_id)
        # An equal source is not replaced, so that the player keeps its decoded frames.
        if current is None or source is None or current.key != source.key:
            side.set(source)

    def _source(self, choice_id: str) -> FrameSource | None:
        state = self.state.value
        choice = state.choice(choice_id)
        if choice is None or state.shot is None:
            return None
        shot: Shot | None = state.shot
        if choice_id == PLATE and self._needs_render:
            compared = next((choice.version for choice in reversed(state.compared_versions)), None)
            shot = self._sources.shot_as_sent(state.shot, compared)
        return self._sources.source_for(choice, shot) if shot is not None else None

    def _find_version(self, version_id: str | None) -> Version | None:
        """A version by its id; None: the one under review. Sets ``state.problem`` if there is
        none."""
        version = self.state.value.version
        if version_id is not None:
            choice = self.state.value.choice(version_id)
            version = choice.version if choice is not None else None
        if version is None:
            problem = tr("no version of this shot is on the screen")
            self.state.show_problem(problem, tr("show the version that you mean"))
        return version

    def _fetch_notes(self) -> None:
        version, notes_of = self.state.value.version, self._session.client.notes
        if version is None:
            self._notes_call.cancel()
            return
        self._notes_call.run(lambda _: notes_of(version.id), self._merge_notes, self._on_error)

    def _merge_notes(self, notes: Iterable[Note]) -> None:
        version = self.state.value.version
        if version is None:
            return
        known = {note.id: note for note in self.state.value.notes}
        known |= {note.id: note for note in notes if note.version_id == version.id}
        self.state.update(notes=tuple(sorted(known.values(), key=note_sort_key)))

    def _on_error(self, error: ShotbridgeError) -> None:
        """``busy`` stays: a decision or note may still be on its way."""
        self.state.show_problem(error.message, error.next_step)
