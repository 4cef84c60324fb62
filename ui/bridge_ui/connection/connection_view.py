"""The state of the connection: a button, and the popover with health and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QWidget

from bridge_ui.connection.settings_controller import SettingLine, SettingsController, SettingsState
from bridge_ui.core.observable import unwatch_all
from bridge_ui.core.session import Connection, ConnectionState, OutboxState, Session
from bridge_ui.core.translate import tr
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import (
    button,
    clear_layout,
    framed,
    hbox,
    label,
    make_selectable,
    safe_painter,
    scroll_area,
    show_text,
    title,
    vbox,
)
from bridge_ui.widgets.main_thread import call_later

if TYPE_CHECKING:
    from bridge_core.models.gateway import Health


class ConnectionIndicator(QWidget):
    """Shows the state by colour and shape: a dot, a ring or a cross."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._colours = colours
        self._state = ConnectionState.CONNECTING
        self.setFixedSize(12, 12)

    def show_state(self, state: ConnectionState) -> None:
        self._state = state
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        colour = {
            ConnectionState.CONNECTED: self._colours.good,
            ConnectionState.CONNECTING: self._colours.dim,
            ConnectionState.LOST: self._colours.warn,
            ConnectionState.REFUSED: self._colours.bad,
        }[self._state]
        with safe_painter(self) as painter:
            painter.setPen(QPen(QColor(colour), 1.8))
            if self._state is ConnectionState.CONNECTED:
                painter.setBrush(QColor(colour))
                painter.drawEllipse(QPointF(6, 6), 3.2, 3.2)
            elif self._state is ConnectionState.REFUSED:
                painter.drawLine(QPointF(3, 3), QPointF(9, 9))
                painter.drawLine(QPointF(9, 3), QPointF(3, 9))
            else:
                painter.drawEllipse(QPointF(6, 6), 3.2, 3.2)


class ConnectionButton(QWidget):
    """An indicator and a button that opens the popover."""

    pressed = Signal()

    def __init__(self, session: Session, colours: ThemeColours, *, short: bool) -> None:
        super().__init__()
        self._short = short
        self._indicator = ConnectionIndicator(colours)
        self._button = button("", "quiet", on_click=self.pressed.emit, name="connection")
        self.setLayout(hbox(self._indicator, self._button, gap=2))
        self.stop = session.connection.watch(self._show)

    def _show(self, connection: Connection) -> None:
        self._indicator.show_state(connection.state)
        short = {
            ConnectionState.CONNECTED: tr("this machine") if connection.is_local else tr("studio"),
            ConnectionState.CONNECTING: tr("connecting"),
            ConnectionState.LOST: tr("connection lost"),
            ConnectionState.REFUSED: tr("no gateway"),
        }[connection.state]
        self._button.setText(short if self._short else connection.text.split("\n")[0][:80])
        self._button.setToolTip(connection.text)
        self._button.setAccessibleName(connection.text)


