"""Cards of the Send page: the summary, pending renders, and the question about a repetition, which
the Jobs page also asks."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from bridge_ui.core.display_text import format_names
from bridge_ui.core.recent_requests import DuplicateCheck
from bridge_ui.core.status_sign import Tone
from bridge_ui.core.translate import tr
from bridge_ui.send.pending_renders import PendingRenders, PendingRendersState
from bridge_ui.send.send_summary import SummaryLine
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import STYLE_BY_TONE, WrapRow, button, framed, label, title, vbox


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
        parts = (title(tr("Before you send")), self._hint, self._grid)
        self.setLayout(vbox(*parts, margin=(12, 10, 12, 10)))

    def show_lines(self, lines: tuple[SummaryLine, ...], *, quoting: bool) -> None:
        """While ``quoting``, lines that are not known yet keep their space, so that the layout does
        not jump: those shown after the last known line."""
        shown_titles = [name.text() for name, _ in self._rows if not name.isHidden()]
        last = lines[-1].title if lines else ""
        awaited_titles: list[str] = []
        if quoting and last in shown_titles:
            awaited_titles = shown_titles[shown_titles.index(last) + 1 :]
        while len(self._rows) < len(lines):
            name, text = label("", "dim"), label("", wrap=True)
            name.setAlignment(Qt.AlignmentFlag.AlignTop)
            index = len(self._rows)
            self._grid.addWidget(name, index, 0)
            self._grid.addWidget(text, index, 1)
            self._rows.append((name, text))
        for index, (name, text) in enumerate(self._rows):
            is_awaited = len(lines) <= index < len(lines) + len(awaited_titles)
            name.setVisible(index < len(lines) or is_awaited)
            text.setVisible(index < len(lines) or is_awaited)
            if is_awaited:
                name.setText(awaited_titles[index - len(lines)])
                text.setText("…")
                set_style_class(text, "dim")
            elif index < len(lines):
                name.setText(lines[index].title)
                text.setText(lines[index].text)
                tone = lines[index].tone
                set_style_class(text, "" if tone is Tone.NEUTRAL else STYLE_BY_TONE[tone])
        self._hint.setVisible(not lines)
        if not lines:
            self._hint.setText(
                tr("Asking what it takes …") if quoting else tr("Choose a service and shots.")
            )


class PendingRendersCard(QWidget):
    """Hidden while there are none."""

    def __init__(self, pending_renders: PendingRenders) -> None:
        super().__init__()
        self._text = label("", wrap=True)
        self._hint = label(
            tr("Shots that are listed and unchanged can be rendered here."), "dim", wrap=True
        )
        self.resume_button = button(
            tr("Render and send"), on_click=pending_renders.resume, name="resume-renders"
        )
        discard = button(
            tr("Discard"), "link", on_click=pending_renders.discard, name="discard-renders"
        )
        buttons = WrapRow(self.resume_button, discard, gap=8)
        inner = vbox(self._text, self._hint, buttons, margin=10, gap=4)
        self.setLayout(vbox(framed(inner, "card")))
        self.stop = pending_renders.state.watch(self._show)

    def _show(self, state: PendingRendersState) -> None:
        shots = format_names(state.shots)
        text = tr("Requested, but not rendered before the panel closed: {shots}", shots=shots)
        self._text.setText(text)
        self._hint.setVisible(state.available_count < len(state.shots))
        self.resume_button.setEnabled(state.available_count > 0)
        self.setVisible(bool(state.shots))


class DuplicatePrompt(QFrame):
    """The question with two buttons; hidden while there is no question."""

    def __init__(self, check: DuplicateCheck, object_name: str) -> None:
        """``object_name``: of the button that confirms."""
        super().__init__()
        self._text = label("", "warn", wrap=True)
        confirm = button(tr("Make it again"), on_click=check.confirm, name=object_name)
        dismiss = button(tr("Don't make it"), "quiet", on_click=check.cancel)
        self.setLayout(vbox(self._text, WrapRow(confirm, dismiss), margin=10, gap=5))
        set_style_class(self, "warning")
        self.hide()

    def show_question(self, question: str) -> None:
        """Show a question; empty: hide."""
        self._text.setText(question)
        self.setVisible(bool(question))
