"""What the keys of the review room do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from bridge_core.models.versions import ReviewStatus
from bridge_ui.review.compare.compare_widgets import gain_step
from bridge_ui.review.compare.viewer_settings import (
    EXPOSURE_RANGE,
    GAIN_RANGE,
    GAMMA_RANGE,
    CompareMode,
)

if TYPE_CHECKING:
    from bridge_ui.review.annotations.drawing_widgets import PenInput
    from bridge_ui.review.annotations.note_widgets import NoteEditor
    from bridge_ui.review.canvas.canvas_widget import ViewerCanvas
    from bridge_ui.review.decisions.target_widgets import TargetChooser
    from bridge_ui.review.player.qt_player import Player
    from bridge_ui.review.player.transport_widgets import TransportBar

_SKIP_FRAMES = 10  # frames


class ActionTarget(Protocol):
    """What the keys act on: the stage of the review room."""

    player: Player
    canvas: ViewerCanvas
    pen: PenInput
    transport: TransportBar
    note_editor: NoteEditor
    targets: TargetChooser
    swap_requested: Any
    """A signal."""
    version_step_requested: Any
    """A signal with 1 or -1."""

    @property
    def frame(self) -> int | None: ...
    def go_to_frame(self, frame: int) -> None: ...
    def set_compare_mode(self, mode: CompareMode) -> None: ...
    def set_drawing(self, on: bool) -> None: ...
    def start_decision(self, status: ReviewStatus) -> None: ...
    def annotated_frames(self) -> set[int]: ...


class ViewerActions:
    """By the names of :data:`bridge_ui.review.qt_shortcuts.KEYS`."""

    def __init__(self, target: ActionTarget) -> None:
        self._target = target
        player, canvas = target.player, target.canvas
        self._table: dict[str, Callable[[], object]] = {
            "toggle": player.toggle,
            "back": lambda: player.shuttle(-1),
            "stop": player.stop,
            "forward": lambda: player.shuttle(1),
            "step_back": lambda: player.step(-1),
            "step_forward": lambda: player.step(1),
            "leap_back": lambda: player.step(-_SKIP_FRAMES),
            "leap_forward": lambda: player.step(_SKIP_FRAMES),
            "first": lambda: target.go_to_frame(player.clock.in_point),
            "last": lambda: target.go_to_frame(player.clock.out_point),
            "note_before": lambda: self._go_to_note(-1),
            "note_after": lambda: self._go_to_note(1),
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
            "other_target": target.targets.switch,
            "version_newer": lambda: target.version_step_requested.emit(1),
            "version_older": lambda: target.version_step_requested.emit(-1),
            "adjust_less": lambda: self._adjust(-1),
            "adjust_more": lambda: self._adjust(1),
            "darker": lambda: self._change_exposure(-0.25),
            "brighter": lambda: self._change_exposure(0.25),
            "gamma_down": lambda: self._change_gamma(-0.05),
            "gamma_up": lambda: self._change_gamma(0.05),
            "plain_look": lambda: canvas.update_settings(exposure=0.0, gamma=1.0),
            "fit": canvas.fit,
            "zoom_in": lambda: canvas.zoom_by(1),
            "zoom_out": lambda: canvas.zoom_by(-1),
            "actual_size": canvas.actual_size,
            "draw": lambda: target.set_drawing(not canvas.is_drawing),
            "note": self._write_note,
            "approve": lambda: target.start_decision(ReviewStatus.APPROVED),
            "ask_for_changes": lambda: target.start_decision(ReviewStatus.CHANGES_REQUESTED),
            "reject": lambda: target.start_decision(ReviewStatus.REJECTED),
            "go_to_frame": self._focus_frame_field,
            "undo": lambda: self._show_changed_frame(target.pen.undo()),
            "redo": lambda: self._show_changed_frame(target.pen.redo()),
            "leave": self._cancel,
        }

    def trigger(self, name: str) -> None:
        if self._target.frame is not None:
            self._table[name]()

    def _go_to_note(self, direction: int) -> None:
        """The next frame in a direction that something was said about."""
        current = self._target.player.clock.frame
        frames = sorted(self._target.annotated_frames(), reverse=direction < 0)
        for frame in frames:
            if (frame - current) * direction > 0:
                self._target.go_to_frame(frame)
                return

    def _adjust(self, direction: int) -> None:
        """What the compare mode has to be moved: line, gain or opacity."""
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
        """Show the frame on which something changed."""
        if frame is not None and frame != self._target.player.clock.frame:
            self._target.go_to_frame(frame)

    def _cancel(self) -> None:
        if self._target.canvas.is_drawing:
            self._target.set_drawing(False)
        self._target.canvas.setFocus()


def _clamp(value: float, limits: tuple[float, float]) -> float:
    return max(limits[0], min(limits[1], value))
