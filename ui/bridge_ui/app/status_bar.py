"""The bar at the bottom of a wide panel."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from bridge_ui.connection.connection_view import ConnectionButton
from bridge_ui.core.session import Session
from bridge_ui.core.translate import tr
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import label, row


class StatusBar(QWidget):
    """Connection, jobs, outbox and the last message."""

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
        self._shortcuts = label(tr("? shows all shortcuts"), "small")
        self._message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        inner = row(
            self.connection, self._jobs, self._outbox, self._message, self._shortcuts, gap=16
        )
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
        self._message.setText(text)
        self._message.setToolTip(text)
