"""The bar below the review that places the version in the host."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from bridge_ui.core.translate import tr
from bridge_ui.host.placement_controller import (
    PlacementController,
    PlacementOption,
    PlacementState,
    host_status_text,
)
from bridge_ui.review.controller import ReviewController, ReviewState
from bridge_ui.shots.shot_row import ShotRow
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import button, label, row


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
        set_style_class(self, "status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._placement = placement
        self._review = review
        self._reviewed_row = reviewed_row
        self._text = label("", "dim", wrap=True)
        self._menu = QMenu(self)
        self.button = button(tr("Place"), icon_name="arrow-down-to-line", colour=colours.text)
        self.button.setObjectName("place")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(self._place)
        inner = row(self._text, self.button, gap=10, grows=0)
        inner.setContentsMargins(10, 5, 10, 5)
        self.setLayout(inner)
        self._unwatch = [
            review.state.watch(self._review_changed),
            placement.state.watch(self._show_state),
        ]

    def stop_watching(self) -> None:
        for unwatch in self._unwatch:
            unwatch()

    def refresh(self) -> None:
        """Update after the scene or the shot under review changed."""
        self._show_state(self._placement.state.value)

    def _review_changed(self, _state: ReviewState) -> None:
        self.refresh()

    def _show_state(self, state: PlacementState) -> None:
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
        targets = self._review.state.value.targets
        label = next((one.label for one in targets if one.id == version.id), version.label)
        options = self._placement.options(version)
        host_status = host_status_text(row, version) if row is not None else ""
        if state.problem:
            text, style = f"{state.problem}. {state.next_step}", "bad"
        elif state.busy:
            text, style = tr("Placing {version} …", version=label), "dim"
        elif row is None:
            text, style = tr("The shot of {version} is not open", version=label), "dim"
        else:
            status = f"{label} · {host_status or tr('not placed yet')}"
            text, style = (
                " · ".join(filter(None, [status, state.message if host_status else ""])),
                "dim",
            )
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
            self._menu.addAction(option.title).triggered.connect(partial(self._place_with, option))
        self._menu.popup(self.button.mapToGlobal(QPoint(0, self.button.height())))

    def _place_with(self, option: PlacementOption, _checked: bool = False) -> None:
        version, row = self._review.state.value.version, self._row()
        if version is not None and row is not None:
            self._placement.place(row, version, option)
