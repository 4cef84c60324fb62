"""The line below the review room that puts the version under review into the host."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from bridge_ui.controllers.placing import PlacingController, PlacingState, Way, standing_in_host
from bridge_ui.controllers.review import ReviewController, ReviewState
from bridge_ui.controllers.shot_rows import ShotRow
from bridge_ui.panel.pieces import button, label, row
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr


class PlaceBar(QWidget):
    """``shown`` gives the host's shot that is under review; None: none of its shots is."""

    def __init__(
        self,
        placing: PlacingController,
        review: ReviewController,
        shown: Callable[[], ShotRow | None],
        tones: Tones,
    ) -> None:
        super().__init__()
        look(self, "status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._placing = placing
        self._review = review
        self._shown = shown
        self._words = label("", "dim", wrap=True)
        self._menu = QMenu(self)
        self.button = button(tr("Place"), sign="arrow-down-to-line", colour=tones.text)
        self.button.setObjectName("place")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(self._place)
        inner = row(self._words, self.button, gap=10, grows=0)
        inner.setContentsMargins(10, 5, 10, 5)
        self.setLayout(inner)
        self._unwatch = [
            review.state.watch(self._review_changed),
            placing.state.watch(self._show_state),
        ]

    def close_watches(self) -> None:
        for unwatch in self._unwatch:
            unwatch()

    def look_again(self) -> None:
        """The scene is another one, or another of its shots is under review."""
        self._show_state(self._placing.state.value)

    def _review_changed(self, _state: ReviewState) -> None:
        self.look_again()

    def _show_state(self, state: PlacingState) -> None:
        version, here = self._review.state.value.version, self._row()
        # Also while the plate alone is on the screen, or the picture would jump from A to B.
        self.setVisible(self._placing.can and bool(self._review.state.value.compared))
        if version is None:
            self._words.setText(tr("No version is on the screen"))
            look(self._words, "dim")
            self.button.setEnabled(False)
            return
        targets = self._review.state.value.targets
        called = next((one.label for one in targets if one.id == version.id), version.label)
        ways = self._placing.ways(version)
        stands = standing_in_host(here, version) if here is not None else ""
        if state.problem:
            words, style = f"{state.problem}. {state.next_step}", "bad"
        elif state.busy:
            words, style = tr("Placing {version} …", version=called), "dim"
        elif here is None:
            words, style = tr("The shot of {version} is not open", version=called), "dim"
        else:
            standing = f"{called} · {stands or tr('not placed yet')}"
            words, style = " · ".join(filter(None, [standing, state.told if stands else ""])), "dim"
        self._words.setText(words)
        look(self._words, style)
        self.button.setEnabled(here is not None and not state.busy)
        name = tr("Place {version}", version=called)
        self.button.setText(f"{name} ▾" if len(ways) > 1 else name)
        self.button.setToolTip(ways[0].title if len(ways) == 1 else "")

    def _row(self) -> ShotRow | None:
        """The host's shot that the version under review is of."""
        version, here = self._review.state.value.version, self._shown()
        if version is None or here is None or here.shot is None or here.shot.id != version.shot:
            return None
        return here

    def _place(self) -> None:
        version = self._review.state.value.version
        ways = self._placing.ways(version) if version is not None else ()
        if len(ways) == 1:
            self._place_as(ways[0])
            return
        self._menu.clear()
        for way in ways:
            self._menu.addAction(way.title).triggered.connect(partial(self._place_as, way))
        self._menu.popup(self.button.mapToGlobal(QPoint(0, self.button.height())))

    def _place_as(self, way: Way, _checked: bool = False) -> None:
        version, here = self._review.state.value.version, self._row()
        if version is not None and here is not None:
            self._placing.place(here, version, way)
