"""Choosers for A and B, compare modes, gain or opacity, exposure and gamma."""

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

from bridge_ui.core.translate import tr
from bridge_ui.icons import icon
from bridge_ui.review.canvas.canvas_widget import ViewerCanvas
from bridge_ui.review.compare.viewer_settings import (
    EXPOSURE_RANGE,
    GAMMA_RANGE,
    CompareMode,
    ViewerSettings,
)
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import label, open_menu_on_click
from bridge_ui.widgets.inputs import ComboBox


class SideChooser(QWidget):
    """A or B, and the list of what it can show."""

    chosen = Signal(str)
    """The id of a choice."""

    def __init__(self, side: str, colours: ThemeColours) -> None:
        super().__init__()
        self._combo_box = ComboBox(colours)
        self._combo_box.setAccessibleName(tr("What {side} shows", side=side))
        self._combo_box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._combo_box.setMinimumContentsLength(6)
        self._choices: list[tuple[str, str]] = []
        letter = label(side, "dim")
        letter.setBuddy(self._combo_box)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(letter)
        layout.addWidget(self._combo_box, 1)
        self._combo_box.activated.connect(lambda at: self.chosen.emit(self._combo_box.itemData(at)))

    @property
    def combo_box(self) -> QComboBox:
        return self._combo_box

    def set_choices(self, choices: Sequence[tuple[str, str]], chosen: str) -> None:
        """Set ids and labels; an unknown ``chosen`` id selects nothing."""
        if list(choices) != self._choices:
            self._choices = list(choices)
            self._combo_box.clear()
            for key, text in choices:
                self._combo_box.addItem(text, key)
        self._combo_box.setCurrentIndex(self._combo_box.findData(chosen) if chosen else -1)


