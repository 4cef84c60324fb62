"""Presets of a service: chosen, saved under a name, shared as a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QLineEdit, QMenu, QWidget

from bridge_ui.controllers.send import SendController, SendState
from bridge_ui.panel.files import ask_for_file, ask_for_target
from bridge_ui.panel.pieces import button, column, row
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr

_KIND = "YAML (*.yaml *.yml)"


class Presets(QWidget):
    """A button with a menu; saving asks for a name in the line below it."""

    def __init__(self, send: SendController, tones: Tones) -> None:
        super().__init__()
        self._send = send
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill)
        self.button = button(tr("Presets"), "link", sign="sliders-horizontal", colour=tones.accent)
        self.button.setObjectName("presets")
        self.button.setMenu(self._menu)
        self._name = QLineEdit()
        self._name.setObjectName("preset-name")
        self._name.setPlaceholderText(tr("Name of the preset"))
        self._name.returnPressed.connect(self._save)
        self._asking = QFrame()
        self._asking.setLayout(
            row(
                self._name,
                button(tr("Save"), does=self._save),
                button("", "quiet", sign="x", tip=tr("Do not save"), does=self._leave),
            )
        )
        self._asking.hide()
        self._service = ""
        self._names: dict[str, str] = {}
        """What was begun as the name of a preset, by service."""
        self.setLayout(column(row(1, self.button), self._asking))

    def show_service(self, service: str) -> None:
        """By its id. A name that was begun for the settings of another one waits there."""
        if service == self._service:
            return
        if not self._asking.isHidden():
            self._names[self._service] = self._name.text()
        self._service = service
        name = self._names.pop(service, None)
        self._name.setText(name or "")
        self._asking.setVisible(name is not None)

    def _fill(self) -> None:
        state: SendState = self._send.state.value
        self._menu.clear()
        shelf = self._send.presets
        for name in shelf.names.value:
            inner = self._menu.addMenu(name)
            self._add(inner, tr("Use"), lambda name=name: shelf.load(name))
            self._add(inner, tr("Share …"), lambda name=name: self._share(name))
            self._add(inner, tr("Remove"), lambda name=name: shelf.remove(name))
        if shelf.names.value:
            self._menu.addSeparator()
        self._add(
            self._menu, tr("Save these settings …"), self._ask_name, state.service is not None
        )
        self._add(self._menu, tr("Take in a shared preset …"), self._take)
        self._add(self._menu, tr("Back to defaults"), self._send.reset, state.service is not None)

    def _add(self, menu: QMenu, words: str, does: object, enabled: bool = True) -> None:
        action = QAction(words, menu)
        action.setEnabled(enabled)
        action.triggered.connect(lambda _checked=False: does())  # type: ignore[operator]
        menu.addAction(action)

    def _ask_name(self) -> None:
        self._asking.show()
        self._name.setFocus()

    def _leave(self) -> None:
        self._name.clear()
        self._asking.hide()

    def _save(self) -> None:
        name = self._name.text().strip()
        if name:
            self._send.save_preset(name)
            self._leave()

    def _share(self, name: str) -> None:
        ask_for_target(
            self,
            tr("Share a preset"),
            f"{name}.yaml",
            _KIND,
            lambda target: self._send.presets.share(name, Path(target)),
        )

    def _take(self) -> None:
        ask_for_file(
            self,
            tr("Take in a preset"),
            _KIND,
            lambda source: self._send.presets.take(Path(source)),
        )
