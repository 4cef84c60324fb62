"""Settings in the connection popover."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from bridge_ui.connection.settings_controller import SettingLine, SettingsController, SettingsState
from bridge_ui.core.translate import tr
from bridge_ui.widgets.basic import button, clear_layout, column, label, row, title


class SettingsView(QWidget):
    """The popover calls :meth:`refresh` whenever it is shown."""

    def __init__(self, settings: SettingsController) -> None:
        super().__init__()
        self._settings = settings
        self._shown: tuple[SettingLine, ...] = ()
        self._lines = QVBoxLayout()
        self._lines.setSpacing(8)
        self._message = label("", "good", wrap=True)
        self._problem = label("", "bad", wrap=True)
        self._file = _make_selectable(label("", "small", wrap=True))
        self.setLayout(
            column(
                title(tr("Settings")), self._lines, self._message, self._problem, self._file, gap=8
            )
        )
        self._unwatch = settings.state.watch(self._show)

    def refresh(self) -> None:
        self._settings.refresh()

    def stop_watching(self) -> None:
        self._unwatch()
        self._settings.close()

    def _show(self, state: SettingsState) -> None:
        if state.lines != self._shown:
            self._shown = state.lines
            clear_layout(self._lines)
            for line in state.lines:
                self._lines.addWidget(
                    _SettingField(line, self._settings) if line.editable else _setting_label(line)
                )
        self._message.setText(state.message)
        self._message.setVisible(bool(state.message))
        problem = f"⚠ {state.problem}. {state.next_step}" if state.problem else ""
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        self._file.setText(
            tr(
                "Other settings are in {file}; see docs/configuration.md.",
                file=state.file,
            )
        )


class _SettingField(QWidget):
    """An editable setting; Return saves it."""

    def __init__(self, line: SettingLine, settings: SettingsController) -> None:
        super().__init__()
        self._line, self._settings = line, settings
        self._text = QLineEdit(line.user_value)
        self._text.setObjectName(line.key)
        self._text.setPlaceholderText(line.value)
        self._text.setAccessibleName(line.title)
        self._text.setMinimumWidth(60)
        self._save = button(tr("Save"), on_click=self._save_value)
        self._save.setEnabled(False)
        self._text.textChanged.connect(
            lambda text: self._save.setEnabled(text.strip() != self._line.user_value)
        )
        self._text.returnPressed.connect(self._save_value)
        origin = label(line.origin, "small", wrap=True)
        field = row(self._text, self._save, grows=0)
        self.setLayout(column(label(line.title, "dim"), field, origin, gap=2))

    def _save_value(self) -> None:
        if self._save.isEnabled():
            self._settings.save(self._line.key, self._text.text())


def _setting_label(line: SettingLine) -> QWidget:
    widget = QWidget()
    value = _make_selectable(label(line.value, wrap=True))
    parts = [label(line.title, "dim"), value]
    if line.origin:
        parts.append(label(line.origin, "small", wrap=True))
    widget.setLayout(column(*parts, gap=1))
    return widget


def _make_selectable(widget: QLabel) -> QLabel:
    widget.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return widget
