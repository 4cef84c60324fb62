"""Menu with the presets of a service."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QLineEdit, QMenu, QWidget

from bridge_ui.core.translate import tr
from bridge_ui.send.controller import SendController, SendState
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import button, column, row
from bridge_ui.widgets.file_dialogs import open_file_dialog, save_file_dialog

_FILE_FILTER = "YAML (*.yaml *.yml)"


class PresetMenu(QWidget):
    """A button with a menu, and a field for the name of a new preset."""

    def __init__(self, send: SendController, colours: ThemeColours) -> None:
        super().__init__()
        self._send = send
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill_menu)
        self.button = button(
            tr("Presets"), "link", icon_name="sliders-horizontal", colour=colours.accent
        )
        self.button.setObjectName("presets")
        self.button.setMenu(self._menu)
        self._name = QLineEdit()
        self._name.setObjectName("preset-name")
        self._name.setPlaceholderText(tr("Name of the preset"))
        self._name.returnPressed.connect(self._save)
        self._name_row = QFrame()
        self._name_row.setLayout(
            row(
                self._name,
                button(tr("Save"), on_click=self._save),
                button(
                    "", "quiet", icon_name="x", tip=tr("Do not save"), on_click=self._cancel_save
                ),
            )
        )
        self._name_row.hide()
        self._service = ""
        self._unsaved_names: dict[str, str] = {}
        """Names that were typed but not saved, by service."""
        self.setLayout(column(row(1, self.button), self._name_row))

    def show_service(self, service: str) -> None:
        """Switch to a service (id); a name that is being typed is kept for the previous one."""
        if service == self._service:
            return
        if not self._name_row.isHidden():
            self._unsaved_names[self._service] = self._name.text()
        self._service = service
        name = self._unsaved_names.pop(service, None)
        self._name.setText(name or "")
        self._name_row.setVisible(name is not None)

    def _fill_menu(self) -> None:
        state: SendState = self._send.state.value
        self._menu.clear()
        presets = self._send.presets
        for name in presets.names.value:
            inner = self._menu.addMenu(name)
            self._add_action(inner, tr("Use"), lambda name=name: presets.load(name))
            self._add_action(inner, tr("Export …"), lambda name=name: self._export(name))
            self._add_action(inner, tr("Remove"), lambda name=name: presets.remove(name))
        if presets.names.value:
            self._menu.addSeparator()
        self._add_action(
            self._menu, tr("Save these settings …"), self._ask_name, state.service is not None
        )
        self._add_action(self._menu, tr("Import a preset …"), self._import)
        self._add_action(
            self._menu, tr("Reset to defaults"), self._send.reset, state.service is not None
        )

    def _add_action(
        self, menu: QMenu, text: str, on_triggered: object, enabled: bool = True
    ) -> None:
        action = QAction(text, menu)
        action.setEnabled(enabled)
        action.triggered.connect(lambda _checked=False: on_triggered())  # type: ignore[operator]
        menu.addAction(action)

    def _ask_name(self) -> None:
        self._name_row.show()
        self._name.setFocus()

    def _cancel_save(self) -> None:
        self._name.clear()
        self._name_row.hide()

    def _save(self) -> None:
        name = self._name.text().strip()
        if name:
            self._send.save_preset(name)
            self._cancel_save()

    def _export(self, name: str) -> None:
        save_file_dialog(
            self,
            tr("Export a preset"),
            f"{name}.yaml",
            _FILE_FILTER,
            lambda target: self._send.presets.export(name, Path(target)),
        )

    def _import(self) -> None:
        open_file_dialog(
            self,
            tr("Import a preset"),
            _FILE_FILTER,
            lambda source: self._send.presets.import_file(Path(source)),
        )
