"""The transport bar: playback buttons, frame and timecode, playback speed."""

from __future__ import annotations

from fractions import Fraction

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontDatabase, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from bridge_ui.core.translate import tr
from bridge_ui.icons import icon
from bridge_ui.review.player.plate_timecode import PlateTimecode
from bridge_ui.review.player.playback_clock import PlaybackClock
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class


def icon_button(icon_name: str, tip: str, colours: ThemeColours) -> QToolButton:
    """A button with an icon only. A click does not take the focus, so that Space still plays; Tab
    reaches it."""
    button = QToolButton()
    button.setIcon(icon(icon_name, colours.text))
    button.setIconSize(QSize(16, 16))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    set_style_class(button, "quiet")
    return button


class FrameField(QLineEdit):
    """Shows the frame on the screen, and takes a frame number or timecode to go to."""

    frame_entered = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.counting = PlateTimecode(Fraction(24))
        self.clock: PlaybackClock | None = None
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

    def show_frame(self, clock: PlaybackClock, text: str) -> None:
        self.clock, self._text = clock, text
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
    """Emits what the user requests; the viewer does it."""

    first_frame_requested = Signal()
    step_back_requested = Signal()
    play_toggled = Signal()
    step_forward_requested = Signal()
    last_frame_requested = Signal()
    loop_toggled = Signal(bool)

    def __init__(self, colours: ThemeColours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = colours
        self._playing = False
        self._play_button = icon_button("play", tr("Play (Space)"), colours)
        self._loop_button = icon_button("repeat", tr("Loop (Ctrl+L)"), colours)
        self._loop_button.setCheckable(True)
        self._loop_button.setChecked(True)
        self.frame_field = FrameField()
        self._shows_timecode = False
        self._counting_button = QToolButton()
        self._counting_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_style_class(self._counting_button, "quiet")
        self._counting_button.clicked.connect(self._toggle_counting)
        self._speed_label = _SpeedLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._end_buttons: list[QToolButton] = []
        """First and last frame; hidden in a narrow viewer."""
        for icon_name, tip, signal in (
            ("skip-back", tr("First frame (Home)"), self.first_frame_requested),
            ("step-back", tr("One frame back (←)"), self.step_back_requested),
            ("", "", self.play_toggled),
            ("step-forward", tr("One frame forward (→)"), self.step_forward_requested),
            ("skip-forward", tr("Last frame (End)"), self.last_frame_requested),
        ):
            button = icon_button(icon_name, tip, colours) if icon_name else self._play_button
            button.clicked.connect(signal)
            if icon_name.startswith("skip"):
                self._end_buttons.append(button)
            layout.addWidget(button)
        layout.addWidget(self._loop_button)
        layout.addSpacing(6)
        layout.addWidget(self.frame_field)
        layout.addWidget(self._counting_button)
        layout.addWidget(self._speed_label, 1)
        self._loop_button.toggled.connect(self.loop_toggled)
        self._show_counting()

    def set_compact(self, compact: bool) -> None:
        """Show only the essential controls; the picture's caption has the timecode."""
        for one in (*self._end_buttons, self._counting_button):
            one.setVisible(not compact)
        self._speed_label.setVisible(not compact)
        self.frame_field.set_digits(6 if compact else 11)
        if compact and self._shows_timecode:
            self._toggle_counting()

    def show_clock(self, clock: PlaybackClock) -> None:
        if clock.is_playing != self._playing:
            self._playing = clock.is_playing
            self._play_button.setIcon(
                icon("pause" if self._playing else "play", self._colours.text)
            )
            text = tr("Stop (Space)") if self._playing else tr("Play (Space)")
            self._play_button.setToolTip(text)
            self._play_button.setAccessibleName(text)
        if self._loop_button.isChecked() != clock.loop:
            self._loop_button.setChecked(clock.loop)
        self.frame_field.show_frame(clock, self._field_text(clock))
        self._speed_label.show_text(speed_text(clock))

    def position_text(self, clock: PlaybackClock) -> str:
        """Timecode and frame: ``01:00:00:16  1009``"""
        return f"{self.frame_field.counting.timecode(clock.frame)}  {clock.frame}"

    def _field_text(self, clock: PlaybackClock) -> str:
        if self._shows_timecode:
            return self.frame_field.counting.timecode(clock.frame)
        return str(clock.frame)

    def _toggle_counting(self) -> None:
        self._shows_timecode = not self._shows_timecode
        self._show_counting()
        if self.frame_field.clock is not None:
            self.show_clock(self.frame_field.clock)

    def _show_counting(self) -> None:
        self._counting_button.setText(tr("TC") if self._shows_timecode else tr("F"))
        self._counting_button.setToolTip(tr("Show frames or timecode"))
        self._counting_button.setAccessibleName(
            tr("Shows timecode") if self._shows_timecode else tr("Shows frames")
        )


class _SpeedLabel(QLabel):
    """Takes the remaining width and elides its text, so that it never moves other widgets."""

    def __init__(self) -> None:
        super().__init__()
        self._full_text = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        set_style_class(self, "dim")

    def show_text(self, text: str) -> None:
        self._full_text = text
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        elide = Qt.TextElideMode.ElideRight
        self.setText(self.fontMetrics().elidedText(self._full_text, elide, self.width()))
        self.setToolTip(self._full_text)


def speed_text(clock: PlaybackClock) -> str:
    """``24 fps`` or ``2× back``, and the number of frames dropped since playback began."""
    rate = float(clock.range.rate)
    text = tr("{rate} fps", rate=f"{rate:.3f}".rstrip("0").rstrip("."))
    if clock.is_playing and clock.speed != 1:
        text = tr("{n}× back", n=-clock.speed) if clock.speed < 0 else f"{clock.speed}×"
    if clock.dropped_count:
        text += tr(" · {n} dropped", n=clock.dropped_count)
    return text
