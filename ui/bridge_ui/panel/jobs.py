"""The tab with everything that is being made, was made, or failed and why."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from bridge_ui.controllers.jobs import JobRow, JobsController, JobsState
from bridge_ui.panel.pieces import FitRow, box, button, column, label, row, title
from bridge_ui.panel.row_painter import RowLook, RowPainter
from bridge_ui.panel.rows_model import ROW, RowsModel, RowsView
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr


class JobsTab(QWidget):
    """Rows, and below them the chosen one with what can be done. :attr:`look_at` carries the id
    of a job whose pictures somebody wants to see."""

    look_at = Signal(str)

    def __init__(self, jobs: JobsController, tones: Tones) -> None:
        super().__init__()
        self._jobs = jobs
        self._chosen: str | None = None
        self._model: RowsModel[JobRow] = RowsModel(jobs.rows, _spoken, self)
        self.view = RowsView()
        self.view.setObjectName("jobs")
        self.view.setAccessibleName(tr("Jobs"))
        self.view.setModel(self._model)
        self.view.setItemDelegate(RowPainter(self.view, tones, _describe))
        self._nothing = label(
            tr("Nothing was sent yet. What you send stands here, with its progress."),
            "dim",
            wrap=True,
        )
        self._nothing.setContentsMargins(14, 14, 14, 14)
        self._name = title("")
        self._state = label("", "dim", wrap=True)
        self._problem = label("", "bad", wrap=True)
        self._next = label("", "dim", wrap=True)
        self.look_button = button(tr("Look"), does=self._look)
        self.cancel_button = button(tr("Cancel"), does=self._cancel)
        self.cancel_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tip = tr("The same request as a new job (Ctrl+Shift+Return)")
        self.again_button = button(tr("Send again"), does=self.send_again, tip=tip, costly=True)
        self._question = label("", "warn", wrap=True)
        self.once_more = button(tr("Make it once more"), does=jobs.send_anyway)
        leave = button(tr("Leave it"), "quiet", does=jobs.dismiss_question)
        self._repeat = box(column(self._question, FitRow(self.once_more, leave), gap=5))
        for one, name in (
            (self.look_button, "job-look"),
            (self.cancel_button, "job-cancel"),
            (self.again_button, "job-again"),
            (self.once_more, "job-make-again"),
        ):
            one.setObjectName(name)
        self._detail = box(
            column(
                self._name,
                self._state,
                self._problem,
                self._next,
                row(self.look_button, self.cancel_button, self.again_button, 1),
                self._repeat,
                margin=12,
            ),
            "card",
        )
        self._trouble = label("", "bad", wrap=True)
        foot = column(self._trouble, self._detail)
        foot.setContentsMargins(12, 8, 12, 12)
        self.setLayout(column(self._nothing, self.view, foot, gap=0, grows=1))
        self.view.selectionModel().currentChanged.connect(lambda *_: self._choose())
        self.view.doubleClicked.connect(lambda _index: self._look())
        self._model.modelReset.connect(self._came_anew)
        self._model.rowsInserted.connect(lambda *_: self._show_list())
        self._model.dataChanged.connect(lambda *_: self._show_detail())
        self._unwatch = jobs.state.watch(self._show_state)
        self._came_anew()

    def close_watches(self) -> None:
        self._model.close()
        self._unwatch()

    @property
    def chosen(self) -> JobRow | None:
        found = self.view.currentIndex().data(ROW)
        return found if isinstance(found, JobRow) else None

    def _choose(self) -> None:
        self._jobs.dismiss_question()  # what was asked was about another one
        chosen = self.chosen
        self._chosen = chosen.id if chosen else None
        self._show_detail()

    def _came_anew(self) -> None:
        """Other rows: the same job stays chosen."""
        for at, shown in enumerate(self._jobs.rows):
            if shown.id == self._chosen:
                self.view.setCurrentIndex(self._model.index(at))
                break
        self._show_list()
        self._show_detail()

    def _show_list(self) -> None:
        self.view.setVisible(len(self._jobs.rows) > 0)
        self._nothing.setVisible(len(self._jobs.rows) == 0)

    def _show_detail(self) -> None:
        chosen = self.chosen
        self._detail.setVisible(chosen is not None)
        if chosen is None:
            return
        self._name.setText(f"{chosen.shot.shot} · {chosen.service}")
        when = chosen.created.astimezone().strftime("%d %b %H:%M")
        self._state.setText(
            tr(
                "{state} · asked by {who}, {when}",
                state=_state(chosen),
                who=chosen.asked_by,
                when=when,
            )
        )
        self._problem.setText(chosen.problem)
        self._problem.setVisible(bool(chosen.problem))
        self._next.setText(chosen.next_step)
        self._next.setVisible(bool(chosen.next_step))
        self.look_button.setVisible(bool(chosen.result) or chosen.running)
        self.cancel_button.setVisible(chosen.can_cancel)
        self.cancel_button.setText(tr("Take back") if chosen.waiting else tr("Cancel"))
        self.again_button.setVisible(chosen.can_send_again)

    def _show_state(self, state: JobsState) -> None:
        self._trouble.setText(state.problem)
        self._trouble.setVisible(bool(state.problem))
        look(self._trouble, "bad")
        self._question.setText(state.question)
        self._repeat.setVisible(bool(state.question))

    def _look(self) -> None:
        chosen = self.chosen
        if chosen is not None and (chosen.result or chosen.running):
            self.look_at.emit(chosen.id)

    def _cancel(self) -> None:
        if self.chosen is not None:
            self._jobs.cancel(self.chosen.id)

    def send_again(self) -> None:
        """The chosen job, if it can be sent again."""
        if self.chosen is not None and self.chosen.can_send_again:
            self._jobs.send_again(self.chosen.id)


def _state(shown: JobRow) -> str:
    return tr("failed") if shown.problem else shown.sign.words


def _describe(shown: JobRow) -> RowLook:
    when = shown.created.astimezone().strftime("%H:%M")
    return RowLook(
        shown.shot.shot,
        shown.service,
        shown.sign,
        progress=shown.fraction if shown.running else None,
        badge=when,
    )


def _spoken(shown: JobRow) -> str:
    parts = (shown.shot.shot, shown.service, shown.sign.words, shown.next_step)
    return ", ".join(part for part in parts if part)
