"""The tab that tells how a version was made, and what is different in another one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from bridge_ui.controllers.lineage import Difference, Fact, LineageController, LineageState
from bridge_ui.controllers.review import Choice, ReviewController, ReviewState
from bridge_ui.panel.inputs import Choose
from bridge_ui.panel.pieces import button, column, empty, label, scrolled, title
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr


class MadeByTab(QWidget):
    """Follows what is under review. :attr:`again` carries the request to be made once more."""

    again = Signal(object)

    def __init__(self, lineage: LineageController, review: ReviewController, tones: Tones) -> None:
        super().__init__()
        self._lineage = lineage
        self._review = review
        self._title = title("", 1.1)
        self._against = Choose(tones)
        self._against.setObjectName("compare-lineage")
        self._against.setAccessibleName(tr("Compare with another version"))
        self._against.activated.connect(self._compare)
        self._hint = label("", "dim", wrap=True)
        self._problem = label("", "bad", wrap=True)
        self._next = label("", "dim", wrap=True)
        self._offered: tuple[tuple[str, str], ...] = ()
        self._facts = QVBoxLayout()
        self._facts.setSpacing(14)
        self._make = button(tr("Make again with these"), sign="repeat", does=self._make_again)
        self._make.setObjectName("make-again")
        inside = QWidget()
        body = column(self._problem, self._next, self._hint, self._facts, 1, gap=10)
        body.setContentsMargins(14, 4, 14, 12)
        inside.setLayout(body)
        head = column(self._title, self._against, gap=8)
        head.setContentsMargins(14, 12, 14, 4)
        foot = column(self._make)
        foot.setContentsMargins(14, 8, 14, 14)
        self.setLayout(column(head, scrolled(inside), foot, gap=4, grows=1))
        self._unwatch = [
            review.state.watch(self._follow),
            lineage.state.watch(self._show),
        ]

    def close_watches(self) -> None:
        for unwatch in self._unwatch:
            unwatch()

    def _follow(self, state: ReviewState) -> None:
        version = state.version
        shown = version.id if version else ""
        name = next((choice.label for choice in state.choices if choice.id == shown), "")
        if shown != self._lineage.state.value.result:
            self._lineage.show(shown, name)
        self._offer([c for c in state.choices if c.version is not None and c.id != shown])

    def _offer(self, choices: list[Choice]) -> None:
        """Filled anew only where it is otherwise than before: it may be open."""
        offered = tuple((choice.label, choice.id) for choice in choices)
        if offered != self._offered:
            self._offered = offered
            self._against.clear()
            self._against.addItem(tr("Compare with …"), "")
            for label_, which in offered:
                self._against.addItem(label_, which)
        self._show_against()

    def _show_against(self) -> None:
        state = self._lineage.state.value
        self._against.setCurrentIndex(max(0, self._against.findData(state.against)))
        self._against.setVisible(bool(self._offered) and bool(state.result))

    def _compare(self, at: int) -> None:
        other = self._against.itemData(at)
        self._lineage.compare(other or None, self._against.itemText(at) if other else "")

    def _make_again(self) -> None:
        self._lineage.make_again(self.again.emit)

    def _show(self, state: LineageState) -> None:
        self._title.setText(state.label or tr("Made by"))
        self._problem.setText(state.problem)
        self._problem.setVisible(bool(state.problem))
        self._next.setText(state.next_step)
        self._next.setVisible(bool(state.next_step))
        self._make.setEnabled(bool(state.facts))
        self._make.setText(
            tr("Make again as {version}", version=state.label)
            if state.against
            else tr("Make again with these")
        )
        self._show_against()
        empty(self._facts)
        self._hint.setText(self._what_is_shown(state))
        self._hint.setVisible(bool(self._hint.text()))
        if state.differences is not None:
            self._add_differences(state.differences, state)
        else:
            self._add_facts(state.facts)

    def _what_is_shown(self, state: LineageState) -> str:
        if state.busy:
            return tr("Asking the gateway …")
        if not state.result:
            return tr("Review a version to see how it was made.")
        if state.differences == ():
            return tr("Made in the same way.")
        return ""

    def _add_facts(self, facts: Sequence[Fact]) -> None:
        for group in dict.fromkeys(fact.group for fact in facts):
            grid = _grid()
            for at, fact in enumerate(fact for fact in facts if fact.group == group):
                grid.addWidget(_name(fact.title), at, 0)
                grid.addWidget(_value(fact.value), at, 1)
            grid.setColumnStretch(0, 2)
            grid.setColumnStretch(1, 3)
            self._facts.addLayout(column(title(group), grid, gap=5))

    def _add_differences(self, found: Sequence[Difference], state: LineageState) -> None:
        if not found:
            return
        grid = _grid()
        for at, words in enumerate(("", state.label, state.against_label)):
            grid.addWidget(label(words, "dim", wrap=True), 0, at)
        for at, difference in enumerate(found, start=1):
            grid.addWidget(_name(difference.title), at, 0)
            grid.addWidget(_value(difference.a or "–"), at, 1)
            grid.addWidget(_value(difference.b or "–"), at, 2)
        for at, weight in enumerate((2, 3, 3)):
            grid.setColumnStretch(at, weight)
        self._facts.addLayout(column(title(tr("What is different")), grid, gap=5))


def _grid() -> QGridLayout:
    made = QGridLayout()
    made.setHorizontalSpacing(12)
    made.setVerticalSpacing(4)
    return made


def _name(text: str) -> QWidget:
    made = label(text, "dim", wrap=True)
    made.setAlignment(Qt.AlignmentFlag.AlignTop)
    return made


def _value(text: str) -> QWidget:
    made = label(text, wrap=True)
    made.setAlignment(Qt.AlignmentFlag.AlignTop)
    made.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return made
