"""The "Before you send" card."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel

from bridge_ui.core.status_sign import Tone
from bridge_ui.core.translate import tr
from bridge_ui.send.controller import SummaryLine
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import column, label, title

#: Style class of each tone.
_STYLE_BY_TONE = {
    Tone.SUCCESS: "good",
    Tone.ERROR: "bad",
    Tone.ATTENTION: "warn",
    Tone.BUSY: "",
    Tone.NEUTRAL: "",
}


class SendSummaryCard(QFrame):
    def __init__(self) -> None:
        super().__init__()
        set_style_class(self, "card")
        self.setAccessibleName(tr("Before you send"))
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QLabel, QLabel]] = []
        self._hint = label(tr("Choose a service and shots."), "dim", wrap=True)
        inner = column(title(tr("Before you send")), self._hint, self._grid, gap=6)
        inner.setContentsMargins(12, 10, 12, 10)
        self.setLayout(inner)

    def show_lines(self, lines: tuple[SummaryLine, ...], *, quoting: bool) -> None:
        """While ``quoting``, lines that are not known yet keep their space, so that the layout does
        not jump: those shown after the last known line."""
        shown_titles = [name.text() for name, _ in self._rows if not name.isHidden()]
        last = lines[-1].title if lines else ""
        awaited_titles = (
            shown_titles[shown_titles.index(last) + 1 :] if quoting and last in shown_titles else []
        )
        while len(self._rows) < len(lines):
            name, text = label("", "dim"), label("", wrap=True)
            name.setAlignment(Qt.AlignmentFlag.AlignTop)
            at = len(self._rows)
            self._grid.addWidget(name, at, 0)
            self._grid.addWidget(text, at, 1)
            self._rows.append((name, text))
        for at, (name, text) in enumerate(self._rows):
            is_awaited = len(lines) <= at < len(lines) + len(awaited_titles)
            name.setVisible(at < len(lines) or is_awaited)
            text.setVisible(at < len(lines) or is_awaited)
            if is_awaited:
                name.setText(awaited_titles[at - len(lines)])
                text.setText("…")
                set_style_class(text, "dim")
            elif at < len(lines):
                name.setText(lines[at].title)
                text.setText(lines[at].text)
                set_style_class(text, _STYLE_BY_TONE[lines[at].tone])
        self._hint.setVisible(not lines)
        if not lines:
            self._hint.setText(
                tr("Asking what it takes …") if quoting else tr("Choose a service and shots.")
            )
