"""What A and B are, and how they are compared: choosers, modes, gain or opacity, exposure."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
    QWidgetAction,
)

from bridge_ui.icons import icon
from bridge_ui.panel.inputs import Choose
from bridge_ui.panel.pieces import label, pops_up
from bridge_ui.review.canvas import Canvas
from bridge_ui.review.look import EXPOSURES, GAMMAS, Compare, Look
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr


class SideChooser(QWidget):
    """A letter and the list of what may stand there."""

    chosen = Signal(str)
    """The id of a choice."""

    def __init__(self, side: str, tones: Tones) -> None:
        super().__init__()
        self._list = Choose(tones)
        self._list.setAccessibleName(tr("What {side} shows", side=side))
        self._list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._list.setMinimumContentsLength(6)
        self._choices: list[tuple[str, str]] = []
        letter = label(side, "dim")
        letter.setBuddy(self._list)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(letter)
        layout.addWidget(self._list, 1)
        self._list.activated.connect(lambda at: self.chosen.emit(self._list.itemData(at)))

    @property
    def list(self) -> QComboBox:
        return self._list

    def set_choices(self, choices: Sequence[tuple[str, str]], chosen: str) -> None:
        """Ids and labels; an id that is not among them shows nothing."""
        if list(choices) != self._choices:
            self._choices = list(choices)
            self._list.clear()
            for key, text in choices:
                self._list.addItem(text, key)
        self._list.setCurrentIndex(self._list.findData(chosen) if chosen else -1)


class Modes(QWidget):
    """One of the compare modes."""

    chosen = Signal(object)

    def __init__(self, tones: Tones) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        self._buttons: dict[Compare, QPushButton] = {}
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        for number, mode in enumerate(Compare, 1):
            button = QPushButton()
            button.setCheckable(True)
            button.setAutoDefault(False)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(_long(mode))
            button.setToolTip(f"{_long(mode)} ({number})")
            button.clicked.connect(lambda _on=False, mode=mode: self.chosen.emit(mode))
            self._group.addButton(button)
            self._buttons[mode] = button
            self._layout.addWidget(button)
        self.setStyleSheet(_segments(tones))
        self.set_short(False, stretched=False)

    def set_short(self, short: bool, *, stretched: bool) -> None:
        """Short words; stretched, they are all as wide as there is room."""
        for mode, button in self._buttons.items():
            button.setText(_short(mode) if short else _long(mode))
            across = QSizePolicy.Policy.Expanding if stretched else QSizePolicy.Policy.Preferred
            button.setSizePolicy(across, QSizePolicy.Policy.Fixed)
            button.setMinimumWidth(20 if stretched else button.sizeHint().width())

    def show_mode(self, mode: Compare) -> None:
        self._buttons[mode].setChecked(True)


def _segments(t: Tones) -> str:
    """Buttons that touch, the chosen one underlined as well as tinted."""
    chosen = t.mixed("accent", "raised", 0.28)
    return f"""
QPushButton {{
    background: {t.panel}; border: 1px solid {t.line}; border-left-width: 0; border-radius: 0;
    border-bottom-width: 2px; padding: 4px 9px; color: {t.dim};
}}
QPushButton:first-child {{ border-left-width: 1px; }}
QPushButton:hover {{ background: {t.raised}; color: {t.text}; }}
QPushButton:checked {{
    background: {chosen}; color: {t.text}; border-bottom-color: {t.accent};
}}
QPushButton:focus {{ color: white; border-color: {t.accent}; border-left-width: 1px; }}
"""


class Adjuster(QWidget):
    """Gain of a difference or opacity of an overlay; elsewhere it is not there."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas
        self._words = label("", "dim")
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._slider.setMinimumWidth(70)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._words)
        layout.addWidget(self._slider, 1)
        self._slider.valueChanged.connect(self._moved)
        canvas.look_changed.connect(self.show_look)
        self.show_look()

    def show_look(self) -> None:
        now = self._canvas.look
        self._slider.blockSignals(True)
        if now.compare is Compare.DIFFERENCE:
            self._slider.setRange(0, 24)  # quarter stops, 1x to 64x
            self._slider.setValue(gain_step(now.gain))
            self._words.setText(tr("Gain {n}×", n=f"{now.gain:.3g}"))
            self._slider.setAccessibleName(tr("Gain of the difference"))
        elif now.compare is Compare.OVERLAY:
            self._slider.setRange(0, 100)
            self._slider.setValue(round(now.opacity * 100))
            self._words.setText(tr("B {n} %", n=round(now.opacity * 100)))
            self._slider.setAccessibleName(tr("Opacity of B"))
        self._slider.blockSignals(False)
        self.setVisible(now.compare in (Compare.DIFFERENCE, Compare.OVERLAY))

    def _moved(self, value: int) -> None:
        if self._canvas.look.compare is Compare.DIFFERENCE:
            self._canvas.set_look(gain=2 ** (value / 4))
        else:
            self._canvas.set_look(opacity=value / 100)


