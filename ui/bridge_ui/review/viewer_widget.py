"""The viewer: all widgets of the review, without a controller or a gateway.

:mod:`bridge_ui.review.review_widget` connects it with both.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QApplication

from bridge_core.models.enumerations import ReviewStatus
from bridge_core.models.frames import FrameRange
from bridge_ui.core.translate import tr
from bridge_ui.review.compare.viewer_settings import (
    EXPOSURE_RANGE,
    GAIN_RANGE,
    GAMMA_RANGE,
    CompareMode,
    CompareSelection,
    gain_step,
)
from bridge_ui.review.decisions.decision_widgets import VersionUnderReview
from bridge_ui.review.player.frame_sources import FrameSource
from bridge_ui.review.player.plate_timecode import PlateTimecode
from bridge_ui.review.presenters import AnnotationPresenter, Captions
from bridge_ui.review.review_shortcuts import ShortcutFilter
from bridge_ui.review.viewer_layout import ViewerLayout
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import fill_background, show_text

_SKIP_FRAMES = 10


class ViewerWidget(ViewerLayout):
    """Player, comparison, drawing, notes and decisions. :meth:`stop` ends its threads."""

    side_chosen = Signal(str, str)
    """``A`` or ``B``, and the id of a choice."""
    swap_requested = Signal()
    version_step_requested = Signal(int)
    """The next newer (1) or older (-1) version."""
    note_submitted = Signal(object)
    """A :class:`NoteInput`. Call :meth:`AnnotationPresenter.note_saved` once the gateway has it."""
    visible_sides_changed = Signal(tuple)
    """The sides on the screen: ``A``, ``B``, both, or none."""
    new_result_requested = Signal(str)
    """Show the new result with this id."""
    frame_changed = Signal(int)

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__(colours)
        self._is_empty = True
        self._version: VersionUnderReview | None = None
        self._selection = CompareSelection()
        self._position_key: Hashable = None
        self._visible_sides: tuple[str, ...] = ()
        """As last emitted."""
        self.annotations = AnnotationPresenter(self)
        self._captions = Captions(self)
        self._actions = ViewerActions(self)
        self._shortcuts = ShortcutFilter(self, self._actions.trigger)
        fill_background(self, "background")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocusProxy(self.canvas)
        self._connect_signals()
        self.set_version(None)
        self.show_message("")
        self._show_empty_state()

    # State

    @property
    def frame(self) -> int | None:
        """The frame on the screen; None if nothing is open."""
        return None if self._is_empty else self.player.clock.frame

    def open(
        self,
        frames: FrameRange | None,
        cut: FrameRange | None,
        sources: dict[str, FrameSource],
        *,
        counting: PlateTimecode | None = None,
        position_key: Hashable = None,
    ) -> None:
        """Show sources by side over ``frames``; ``cut`` is the range between the handles. Without
        ``counting``, timecode begins at frame 0.

        Frame, in and out point are kept for each ``position_key``; a new one begins at the cut's
        first frame. A new key also shows B again if only A was shown.
        """
        self._is_empty = frames is None or not sources
        is_new_shot = position_key is not None and position_key != self._position_key
        if is_new_shot:
            self._position_key = position_key
        self._selection.set_sides(sources, is_new_shot=is_new_shot)
        if frames is None or self._is_empty:
            self.player.stop()
            self.player.cache.set_sources({})
            self._show_empty_state()
            self._emit_visible_sides()
            if frames is not None:
                self.canvas.set_messages(tr("The host renders its plate when it is sent."), "")
            return
        cut = cut or frames
        self.transport.frame_field.counting = counting or PlateTimecode(frames.rate)
        self.timeline.set_range(frames, cut)
        self.player.open(frames, sources, cut.first, position_key)
        self.canvas.update_settings(compare=self._selection.shown_mode)
        self._show_empty_state()

    def set_choices(self, choices: Sequence[tuple[str, str]], a: str, b: str) -> None:
        """Ids and labels to choose from, and the ids of A and B."""
        for side, chosen in (("A", a), ("B", b)):
            self.side_choosers[side].set_choices(choices, chosen)
        self._captions.set_names(dict(choices), a, b)

    def set_source_info(self, a: str, b: str) -> None:
        """Facts about each side, such as ``1920×1080 · ACES view``."""
        self._captions.source_info = (a, b)
        self._show_frame()

    def set_version(self, version: VersionUnderReview | None) -> None:
        """Set the version that notes and decisions are for; None for no version. Unsaved notes are
        kept for each version."""
        previous, self._version = self._version, version
        version_id = version.id if version is not None else ""
        if previous is not None and previous.id != version_id:
            comment = self.decision_form.line_edit.text().strip()
            has_unsaved = self.annotations.has_unsaved or bool(comment)
            name = f"{previous.shot} {previous.name}"
            message = tr("Your unsaved note for {version} is kept with it", version=name)
            self.show_message(message if has_unsaved else "")
        self.annotations.set_version(version_id)
        if version is None and self.canvas.is_drawing:
            self.set_drawing(False)
        name = version.name if version is not None else ""
        self.note_editor.show_version(name)
        self.decision_buttons.show_version_name(name)
        self.decision_form.set_version(version)
        self.decision_summary.show_version(version)

    def set_busy(self, busy: bool) -> None:
        """Disable submitting while a note or decision is being sent."""
        self.decision_buttons.set_busy(busy)
        self.decision_form.set_busy(busy)
        self.note_editor.set_busy(busy)

    def show_message(self, text: str, *, is_problem: bool = False) -> None:
        """The last result or problem; empty hides the line."""
        show_text(self.message, f"⚠ {text}" if is_problem and text else text)
        set_style_class(self.message, "bad" if is_problem else "dim")

    def start_decision(self, status: ReviewStatus) -> None:
        """Open the form for a decision's comment."""
        if self._version is not None and self.decision_buttons.button(status).isEnabled():
            self.player.stop()
            self.decision_form.start(status)

    def go_to_frame(self, frame: int) -> None:
        self.player.go_to(frame)

    def set_compare_mode(self, mode: CompareMode) -> None:
        if self._selection.choose(mode):
            self.canvas.update_settings(compare=self._selection.shown_mode)

    def set_drawing(self, on: bool) -> None:
        """Switch drawing on or off; strokes are kept. Without a version it stays off."""
        on = on and self._version is not None
        if on:
            self.player.stop()
        elif self.canvas.is_drawing:
            self.annotations.pen.cancel()
        self.canvas.is_drawing = on
        self.note_editor.draw_button.setChecked(on)
        self.drawing_toolbar.setVisible(on)
        self.place_toolbar()
        if on:
            self.canvas.setFocus()
        else:
            self._focus_canvas()

    def stop(self) -> None:
        """End the player's threads. May be called twice."""
        self.player.close()

    def trigger_action(self, action: str) -> None:
        """Run an action of :data:`bridge_ui.review.review_shortcuts.SHORTCUTS` by its name."""
        self._actions.trigger(action)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        super().hideEvent(event)
        self.player.stop()

    def _connect_signals(self) -> None:
        self.player.frame_changed.connect(self._show_frame)
        self.player.frame_changed.connect(self.frame_changed)
        self.player.state_changed.connect(self.annotations.refresh)
        self.transport.frame_field.frame_entered.connect(self._go_to_entered_frame)
        self.canvas.settings_changed.connect(self._show_settings)
        self.canvas.pen_side.connect(self.targets.select_side)
        self.new_result.result_requested.connect(self._show_new_result)

        self.mode_buttons.chosen.connect(self.set_compare_mode)
        for side, chooser in self.side_choosers.items():
            chooser.chosen.connect(lambda key, side=side: self._choose_source(side, key))
        self.note_editor.submitted.connect(self._submit_note)
        self.note_editor.draw_toggled.connect(
            lambda: self.set_drawing(self.note_editor.draw_button.isChecked())
        )
        self.notes_list.frame_requested.connect(self.go_to_frame)
        self.decision_buttons.chosen.connect(self.start_decision)
        self.decision_form.open_changed.connect(self._decision_form_toggled)
        self._show_settings()

    def _focus_canvas(self) -> None:
        """Return the keyboard to the player if the focus is in the viewer."""
        focus = QApplication.focusWidget()
        if focus is not None and self.isAncestorOf(focus):
            self.canvas.setFocus()

    def _decision_form_toggled(self, is_open: bool) -> None:
        """The buttons and the last decision are hidden while the form is open."""
        self.decision_buttons.setVisible(not is_open)
        self.decision_summary.set_collapsed(is_open)
        if not is_open:
            self._focus_canvas()

    def _emit_visible_sides(self) -> None:
        sides = self._selection.visible_sides
        if sides != self._visible_sides:
            self._visible_sides = sides
            self.visible_sides_changed.emit(sides)

    def _show_new_result(self, choice_id: str) -> None:
        self.new_result_requested.emit(choice_id)
        if "B" not in self._visible_sides:
            self.set_compare_mode(CompareMode.B)
        self._focus_canvas()

    def _choose_source(self, side: str, key: str) -> None:
        self.side_chosen.emit(side, key)
        self.canvas.setFocus()  # so that Space plays and does not open the list again

    def _go_to_entered_frame(self, frame: int) -> None:
        self.go_to_frame(frame)
        self.canvas.setFocus()

    def _submit_note(self) -> None:
        self.note_submitted.emit(self.annotations.unsaved_note())
        self.canvas.setFocus()

    # Display

    def _show_frame(self, _frame: int = 0) -> None:
        if self._is_empty:
            return
        player = self.player
        self.canvas.show_pictures(player.picture("A"), player.picture("B"))
        self.canvas.set_messages(player.missing_reason("A"), player.missing_reason("B"))
        self._captions.update(player.clock)
        self.annotations.refresh()

    def _show_settings(self) -> None:
        self.mode_buttons.show_mode(self._selection.mode)
        self.player.sides = self.canvas.settings.compare.sides
        self._emit_visible_sides()
        self._show_frame()

    def _show_empty_state(self) -> None:
        for widget in (self.timeline, self.transport, self.mode_buttons):
            widget.setEnabled(not self._is_empty)
        if self._is_empty:
            self.canvas.show_pictures(None, None)
            self._captions.clear()
            self.canvas.set_messages(tr("Select a shot to review it."), "")
        else:
            self._show_frame()
        self.zoom_button.set_empty(self._is_empty)


