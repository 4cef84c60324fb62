"""The actions of the viewer's shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from bridge_core.models.versions import ReviewStatus
from bridge_ui.review.compare.viewer_settings import (
    EXPOSURE_RANGE,
    GAIN_RANGE,
    GAMMA_RANGE,
    CompareMode,
    gain_step,
)

if TYPE_CHECKING:
    from bridge_ui.review.annotations.note_widgets import NoteEditor
    from bridge_ui.review.canvas.canvas_widget import ViewerCanvas
    from bridge_ui.review.decisions.target_widgets import TargetChooser
    from bridge_ui.review.player.qt_player import Player
    from bridge_ui.review.player.transport_widgets import TransportBar
    from bridge_ui.review.presenters import AnnotationPresenter

_SKIP_FRAMES = 10


class ActionTarget(Protocol):
    """What the actions need of the viewer."""

    player: Player
    canvas: ViewerCanvas
    annotations: AnnotationPresenter
    transport: TransportBar
    note_editor: NoteEditor
    targets: TargetChooser
    swap_requested: Any
    """Signal()"""
    version_step_requested: Any
    """Signal(int), 1 or -1"""

    @property
    def frame(self) -> int | None: ...
    def go_to_frame(self, frame: int) -> None: ...
    def set_compare_mode(self, mode: CompareMode) -> None: ...
    def set_drawing(self, on: bool) -> None: ...
    def start_decision(self, status: ReviewStatus) -> None: ...


class ViewerActions:
    """Runs actions by the names in :data:`bridge_ui.review.qt_shortcuts.SHORTCUTS`."""

    def __init__(self, target: ActionTarget) -> None:
        self._target = target
        player, canvas = target.player, target.canvas
        self._table: dict[str, Callable[[], object]] = {
            "toggle_playback": player.toggle,
            "shuttle_back": lambda: player.shuttle(-1),
            "stop": player.stop,
            "shuttle_forward": lambda: player.shuttle(1),
            "step_back": lambda: player.step(-1),
            "step_forward": lambda: player.step(1),
            "skip_back": lambda: player.step(-_SKIP_FRAMES),
            "skip_forward": lambda: player.step(_SKIP_FRAMES),
            "go_to_first": lambda: target.go_to_frame(player.clock.in_point),
            "go_to_last": lambda: target.go_to_frame(player.clock.out_point),
            "previous_note": lambda: self._go_to_note(-1),
            "next_note": lambda: self._go_to_note(1),
            "mark_in": player.mark_in,
            "mark_out": player.mark_out,
            "clear_marks": player.clear_marks,
            "loop": lambda: player.set_loop(not player.clock.loop),
            "compare_a": lambda: target.set_compare_mode(CompareMode.A),
            "compare_b": lambda: target.set_compare_mode(CompareMode.B),
            "compare_wipe": lambda: target.set_compare_mode(CompareMode.WIPE),
            "compare_difference": lambda: target.set_compare_mode(CompareMode.DIFFERENCE),
            "compare_overlay": lambda: target.set_compare_mode(CompareMode.OVERLAY),
            "compare_side_by_side": lambda: target.set_compare_mode(CompareMode.SIDE_BY_SIDE),
            "swap": target.swap_requested.emit,
            "switch_target": target.targets.switch,
            "newer_version": lambda: target.version_step_requested.emit(1),
            "older_version": lambda: target.version_step_requested.emit(-1),
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
            "toggle_drawing": lambda: target.set_drawing(not canvas.is_drawing),
            "write_note": self._write_note,
            "approve": lambda: target.start_decision(ReviewStatus.APPROVED),
            "request_changes": lambda: target.start_decision(ReviewStatus.CHANGES_REQUESTED),
            "reject": lambda: target.start_decision(ReviewStatus.REJECTED),
            "go_to_frame": self._focus_frame_field,
            "undo": lambda: self._show_changed_frame(target.annotations.pen.undo()),
            "redo": lambda: self._show_changed_frame(target.annotations.pen.redo()),
            "cancel": self._cancel,
        }

    def trigger(self, name: str) -> None:
        if self._target.frame is not None:
            self._table[name]()

    def _go_to_note(self, direction: int) -> None:
        """Go to the nearest annotated frame in a direction."""
        current = self._target.player.clock.frame
        frames = sorted(self._target.annotations.annotated_frames, reverse=direction < 0)
        for frame in frames:
            if (frame - current) * direction > 0:
                self._target.go_to_frame(frame)
                return

    def _adjust(self, direction: int) -> None:
        """Change the compare mode's value: wipe position, gain or opacity."""
        canvas = self._target.canvas
        settings = canvas.settings
        if settings.compare is CompareMode.WIPE:
            canvas.update_settings(wipe=_clamp(settings.wipe + direction * 0.02, (0.0, 1.0)))
        elif settings.compare is CompareMode.DIFFERENCE:
            gain = 2 ** ((gain_step(settings.gain) + direction * 2) / 4)
            canvas.update_settings(gain=_clamp(gain, GAIN_RANGE))
        elif settings.compare is CompareMode.OVERLAY:
            canvas.update_settings(opacity=_clamp(settings.opacity + direction * 0.05, (0.0, 1.0)))

    def _change_exposure(self, stops: float) -> None:
        canvas = self._target.canvas
        canvas.update_settings(exposure=_clamp(canvas.settings.exposure + stops, EXPOSURE_RANGE))

    def _change_gamma(self, by: float) -> None:
        canvas = self._target.canvas
        canvas.update_settings(gamma=_clamp(round(canvas.settings.gamma + by, 2), GAMMA_RANGE))

    def _write_note(self) -> None:
        self._target.player.stop()
        self._target.note_editor.line_edit.setFocus()

    def _focus_frame_field(self) -> None:
        field = self._target.transport.frame_field
        field.setFocus()
        field.selectAll()

    def _show_changed_frame(self, frame: int | None) -> None:
        """Show the frame that undo or redo has changed."""
        if frame is not None and frame != self._target.player.clock.frame:
            self._target.go_to_frame(frame)

    def _cancel(self) -> None:
        if self._target.canvas.is_drawing:
            self._target.set_drawing(False)
        self._target.canvas.setFocus()


def _clamp(value: float, limits: tuple[float, float]) -> float:
    return max(limits[0], min(limits[1], value))
