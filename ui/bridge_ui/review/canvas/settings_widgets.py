"""Widgets for the canvas's settings: gain or opacity, exposure and gamma, zoom; the menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QMenu, QSlider, QWidget, QWidgetAction

from bridge_ui.core.translate import tr
from bridge_ui.review.canvas.canvas_widget import ViewerCanvas
from bridge_ui.review.compare.viewer_settings import (
    EXPOSURE_RANGE,
    GAMMA_RANGE,
    CompareMode,
    exposure_text,
    gain_step,
)
from bridge_ui.review.report.report_data import ReportScope
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import ToolButton, add_action, button, hbox, label, open_menu_on_click


class CompareSlider(QWidget):
    """Gain of a difference or opacity of an overlay; hidden in other modes."""

    def __init__(self, canvas: ViewerCanvas) -> None:
        super().__init__()
        self._canvas = canvas
        self._label = label("", "dim")
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setMinimumWidth(70)
        self._slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setLayout(hbox(self._label, self._slider, grows=1))
        self._slider.valueChanged.connect(self._apply_value)
        canvas.settings_changed.connect(self.show_settings)
        self.show_settings()

    def show_settings(self) -> None:
        settings = self._canvas.settings
        with QSignalBlocker(self._slider):
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
        self.setVisible(settings.compare in (CompareMode.DIFFERENCE, CompareMode.OVERLAY))

    def _apply_value(self, value: int) -> None:
        if self._canvas.settings.compare is CompareMode.DIFFERENCE:
            self._canvas.update_settings(gain=2 ** (value / 4))
        else:
            self._canvas.update_settings(opacity=value / 100)


class ExposureButton(ToolButton):
    """Shows exposure and gamma, and opens sliders for both."""

    def __init__(self, canvas: ViewerCanvas, colours: ThemeColours) -> None:
        super().__init__("sun", tr("Exposure and gamma of the display ([ ] { })"), colours.text)
        self._canvas = canvas
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setObjectName("exposure")
        menu = QMenu(self)
        body = QWidget()
        grid = QGridLayout(body)
        self._exposure = self._add_slider(grid, 0, tr("Exposure"), EXPOSURE_RANGE, 4)
        self._gamma = self._add_slider(grid, 1, tr("Gamma"), GAMMA_RANGE, 20)
        reset = button(tr("Reset"))
        reset.clicked.connect(lambda: canvas.update_settings(exposure=0.0, gamma=1.0))
        grid.addWidget(reset, 2, 1, Qt.AlignmentFlag.AlignRight)
        action = QWidgetAction(menu)
        action.setDefaultWidget(body)
        menu.addAction(action)
        open_menu_on_click(self, menu)
        self._exposure.valueChanged.connect(lambda n: canvas.update_settings(exposure=n / 4))
        self._gamma.valueChanged.connect(lambda n: canvas.update_settings(gamma=n / 20))
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
            with QSignalBlocker(slider):
                slider.setValue(value)

    def _add_slider(
        self, grid: QGridLayout, row: int, name: str, limits: tuple[float, float], steps: int
    ) -> QSlider:
        name_label = QLabel(name)
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setMinimumWidth(160)
        slider.setRange(round(limits[0] * steps), round(limits[1] * steps))
        slider.setAccessibleName(name)
        name_label.setBuddy(slider)
        grid.addWidget(name_label, row, 0)
        grid.addWidget(slider, row, 1)
        return slider


class ZoomButton(ToolButton):
    """Shows the zoom, and fits the picture when pressed."""

    def __init__(self, canvas: ViewerCanvas) -> None:
        super().__init__("", tr("Zoom: press to fit (F), 0 for 100 %"))
        self._canvas = canvas
        self._is_empty = True
        self.clicked.connect(canvas.fit)
        canvas.zoom_changed.connect(self._show_zoom)
        self._show_zoom()

    def set_empty(self, is_empty: bool) -> None:
        """Whether there is no picture."""
        self._is_empty = is_empty
        self._show_zoom()

    def _show_zoom(self) -> None:
        if self._is_empty:
            self.setText(tr("Fit"))
            self.setAccessibleName(tr("Fit"))
            return
        percent = round(self._canvas.zoom * 100)
        fitted = self._canvas.transform.is_fitted
        self.setText(tr("Fit {n} %", n=percent) if fitted else f"{percent} %")
        self.setAccessibleName(tr("Zoom {n} %", n=percent))


class ViewerMenuButton(ToolButton):
    """Opens the viewer's menu: review reports and the size of the picture. ``report_options``
    returns the reports that can be written, with names."""

    report_requested = Signal(object)
    """A :class:`ReportScope`."""

    def __init__(self, canvas: ViewerCanvas, colours: ThemeColours) -> None:
        super().__init__("ellipsis", tr("Review report, size of the picture"), colours.text)
        self.report_options: Callable[[], Sequence[tuple[ReportScope, str]]] = tuple
        self.setObjectName("viewer-menu")
        self._canvas = canvas
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self.rebuild_menu)
        open_menu_on_click(self, self._menu)

    def rebuild_menu(self) -> QMenu:
        """The menu with the current options."""
        self._menu.clear()
        for scope, text in self.report_options():
            report = partial(self.report_requested.emit, scope)
            add_action(self._menu, tr("Review report of {what} …", what=text), report)
        if self._menu.actions():
            self._menu.addSeparator()
        add_action(self._menu, tr("Fit the picture (F)"), self._canvas.fit)
        add_action(self._menu, tr("100 % (0)"), self._canvas.actual_size)
        return self._menu
