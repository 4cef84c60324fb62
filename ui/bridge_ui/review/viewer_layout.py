"""The viewer's layout: one row above and one below the canvas, or several in a narrow panel."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from bridge_ui.review.annotations.drawing_widgets import DrawingToolbar
from bridge_ui.review.annotations.note_widgets import NoteEditor, NotesList
from bridge_ui.review.canvas.canvas_widget import ViewerCanvas
from bridge_ui.review.canvas.settings_widgets import (
    CompareSlider,
    ExposureButton,
    ViewerMenuButton,
    ZoomButton,
)
from bridge_ui.review.compare.compare_widgets import CompareModeButtons, SideChooser
from bridge_ui.review.decisions.decision_widgets import (
    DecisionButtons,
    DecisionForm,
    DecisionSummary,
)
from bridge_ui.review.decisions.target_widgets import NewResultPrompt, TargetChooser
from bridge_ui.review.player.player import Player
from bridge_ui.review.player.timeline_widget import TimelineBar
from bridge_ui.review.player.transport_widgets import TransportBar
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import label, retain_size_when_hidden, vbox

#: Minimum widths for A and B in one row, for everything in one row, and for that with full labels;
#: in widths of the letter x, so that the font size counts.
_SIDES_IN_ROW_FROM, _WIDE_FROM, _FULL_LABELS_FROM = 42, 88, 128
#: Minimum height for reserving space, in lines of text.
_TALL_FROM = 30


class ViewerLayout(QWidget):
    """The player and the viewer's widgets, arranged for its width."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self.player = Player(self)
        self.canvas = ViewerCanvas(colours)
        self.drawing_toolbar = DrawingToolbar(colours)
        self.timeline = TimelineBar(self.player, colours)
        self.transport = TransportBar(self.player, colours)
        self.note_editor = NoteEditor(colours)
        self.notes_list = NotesList(colours)
        self.side_choosers = {side: SideChooser(side, colours) for side in ("A", "B")}
        self.mode_buttons = CompareModeButtons(colours)
        self.menu_button = ViewerMenuButton(self.canvas, colours)
        self.targets = TargetChooser()
        self.new_result = NewResultPrompt()
        self.decision_buttons = DecisionButtons(colours)
        self.decision_form = DecisionForm()
        self.decision_summary = DecisionSummary()
        self.message = label("", wrap=True)
        self.zoom_button = ZoomButton(self.canvas)
        self._compare_slider = CompareSlider(self.canvas)
        self._exposure_button = ExposureButton(self.canvas, colours)
        self._arrangement: tuple[bool, bool, bool] | None = None
        self._reserved_for: tuple[tuple[str, ...], bool] = ((), False)
        self._source_row, self._second_source_row = QHBoxLayout(), QHBoxLayout()
        self._mode_row, self._slider_row = QHBoxLayout(), QHBoxLayout()
        self._transport_row, self._decision_row = QHBoxLayout(), QHBoxLayout()
        self._body = vbox(
            self._source_row,
            self._second_source_row,
            self.canvas,
            self.new_result,
            self._mode_row,
            self._slider_row,
            self.timeline,
            self._transport_row,
            self.targets,
            self.note_editor,
            self.notes_list,
            self.decision_summary,
            self.decision_form,
            self.message,
            self._decision_row,
            margin=(10, 8, 10, 8),
            grows=2,
        )
        # The viewer adapts to its width; its rows must not set a minimum.
        self._body.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        self.setLayout(self._body)
        self.drawing_toolbar.hide()
        self._arrange(sides_in_row=True, wide=True, full_labels=True)

    @property
    def is_wide(self) -> bool:
        """Everything is in one row."""
        return self._arrangement is not None and self._arrangement[1]

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(280, 320)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        letters = self.width() / self.fontMetrics().horizontalAdvance("x")
        self._arrange(
            sides_in_row=letters >= _SIDES_IN_ROW_FROM,
            wide=letters >= _WIDE_FROM,
            full_labels=letters >= _FULL_LABELS_FROM,
        )
        self.place_toolbar()
        self._reserve_space()

    def reserve_space(self, names: Iterable[str], *, has_decision: bool) -> None:
        """Reserve space for these versions, whichever the compare mode shows, so that the picture
        does not move between A and B."""
        self._reserved_for = tuple(names), has_decision
        self._reserve_space()

    def _reserve_space(self) -> None:
        names, has_decision = self._reserved_for
        is_tall = self.height() >= _TALL_FROM * self.fontMetrics().height()
        retain_size_when_hidden(self.targets, is_tall and len(names) > 1)
        self.decision_summary.reserve_space(is_tall and has_decision)
        self.decision_buttons.reserve_width(names)

    def place_toolbar(self) -> None:
        """On the left of the picture in a wide viewer, else as a row below it."""
        toolbar, canvas = self.drawing_toolbar, self.canvas
        hidden = toolbar.isHidden()
        toolbar.set_vertical(self.is_wide)
        if self.is_wide:
            toolbar.setParent(canvas)
            toolbar.adjustSize()
            toolbar.move(8, max(4, (canvas.height() - toolbar.height()) // 2))
        else:
            self._body.insertWidget(self._body.indexOf(canvas) + 1, toolbar)
        toolbar.setVisible(not hidden)
        toolbar.raise_()

    def _arrange(self, *, sides_in_row: bool, wide: bool, full_labels: bool) -> None:
        if (sides_in_row, wide, full_labels) == self._arrangement:
            return
        self._arrangement = sides_in_row, wide, full_labels
        self._body.setSpacing(7 if wide else 5)
        rows = (self._source_row, self._second_source_row, self._mode_row)
        for row in (*rows, self._slider_row, self._transport_row, self._decision_row):
            while row.takeAt(0) is not None:
                pass  # the widgets are kept and placed again below
        self._source_row.addWidget(self.side_choosers["A"], 1)
        second_row = self._source_row if sides_in_row else self._second_source_row
        second_row.addWidget(self.side_choosers["B"], 1)
        self.mode_buttons.set_compact(not full_labels, stretched=not wide)
        self._transport_row.addWidget(self.transport, 1)
        if wide:
            self._source_row.addWidget(self.mode_buttons)
            self._source_row.addStretch(1 if full_labels else 0)
            if full_labels:
                self._source_row.addWidget(self._compare_slider)
            self._source_row.addWidget(self._exposure_button)
            self._source_row.addWidget(self.zoom_button)
            self._transport_row.addWidget(self.decision_buttons)
        else:
            self._mode_row.addWidget(self.mode_buttons, 1)
            self._transport_row.addWidget(self._exposure_button)
            self._decision_row.addWidget(self.decision_buttons, 1)
        self._source_row.addWidget(self.menu_button)
        if not full_labels:
            self._slider_row.addWidget(self._compare_slider, 1)
        self.zoom_button.setVisible(wide)
        self._exposure_button.set_compact(not wide)
        self._compare_slider.show_settings()
        self.transport.set_compact(not wide)
        self.targets.set_compact(not wide)
        self.decision_buttons.set_labels(long=full_labels)
        self.decision_form.set_horizontal(wide)
        self.decision_summary.set_horizontal(wide)
        self.notes_list.setVisible(not wide)
        self.place_toolbar()
