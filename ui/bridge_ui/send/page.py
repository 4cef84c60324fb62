"""The Send page: service, parameters, summary, and the button to send."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QWidget

from bridge_core.models.enumerations import OutputFormat
from bridge_ui.core.display_text import format_range, format_size
from bridge_ui.core.observable import unwatch_all
from bridge_ui.core.session import Session
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.host.plate_renderer import RenderProgress
from bridge_ui.host.playhead import ViewedFrame, has_playhead
from bridge_ui.send.cards_widget import DuplicatePrompt, PendingRendersCard, SendSummaryCard
from bridge_ui.send.controller import SendController
from bridge_ui.send.matte_widget import MatteWidget
from bridge_ui.send.parameter_form_widget import ParameterForm, text_box
from bridge_ui.send.preset_menu import PresetMenu
from bridge_ui.send.references_widget import ReferencesWidget
from bridge_ui.send.request_sender import SendProgress
from bridge_ui.send.service_popover import ServiceButton
from bridge_ui.send.state import SendState
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import (
    ProblemText,
    WrapRow,
    button,
    framed,
    hbox,
    label,
    scroll_area,
    show_text,
    title,
    vbox,
)
from bridge_ui.widgets.inputs import ComboBox


class SendPage(QWidget):
    """``viewed_frame`` returns the frame on screen, for a test frame; None: none."""

    choose_service_requested = Signal()
    """The panel shows the popover with the services."""
    test_frame_sent = Signal(object)
    """The job of a test frame, once the gateway has it."""

    def __init__(
        self,
        session: Session,
        send: SendController,
        colours: ThemeColours,
        viewed_frame: Callable[[], ViewedFrame | None],
    ) -> None:
        super().__init__()
        self._send = send
        self._viewed_frame = viewed_frame
        self._has_host_playhead = has_playhead(session.host)
        self._built_for: str | None = None
        self.service = ServiceButton(colours)
        self.service.clicked.connect(self.choose_service_requested.emit)
        self._shots = title("")
        self._ranges = label("", "small", wrap=True)
        self._service_description = label("", "dim", wrap=True)
        self._form = ParameterForm(colours)
        self._form.changed.connect(send.set_value)
        self._presets = PresetMenu(send, colours)
        self._note = text_box(3)
        self._note.setObjectName("note")
        self._note.setAccessibleName(tr("Note"))
        self._note.setPlaceholderText(tr("What matters in this shot; kept with the version"))
        self._note.textChanged.connect(lambda: send.set_note(self._note.toPlainText()))
        self._references = ReferencesWidget(session, send, colours)
        self._matte = MatteWidget(send, colours)
        self._output_format_box = self._make_output_format_box(colours)
        self._summary_card = SendSummaryCard()
        self._missing = label("", "warn", wrap=True)
        self._missing.setObjectName("missing")
        self._problem = ProblemText(is_boxed=True)
        self._message = label("", "dim", wrap=True)
        self._progress_bar = QProgressBar(textVisible=False)
        self._progress_text = label("", "small", wrap=True)
        stop = button(tr("Stop sending"), "link", on_click=send.stop_sending)
        progress_row = hbox(self._progress_text, stop, grows=0)
        self._progress_box = framed(vbox(self._progress_bar, progress_row, gap=2))
        self._duplicate_prompt = DuplicatePrompt(send.duplicate_check, "confirm-duplicate")
        self.pending_renders = PendingRendersCard(send.pending_renders)
        self.test_frame_button = button(
            tr("Render a test frame"),
            on_click=self.request_test_frame,
            tip=tr("Request only the frame on screen, to check the settings (Ctrl+T)"),
            name="test-frame",
            costly=True,
        )
        self.send_button = button(
            "", "main", on_click=self.send, tip="Ctrl+Return", name="send", costly=True
        )
        self.send_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._arrange()
        self.stop = unwatch_all(self.pending_renders.stop, send.state.watch(self._show))

    def send(self) -> None:
        if self._send.state.value.can_send:
            self._send.send()

    def request_test_frame(self) -> None:
        if self.test_frame_button.isEnabled():
            self._send.request_test_frame(self._viewed_frame(), self.test_frame_sent.emit)

    def frame_changed(self) -> None:
        """The review shows another frame, or none."""
        self._show_buttons(self._send.state.value)

    def _arrange(self) -> None:
        head = vbox(label(tr("Service"), "dim"), self.service, self._service_description, gap=5)
        deliver = hbox(label(tr("Deliver"), "dim"), self._output_format_box, grows=1)
        form = vbox(
            framed(vbox(self._shots, self._ranges, gap=1)),
            head,
            self._form,
            vbox(label(tr("Note"), "dim"), self._note, gap=5),
            self._references,
            self._matte,
            deliver,
            self._presets,
            1,
            margin=(14, 12, 14, 12),
            gap=14,
        )
        foot = vbox(
            self.pending_renders,
            self._summary_card,
            self._problem,
            self._message,
            self._missing,
            self._progress_box,
            self._duplicate_prompt,
            WrapRow(self.test_frame_button, self.send_button, gap=8, grows=1),
            margin=(14, 8, 14, 14),
            gap=8,
        )
        self.setLayout(vbox(scroll_area(form), foot, gap=0, grows=0))

    def _make_output_format_box(self, colours: ThemeColours) -> ComboBox:
        widget = ComboBox(colours)
        widget.setAccessibleName(tr("Deliver"))
        widget.addItem(tr("OpenEXR, same colour space"), OutputFormat.EXR)
        widget.addItem(tr("the plate's own format"), OutputFormat.PLATE)
        widget.activated.connect(lambda index: self._send.set_output_format(widget.itemData(index)))
        return widget

    def _show(self, state: SendState) -> None:
        self._show_shots(state)
        self._show_service(state)
        if self._note.toPlainText() != state.note:
            self._note.setPlainText(state.note)
        self._references.show_paths(tuple(reference.path for reference in state.references))
        service = state.service
        self._references.setVisible(service is not None and service.accepts.references > 0)
        self._matte.show_state(state)
        index = self._output_format_box.findData(state.output_format)
        self._output_format_box.setCurrentIndex(index)
        self._summary_card.show_lines(state.summary, quoting=state.quoting)
        self._problem.show_problem(state.problem, state.next_step)
        show_text(self._message, "" if state.problem else state.message)
        self._duplicate_prompt.show_question(state.question)
        self._show_progress(state.render_progress, state.send_progress)
        self._show_buttons(state)

    def _show_shots(self, state: SendState) -> None:
        if not state.shots:
            self._shots.setText(tr("No shot selected"))
            self._ranges.setText(tr("Select one or more in the list of shots."))
        elif len(state.shots) == 1:
            shot, plate = state.shots[0], state.shots[0].plate
            self._shots.setText(shot.id.shot)
            facts = [format_range(shot.cut_range), plate.colour_space or tr("colour space by rule")]
            if plate.width and plate.height:
                facts.append(f"{plate.width}×{plate.height}")
            self._ranges.setText(" · ".join(facts))
        else:
            count = len(state.shots)
            self._shots.setText(tr_count(count, "{n} shot", "{n} shots"))
            names = [shot.id.shot for shot in state.shots[:4]]
            more = [tr("{n} more", n=count - 4)] if count > 4 else []
            self._ranges.setText(", ".join(names + more))

    def _show_service(self, state: SendState) -> None:
        self.service.show_service(state.service)
        self._service_description.setText(state.service.summary if state.service else "")
        self._service_description.setVisible(state.service is not None)
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

    def _show_progress(self, render_progress: RenderProgress, send_progress: SendProgress) -> None:
        self._progress_box.setVisible(bool(render_progress.shot) or send_progress.request_count > 0)
        if render_progress.shot:
            shot, waiting = render_progress.shot, render_progress.waiting_shots
            done, total = render_progress.frames_done, render_progress.total_frames
            text = tr("rendering {shot} · {n} / {total}", shot=shot, n=done, total=total)
            if waiting:
                text += " · " + tr_count(waiting, "{n} shot waiting", "{n} shots waiting")
        elif send_progress.request_count:
            done, total = send_progress.sent_bytes, send_progress.total_bytes
            text = tr_count(send_progress.request_count, "sending {n} shot", "sending {n} shots")
            if total:
                text += f" · {format_size(done)} / {format_size(total)}"
        else:
            return
        self._progress_bar.setRange(0, 1000)
        self._progress_bar.setValue(round(1000 * done / total) if total else 0)
        self._progress_text.setText(text)

    def _show_buttons(self, state: SendState) -> None:
        self.send_button.setText(state.button_text or tr("Make a version"))
        self.send_button.setEnabled(state.can_send)
        viewed = self._viewed_frame()
        inside = viewed is not None and any(viewed.is_within(shot) for shot in state.shots)
        # Hosts do not report playhead changes; the playhead is read when the button is pressed.
        self.test_frame_button.setEnabled(state.can_send and (inside or self._has_host_playhead))
        missing = tr("First: {what}", what="; ".join(state.missing)) if state.missing else ""
        show_text(self._missing, missing)
        self.send_button.setAccessibleDescription(missing)
        self.send_button.setCursor(
            Qt.CursorShape.PointingHandCursor if state.can_send else Qt.CursorShape.ArrowCursor
        )
