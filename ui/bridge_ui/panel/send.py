"""The tab that asks: a service, its parameters, what that means, one button."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QWidget

from bridge_core.models.requests import Delivery
from bridge_ui.controllers.playhead import LookedAt, has_playhead
from bridge_ui.controllers.rendering import Rendering
from bridge_ui.controllers.send import SendController, Sending, SendState
from bridge_ui.controllers.session import Session
from bridge_ui.controllers.words import spell_bytes
from bridge_ui.panel.before import BeforeYouSend
from bridge_ui.panel.choosing import ServiceButton
from bridge_ui.panel.inputs import Choose
from bridge_ui.panel.parameters import Form, text_box
from bridge_ui.panel.pieces import FitRow, box, button, column, label, row, scrolled, title
from bridge_ui.panel.presets import Presets
from bridge_ui.panel.references import References
from bridge_ui.panel.repeat_question import RepeatQuestion
from bridge_ui.panel.unrendered import UnrenderedCard
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import counted, tr


class SendTab(QWidget):
    """``looked_at`` says which frame somebody looks at, for trying it; None: none."""

    choosing = Signal()
    """Somebody wants to choose a service: the panel shows the popover."""
    tried = Signal(object)
    """The job that tries a frame, once the gateway has it."""

    def __init__(
        self,
        session: Session,
        send: SendController,
        tones: Tones,
        looked_at: Callable[[], LookedAt | None],
    ) -> None:
        super().__init__()
        self._send = send
        self._looked_at = looked_at
        self._asks_host = has_playhead(session.host)
        self._built_for: str | None = None
        self.service = ServiceButton(tones)
        self.service.clicked.connect(self.choosing.emit)
        self._shots = title("")
        self._ranges = label("", "small", wrap=True)
        self._summary = label("", "dim", wrap=True)
        self._form = Form(tones)
        self._form.changed.connect(send.set_value)
        self._presets = Presets(send, tones)
        self._note = text_box(3)
        self._note.setObjectName("note")
        self._note.setAccessibleName(tr("Note"))
        self._note.setPlaceholderText(tr("What matters in this shot; kept with the version"))
        self._note.textChanged.connect(lambda: send.set_note(self._note.toPlainText()))
        self._references = References(session, send, tones)
        self._delivery = self._delivery_list(tones)
        self._before = BeforeYouSend()
        self._missing = label("", "warn", wrap=True)
        self._missing.setObjectName("missing")
        self._problem = label("", "bad", wrap=True)
        self._next = label("", "dim", wrap=True)
        self._trouble = box(column(self._problem, self._next, margin=10, gap=3), "warning")
        self._told = label("", "dim", wrap=True)
        self._bar = QProgressBar(textVisible=False)
        self._going = label("", "small", wrap=True)
        self._stop = button(tr("Stop sending"), "link", does=send.stop_sending)
        going = row(self._going, self._stop)
        going.setStretch(0, 1)
        self._way = box(column(self._bar, going, gap=2))
        self._repeat = RepeatQuestion(send, "make-again")
        self.unrendered = UnrenderedCard(send.unrendered)
        self.try_button = button(
            tr("Try this frame"),
            does=self.try_this_frame,
            tip=tr("Make the frame that you are looking at, to see it first (Ctrl+T)"),
            costly=True,
        )
        self.try_button.setObjectName("try")
        self.main = button("", "main", does=self.send, tip="Ctrl+Return", costly=True)
        self.main.setObjectName("send")
        self.main.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._arrange()
        self._unwatch = send.state.watch(self._show)

    def close_watches(self) -> None:
        self.unrendered.close_watches()
        self._unwatch()

    def send(self) -> None:
        if self._send.state.value.can_send:
            self._send.send()

    def try_this_frame(self) -> None:
        if self.try_button.isEnabled():
            self._send.try_frame(self._looked_at(), self.tried.emit)

    def frame_moved(self) -> None:
        """The review room shows another frame, or none."""
        self._show_buttons(self._send.state.value)

    def _arrange(self) -> None:
        inside = QWidget()
        head = column(label(tr("Service"), "dim"), self.service, self._summary, gap=5)
        deliver = row(label(tr("Deliver"), "dim"), self._delivery)
        deliver.setStretch(1, 1)
        form = column(
            box(column(self._shots, self._ranges, gap=1)),
            head,
            self._form,
            column(label(tr("Note"), "dim"), self._note, gap=5),
            self._references,
            deliver,
            self._presets,
            1,
            gap=14,
        )
        form.setContentsMargins(14, 12, 14, 12)
        inside.setLayout(form)
        foot = column(
            self.unrendered,
            self._before,
            self._trouble,
            self._told,
            self._missing,
            self._way,
            self._repeat,
            FitRow(self.try_button, self.main, gap=8, grows=1),
            gap=8,
        )
        foot.setContentsMargins(14, 8, 14, 14)
        self.setLayout(column(scrolled(inside), foot, gap=0, grows=0))

    def _delivery_list(self, tones: Tones) -> Choose:
        made = Choose(tones)
        made.setAccessibleName(tr("Deliver"))
        made.addItem(tr("OpenEXR, same colour space"), Delivery.EXR)
        made.addItem(tr("the plate's own format"), Delivery.PLATE)
        made.activated.connect(lambda at: self._send.set_delivery(made.itemData(at)))
        return made

    def _show(self, state: SendState) -> None:
        self._show_shots(state)
        self._show_service(state)
        if self._note.toPlainText() != state.note:
            self._note.setPlainText(state.note)
        self._references.show_paths(state.references)
        self._references.setVisible(state.service is not None and state.service.takes_references)
        if state.delivery is not None:
            self._delivery.setCurrentIndex(self._delivery.findData(state.delivery))
        self._before.show_lines(state.before, estimating=state.estimating)
        self._problem.setText(state.problem)
        self._next.setText(state.next_step)
        self._next.setVisible(bool(state.next_step))
        self._trouble.setVisible(bool(state.problem))
        self._told.setText(state.told)
        self._told.setVisible(bool(state.told) and not state.problem)
        self._repeat.ask(state.question)
        self._show_way(state.rendering, state.sending)
        self._show_buttons(state)

    def _show_shots(self, state: SendState) -> None:
        if not state.shots:
            self._shots.setText(tr("No shot chosen"))
            self._ranges.setText(tr("Choose one or several in the list of shots."))
        elif len(state.shots) == 1:
            shot = state.shots[0]
            self._shots.setText(shot.id.shot)
            facts = [
                f"{shot.cut_range.first}–{shot.cut_range.last}",
                shot.plate.colour_space or tr("colour space by rule"),
            ]
            if shot.plate.width and shot.plate.height:
                facts.append(f"{shot.plate.width}×{shot.plate.height}")
            self._ranges.setText(" · ".join(facts))
        else:
            count = len(state.shots)
            self._shots.setText(counted(count, "{n} shot", "{n} shots"))
            names = [shot.id.shot for shot in state.shots[:4]]
            more = [tr("{n} more", n=count - 4)] if count > 4 else []
            self._ranges.setText(", ".join(names + more))

    def _show_service(self, state: SendState) -> None:
        self.service.show_service(state.service)
        self._summary.setText(state.service.summary if state.service else "")
        self._summary.setVisible(state.service is not None)
        values = {field.parameter.name: field.value for field in state.fields}
        self._presets.show_service(state.service.id if state.service else "")
        built_for = state.service.id if state.service else None
        parameters = tuple(field.parameter for field in state.fields)
        if built_for != self._built_for or parameters != self._form.parameters:
            self._built_for = built_for
            self._form.build(parameters, values)
        elif values != self._form.values:
            self._form.show_values(values)
        self._form.show_problems(
            {field.parameter.name: field.problem for field in state.fields if field.problem}
        )
        self._form.setVisible(bool(parameters))

    def _show_way(self, rendering: Rendering, sending: Sending) -> None:
        self._way.setVisible(bool(rendering.shot) or sending.shots > 0)
        if rendering.shot:
            done, total = rendering.frames, rendering.total
            told = tr("rendering {shot} · {n} / {total}", shot=rendering.shot, n=done, total=total)
            if rendering.waiting:
                told += " · " + counted(rendering.waiting, "{n} shot waits", "{n} shots wait")
        elif sending.shots:
            done, total = sending.done, sending.total
            told = counted(sending.shots, "sending {n} shot", "sending {n} shots")
            if total:
                told += f" · {spell_bytes(done)} / {spell_bytes(total)}"
        else:
            return
        self._bar.setRange(0, 1000)
        self._bar.setValue(round(1000 * done / total) if total else 0)
        self._going.setText(told)

    def _show_buttons(self, state: SendState) -> None:
        self.main.setText(state.button or tr("Make a version"))
        self.main.setEnabled(state.can_send)
        at = self._looked_at()
        inside = at is not None and any(at.is_in(shot) for shot in state.shots)
        # A host does not tell where its playhead goes: it is asked when the button is pressed.
        self.try_button.setEnabled(state.can_send and (inside or self._asks_host))
        missing = tr("First: {what}", what="; ".join(state.missing)) if state.missing else ""
        self._missing.setText(missing)
        self._missing.setVisible(bool(missing))
        self.main.setAccessibleDescription(missing)
        self.main.setCursor(
            Qt.CursorShape.PointingHandCursor if state.can_send else Qt.CursorShape.ArrowCursor
        )