class ConnectionPopover(QFrame):
    """The gateway and its health, the outbox, and the user's settings."""

    def __init__(self, parent: QWidget, session: Session, colours: ThemeColours) -> None:
        super().__init__(parent)
        self._session = session
        self._colours = colours
        set_style_class(self, "popover")
        self._text = label("", wrap=True)
        self._next_step = label("", "warn", wrap=True)
        self._health_lines = vbox(gap=8)
        self._outbox = label("", "dim", wrap=True)
        self._flush_button = button(tr("Send now"), on_click=session.flush)
        reconnect = button(
            tr("Check again"), icon_name="refresh-cw", on_click=session.reconnect, name="reconnect"
        )
        self._settings = SettingsView(SettingsController(session))
        self._body = vbox(
            title(tr("Connection"), 1.1),
            self._text,
            self._next_step,
            self._health_lines,
            hbox(self._outbox, self._flush_button, grows=0),
            hbox(reconnect, 1),
            self._settings,
            1,
            margin=(14, 12, 14, 12),
            gap=8,
        )
        self.setLayout(vbox(scroll_area(self._body), margin=2))
        inside = self._body.parentWidget()
        assert inside is not None
        inside.installEventFilter(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()
        self.stop = unwatch_all(
            session.connection.watch(self._show_connection),
            session.health.watch(self._show_health),
            session.outbox.watch(self._show_outbox),
            self._settings.stop,
        )

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as the content at this width."""
        return QSize(self.width(), self._body.totalHeightForWidth(self.width() - 4) + 8)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.LayoutRequest:  # the content changed
            call_later(self, self._adjust_height)
        return super().eventFilter(watched, event)

    def _adjust_height(self) -> None:
        """Resize to the content, upwards or downwards from the anchor."""
        parent, geometry = self.parentWidget(), self.geometry()
        if parent is None or not self.isVisible():
            return
        height = min(self.sizeHint().height(), parent.height() - 16)
        is_above_middle = geometry.center().y() < parent.height() / 2
        top = geometry.top() if is_above_middle else geometry.bottom() + 1 - height
        self.setGeometry(geometry.left(), max(8, top), geometry.width(), height)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self._settings.refresh()
        if self._session.connection.value.is_connected:
            self._session.refresh_health()

    def keyPressEvent(self, event: object) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:  # type: ignore[attr-defined]
            self.hide()
        else:
            super().keyPressEvent(event)  # type: ignore[arg-type]

    def _show_connection(self, connection: Connection) -> None:
        self._text.setText(connection.text)
        show_text(self._next_step, connection.next_step)

    def _show_health(self, health: Health | None) -> None:
        clear_layout(self._health_lines)
        for line in health.checks if health else ():
            message = label(line.message, "dim", wrap=True)
            sign = label("✓" if line.ok else "⚠", "good" if line.ok else "warn")
            sign.setAccessibleName(tr("OK") if line.ok else tr("problem"))
            head = hbox(sign, label(line.name), 1, gap=6)
            inner = vbox(head, message, gap=1)
            if line.next_step:
                inner.addWidget(label(line.next_step, "warn", wrap=True))
            self._health_lines.addWidget(framed(inner))

    def _show_outbox(self, state: OutboxState) -> None:
        self._outbox.setText(state.text)
        self._flush_button.setVisible(bool(state.waiting))


class SettingsView(QWidget):
    """The popover calls :meth:`refresh` whenever it is shown."""

    def __init__(self, settings: SettingsController) -> None:
        super().__init__()
        self._settings = settings
        self._shown: tuple[SettingLine, ...] = ()
        self._lines = vbox(gap=8)
        self._message = label("", "good", wrap=True)
        self._problem = label("", "bad", wrap=True)
        self._file = make_selectable(label("", "small", wrap=True))
        texts = (self._message, self._problem, self._file)
        self.setLayout(vbox(title(tr("Settings")), self._lines, *texts, gap=8))
        self.refresh = settings.refresh
        self.stop = unwatch_all(settings.state.watch(self._show), settings.close)

    def _show(self, state: SettingsState) -> None:
        if state.lines != self._shown:
            self._shown = state.lines
            clear_layout(self._lines)
            for line in state.lines:
                self._lines.addWidget(
                    _SettingField(line, self._settings) if line.editable else _setting_label(line)
                )
        show_text(self._message, state.message)
        show_text(self._problem, f"⚠ {state.problem_text}" if state.problem else "")
        self._file.setText(
            tr("Other settings are in {file}; see docs/configuration.md.", file=state.file)
        )


class _SettingField(QWidget):
    """An editable setting; Return saves it."""

    def __init__(self, line: SettingLine, settings: SettingsController) -> None:
        super().__init__()
        self._line, self._settings = line, settings
        self._text = QLineEdit(line.user_value, placeholderText=line.value)
        self._text.setMinimumWidth(60)
        self._text.setObjectName(line.key)
        self._text.setAccessibleName(line.title)
        self._save = button(tr("Save"), on_click=self._save_value)
        self._save.setEnabled(False)
        self._text.textChanged.connect(
            lambda text: self._save.setEnabled(text.strip() != self._line.user_value)
        )
        self._text.returnPressed.connect(self._save_value)
        origin = label(line.origin, "small", wrap=True)
        field = hbox(self._text, self._save, grows=0)
        self.setLayout(vbox(label(line.title, "dim"), field, origin, gap=2))

    def _save_value(self) -> None:
        if self._save.isEnabled():
            self._settings.save(self._line.key, self._text.text())


def _setting_label(line: SettingLine) -> QWidget:
    widget = QWidget()
    value = make_selectable(label(line.value, wrap=True))
    parts = [label(line.title, "dim"), value]
    if line.origin:
        parts.append(label(line.origin, "small", wrap=True))
    widget.setLayout(vbox(*parts, gap=1))
    return widget