class CompareModeButtons(QWidget):
    """One button for each compare mode."""

    chosen = Signal(object)
    """A :class:`CompareMode`."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        self._buttons: dict[CompareMode, QPushButton] = {}
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        for number, mode in enumerate(CompareMode, 1):
            button = QPushButton()
            button.setCheckable(True)
            button.setAutoDefault(False)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(_mode_name(mode))
            button.setToolTip(f"{_mode_name(mode)} ({number})")
            button.clicked.connect(lambda _on=False, mode=mode: self.chosen.emit(mode))
            self._group.addButton(button)
            self._buttons[mode] = button
            self._layout.addWidget(button)
        self.setStyleSheet(_segment_style(colours))
        self.set_compact(False, stretched=False)

    def set_compact(self, compact: bool, *, stretched: bool) -> None:
        """Use short labels; ``stretched`` buttons share the whole width."""
        for mode, button in self._buttons.items():
            button.setText(_short_mode_name(mode) if compact else _mode_name(mode))
            policy = QSizePolicy.Policy.Expanding if stretched else QSizePolicy.Policy.Preferred
            button.setSizePolicy(policy, QSizePolicy.Policy.Fixed)
            button.setMinimumWidth(20 if stretched else button.sizeHint().width())

    def show_mode(self, mode: CompareMode) -> None:
        self._buttons[mode].setChecked(True)


def _segment_style(t: ThemeColours) -> str:
    """Adjacent buttons; the checked one is underlined as well as tinted."""
    chosen = t.mix("accent", "raised", 0.28)
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


class CompareSlider(QWidget):
    """Gain of a difference or opacity of an overlay; hidden in other modes."""

    def __init__(self, canvas: ViewerCanvas) -> None:
        super().__init__()
        self._canvas = canvas
        self._label = label("", "dim")
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._slider.setMinimumWidth(70)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._label)
        layout.addWidget(self._slider, 1)
        self._slider.valueChanged.connect(self._apply_value)
        canvas.settings_changed.connect(self.show_settings)
        self.show_settings()

    def show_settings(self) -> None:
        settings = self._canvas.settings
        self._slider.blockSignals(True)
        if settings.compare is CompareMode.DIFFERENCE:
            self._slider.setRange(0, 24)  # quarter stops, 1x to 64x
            self._slider.setValue(gain_step(settings.gain))
            self._label.setText(tr("Gain {n}×", n=f"{settings.gain:.3g}"))
            self._slider.setAccessibleName(tr("Gain of the difference"))
        elif settings.compare is CompareMode.OVERLAY:
            self._slider.setRange(0, 100)
            self._slider.setValue(round(settings.opacity * 100))
            self._label.setText(tr("B {n} %", n=round(settings.opacity * 100)))
            self._slider.setAccessibleName(tr("Opacity of B"))
        self._slider.blockSignals(False)
        self.setVisible(settings.compare in (CompareMode.DIFFERENCE, CompareMode.OVERLAY))

    def _apply_value(self, value: int) -> None:
        if self._canvas.settings.compare is CompareMode.DIFFERENCE:
            self._canvas.update_settings(gain=2 ** (value / 4))
        else:
            self._canvas.update_settings(opacity=value / 100)


def gain_step(gain: float) -> int:
    """Quarter stops of a gain."""
    step = 0
    while step < 24 and 2 ** ((step + 0.5) / 4) < gain:
        step += 1
    return step


def exposure_text(settings: ViewerSettings) -> str:
    """``EV +1.5  γ 1.00``"""
    stops = f"{settings.exposure:+.2f}".rstrip("0").rstrip(".") if settings.exposure else "0"
    return f"EV {stops}  γ {settings.gamma:.2f}"


class ExposureButton(QToolButton):
    """Shows exposure and gamma, and opens sliders for both."""

    def __init__(self, canvas: ViewerCanvas, colours: ThemeColours) -> None:
        super().__init__()
        self._canvas = canvas
        self.setIcon(icon("sun", colours.text))
        self.setIconSize(QSize(16, 16))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setObjectName("exposure")
        set_style_class(self, "quiet")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(tr("Exposure and gamma of the display ([ ] { })"))
        menu = QMenu(self)
        body = QWidget()
        grid = QGridLayout(body)
        self._exposure = self._add_slider(grid, 0, tr("Exposure"), EXPOSURE_RANGE, 4)
        self._gamma = self._add_slider(grid, 1, tr("Gamma"), GAMMA_RANGE, 20)
        reset = QPushButton(tr("Reset"))
        reset.setAutoDefault(False)
        reset.clicked.connect(lambda: self._canvas.update_settings(exposure=0.0, gamma=1.0))
        grid.addWidget(reset, 2, 1, Qt.AlignmentFlag.AlignRight)
        action = QWidgetAction(menu)
        action.setDefaultWidget(body)
        menu.addAction(action)
        open_menu_on_click(self, menu)
        self._exposure.valueChanged.connect(lambda n: self._canvas.update_settings(exposure=n / 4))
        self._gamma.valueChanged.connect(lambda n: self._canvas.update_settings(gamma=n / 20))
        canvas.settings_changed.connect(self.show_settings)
        self.show_settings()

    def set_compact(self, compact: bool) -> None:
        """Show only the icon; the picture's caption has the values."""
        style = Qt.ToolButtonStyle
        self.setToolButtonStyle(style.ToolButtonIconOnly if compact else style.ToolButtonTextOnly)

    def show_settings(self) -> None:
        settings = self._canvas.settings
        self.setText(exposure_text(settings))
        self.setAccessibleName(
            tr("Exposure {ev} stops, gamma {gamma}", ev=settings.exposure, gamma=settings.gamma)
        )
        for slider, value in (
            (self._exposure, round(settings.exposure * 4)),
            (self._gamma, round(settings.gamma * 20)),
        ):
            slider.blockSignals(True)
            slider.setValue(value)
            slider.blockSignals(False)

    def _add_slider(
        self, grid: QGridLayout, row: int, name: str, limits: tuple[float, float], steps: int
    ) -> QSlider:
        name_label = QLabel(name)
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(round(limits[0] * steps), round(limits[1] * steps))
        slider.setMinimumWidth(160)
        slider.setAccessibleName(name)
        name_label.setBuddy(slider)
        grid.addWidget(name_label, row, 0)
        grid.addWidget(slider, row, 1)
        return slider


def _mode_name(mode: CompareMode) -> str:
    return {
        CompareMode.A: tr("A"),
        CompareMode.B: tr("B"),
        CompareMode.WIPE: tr("Wipe"),
        CompareMode.DIFFERENCE: tr("Difference"),
        CompareMode.OVERLAY: tr("Overlay"),
        CompareMode.SIDE_BY_SIDE: tr("Side by side"),
    }[mode]


def _short_mode_name(mode: CompareMode) -> str:
    short = {
        CompareMode.DIFFERENCE: tr("Diff"),
        CompareMode.OVERLAY: tr("Over"),
        CompareMode.SIDE_BY_SIDE: tr("Side"),
    }
    return short.get(mode) or _mode_name(mode)
