"""Menu with the presets of a service."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from bridge_ui.core.translate import tr
from bridge_ui.send.controller import SendController
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import add_action, button, framed, hbox, vbox
from bridge_ui.widgets.file_dialogs import open_file_dialog, save_file_dialog

_FILE_FILTER = "YAML (*.yaml *.yml)"


class PresetMenu(QWidget):
    """A button with a menu, and a field for the name of a new preset."""

    def __init__(self, send: SendController, colours: ThemeColours) -> None:
        super().__init__()
        self._send = send
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill_menu)
        menu_icon = "sliders-horizontal"
        self.button = button(
            tr("Presets"), "link", icon_name=menu_icon, colour=colours.accent, name="presets"
        )
        self.button.setMenu(self._menu)
        self._name = QLineEdit(placeholderText=tr("Name of the preset"))
        self._name.setObjectName("preset-name")
        self._name.returnPressed.connect(self._save)
        save = button(tr("Save"), on_click=self._save)
        cancel = button("", "quiet", icon_name="x", tip=tr("Do not save"))
        cancel.clicked.connect(self._cancel_save)
        self._name_row = framed(hbox(self._name, save, cancel))
        self._name_row.hide()
        self._service = ""
        self._unsaved_names: dict[str, str] = {}
        """Names that were typed but not saved, by service."""
        self.setLayout(vbox(hbox(1, self.button), self._name_row))

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
        has_service, presets = self._send.state.value.service is not None, self._send.presets
        menu = self._menu
        menu.clear()
        for name in presets.names.value:
            inner = menu.addMenu(name)
            add_action(inner, tr("Use"), partial(presets.load, name))
            add_action(inner, tr("Export …"), partial(self._export, name))
            add_action(inner, tr("Remove"), partial(presets.remove, name))
        if presets.names.value:
            menu.addSeparator()
        add_action(menu, tr("Save these settings …"), self._ask_name, is_enabled=has_service)
        add_action(menu, tr("Import a preset …"), self._import)
        add_action(menu, tr("Reset to defaults"), self._send.reset, is_enabled=has_service)

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
        export = partial(self._send.presets.export, name)
        save_file_dialog(self, tr("Export a preset"), f"{name}.yaml", _FILE_FILTER, export)

    def _import(self) -> None:
        import_file = self._send.presets.import_file
        open_file_dialog(self, tr("Import a preset"), _FILE_FILTER, import_file)
