"""The viewer, connected with the review's controller."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Signal

from bridge_core.models.enumerations import ReviewStatus
from bridge_core.models.frames import FrameRange
from bridge_ui.core.display_text import documents_text
from bridge_ui.core.observable import Unwatch, unwatch_all
from bridge_ui.core.translate import tr
from bridge_ui.review.annotations.note_widgets import NoteInput
from bridge_ui.review.decisions.decision_widgets import VersionUnderReview
from bridge_ui.review.player.frame_sources import FrameSource, JobFrames
from bridge_ui.review.player.plate_timecode import PlateTimecode
from bridge_ui.review.report_export import ReportExport
from bridge_ui.review.viewer_widget import ViewerWidget
from bridge_ui.theme.colours import ThemeColours

if TYPE_CHECKING:
    from bridge_core.models.notes import Note
    from bridge_core.models.shots import Shot
    from bridge_ui.core.session import Session
    from bridge_ui.review.controller import ReviewController, ReviewState
    from bridge_ui.shots.controller import ShotsController


class ReviewWidget(ViewerWidget):
    """Shows the controller's state and passes user input on to it."""

    revision_ready = Signal(object)
    """The request that a note or a review became."""

    def __init__(
        self,
        session: Session,
        shots: ShotsController,
        review: ReviewController,
        colours: ThemeColours,
    ) -> None:
        super().__init__(colours)
        self._review = review
        self.report_export = ReportExport(session, review, shots, self.show_message)
        self._open_key: tuple[object, ...] = ()
        self._problem = ""
        self._selected: tuple[str, ...] = ()
        self._unwatch_frames: Unwatch = unwatch_all()
        self.side_chosen.connect(self._choose_side)
        self.swap_requested.connect(review.swap)
        self.visible_sides_changed.connect(review.set_visible_sides)
        self.targets.chosen.connect(review.choose_target)
        self.new_result_requested.connect(review.choose_b)
        self.version_step_requested.connect(review.step_version)
        self.note_submitted.connect(self._save_note)
        self.decision_form.submitted.connect(self._decide)
        self.notes_list.revision_requested.connect(self._revise_from_note)
        self.decision_summary.next_version_requested.connect(
            lambda: review.revise_from_review(self.revision_ready.emit)
        )
        self.menu_button.report_options = self.report_export.available_scopes
        self.menu_button.report_requested.connect(
            lambda scope: self.report_export.choose_file(scope, self)
        )
        self._unwatch = unwatch_all(
            review.state.watch(self._show_review),
            review.a.watch(lambda _source: self._open_sources()),
            review.b.watch(lambda _source: self._open_sources()),
            shots.state.watch(lambda _state: self._selection_changed(shots)),
            # The cut was read again: plates may have changed under the same names.
            shots.rows.watch(lambda change: review.check_plate() if change.reset else None),
            # Frames that failed while disconnected would wait up to a minute.
            session.on_connected(self.player.refresh),
        )

    def stop(self) -> None:
        self._unwatch()
        self._unwatch_frames()
        self.report_export.cancel()
        super().stop()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.WindowActivate:
            self._review.check_plate()  # it may have been rendered again meanwhile
        return super().event(event)

    def _selection_changed(self, shots: ShotsController) -> None:
        """Offer the other selected shots for comparison."""
        selected = shots.state.value.selected
        if selected is not self._selected:
            self._selected = selected
            selected_shots = (shot_row.shot for shot_row in shots.selected)
            self._review.set_other_shots(shot for shot in selected_shots if shot is not None)

    def _choose_side(self, side: str, key: str) -> None:
        if side == "A":
            self._review.choose_a(key)
        else:
            self._review.choose_b(key)

    def _save_note(self, note: NoteInput) -> None:
        self._review.add_note(
            note.text,
            note.strokes,
            note.frames,
            drawn_on=note.drawn_on,
            version=note.version,
            done=lambda _note: self.annotations.note_saved(note),
        )

    def _decide(self, status: ReviewStatus, comment: str, version: str) -> None:
        on_saved = partial(self.decision_form.decision_saved, version)
        self._review.decide(status, comment, version=version, done=on_saved)

    def _revise_from_note(self, note: Note) -> None:
        if note.display_frame is not None:
            self.go_to_frame(note.display_frame)  # a test frame would show this one
        self._review.revise_from_note(note, self.revision_ready.emit)

    def _show_review(self, state: ReviewState) -> None:
        self.set_choices([(choice.id, choice.label) for choice in state.choices], state.a, state.b)
        self.set_source_info(_source_info(state, state.a), _source_info(state, state.b))
        self.annotations.set_notes(state.notes)
        version, compared = state.version, state.compared_versions
        targets = [(choice.id, choice.label) for choice in state.targets]
        self.targets.show_targets(targets, version.id if version else "")
        has_decision = any(choice.version and choice.version.decisions for choice in compared)
        self.reserve_space([choice.label for choice in compared], has_decision=has_decision)
        new = state.new_result
        self.new_result.show_result(*((new.id, new.label) if new else ("", "")))
        self.set_version(
            VersionUnderReview(
                version.id,
                state.version_label,
                version.shot.shot,
                state.decisions[0] if state.decisions else None,
                len(state.notes),
            )
            if version is not None
            else None
        )
        self.set_busy(state.busy)
        if state.problem_text != self._problem:
            self._problem = state.problem_text
            self.show_message(self._problem, is_problem=True)
        self._open_sources()

    def _open_sources(self) -> None:
        shot = self._review.state.value.shot
        sources: dict[str, FrameSource] = {}
        for side, source in (("A", self._review.a.value), ("B", self._review.b.value)):
            if source is not None:
                sources[side] = source
        open_key = (shot, *((side, source.key) for side, source in sources.items()))
        if open_key == self._open_key:
            return
        self._open_key = open_key
        self._unwatch_frames()
        running = [source for source in sources.values() if isinstance(source, JobFrames)]
        self._unwatch_frames = unwatch_all(
            *(source.watch(lambda _frames: self.player.refresh()) for source in running)
        )
        if shot is None:
            self.open(None, None, {})
            return
        self.open(
            _frame_range(shot, sources),
            shot.cut_range,
            sources,
            counting=PlateTimecode.from_plate(shot.plate),
            position_key=shot.id,
        )


def _frame_range(shot: Shot, sources: dict[str, FrameSource]) -> FrameRange:
    """The work range, extended by frames that a source has beyond it."""
    frames = shot.work_range
    for source in sources.values():
        if source.frames:
            first, last = source.frames[0], source.frames[-1]
            frames = FrameRange.of(
                min(frames.first, first), max(frames.last, last), shot.plate.range.rate
            )
    return frames


def _source_info(state: ReviewState, key: str) -> str:
    choice = state.choice(key)
    if choice is None or choice.version is None:
        return ""
    outputs = choice.version.outputs
    proxies = choice.version.proxies
    if proxies is None:
        return tr("no pictures: {documents} in Notes", documents=documents_text(choice.version))
    size = f"{outputs[0].width}×{outputs[0].height}" if outputs else ""
    return " · ".join(filter(None, (size, proxies.view)))
