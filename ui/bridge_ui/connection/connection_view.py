"""How the gateway stands: the status bar in words, and the popover with health and settings."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from bridge_core.models.gateway import Health
from bridge_ui.connection.settings_controller import SettingsController
from bridge_ui.connection.settings_view import SettingsView
from bridge_ui.core.session import Connection, ConnectionState, Session
from bridge_ui.core.translate import tr
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import (
    button,
    clear_layout,
    column,
    framed,
    label,
    row,
    scroll_area,
    title,
)
from bridge_ui.widgets.main_thread import call_later


class ConnectionIndicator(QWidget):
    """A dot that says how the line stands, by its shape as well: full, a ring, a cross."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._colours = colours
        self._state = ConnectionState.CONNECTING
        self.setFixedSize(12, 12)

    def show_state(self, state: ConnectionState) -> None:
        self._state = state
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            colour = {
                ConnectionState.CONNECTED: self._colours.good,
                ConnectionState.CONNECTING: self._colours.dim,
                ConnectionState.LOST: self._colours.warn,
                ConnectionState.REFUSED: self._colours.bad,
            }[self._state]
            painter.setPen(QPen(QColor(colour), 1.8))
            if self._state is ConnectionState.CONNECTED:
                painter.setBrush(QColor(colour))
                painter.drawEllipse(QPointF(6, 6), 3.2, 3.2)
            elif self._state is ConnectionState.REFUSED:
                painter.drawLine(QPointF(3, 3), QPointF(9, 9))
                painter.drawLine(QPointF(9, 3), QPointF(3, 9))
            else:
                painter.drawEllipse(QPointF(6, 6), 3.2, 3.2)
        finally:
            painter.end()


class ConnectionButton(QWidget):
    """Lamp and words; pressed, it opens the popover."""

    pressed = Signal()

    def __init__(self, session: Session, colours: ThemeColours, *, short: bool) -> None:
        super().__init__()
        self._short = short
        self._indicator = ConnectionIndicator(colours)
        self._button = button("", "quiet", on_click=self.pressed.emit)
        self._button.setObjectName("connection")
        self.setLayout(row(self._indicator, self._button, gap=2))
        self._unwatch = session.connection.watch(self._show)

    def stop_watching(self) -> None:
        self._unwatch()

    def _show(self, connection: Connection) -> None:
        self._indicator.show_state(connection.state)
        short = {
            ConnectionState.CONNECTED: tr("this machine") if connection.is_local else tr("studio"),
            ConnectionState.CONNECTING: tr("connecting"),
            ConnectionState.LOST: tr("line lost"),
            ConnectionState.REFUSED: tr("no gateway"),
        }[connection.state]
        self._button.setText(short if self._short else connection.text.split("\n")[0][:80])
        self._button.setToolTip(connection.text)
        self._button.setAccessibleName(connection.text)


