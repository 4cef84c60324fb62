"""Buttons to play with, and the frame and timecode that are on the screen."""

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

from bridge_ui.controllers.counting import Counting
from bridge_ui.icons import icon
from bridge_ui.review.clock import PlaybackClock
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr


def sign_button(sign: str, tip: str, tones: Tones) -> QToolButton:
    """A quiet button with an icon. A click leaves the focus where it was, so that Space goes on
    playing; Tab reaches it all the same."""
    made = QToolButton()
    made.setIcon(icon(sign, tones.text))
    made.setIconSize(QSize(16, 16))
    made.setToolTip(tip)
    made.setAccessibleName(tip)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    look(made, "quiet")
    return made


class FrameField(QLineEdit):
    """The frame on the screen; a number or a timecode written here goes there."""

    wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.counting = Counting(Fraction(24))
        """Of the frames that the clock shows."""
        self.clock: PlaybackClock | None = None
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(tr("Frame"))
        self.setToolTip(tr("Frame on the screen. Write a number or a timecode to go there (G)"))
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.set_letters(11)
        self.returnPressed.connect(self._go)

    def set_letters(self, letters: int) -> None:
        """Room for so many."""
        self.setFixedWidth(self.fontMetrics().horizontalAdvance("0") * (letters + 1) + 16)

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

    def _go(self) -> None:
        text = self.text().strip()
        try:
            frame = self.counting.frame(text) if ":" in text else int(text)
        except ValueError:
            self.selectAll()  # not a frame: the words stay to be corrected
            return
        self.clearFocus()
        self.wanted.emit(frame)


class Transport(QWidget):
    """Says what somebody wants; the room does it."""

    first = Signal()
    back = Signal()
    toggled = Signal()
    forward = Signal()
    last = Signal()
    loop = Signal(bool)

    def __init__(self, tones: Tones, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tones = tones
        self._playing = False
        self._play = sign_button("play", tr("Play (Space)"), tones)
        self._loop = sign_button("repeat", tr("Loop (Ctrl+L)"), tones)
        self._loop.setCheckable(True)
        self._loop.setChecked(True)
        self.field = FrameField()
        self._counts_time = False
        self._kind = QToolButton()
        self._kind.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        look(self._kind, "quiet")
        self._kind.clicked.connect(self._swap_counting)
        self._speed = _Speed()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._ends: list[QToolButton] = []
        """To the first and the last frame; where there is no room, keys and timeline do."""
        for sign, tip, signal in (
            ("skip-back", tr("First frame (Home)"), self.first),
            ("step-back", tr("One frame back (←)"), self.back),
            ("", "", self.toggled),
            ("step-forward", tr("One frame forward (→)"), self.forward),
            ("skip-forward", tr("Last frame (End)"), self.last),
        ):
            button = sign_button(sign, tip, tones) if sign else self._play
            button.clicked.connect(signal)
            if sign.startswith("skip"):
                self._ends.append(button)
            layout.addWidget(button)
        layout.addWidget(self._loop)
        layout.addSpacing(6)
        layout.addWidget(self.field)
        layout.addWidget(self._kind)
        layout.addWidget(self._speed, 1)
        self._loop.toggled.connect(self.loop)
        self._show_kind()

    def set_short(self, short: bool) -> None:
        """Only what has to be there; the picture says the timecode."""
        for one in (*self._ends, self._kind):
            one.setVisible(not short)
        self._speed.setVisible(not short)
        self.field.set_letters(6 if short else 11)
        if short and self._counts_time:
            self._swap_counting()

    def show_clock(self, clock: PlaybackClock) -> None:
        if clock.playing != self._playing:
            self._playing = clock.playing
            self._play.setIcon(icon("pause" if self._playing else "play", self._tones.text))
            words = tr("Stop (Space)") if self._playing else tr("Play (Space)")
            self._play.setToolTip(words)
            self._play.setAccessibleName(words)
        if self._loop.isChecked() != clock.loop:
            self._loop.setChecked(clock.loop)
        self.field.show_frame(clock, self._text(clock))
        self._speed.tell(speed_words(clock))

    def words(self, clock: PlaybackClock) -> str:
        """Timecode and frame."""
        return f"{self.field.counting.timecode(clock.frame)}  {clock.frame}"

    def _text(self, clock: PlaybackClock) -> str:
        if self._counts_time:
            return self.field.counting.timecode(clock.frame)
        return str(clock.frame)

    def _swap_counting(self) -> None:
        self._counts_time = not self._counts_time
        self._show_kind()
        if self.field.clock is not None:
            self.show_clock(self.field.clock)

    def _show_kind(self) -> None:
        self._kind.setText(tr("TC") if self._counts_time else tr("F"))
        self._kind.setToolTip(tr("Count in frames or in timecode"))
        self._kind.setAccessibleName(
            tr("Counted in timecode") if self._counts_time else tr("Counted in frames")
        )


class _Speed(QLabel):
    """In the room that is left: no word about dropped pictures moves anything."""

    def __init__(self) -> None:
        super().__init__()
        self._words = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        look(self, "dim")

    def tell(self, words: str) -> None:
        self._words = words
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        whole, metrics = self._words, self.fontMetrics()
        self.setText(metrics.elidedText(whole, Qt.TextElideMode.ElideRight, self.width()))
        self.setToolTip(whole)


def speed_words(clock: PlaybackClock) -> str:
    """``24 fps``, ``2x back``, and how many pictures were dropped since playback began."""
    rate = float(clock.range.rate)
    words = tr("{rate} fps", rate=f"{rate:.3f}".rstrip("0").rstrip("."))
    if clock.playing and clock.speed != 1:
        words = tr("{n}× back", n=-clock.speed) if clock.speed < 0 else f"{clock.speed}×"
    if clock.dropped:
        words += tr(" · {n} dropped", n=clock.dropped)
    return words
