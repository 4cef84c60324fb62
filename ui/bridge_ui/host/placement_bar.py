"""The bar below the review that places the version in the host."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QWidget

from bridge_ui.core.observable import unwatch_all
from bridge_ui.core.translate import tr
from bridge_ui.host.placement_controller import (
    PlacementController,
    PlacementOption,
    host_status_text,
)
from bridge_ui.review.controller import ReviewController
from bridge_ui.shots.shot_row import ShotRow
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import add_action, button, fill_background, hbox, label


class PlacementBar(QWidget):
    """``reviewed_row`` returns the row of the shot under review; None if it is not in the host."""

    def __init__(
        self,
        placement: PlacementController,
        review: ReviewController,
        reviewed_row: Callable[[], ShotRow | None],
        colours: ThemeColours,
    ) -> None:
        super().__init__()
        fill_background(self, "status")
        self._placement = placement
        self._review = review
        self._reviewed_row = reviewed_row
        self._text = label("", "dim", wrap=True)
        self._menu = QMenu(self)
        self.button = button(
            tr("Place"),
            icon_name="arrow-down-to-line",
            colour=colours.text,
            on_click=self._place,
            name="place",
            takes_focus=False,
        )
        self.setLayout(hbox(self._text, self.button, margin=(10, 5, 10, 5), gap=10, grows=0))
        self.stop = unwatch_all(
            review.state.watch(lambda _state: self.refresh()),
            placement.state.watch(lambda _state: self.refresh()),
        )

    def refresh(self) -> None:
        """Update after the scene or the shot under review changed."""
        state = self._placement.state.value
        version, row = self._review.state.value.version, self._row()
        # Also while only the plate is shown, so that the viewer does not change its size.
        self.setVisible(
            self._placement.is_supported and bool(self._review.state.value.compared_versions)
        )
        if version is None:
            self._text.setText(tr("No version on screen"))
            set_style_class(self._text, "dim")
            self.button.setEnabled(False)
            return
        label = self._review.state.value.version_label
        options = self._placement.options(version)
        host_status = host_status_text(row, version) if row is not None else ""
        if state.problem:
            text, style = state.problem_text, "bad"
        elif state.busy:
            text, style = tr("Placing {version} …", version=label), "dim"
        elif row is None:
            text, style = tr("The shot of {version} is not open", version=label), "dim"
        else:
            text, style = f"{label} · {host_status or tr('not placed yet')}", "dim"
            if host_status and state.message:
                text += f" · {state.message}"
        self._text.setText(text)
        set_style_class(self._text, style)
        self.button.setEnabled(row is not None and not state.busy)
        name = tr("Place {version}", version=label)
        self.button.setText(f"{name} ▾" if len(options) > 1 else name)
        self.button.setToolTip(options[0].title if len(options) == 1 else "")

    def _row(self) -> ShotRow | None:
        """The row whose shot the version under review belongs to."""
        version, row = self._review.state.value.version, self._reviewed_row()
        if version is None or row is None or row.shot is None or row.shot.id != version.shot:
            return None
        return row

    def _place(self) -> None:
        version = self._review.state.value.version
        options = self._placement.options(version) if version is not None else ()
        if len(options) == 1:
            self._place_with(options[0])
            return
        self._menu.clear()
        for option in options:
            add_action(self._menu, option.title, partial(self._place_with, option))
        self._menu.popup(self.button.mapToGlobal(QPoint(0, self.button.height())))

    def _place_with(self, option: PlacementOption) -> None:
        version, row = self._review.state.value.version, self._row()
        if version is not None and row is not None:
            self._placement.place(row, version, option)
