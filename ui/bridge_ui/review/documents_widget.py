"""Texts and findings of the version under review, to be read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy, QWidget

from bridge_ui.core.translate import tr
from bridge_ui.review.documents_controller import Documents, DocumentsController
from bridge_ui.widgets.basic import button, clear_layout, framed, hbox, label, title, vbox

if TYPE_CHECKING:
    from bridge_core.models.findings import Finding

#: Characters of a text that are shown: Qt lays out more for seconds, and nobody reads them here.
_MAX_CHARACTERS = 200_000
#: Findings that are shown.
_MAX_FINDINGS = 500
_MAX_LINES = 16


class DocumentsWidget(QWidget):
    """Empty if the version has no texts or findings."""

    frame_requested = Signal(int)

    def __init__(self, documents: DocumentsController) -> None:
        super().__init__()
        self._list = vbox(gap=10)
        self.setLayout(self._list)
        self.stop = documents.state.watch(self._show)

    def _show(self, documents: Documents) -> None:
        clear_layout(self._list)
        if documents.busy:
            self._list.addWidget(label(tr("Loading texts and findings"), "dim", wrap=True))
        if documents.problem:
            self._list.addWidget(label(documents.problem, "bad", wrap=True))
            self._list.addWidget(label(documents.next_step, "dim", wrap=True))
        for finding in documents.findings[:_MAX_FINDINGS]:
            self._list.addWidget(self._make_finding_card(finding))
        if (left := len(documents.findings) - _MAX_FINDINGS) > 0:
            text = tr("{n} more findings in findings.json", n=left)
            self._list.addWidget(label(text, "dim", wrap=True))
        for name, text in documents.texts:
            self._list.addWidget(_make_text_card(name, text))

    def _make_finding_card(self, finding: Finding) -> QFrame:
        facts = f"{finding.measure} {finding.value:g}"
        if finding.threshold is not None:
            threshold = f"{finding.threshold:g}"
            facts = tr("{facts} (threshold {threshold})", facts=facts, threshold=threshold)
        foot = hbox(1)
        if finding.frame is None:
            foot.insertWidget(0, label(tr("whole shot"), "small"))
        else:
            go = partial(self.frame_requested.emit, finding.frame)
            tip = tr("Go to this frame")
            foot.insertWidget(0, button(str(finding.frame), "link", on_click=go, tip=tip))
        text = label(finding.text or finding.measure, wrap=True)
        return framed(vbox(text, label(facts, "small", wrap=True), foot, margin=10, gap=3), "card")


def _make_text_card(name: str, text: str) -> QFrame:
    view = QPlainTextEdit(readOnly=True, tabChangesFocus=True)
    view.setAccessibleName(name)
    view.setPlainText(text[:_MAX_CHARACTERS])
    view.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    lines = min(_MAX_LINES, max(3, text.count("\n") + 2))
    view.setFixedHeight(lines * view.fontMetrics().lineSpacing() + 2 * view.frameWidth() + 8)
    card = vbox(title(name), view, margin=10, gap=5)
    if len(text) > _MAX_CHARACTERS:
        hint = tr("The rest is in texts/{name} in the version's folder.", name=name)
        card.addWidget(label(hint, "dim", wrap=True))
    return framed(card, "card")
