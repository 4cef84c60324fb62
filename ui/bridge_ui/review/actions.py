"""What the keys of the review room do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from bridge_core.models.versions import ReviewStatus
from bridge_ui.review.compare import gain_step
from bridge_ui.review.look import EXPOSURES, GAINS, GAMMAS, Compare

if TYPE_CHECKING:
    from bridge_ui.review.canvas import Canvas
    from bridge_ui.review.noting import NoteField
    from bridge_ui.review.player import Player
    from bridge_ui.review.targets import TargetChooser
    from bridge_ui.review.tools import Pen
    from bridge_ui.review.transport import Transport

_LEAP = 10  # frames


class Room(Protocol):
    """What the keys act on: the stage of the review room."""

    player: Player
    canvas: Canvas
    pen: Pen
    transport: Transport
    note_field: NoteField
    targets: TargetChooser
    swap_wanted: Any
    """A signal."""
    version_wanted: Any
    """A signal with 1 or -1."""

    @property
    def frame(self) -> int | None: ...
    def go_to(self, frame: int) -> None: ...
    def set_compare(self, mode: Compare) -> None: ...
    def draw(self, on: bool) -> None: ...
    def ask(self, status: ReviewStatus) -> None: ...
    def note_frames(self) -> set[int]: ...


class Actions:
    """By the names of :data:`bridge_ui.review.keys.KEYS`."""

    def __init__(self, stage: Room) -> None:
        self._stage = stage
        player, canvas = stage.player, stage.canvas
        self._table: dict[str, Callable[[], object]] = {
            "toggle": player.toggle,
            "back": lambda: player.shuttle(-1),
            "stop": player.stop,
            "forward": lambda: player.shuttle(1),
            "step_back": lambda: player.step(-1),
            "step_forward": lambda: player.step(1),
            "leap_back": lambda: player.step(-_LEAP),
            "leap_forward": lambda: player.step(_LEAP),
            "first": lambda: stage.go_to(player.clock.in_point),
            "last": lambda: stage.go_to(player.clock.out_point),
            "note_before": lambda: self._to_note(-1),
            "note_after": lambda: self._to_note(1),
            "mark_in": player.mark_in,
            "mark_out": player.mark_out,
            "clear_marks": player.clear_marks,
            "loop": lambda: player.set_loop(not player.clock.loop),
            "compare_a": lambda: stage.set_compare(Compare.A),
            "compare_b": lambda: stage.set_compare(Compare.B),
            "compare_wipe": lambda: stage.set_compare(Compare.WIPE),
            "compare_difference": lambda: stage.set_compare(Compare.DIFFERENCE),
            "compare_overlay": lambda: stage.set_compare(Compare.OVERLAY),
            "compare_side_by_side": lambda: stage.set_compare(Compare.SIDE_BY_SIDE),
            "swap": stage.swap_wanted.emit,
            "other_target": stage.targets.other,
            "version_newer": lambda: stage.version_wanted.emit(1),
            "version_older": lambda: stage.version_wanted.emit(-1),
            "adjust_less": lambda: self._adjust(-1),
            "adjust_more": lambda: self._adjust(1),
            "darker": lambda: self._expose(-0.25),
            "brighter": lambda: self._expose(0.25),
            "gamma_down": lambda: self._bend(-0.05),
            "gamma_up": lambda: self._bend(0.05),
            "plain_look": lambda: canvas.set_look(exposure=0.0, gamma=1.0),
            "fit": canvas.fit,
            "zoom_in": lambda: canvas.zoom_by(1),
            "zoom_out": lambda: canvas.zoom_by(-1),
            "actual_size": canvas.actual_size,
            "draw": lambda: stage.draw(not canvas.drawing),
            "note": self._write,
            "approve": lambda: stage.ask(ReviewStatus.APPROVED),
            "ask_for_changes": lambda: stage.ask(ReviewStatus.CHANGES_REQUESTED),
            "reject": lambda: stage.ask(ReviewStatus.REJECTED),
            "go_to_frame": self._ask_for_frame,
            "undo": lambda: self._drawn(stage.pen.undo()),
            "redo": lambda: self._drawn(stage.pen.redo()),
            "leave": self._leave,
        }

    def do(self, name: str) -> None:
        if self._stage.frame is not None:
            self._table[name]()

    def _to_note(self, way: int) -> None:
        """The next frame in a direction that something was said about."""
        here = self._stage.player.clock.frame
        frames = sorted(self._stage.note_frames(), reverse=way < 0)
        for frame in frames:
            if (frame - here) * way > 0:
                self._stage.go_to(frame)
                return

    def _adjust(self, way: int) -> None:
        """What the compare mode has to be moved: line, gain or opacity."""
        canvas = self._stage.canvas
        now = canvas.look
        if now.compare is Compare.WIPE:
            canvas.set_look(wipe=_within(now.wipe + way * 0.02, (0.0, 1.0)))
        elif now.compare is Compare.DIFFERENCE:
            gain = 2 ** ((gain_step(now.gain) + way * 2) / 4)
            canvas.set_look(gain=_within(gain, GAINS))
        elif now.compare is Compare.OVERLAY:
            canvas.set_look(opacity=_within(now.opacity + way * 0.05, (0.0, 1.0)))

    def _expose(self, stops: float) -> None:
        canvas = self._stage.canvas
        canvas.set_look(exposure=_within(canvas.look.exposure + stops, EXPOSURES))

    def _bend(self, by: float) -> None:
        canvas = self._stage.canvas
        canvas.set_look(gamma=_within(round(canvas.look.gamma + by, 2), GAMMAS))

    def _write(self) -> None:
        self._stage.player.stop()
        self._stage.note_field.words.setFocus()

    def _ask_for_frame(self) -> None:
        field = self._stage.transport.field
        field.setFocus()
        field.selectAll()

    def _drawn(self, frame: int | None) -> None:
        """Show the frame on which something changed."""
        if frame is not None and frame != self._stage.player.clock.frame:
            self._stage.go_to(frame)

    def _leave(self) -> None:
        if self._stage.canvas.drawing:
            self._stage.draw(False)
        self._stage.canvas.setFocus()


def _within(value: float, limits: tuple[float, float]) -> float:
    return max(limits[0], min(limits[1], value))
