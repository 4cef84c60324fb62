"""The bar at the top: the open cut, its changes, the Cut menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from bridge_core.hosts.base import Capability, PlacementMode
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.shots.controller import ShotsController, ShotsState
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import button, chip, label, row, title
from bridge_ui.widgets.file_dialogs import open_file_dialog, save_file_dialog

#: Timeline files; EDL, XML and AAF need the extra ``timelines``.
_CUT_PATTERNS = "*.otio *.otioz *.otiod *.edl *.xml *.fcpxml *.aaf"
_READERS = (("generic", "OTIO"), ("resolve", "Resolve"), ("nuke", "Nuke"), ("openrv", "OpenRV"))


class Toolbar(QWidget):
    """``placement_modes`` are the host's, the default first; ``connection_button`` is only shown in
    the narrow layout."""

    placement_requested = Signal(str)
    """Placement mode (id; empty: the default) for the approved versions of the selected shots."""

    def __init__(
        self,
        shots: ShotsController,
        capabilities: frozenset[Capability],
        placement_modes: Sequence[PlacementMode],
        colours: ThemeColours,
        show_shortcuts: Callable[[], object],
        connection_button: QWidget,
    ) -> None:
        super().__init__()
        set_style_class(self, "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._shots = shots
        self._capabilities = capabilities
        self._wide = True
        self._name = title("Shotbridge")
        self._show_name = label("", "dim")
        self._cut_name = label("")
        self._cut_name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._changed = chip("", checkable=False)
        self._changed.setToolTip(tr("Select what changed, to send it"))
        self._changed.clicked.connect(lambda: shots.select_changed())
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill_menu)
        self._placement_menu = QMenu(tr("Place with another mode"), self)
        for mode in placement_modes[1:]:
            self._add_action(
                mode.title, partial(self.placement_requested.emit, mode.id), self._placement_menu
            )
        self.menu_button = button(
            tr("Cut"),
            "quiet",
            icon_name="film",
            colour=colours.dim,
            tip=tr("Open, compare and export cuts"),
        )
        self.menu_button.setObjectName("cut-menu")
        self.menu_button.setMenu(self._menu)
        self._shortcuts_button = button(
            "",
            "quiet",
            icon_name="circle-question-mark",
            colour=colours.dim,
            tip=tr("All shortcuts (?)"),
            on_click=show_shortcuts,
        )
        self._connection_button = connection_button
        inner = row(
            self._name,
            self._show_name,
            self._cut_name,
            self._changed,
            connection_button,
            self.menu_button,
            self._shortcuts_button,
            gap=10,
        )
        inner.setContentsMargins(14, 5, 8, 5)
        inner.setStretch(2, 1)
        self.setLayout(inner)
        self._unwatch = shots.state.watch(self._show)

    def stop_watching(self) -> None:
        self._unwatch()

    def set_wide(self, wide: bool) -> None:
        self._wide = wide
        self._connection_button.setVisible(not wide)
        self.menu_button.setText(tr("Cut") if wide else "")
        self._show(self._shots.state.value)
        self._update_name_visibility()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._update_name_visibility()

    def _update_name_visibility(self) -> None:
        """Hide the title if there is not enough space."""
        others = (self._connection_button, self.menu_button, self._shortcuts_button)
        required = sum(one.sizeHint().width() + 10 for one in others if not one.isHidden())
        self._name.setVisible(
            self._wide or required + self._name.sizeHint().width() + 22 < self.width()
        )

    def open_cut(self) -> None:
        open_file_dialog(
            self,
            tr("Open a cut"),
            tr("Cuts") + f" ({_CUT_PATTERNS})",
            lambda path: self._shots.open(Path(path)),
        )

    def _show(self, state: ShotsState) -> None:
        self._show_name.setText(state.show)
        self._show_name.setVisible(self._wide and bool(state.show))
        self._cut_name.setText(state.title if self._wide else "")
        self._cut_name.setToolTip(state.title)
        count = tr_count(state.changed_count, "{n} shot", "{n} shots")
        text = tr("{shots} changed since {cut}", shots=count, cut=state.compared_cut)
        self._changed.setText(text)
        self._changed.setVisible(self._wide and bool(state.compared_cut))

    def _fill_menu(self) -> None:
        state = self._shots.state.value
        self._menu.clear()
        if Capability.OPEN in self._capabilities:
            self._add_action(tr("Open a cut …"), self.open_cut)
        self._add_action(tr("Reload"), self._shots.reload)
        if Capability.PLACE in self._capabilities and state.selected:
            self._add_action(
                tr("Place approved versions of selected shots"),
                partial(self.placement_requested.emit, ""),
            )
            if not self._placement_menu.isEmpty():
                self._menu.addMenu(self._placement_menu)
        self._menu.addSeparator()
        if Capability.CUT in self._capabilities:
            self._add_action(tr("Compare with an older cut …"), self._compare)
            if state.compared_cut:
                self._add_action(tr("Select what changed"), self._shots.select_changed)
                self._add_action(tr("Stop comparing"), lambda: self._shots.compare_with(None))
            self._menu.addSeparator()
            for reader, name in _READERS:
                self._add_action(
                    tr("Export the cut with versions for {reader} …", reader=name),
                    partial(self._export, reader),
                )

    def _add_action(
        self, text: str, on_triggered: Callable[[], object], menu: QMenu | None = None
    ) -> None:
        menu = menu or self._menu
        action = QAction(text, menu)
        action.triggered.connect(lambda _checked=False: on_triggered())
        menu.addAction(action)

    def _compare(self) -> None:
        open_file_dialog(
            self,
            tr("Compare with an older cut"),
            tr("Cuts") + f" ({_CUT_PATTERNS})",
            lambda path: self._shots.compare_with(Path(path)),
        )

    def _export(self, reader: str) -> None:
        stem = Path(self._shots.state.value.title or "cut").stem
        save_file_dialog(
            self,
            tr("Export the cut with versions"),
            f"{stem}_with_versions.otio",
            "OTIO (*.otio)",
            lambda path: self._shots.export(Path(path), reader),
        )