def gain_step(gain: float) -> int:
    """Quarter stops of a gain."""
    step = 0
    while step < 24 and 2 ** ((step + 0.5) / 4) < gain:
        step += 1
    return step


def look_words(now: Look) -> str:
    """``EV +1.5  γ 1.00``"""
    stops = f"{now.exposure:+.2f}".rstrip("0").rstrip(".") if now.exposure else "0"
    return f"EV {stops}  γ {now.gamma:.2f}"


class LookButton(QToolButton):
    """Says exposure and gamma; pressed, sliders for both."""

    def __init__(self, canvas: Canvas, tones: Tones) -> None:
        super().__init__()
        self._canvas = canvas
        self.setIcon(icon("sun", tones.text))
        self.setIconSize(QSize(16, 16))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setObjectName("look")
        look(self, "quiet")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(tr("Exposure and gamma, for looking only ([ ] { })"))
        menu = QMenu(self)
        inside = QWidget()
        grid = QGridLayout(inside)
        self._exposure = self._slider(grid, 0, tr("Exposure"), EXPOSURES, 4)
        self._gamma = self._slider(grid, 1, tr("Gamma"), GAMMAS, 20)
        reset = QPushButton(tr("As they were"))
        reset.setAutoDefault(False)
        reset.clicked.connect(lambda: self._canvas.set_look(exposure=0.0, gamma=1.0))
        grid.addWidget(reset, 2, 1, Qt.AlignmentFlag.AlignRight)
        action = QWidgetAction(menu)
        action.setDefaultWidget(inside)
        menu.addAction(action)
        pops_up(self, menu)
        self._exposure.valueChanged.connect(lambda n: self._canvas.set_look(exposure=n / 4))
        self._gamma.valueChanged.connect(lambda n: self._canvas.set_look(gamma=n / 20))
        canvas.look_changed.connect(self.show_look)
        self.show_look()

    def set_short(self, short: bool) -> None:
        """A sign only; the picture says what differs."""
        style = Qt.ToolButtonStyle
        self.setToolButtonStyle(style.ToolButtonIconOnly if short else style.ToolButtonTextOnly)

    def show_look(self) -> None:
        now = self._canvas.look
        self.setText(look_words(now))
        self.setAccessibleName(
            tr("Exposure {ev} stops, gamma {gamma}", ev=now.exposure, gamma=now.gamma)
        )
        for slider, value in (
            (self._exposure, round(now.exposure * 4)),
            (self._gamma, round(now.gamma * 20)),
        ):
            slider.blockSignals(True)
            slider.setValue(value)
            slider.blockSignals(False)

    def _slider(
        self, grid: QGridLayout, row: int, name: str, limits: tuple[float, float], parts: int
    ) -> QSlider:
        words = QLabel(name)
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(round(limits[0] * parts), round(limits[1] * parts))
        slider.setMinimumWidth(160)
        slider.setAccessibleName(name)
        words.setBuddy(slider)
        grid.addWidget(words, row, 0)
        grid.addWidget(slider, row, 1)
        return slider


def _long(mode: Compare) -> str:
    return {
        Compare.A: tr("A"),
        Compare.B: tr("B"),
        Compare.WIPE: tr("Wipe"),
        Compare.DIFFERENCE: tr("Difference"),
        Compare.OVERLAY: tr("Overlay"),
        Compare.SIDE_BY_SIDE: tr("Side by side"),
    }[mode]


def _short(mode: Compare) -> str:
    short = {
        Compare.DIFFERENCE: tr("Diff"),
        Compare.OVERLAY: tr("Over"),
        Compare.SIDE_BY_SIDE: tr("Side"),
    }
    return short.get(mode) or _long(mode)
