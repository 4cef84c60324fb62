"""The transport bar: playback buttons, frame and timecode, playback speed."""

from __future__ import annotations

from fractions import Fraction

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from bridge_ui.core.translate import tr
from bridge_ui.icons import icon
from bridge_ui.review.player.plate_timecode import PlateTimecode
from bridge_ui.review.player.playback_clock import PlaybackClock
from bridge_ui.review.player.player import Player
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import ElidedLabel, ToolButton, hbox


class FrameField(QLineEdit):
    """Shows the frame on the screen, and takes a frame number or timecode to go to."""

    frame_entered = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.counting = PlateTimecode(Fraction(24))
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(tr("Frame"))
        self.setToolTip(tr("Current frame. Enter a frame number or a timecode to go there (G)"))
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.set_digits(11)
        self.returnPressed.connect(self._enter_frame)

    def set_digits(self, digits: int) -> None:
        """Make the field wide enough for this many digits."""
        self.setFixedWidth(self.fontMetrics().horizontalAdvance("0") * (digits + 1) + 16)

    def show_position(self, text: str) -> None:
        self._text = text
        if not self.hasFocus():
            self.setText(text)

    def focusOutEvent(self, event: object) -> None:  # noqa: N802
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.setText(self._text)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self.clearFocus()
        else:
            super().keyPressEvent(event)

    def _enter_frame(self) -> None:
        text = self.text().strip()
        try:
            frame = self.counting.frame(text) if ":" in text else int(text)
        except ValueError:
            self.selectAll()  # not a frame: let the user correct it
            return
        self.clearFocus()
        self.frame_entered.emit(frame)


class TransportBar(QWidget):
    """Controls the player, and shows its position and speed."""

    def __init__(self, player: Player, colours: ThemeColours) -> None:
        super().__init__()
        self._player = player
        self._colours = colours
        self._playing = False
        self._loop_button = ToolButton("repeat", tr("Loop (Ctrl+L)"), colours.text)
        self._loop_button.setCheckable(True)
        self._loop_button.setChecked(True)
        self._loop_button.toggled.connect(player.set_loop)
        self.frame_field = FrameField()
        self._shows_timecode = False
        self._counting_button = ToolButton()
        self._counting_button.clicked.connect(self._toggle_counting)
        self._speed_label = ElidedLabel("dim")
        layout = hbox(gap=0)
        self._buttons: dict[str, ToolButton] = {}
        for icon_name, tip, action in (
            ("skip-back", tr("First frame (Home)"), lambda: player.go_to(player.clock.in_point)),
            ("step-back", tr("One frame back (←)"), lambda: player.step(-1)),
            ("play", tr("Play (Space)"), player.toggle),
            ("step-forward", tr("One frame forward (→)"), lambda: player.step(1)),
            ("skip-forward", tr("Last frame (End)"), lambda: player.go_to(player.clock.out_point)),
        ):
            button = self._buttons[icon_name] = ToolButton(icon_name, tip, colours.text)
            button.clicked.connect(action)
            layout.addWidget(button)
        layout.addWidget(self._loop_button)
        layout.addSpacing(6)
        layout.addWidget(self.frame_field)
        layout.addWidget(self._counting_button)
        layout.addWidget(self._speed_label, 1)
        self.setLayout(layout)
        player.state_changed.connect(self._show_state)
        player.frame_changed.connect(self._show_state)
        self._show_counting()

    def set_compact(self, compact: bool) -> None:
        """Show only the essential controls; the picture's caption has the timecode."""
        ends = (self._buttons["skip-back"], self._buttons["skip-forward"])
        for widget in (*ends, self._counting_button, self._speed_label):
            widget.setVisible(not compact)
        self.frame_field.set_digits(6 if compact else 11)
        if compact and self._shows_timecode:
            self._toggle_counting()

    def _show_state(self) -> None:
        clock, play_button = self._player.clock, self._buttons["play"]
        if clock.is_playing != self._playing:
            self._playing = clock.is_playing
            play_button.setIcon(icon("pause" if self._playing else "play", self._colours.text))
            play_button.describe(tr("Stop (Space)") if self._playing else tr("Play (Space)"))
        if self._loop_button.isChecked() != clock.loop:
            self._loop_button.setChecked(clock.loop)
        position = self.frame_field.counting.timecode(clock.frame)
        self.frame_field.show_position(position if self._shows_timecode else str(clock.frame))
        self._speed_label.show_text(speed_text(clock))

    def position_text(self, clock: PlaybackClock) -> str:
        """Timecode and frame: ``01:00:00:16  1009``"""
        return f"{self.frame_field.counting.timecode(clock.frame)}  {clock.frame}"

    def _toggle_counting(self) -> None:
        self._shows_timecode = not self._shows_timecode
        self._show_counting()
        self._show_state()

    def _show_counting(self) -> None:
        self._counting_button.setText(tr("TC") if self._shows_timecode else tr("F"))
        self._counting_button.setToolTip(tr("Show frames or timecode"))
        self._counting_button.setAccessibleName(
            tr("Shows timecode") if self._shows_timecode else tr("Shows frames")
        )


def speed_text(clock: PlaybackClock) -> str:
    """``24 fps`` or ``2× back``, and the number of frames dropped since playback began."""
    rate = float(clock.range.rate)
    text = tr("{rate} fps", rate=f"{rate:.3f}".rstrip("0").rstrip("."))
    if clock.is_playing and clock.speed != 1:
        text = tr("{n}× back", n=-clock.speed) if clock.speed < 0 else f"{clock.speed}×"
    if clock.dropped_count:
        text += tr(" · {n} dropped", n=clock.dropped_count)
    return text
