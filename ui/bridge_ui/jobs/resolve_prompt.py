"""Asks a person for the outcome of a job that its provider could not tell."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QFrame, QLineEdit

from bridge_core.models.enumerations import JobOutcome
from bridge_ui.core.translate import tr
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import WrapRow, button, label, vbox


class ResolvePrompt(QFrame):
    """A field for how it was found out, and a button for each outcome. A reason is needed."""

    def __init__(self, on_answer: Callable[[JobOutcome, str], object]) -> None:
        super().__init__()
        self._on_answer = on_answer
        self._job_id = ""
        self.reason = QLineEdit()
        self.reason.setObjectName("job-outcome-reason")
        self.reason.setMaxLength(2000)
        self.reason.setPlaceholderText(tr("How was it found out?"))
        self.reason.setAccessibleName(tr("How the job's outcome was found out"))
        self.reason.textChanged.connect(lambda _: self._update())
        not_made = button(
            tr("It was not made"),
            on_click=partial(self._answer, JobOutcome.NOT_MADE),
            tip=tr("The provider did nothing and charges nothing"),
            costly=True,
        )
        made_elsewhere = button(
            tr("It was made"),
            on_click=partial(self._answer, JobOutcome.MADE_ELSEWHERE),
            tip=tr("The provider made it and charges for it; it is not in the library"),
            costly=True,
        )
        not_made.setObjectName("job-not-made")
        made_elsewhere.setObjectName("job-made-elsewhere")
        self._buttons = (not_made, made_elsewhere)
        question = label(
            tr("Ask the provider, then record what happened. Nothing is sent again."),
            "warn",
            wrap=True,
        )
        self.setLayout(vbox(question, self.reason, WrapRow(*self._buttons), margin=10, gap=5))
        set_style_class(self, "warning")
        self.hide()
        self._update()

    def show_job(self, job_id: str) -> None:
        """Ask about a job; empty: hide. What was typed is about one job only."""
        if job_id != self._job_id:
            self._job_id = job_id
            self.reason.clear()
        self.setVisible(bool(job_id))

    def _update(self) -> None:
        for one in self._buttons:
            one.setEnabled(bool(self.reason.text().strip()))

    def _answer(self, outcome: JobOutcome) -> None:
        self._on_answer(outcome, self.reason.text().strip())