class ConnectionPopover(QFrame):
    """Who answers, whether it is well, who one is, what waits to be sent."""

    def __init__(self, parent: QWidget, session: Session, colours: ThemeColours) -> None:
        super().__init__(parent)
        self._session = session
        self._colours = colours
        set_style_class(self, "popover")
        self._text = label("", wrap=True)
        self._next_step = label("", "warn", wrap=True)
        self._health_lines = QVBoxLayout()
        self._health_lines.setSpacing(8)
        self._outbox = label("", "dim", wrap=True)
        self._flush_button = button(tr("Send now"), on_click=session.flush)
        again = button(tr("Look again"), icon_name="refresh-cw", on_click=session.reconnect)
        again.setObjectName("look-again")
        self._settings = SettingsView(SettingsController(session))
        inside = QWidget()
        self._body = column(
            title(tr("Connection"), 1.1),
            self._text,
            self._next_step,
            self._health_lines,
            row(self._outbox, self._flush_button, grows=0),
            row(again, 1),
            self._settings,
            1,
            gap=8,
        )
        self._body.setContentsMargins(14, 12, 14, 12)
        inside.setLayout(self._body)
        inside.installEventFilter(self)
        self.setLayout(column(scroll_area(inside), margin=2))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()
        self._unwatch = [
            session.connection.watch(self._show_connection),
            session.health.watch(self._show_health),
            session.outbox.watch(lambda _state: self._show_outbox()),
        ]

    def stop_watching(self) -> None:
        for unwatch in self._unwatch:
            unwatch()
        self._settings.stop_watching()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as what stands in it is at this width; less is scrolled."""
        return QSize(self.width(), self._body.totalHeightForWidth(self.width() - 4) + 8)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.LayoutRequest:  # it says more, or less, than before
            call_later(self, self._adjust_height)
        return super().eventFilter(watched, event)

    def _adjust_height(self) -> None:
        """As high as it has to be, upwards or downwards from where it was opened."""
        parent, at = self.parentWidget(), self.geometry()
        if parent is None or not self.isVisible():
            return
        high = min(self.sizeHint().height(), parent.height() - 16)
        top = at.top() if at.center().y() < parent.height() / 2 else at.bottom() + 1 - high
        self.setGeometry(at.left(), max(8, top), at.width(), high)

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
        self._next_step.setText(connection.next_step)
        self._next_step.setVisible(bool(connection.next_step))

    def _show_health(self, health: Health | None) -> None:
        clear_layout(self._health_lines)
        for line in health.checks if health else ():
            words = label(line.message, "dim", wrap=True)
            sign = label("✓" if line.ok else "⚠", "good" if line.ok else "warn")
            sign.setAccessibleName(tr("well") if line.ok else tr("not well"))
            head = row(sign, label(line.name), 1, gap=6)
            inner = column(head, words, gap=1)
            if line.next_step:
                inner.addWidget(label(line.next_step, "warn", wrap=True))
            self._health_lines.addWidget(framed(inner))

    def _show_outbox(self) -> None:
        state = self._session.outbox.value
        self._outbox.setText(state.text)
        self._flush_button.setVisible(bool(state.waiting))


def show_popover(popover: QWidget, anchor: QWidget) -> None:
    """Show a popover at its anchor, inside its parent whatever that one's size."""
    parent = popover.parentWidget()
    assert parent is not None  # popovers lie over the panel
    width = min(380, parent.width() - 16)
    popover.setFixedWidth(width)
    inner = popover.layout()
    height = popover.sizeHint().height()
    if inner is not None and inner.hasHeightForWidth():
        height = max(inner.heightForWidth(width), popover.minimumHeight())
    size = QSize(width, height)
    size = size.boundedTo(parent.size() - QSize(16, 16))
    popover.resize(size)
    position = anchor.mapTo(parent, QPoint(0, anchor.height() + 4))
    if position.y() + size.height() > parent.height() - 8:
        position.setY(max(8, anchor.mapTo(parent, QPoint(0, 0)).y() - size.height() - 4))
    position.setX(max(8, min(position.x(), parent.width() - size.width() - 8)))
    popover.move(position)
    popover.show()
    popover.raise_()
    popover.setFocus()


class StatusBar(QWidget):
    """What is going on, in words."""

    connection_pressed = Signal()

    def __init__(self, session: Session, colours: ThemeColours) -> None:
        super().__init__()
        set_style_class(self, "status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.connection = ConnectionButton(session, colours, short=False)
        self.connection.pressed.connect(self.connection_pressed)
        self._jobs = label("", "small")
        self._outbox = label("", "small")
        self._message = label("", "small")
        self._keys = label(tr("? shows all keys"), "small")
        self._message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        inner = row(self.connection, self._jobs, self._outbox, self._message, self._keys, gap=16)
        inner.setContentsMargins(10, 2, 12, 2)
        inner.setStretch(3, 1)
        self.setLayout(inner)
        self._unwatch = [session.outbox.watch(lambda state: self._outbox.setText(state.text))]

    def stop_watching(self) -> None:
        self.connection.stop_watching()
        for unwatch in self._unwatch:
            unwatch()

    def show_jobs(self, text: str) -> None:
        self._jobs.setText(text)

    def show_message(self, text: str) -> None:
        """Something that happened, or what is wrong and what to do."""
        self._message.setText(text)
        self._message.setToolTip(text)
