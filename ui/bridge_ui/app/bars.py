"""The bar at the top with the open cut, its changes and the Cut menu, and the one at the bottom."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from bridge_core.hosts.base import Host, HostCapability
from bridge_ui.connection.connection_view import ConnectionButton
from bridge_ui.core.observable import unwatch_all
from bridge_ui.core.session import Session
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.shots.controller import ShotsController, ShotsState
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import add_action, button, chip, fill_background, hbox, label, title
from bridge_ui.widgets.file_dialogs import open_file_dialog, save_file_dialog

#: Timeline files; EDL, XML and AAF need the extra ``timelines``.
_CUT_PATTERNS = "*.otio *.otioz *.otiod *.edl *.xml *.fcpxml *.aaf"
_READERS = (("generic", "OTIO"), ("resolve", "Resolve"), ("nuke", "Nuke"), ("openrv", "OpenRV"))


class Toolbar(QWidget):
    """``connection_button`` is only shown in the narrow layout."""

    placement_requested = Signal(str)
    """Placement mode (id; empty: the default) for the approved versions of the selected shots."""
    shortcuts_requested = Signal()

    def __init__(
        self,
        shots: ShotsController,
        host: Host,
        colours: ThemeColours,
        connection_button: QWidget,
    ) -> None:
        super().__init__()
        fill_background(self, "bar")
        self._shots = shots
        self._capabilities = host.capabilities
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
        for mode in host.placement_modes[1:]:
            place = partial(self.placement_requested.emit, mode.id)
            add_action(self._placement_menu, mode.title, place)
        tip = tr("Open, compare and export cuts")
        self.menu_button = button(
            tr("Cut"), "quiet", icon_name="film", colour=colours.dim, tip=tip, name="cut-menu"
        )
        self.menu_button.setMenu(self._menu)
        help_icon = "circle-question-mark"
        self._shortcuts_button = button(
            "", "quiet", icon_name=help_icon, colour=colours.dim, tip=tr("All shortcuts (?)")
        )
        self._shortcuts_button.clicked.connect(self.shortcuts_requested)
        self._connection_button = connection_button
        names = (self._name, self._show_name, self._cut_name, self._changed)
        buttons = (connection_button, self.menu_button, self._shortcuts_button)
        self.setLayout(hbox(*names, *buttons, margin=(14, 5, 8, 5), gap=10, grows=2))
        self.stop = shots.state.watch(self._show)

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
        required = sum(widget.sizeHint().width() + 10 for widget in others if not widget.isHidden())
        self._name.setVisible(
            self._wide or required + self._name.sizeHint().width() + 22 < self.width()
        )

    def open_cut(self) -> None:
        self._choose_cut(tr("Open a cut"), self._shots.open)

    def _choose_cut(self, title: str, on_chosen: Callable[[Path], object]) -> None:
        open_file_dialog(self, title, tr("Cuts") + f" ({_CUT_PATTERNS})", on_chosen)

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
        state, shots, menu = self._shots.state.value, self._shots, self._menu
        menu.clear()
        if HostCapability.OPEN in self._capabilities:
            add_action(menu, tr("Open a cut …"), self.open_cut)
        add_action(menu, tr("Reload"), shots.reload)
        if HostCapability.PLACE in self._capabilities and state.selected:
            place = partial(self.placement_requested.emit, "")
            add_action(menu, tr("Place approved versions of selected shots"), place)
            if not self._placement_menu.isEmpty():
                menu.addMenu(self._placement_menu)
        menu.addSeparator()
        if HostCapability.CUT in self._capabilities:
            compare = partial(self._choose_cut, tr("Compare with an older cut"), shots.compare_with)
            add_action(menu, tr("Compare with an older cut …"), compare)
            if state.compared_cut:
                add_action(menu, tr("Select what changed"), shots.select_changed)
                add_action(menu, tr("Stop comparing"), partial(shots.compare_with, None))
            menu.addSeparator()
            for reader, name in _READERS:
                text = tr("Export the cut with versions for {reader} …", reader=name)
                add_action(menu, text, partial(self._export, reader))

    def _export(self, reader: str) -> None:
        stem = Path(self._shots.state.value.title or "cut").stem
        title, name = tr("Export the cut with versions"), f"{stem}_with_versions.otio"
        export = partial(self._shots.export, reader=reader)
        save_file_dialog(self, title, name, "OTIO (*.otio)", export)


class StatusBar(QWidget):
    """Connection, jobs, outbox and the last message."""

    connection_pressed = Signal()

    def __init__(self, session: Session, colours: ThemeColours) -> None:
        super().__init__()
        fill_background(self, "status")
        self.connection = ConnectionButton(session, colours, short=False)
        self.connection.pressed.connect(self.connection_pressed)
        self._jobs = label("", "small")
        self._outbox = label("", "small")
        self._message = label("", "small")
        shortcuts = label(tr("? shows all shortcuts"), "small")
        self._message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        parts = (self.connection, self._jobs, self._outbox, self._message, shortcuts)
        self.setLayout(hbox(*parts, margin=(10, 2, 12, 2), gap=16, grows=3))
        self.stop = unwatch_all(
            self.connection.stop,
            session.outbox.watch(lambda state: self._outbox.setText(state.text)),
        )

    def show_jobs(self, text: str) -> None:
        self._jobs.setText(text)

    def show_message(self, text: str) -> None:
        self._message.setText(text)
        self._message.setToolTip(text)