class ViewerActions:
    """Runs actions by the names in :data:`bridge_ui.review.review_shortcuts.SHORTCUTS`."""

    def __init__(self, viewer: ViewerWidget) -> None:
        self._viewer = viewer
        player, canvas = viewer.player, viewer.canvas
        self._table: dict[str, Callable[[], object]] = {
            "toggle_playback": player.toggle,
            "shuttle_back": lambda: player.shuttle(-1),
            "stop": player.stop,
            "shuttle_forward": lambda: player.shuttle(1),
            "step_back": lambda: player.step(-1),
            "step_forward": lambda: player.step(1),
            "skip_back": lambda: player.step(-_SKIP_FRAMES),
            "skip_forward": lambda: player.step(_SKIP_FRAMES),
            "go_to_first": lambda: viewer.go_to_frame(player.clock.in_point),
            "go_to_last": lambda: viewer.go_to_frame(player.clock.out_point),
            "previous_note": lambda: self._go_to_note(-1),
            "next_note": lambda: self._go_to_note(1),
            "mark_in": player.mark_in,
            "mark_out": player.mark_out,
            "clear_marks": player.clear_marks,
            "loop": lambda: player.set_loop(not player.clock.loop),
            "compare_a": lambda: viewer.set_compare_mode(CompareMode.A),
            "compare_b": lambda: viewer.set_compare_mode(CompareMode.B),
            "compare_wipe": lambda: viewer.set_compare_mode(CompareMode.WIPE),
            "compare_difference": lambda: viewer.set_compare_mode(CompareMode.DIFFERENCE),
            "compare_overlay": lambda: viewer.set_compare_mode(CompareMode.OVERLAY),
            "compare_side_by_side": lambda: viewer.set_compare_mode(CompareMode.SIDE_BY_SIDE),
            "swap": viewer.swap_requested.emit,
            "switch_target": viewer.targets.switch,
            "newer_version": lambda: viewer.version_step_requested.emit(1),
            "older_version": lambda: viewer.version_step_requested.emit(-1),
            "decrease_compare_value": lambda: self._adjust(-1),
            "increase_compare_value": lambda: self._adjust(1),
            "exposure_down": lambda: self._change_exposure(-0.25),
            "exposure_up": lambda: self._change_exposure(0.25),
            "gamma_down": lambda: self._change_gamma(-0.05),
            "gamma_up": lambda: self._change_gamma(0.05),
            "reset_exposure": lambda: canvas.update_settings(exposure=0.0, gamma=1.0),
            "fit": canvas.fit,
            "zoom_in": lambda: canvas.zoom_by(1),
            "zoom_out": lambda: canvas.zoom_by(-1),
            "actual_size": canvas.actual_size,
            "toggle_drawing": lambda: viewer.set_drawing(not canvas.is_drawing),
            "write_note": self._write_note,
            "approve": lambda: viewer.start_decision(ReviewStatus.APPROVED),
            "request_changes": lambda: viewer.start_decision(ReviewStatus.CHANGES_REQUESTED),
            "reject": lambda: viewer.start_decision(ReviewStatus.REJECTED),
            "go_to_frame": self._focus_frame_field,
            "undo": lambda: self._show_changed_frame(viewer.annotations.pen.undo()),
            "redo": lambda: self._show_changed_frame(viewer.annotations.pen.redo()),
            "cancel": self._cancel,
        }

    def trigger(self, name: str) -> None:
        if self._viewer.frame is not None:
            self._table[name]()

    def _go_to_note(self, direction: int) -> None:
        """Go to the nearest annotated frame in a direction."""
        current = self._viewer.player.clock.frame
        frames = sorted(self._viewer.annotations.annotated_frames, reverse=direction < 0)
        for frame in frames:
            if (frame - current) * direction > 0:
                self._viewer.go_to_frame(frame)
                return

    def _adjust(self, direction: int) -> None:
        """Change the compare mode's value: wipe position, gain or opacity."""
        canvas = self._viewer.canvas
        settings = canvas.settings
        if settings.compare is CompareMode.WIPE:
            canvas.update_settings(wipe=_clamp(settings.wipe + direction * 0.02, (0.0, 1.0)))
        elif settings.compare is CompareMode.DIFFERENCE:
            gain = 2 ** ((gain_step(settings.gain) + direction * 2) / 4)
            canvas.update_settings(gain=_clamp(gain, GAIN_RANGE))
        elif settings.compare is CompareMode.OVERLAY:
            canvas.update_settings(opacity=_clamp(settings.opacity + direction * 0.05, (0.0, 1.0)))

    def _change_exposure(self, stops: float) -> None:
        canvas = self._viewer.canvas
        canvas.update_settings(exposure=_clamp(canvas.settings.exposure + stops, EXPOSURE_RANGE))

    def _change_gamma(self, offset: float) -> None:
        canvas = self._viewer.canvas
        canvas.update_settings(gamma=_clamp(round(canvas.settings.gamma + offset, 2), GAMMA_RANGE))

    def _write_note(self) -> None:
        self._viewer.player.stop()
        self._viewer.note_editor.line_edit.setFocus()

    def _focus_frame_field(self) -> None:
        field = self._viewer.transport.frame_field
        field.setFocus()
        field.selectAll()

    def _show_changed_frame(self, frame: int | None) -> None:
        """Show the frame that undo or redo has changed."""
        if frame is not None and frame != self._viewer.player.clock.frame:
            self._viewer.go_to_frame(frame)

    def _cancel(self) -> None:
        if self._viewer.canvas.is_drawing:
            self._viewer.set_drawing(False)
        self._viewer.canvas.setFocus()


def _clamp(value: float, limits: tuple[float, float]) -> float:
    return max(limits[0], min(limits[1], value))
