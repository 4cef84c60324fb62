"""The Lineage page: how a version was made, and how it differs from another."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from bridge_ui.core.observable import unwatch_all
from bridge_ui.core.translate import tr
from bridge_ui.lineage.controller import Difference, Fact, LineageController, LineageState
from bridge_ui.review.controller import ReviewController, ReviewState
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import (
    ProblemText,
    button,
    clear_layout,
    label,
    make_selectable,
    scroll_area,
    show_text,
    title,
    vbox,
)
from bridge_ui.widgets.inputs import ComboBox


class LineagePage(QWidget):
    """Shows the version under review."""

    repeat_requested = Signal(object)
    """The request to send again."""

    def __init__(
        self, lineage: LineageController, review: ReviewController, colours: ThemeColours
    ) -> None:
        super().__init__()
        self._lineage = lineage
        self._review = review
        self._title = title("", 1.1)
        self._compare_box = ComboBox(colours)
        self._compare_box.setObjectName("compare-lineage")
        self._compare_box.setAccessibleName(tr("Compare with another version"))
        self._compare_box.activated.connect(self._compare)
        self._hint = label("", "dim", wrap=True)
        self._problem = ProblemText()
        self._offered_choices: dict[str, str] = {}
        """Labels by id."""
        self._facts = vbox(gap=14)
        self._repeat_button = button("", icon_name="repeat", on_click=self._repeat, name="repeat")
        facts = (self._problem, self._hint, self._facts, 1)
        body = scroll_area(vbox(*facts, margin=(14, 4, 14, 12), gap=10))
        head = vbox(self._title, self._compare_box, margin=(14, 12, 14, 4), gap=8)
        foot = vbox(self._repeat_button, margin=(14, 8, 14, 14))
        self.setLayout(vbox(head, body, foot, gap=4, grows=1))
        self.stop = unwatch_all(
            review.state.watch(self._review_changed), lineage.state.watch(self._show)
        )

    def _review_changed(self, state: ReviewState) -> None:
        version = state.version
        shown = version.id if version else ""
        if shown != self._lineage.state.value.result:
            self._lineage.show(shown, state.version_label)
        others = [choice for choice in state.choices if choice.version and choice.id != shown]
        self._offered_choices = {choice.id: choice.label for choice in others}
        self._show_compared()

    def _show_compared(self) -> None:
        state = self._lineage.state.value
        offered, compared = self._offered_choices, state.compared_result
        choices = (("", tr("Compare with …")), *offered.items())
        self._compare_box.set_choices(choices, compared if compared in offered else "")
        self._compare_box.setVisible(bool(self._offered_choices) and bool(state.result))

    def _compare(self, index: int) -> None:
        other = self._compare_box.itemData(index)
        self._lineage.compare(other or None, self._compare_box.itemText(index) if other else "")

    def _repeat(self) -> None:
        self._lineage.repeat(self.repeat_requested.emit)

    def _show(self, state: LineageState) -> None:
        self._title.setText(state.label or tr("Lineage"))
        self._problem.show_problem(state.problem, state.next_step)
        self._repeat_button.setEnabled(bool(state.facts))
        text = tr("Use these settings again")
        if state.compared_result:
            text = tr("Use the settings of {version} again", version=state.label)
        self._repeat_button.setText(text)
        self._show_compared()
        clear_layout(self._facts)
        show_text(self._hint, self._hint_text(state))
        if state.differences is not None:
            self._add_differences(state.differences, state)
        else:
            self._add_facts(state.facts)

    def _hint_text(self, state: LineageState) -> str:
        if state.busy:
            return tr("Loading …")
        if not state.result:
            return tr("Review a version to see how it was made.")
        if state.differences == ():
            return tr("No differences.")
        return ""

    def _add_facts(self, facts: Sequence[Fact]) -> None:
        for group in dict.fromkeys(fact.group for fact in facts):
            grid = _make_grid()
            for index, fact in enumerate(fact for fact in facts if fact.group == group):
                grid.addWidget(_title_label(fact.title), index, 0)
                grid.addWidget(_value_label(fact.value), index, 1)
            grid.setColumnStretch(0, 2)
            grid.setColumnStretch(1, 3)
            self._facts.addLayout(vbox(title(group), grid, gap=5))

    def _add_differences(self, differences: Sequence[Difference], state: LineageState) -> None:
        if not differences:
            return
        grid = _make_grid()
        for index, text in enumerate(("", state.label, state.compared_label)):
            grid.addWidget(label(text, "dim", wrap=True), 0, index)
        for index, difference in enumerate(differences, start=1):
            grid.addWidget(_title_label(difference.title), index, 0)
            grid.addWidget(_value_label(difference.a or "–"), index, 1)
            grid.addWidget(_value_label(difference.b or "–"), index, 2)
        for index, weight in enumerate((2, 3, 3)):
            grid.setColumnStretch(index, weight)
        self._facts.addLayout(vbox(title(tr("Differences")), grid, gap=5))


def _make_grid() -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(4)
    return grid


def _title_label(text: str) -> QWidget:
    widget = label(text, "dim", wrap=True)
    widget.setAlignment(Qt.AlignmentFlag.AlignTop)
    return widget


def _value_label(text: str) -> QWidget:
    widget = make_selectable(label(text, wrap=True))
    widget.setAlignment(Qt.AlignmentFlag.AlignTop)
    return widget
