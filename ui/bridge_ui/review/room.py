"""The review room: the stage connected with what the gateway knows of a shot."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QWidget

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.models.versions import ReviewStatus
from bridge_ui.controllers.counting import Counting
from bridge_ui.controllers.frames import JobFrames
from bridge_ui.controllers.observable import Unwatch
from bridge_ui.review.decisions import UnderReview
from bridge_ui.review.noting import NoteDraft
from bridge_ui.review.sheet_export import SheetExport
from bridge_ui.review.sources import FrameSource
from bridge_ui.review.stage import Stage
from bridge_ui.theme.tones import Tones

if TYPE_CHECKING:
    from bridge_core.models.shots import Shot
    from bridge_ui.controllers.review import Choice, ReviewController, ReviewState
    from bridge_ui.controllers.session import Session
    from bridge_ui.controllers.shots import ShotsController


class ReviewRoom(Stage):
    """Shows what the controller says; tells it what a person wants."""

    again = Signal(object)
    """The request that a note became."""

    def __init__(
        self,
        session: Session,
        shots: ShotsController,
        review: ReviewController,
        tones: Tones,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(tones, parent)
        self._review = review
        self.sheets = SheetExport(session, review, shots, self._say)
        self._shown: tuple[object, ...] = ()
        self._problem = ""
        self._selected: tuple[str, ...] = ()
        self._growing: list[Unwatch] = []
        self.side_chosen.connect(self._choose_side)
        self.swap_wanted.connect(review.swap)
        self.sides_changed.connect(review.show_sides)
        self.target_chosen.connect(review.choose_target)
        self.offer_wanted.connect(review.choose_b)
        self.version_wanted.connect(review.step_version)
        self.note_wanted.connect(self._keep)
        self.decided.connect(self._decide)
        self.again_wanted.connect(self._make_again)
        self.next_wanted.connect(lambda: review.make_next(self.again.emit))
        self.more.sheets = self.sheets.offers
        self.more.sheet_wanted.connect(lambda scope: self.sheets.ask(scope, self))
        self._unwatch = [
            review.state.watch(self._show_review),
            review.a.watch(lambda _source: self._open_sources()),
            review.b.watch(lambda _source: self._open_sources()),
            shots.state.watch(lambda _state: self._follow(shots)),
            # Read again: the plates may be others under their old names.
            shots.rows.watch(lambda change: review.look_at_plate() if change.reset else None),
            # What could not be had while the line was lost waits a minute for its next turn.
            session.on_connected(self.player.refresh),
        ]

    def close_down(self) -> None:
        for unwatch in self._unwatch:
            unwatch()
        self._leave_jobs()
        self.sheets.give_up()
        super().close_down()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.WindowActivate:
            self._review.look_at_plate()  # somebody was elsewhere: rendering, perhaps
        return super().event(event)

    def _follow(self, shots: ShotsController) -> None:
        """What is selected besides can be looked at beside it."""
        selected = shots.state.value.selected
        if selected is not self._selected:
            self._selected = selected
            self._review.compare_with(row.shot for row in shots.selected if row.shot is not None)

    def _leave_jobs(self) -> None:
        for unwatch in self._growing:
            unwatch()
        self._growing = []

    def _choose_side(self, side: str, key: str) -> None:
        if side == "A":
            self._review.choose_a(key)
        else:
            self._review.choose_b(key)

    def _keep(self, draft: NoteDraft) -> None:
        self._review.add_note(
            draft.text,
            draft.strokes,
            draft.frames,
            drawn_on=draft.drawn_on,
            version=draft.version,
            done=lambda _note: self.note_kept(draft),
        )

    def _decide(self, status: ReviewStatus, comment: str, version: str) -> None:
        kept = partial(self.decision_kept, version)
        self._review.decide(status, comment, version=version, done=kept)

    def _say(self, words: str, problem: bool) -> None:
        self.say(words, problem=problem)

    def _make_again(self, note: Note) -> None:
        if note.frame is not None:
            self.go_to(note.frame)  # the frame to try first
        self._review.make_again(note, self.again.emit)

    def _show_review(self, state: ReviewState) -> None:
        self.set_choices([(one.id, one.label) for one in state.choices], state.a, state.b)
        self.set_about(_about(state, state.a), _about(state, state.b))
        self.set_notes(state.notes)
        version = state.version
        self.set_targets(
            [(one.id, one.label) for one in state.targets], version.id if version else ""
        )
        self.set_compared(
            [one.label for one in state.compared],
            decided=any(one.version and one.version.decisions for one in state.compared),
        )
        offered = state.offered
        self.offer.show_offer(*((offered.id, offered.label) if offered else ("", "")))
        self.set_version(
            UnderReview(
                version.id,
                next((one.label for one in state.targets if one.id == version.id), version.label),
                version.shot.shot,
                state.decisions[0] if state.decisions else None,
                len(state.notes),
            )
            if version is not None
            else None
        )
        self.set_busy(state.busy)
        problem = f"{state.problem}. {state.next_step}" if state.problem else ""
        if problem != self._problem:
            self._problem = problem
            self.say(problem, problem=True)
        self._open_sources()

    def _open_sources(self) -> None:
        shot = self._review.state.value.shot
        sources: dict[str, FrameSource] = {}
        for side, source in (("A", self._review.a.value), ("B", self._review.b.value)):
            if source is not None:
                sources[side] = source
        told = (shot, *((side, one.key) for side, one in sources.items()))
        if told == self._shown:
            return
        self._shown = told
        self._leave_jobs()
        self._growing = [
            one.watch(lambda _frames: self.source_grew())
            for one in sources.values()
            if isinstance(one, JobFrames)
        ]
        if shot is None:
            self.open(None, None, {})
            return
        self.open(
            _frames(shot, sources),
            shot.cut_range,
            sources,
            counting=Counting.of(shot.plate),
            of=shot.id,
        )


def _frames(shot: Shot, sources: dict[str, FrameSource]) -> FrameRange:
    """The work range, and whatever a source has beyond it."""
    frames = shot.work_range
    for source in sources.values():
        if source.frames:
            first, last = source.frames[0], source.frames[-1]
            frames = FrameRange.of(
                min(frames.first, first), max(frames.last, last), shot.plate.range.rate
            )
    return frames


def _about(state: ReviewState, key: str) -> str:
    choice: Choice | None = next((one for one in state.choices if one.id == key), None)
    if choice is None or choice.version is None:
        return ""
    outputs = choice.version.outputs
    size = f"{outputs[0].width}×{outputs[0].height}" if outputs else ""
    return " · ".join(word for word in (size, choice.version.proxies.view) if word)
