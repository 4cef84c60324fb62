"""The Jobs page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QWidget

from bridge_core.models.enumerations import JobOutcome
from bridge_ui.core.observable import unwatch_all
from bridge_ui.core.translate import tr
from bridge_ui.jobs.controller import JobListRow, JobsController, JobsState
from bridge_ui.send.cards_widget import DuplicatePrompt
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import (
    ProblemText,
    WrapRow,
    button,
    framed,
    hbox,
    label,
    title,
    vbox,
)
from bridge_ui.widgets.rows import ROW_ROLE, RowContent, RowDelegate, RowsModel, RowsView


class JobsPage(QWidget):
    """The list of jobs, and below it the current job with its actions."""

    view_requested = Signal(str)
    """Id of a job whose result is to be reviewed."""

    def __init__(self, jobs: JobsController, colours: ThemeColours) -> None:
        super().__init__()
        self._jobs = jobs
        self._chosen_id: str | None = None
        self._model: RowsModel[JobListRow] = RowsModel(jobs.rows, _accessible_text, self)
        self.view = RowsView()
        self.view.setObjectName("jobs")
        self.view.setAccessibleName(tr("Jobs"))
        self.view.setModel(self._model)
        self.view.setItemDelegate(RowDelegate(self.view, colours, _row_content))
        self._empty_label = label(
            tr("Nothing sent yet. Your requests are listed here with their progress."),
            "dim",
            wrap=True,
        )
        self._empty_label.setContentsMargins(14, 14, 14, 14)
        self._name = title("")
        self._state = label("", "dim", wrap=True)
        self._job_problem = ProblemText()
        self.view_button = button(tr("View"), on_click=self._view, name="job-view")
        self.cancel_button = button(
            tr("Cancel"), on_click=self._cancel, name="job-cancel", takes_focus=False
        )
        tip = tr("Send the same request again (Ctrl+Shift+Return)")
        self.resend_button = button(
            tr("Send again"), on_click=self.resend, tip=tip, name="job-resend", costly=True
        )
        self._duplicate_prompt = DuplicatePrompt(jobs.duplicate_check, "job-confirm-duplicate")
        buttons = hbox(self.view_button, self.cancel_button, self.resend_button, 1)
        details = (self._name, self._state, self._job_problem, buttons, self._duplicate_prompt)
        self._resolve_prompt = ResolvePrompt(self._resolve)
        self._detail = framed(vbox(*details, self._resolve_prompt, margin=12), "card")
        self._problem = ProblemText()
        foot = vbox(self._problem, self._detail, margin=(12, 8, 12, 12))
        self.setLayout(vbox(self._empty_label, self.view, foot, gap=0, grows=1))
        self.view.selectionModel().currentChanged.connect(lambda *_: self._choice_changed())
        self.view.doubleClicked.connect(lambda _index: self._view())
        self._model.modelReset.connect(self._rows_reset)
        self._model.rowsInserted.connect(lambda *_: self._show_list())
        self._model.dataChanged.connect(lambda *_: self._show_detail())
        self.stop = unwatch_all(self._model.stop, jobs.state.watch(self._show_state))
        self._rows_reset()

    @property
    def chosen(self) -> JobListRow | None:
        row = self.view.currentIndex().data(ROW_ROLE)
        return row if isinstance(row, JobListRow) else None

    def _choice_changed(self) -> None:
        self._jobs.duplicate_check.cancel()  # it was about another job
        chosen = self.chosen
        self._chosen_id = chosen.id if chosen else None
        self._show_detail()

    def _rows_reset(self) -> None:
        """Keep the same job current."""
        for index, job_row in enumerate(self._jobs.rows):
            if job_row.id == self._chosen_id:
                self.view.setCurrentIndex(self._model.index(index))
                break
        self._show_list()
        self._show_detail()

    def _show_list(self) -> None:
        self.view.setVisible(len(self._jobs.rows) > 0)
        self._empty_label.setVisible(len(self._jobs.rows) == 0)

    def _show_detail(self) -> None:
        chosen = self.chosen
        self._detail.setVisible(chosen is not None)
        if chosen is None:
            return
        self._name.setText(f"{chosen.shot.shot} · {chosen.service_title}")
        self._state.setText(
            tr(
                "{state} · requested by {who}, {when}",
                state=_state_text(chosen),
                who=chosen.requested_by,
                when=f"{chosen.created.astimezone():%d %b %H:%M}",
            )
        )
        self._job_problem.show_problem(chosen.problem, chosen.next_step)
        self.view_button.setVisible(bool(chosen.result_id) or chosen.is_running)
        self.cancel_button.setVisible(chosen.can_cancel)
        self.cancel_button.setText(tr("Withdraw") if chosen.is_in_outbox else tr("Cancel"))
        self.resend_button.setVisible(chosen.can_resend)
        self._resolve_prompt.show_job(chosen.id if chosen.can_resolve else "")

    def _show_state(self, state: JobsState) -> None:
        self._problem.show_problem(state.problem, state.next_step)
        self._duplicate_prompt.show_question(state.question)

    def _view(self) -> None:
        chosen = self.chosen
        if chosen is not None and (chosen.result_id or chosen.is_running):
            self.view_requested.emit(chosen.id)

    def _cancel(self) -> None:
        if self.chosen is not None:
            self._jobs.cancel(self.chosen.id)

    def _resolve(self, outcome: JobOutcome, reason: str) -> None:
        if self.chosen is not None:
            self._jobs.resolve(self.chosen.id, outcome, reason)

    def resend(self) -> None:
        """Send the current job again, if possible."""
        if self.chosen is not None and self.chosen.can_resend:
            self._jobs.resend(self.chosen.id)


class ResolvePrompt(QFrame):
    """Asks what a provider did and charges for a job, where it has not said so: a field for how it
    was found out, which is needed, and a button for each outcome."""

    def __init__(self, on_answer: Callable[[JobOutcome, str], object]) -> None:
        super().__init__()
        self._on_answer = on_answer
        self._job_id = ""
        self.reason = QLineEdit(placeholderText=tr("How was it found out?"), maxLength=2000)
        self.reason.setObjectName("job-outcome-reason")
        self.reason.setAccessibleName(tr("How the job's outcome was found out"))
        self.reason.textChanged.connect(lambda _: self._update())
        not_made = button(
            tr("It was not made"),
            on_click=partial(self._answer, JobOutcome.NOT_MADE),
            tip=tr("The provider did nothing and charges nothing"),
            name="job-not-made",
            costly=True,
        )
        made_elsewhere = button(
            tr("It was made"),
            on_click=partial(self._answer, JobOutcome.MADE_ELSEWHERE),
            tip=tr("The provider made it and charges for it; it is not in the library"),
            name="job-made-elsewhere",
            costly=True,
        )
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
        for answer_button in self._buttons:
            answer_button.setEnabled(bool(self.reason.text().strip()))

    def _answer(self, outcome: JobOutcome) -> None:
        self._on_answer(outcome, self.reason.text().strip())


def _state_text(job_row: JobListRow) -> str:
    # The reason of a failed job is its sign's text, and is shown below.
    return tr("failed") if job_row.sign.text == job_row.problem else job_row.sign.text


def _row_content(job_row: JobListRow) -> RowContent:
    progress = job_row.progress if job_row.is_running else None
    when = f"{job_row.created.astimezone():%H:%M}"
    name, service = job_row.shot.shot, job_row.service_title
    return RowContent(name, service, job_row.sign, progress=progress, badge=when)


def _accessible_text(job_row: JobListRow) -> str:
    parts = (job_row.shot.shot, job_row.service_title, job_row.sign.text, job_row.next_step)
    return ", ".join(part for part in parts if part)
