"""The viewer's layout: one row above and one below the canvas, or several in a narrow panel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from bridge_ui.review.annotations.drawing_widgets import DrawingToolbar
from bridge_ui.review.annotations.note_widgets import NoteEditor
from bridge_ui.review.annotations.notes_list_widget import NotesList
from bridge_ui.review.canvas.canvas_widget import ViewerCanvas
from bridge_ui.review.canvas.settings_widgets import CompareSlider, ExposureButton
from bridge_ui.review.compare.compare_widgets import CompareModeButtons, SideChooser
from bridge_ui.review.decisions.decision_widgets import (
    DecisionButtons,
    DecisionForm,
    DecisionSummary,
)
from bridge_ui.review.decisions.target_widgets import NewResultPrompt, TargetChooser
from bridge_ui.review.menu_widget import ViewerMenuButton
from bridge_ui.review.player.timeline_widget import TimelineBar
from bridge_ui.review.player.transport_widgets import TransportBar
from bridge_ui.widgets.basic import retain_size_when_hidden

#: Minimum widths for A and B in one row, for everything in one row, and for that with full labels;
#: in widths of the letter x, so that the font size counts.
_SIDES_IN_ROW_FROM, _WIDE_FROM, _FULL_LABELS_FROM = 42, 88, 128
#: Minimum height for reserving space, in lines of text.
_TALL_FROM = 30


@dataclass(frozen=True)
class ViewerParts:
    """The viewer's widgets, roughly from top to bottom."""

    side_choosers: tuple[SideChooser, SideChooser]
    mode_buttons: CompareModeButtons
    compare_slider: CompareSlider
    exposure_button: ExposureButton
    zoom_button: QWidget
    menu_button: ViewerMenuButton
    canvas: ViewerCanvas
    drawing_toolbar: DrawingToolbar
    new_result: NewResultPrompt
    timeline: TimelineBar
    transport: TransportBar
    decision_buttons: DecisionButtons
    targets: TargetChooser
    note_editor: NoteEditor
    notes_list: NotesList
    decision_summary: DecisionSummary
    decision_form: DecisionForm
    message: QWidget


class ViewerLayout:
    """Arranges the viewer's parts for its width."""

    def __init__(self, viewer: QWidget, parts: ViewerParts) -> None:
        self._viewer, self._parts = viewer, parts
        self._arrangement: tuple[bool, bool, bool] | None = None
        self._reserved_for: tuple[tuple[str, ...], bool] = ((), False)
        self._source_row, self._second_source_row = QHBoxLayout(), QHBoxLayout()
        self._mode_row, self._slider_row = QHBoxLayout(), QHBoxLayout()
        self._transport_row, self._decision_row = QHBoxLayout(), QHBoxLayout()
        body = self._body = QVBoxLayout(viewer)
        body.setContentsMargins(10, 8, 10, 8)
        # The viewer adapts to its width; its rows must not set a minimum.
        body.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        body.addLayout(self._source_row)
        body.addLayout(self._second_source_row)
        body.addWidget(parts.canvas, 1)
        body.addWidget(parts.new_result)
        body.addLayout(self._mode_row)
        body.addLayout(self._slider_row)
        body.addWidget(parts.timeline)
        body.addLayout(self._transport_row)
        body.addWidget(parts.targets)
        body.addWidget(parts.note_editor)
        body.addWidget(parts.notes_list)
        body.addWidget(parts.decision_summary)
        body.addWidget(parts.decision_form)
        body.addWidget(parts.message)
        body.addLayout(self._decision_row)
        parts.drawing_toolbar.hide()
        self._arrange(sides_in_row=True, wide=True, full_labels=True)

    @property
    def is_wide(self) -> bool:
        """Everything is in one row."""
        return self._arrangement is not None and self._arrangement[1]

    def fit_width(self) -> None:
        """Rearrange after the viewer's width has changed."""
        letters = self._viewer.width() / self._viewer.fontMetrics().horizontalAdvance("x")
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
        is_tall = self._viewer.height() >= _TALL_FROM * self._viewer.fontMetrics().height()
        retain_size_when_hidden(self._parts.targets, is_tall and len(names) > 1)
        self._parts.decision_summary.reserve_space(is_tall and has_decision)
        self._parts.decision_buttons.reserve_width(names)

    def place_toolbar(self) -> None:
        """On the left of the picture in a wide viewer, else as a row below it."""
        toolbar, canvas = self._parts.drawing_toolbar, self._parts.canvas
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
        parts = self._parts
        self._body.setSpacing(7 if wide else 5)
        rows = (self._source_row, self._second_source_row, self._mode_row)
        for row in (*rows, self._slider_row, self._transport_row, self._decision_row):
            while row.takeAt(0) is not None:
                pass  # the widgets are kept and placed again below
        self._source_row.addWidget(parts.side_choosers[0], 1)
        (self._source_row if sides_in_row else self._second_source_row).addWidget(
            parts.side_choosers[1], 1
        )
        parts.mode_buttons.set_compact(not full_labels, stretched=not wide)
        self._transport_row.addWidget(parts.transport, 1)
        if wide:
            self._source_row.addWidget(parts.mode_buttons)
            self._source_row.addStretch(1 if full_labels else 0)
            if full_labels:
                self._source_row.addWidget(parts.compare_slider)
            self._source_row.addWidget(parts.exposure_button)
            self._source_row.addWidget(parts.zoom_button)
            self._transport_row.addWidget(parts.decision_buttons)
        else:
            self._mode_row.addWidget(parts.mode_buttons, 1)
            self._transport_row.addWidget(parts.exposure_button)
            self._decision_row.addWidget(parts.decision_buttons, 1)
        self._source_row.addWidget(parts.menu_button)
        if not full_labels:
            self._slider_row.addWidget(parts.compare_slider, 1)
        parts.zoom_button.setVisible(wide)
        parts.exposure_button.set_compact(not wide)
        parts.compare_slider.show_settings()
        parts.transport.set_compact(not wide)
        parts.targets.set_compact(not wide)
        parts.decision_buttons.set_labels(long=full_labels)
        parts.decision_form.set_horizontal(wide)
        parts.decision_summary.set_horizontal(wide)
        parts.notes_list.setVisible(not wide)
        self.place_toolbar()
