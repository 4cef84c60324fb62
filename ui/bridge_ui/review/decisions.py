"""Deciding about a version: three buttons, the words that go with a decision, and how it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLineEdit, QPushButton, QWidget

from bridge_core.models.versions import DecisionRecord, ReviewStatus
from bridge_ui.controllers.words import decided, review_sign
from bridge_ui.panel.pieces import LOOKS, FitRow, button, column, keep_room, label, row
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import counted, tr


@dataclass(frozen=True)
class UnderReview:
    """What is decided about."""

    id: str
    name: str
    """``Matte v003``"""
    shot: str
    """``SH_010``"""
    decision: DecisionRecord | None = None
    """The last one; None: it waits for one."""
    notes: int = 0
    """How many speak of it."""


class DecisionButtons(QWidget):
    """Reject, ask for changes, approve; each asks for words first, see :class:`Comment`."""

    chosen = Signal(object)
    """A :class:`ReviewStatus`."""

    def __init__(self, tones: Tones) -> None:
        super().__init__()
        self._name = ""
        self._names: tuple[str, ...] = ()
        self._long = True
        signs = (
            (ReviewStatus.REJECTED, "x", tones.bad, "chip"),
            (ReviewStatus.CHANGES_REQUESTED, "rotate-ccw", tones.warn, "chip"),
            (ReviewStatus.APPROVED, "check", tones.good, "approve"),
        )
        self._buttons = {
            status: button(
                words_of(status, ""),
                style,
                sign=sign,
                colour=colour,
                does=partial(self.chosen.emit, status),
            )
            for status, sign, colour, style in signs
        }
        self._buttons[ReviewStatus.APPROVED].setStyleSheet(_approve(tones))
        for one in self._buttons.values():
            one.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._signs = {one: (one.icon(), one.iconSize()) for one in self._buttons.values()}
        self._whole = 0
        *others, approve = self._buttons.values()
        beside = QWidget()
        beside.setLayout(row(*others))
        self._line = FitRow(beside, approve)
        self.setLayout(column(self._line))
        self._name_buttons()

    def button(self, status: ReviewStatus) -> QPushButton:
        return self._buttons[status]

    def show_name(self, name: str) -> None:
        """Of the version; empty: there is none."""
        self._name = name
        self.set_busy(False)
        self._name_buttons()

    def keep_room(self, names: Iterable[str]) -> None:
        """For each of these versions: the buttons stand where they are whichever is meant."""
        self._names = tuple(names)
        self._fit()

    def set_busy(self, busy: bool) -> None:
        """Something that was said is on its way: no second one meanwhile."""
        for one in self._buttons.values():
            one.setEnabled(bool(self._name) and not busy)

    def set_words(self, *, long: bool) -> None:
        """In full words or short ones; approval always says of which version."""
        self._long = long
        self._name_buttons()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802
        """With signs, so that they come back where there is room."""
        return QSize(self._whole, super().sizeHint().height())

    def _fit(self) -> None:
        """Signs make room for words, which say the same."""
        for one, (sign, gap) in self._signs.items():
            one.setIcon(sign)
            one.setIconSize(gap)
        self._reserve()
        widths = [max(one.sizeHint().width(), one.minimumWidth()) for one in self._signs]
        whole = sum(widths) + 6 * (len(widths) - 1)
        if whole != self._whole:
            self._whole = whole
            self.updateGeometry()
        if whole > self.width():
            for one in self._signs:
                one.setIcon(QIcon())
            self._reserve()
        self._line.fit()

    def _reserve(self) -> None:
        approve = self._buttons[ReviewStatus.APPROVED]
        length = approve.fontMetrics().horizontalAdvance
        words = [words_of(ReviewStatus.APPROVED, name) for name in self._names]
        longest = max(map(length, words), default=0)
        around = approve.sizeHint().width() - length(approve.text())
        approve.setMinimumWidth(around + longest if words else 0)

    def _name_buttons(self) -> None:
        for status, one in self._buttons.items():
            whole = words_of(status, self._name)
            if status is ReviewStatus.APPROVED:
                one.setText(whole)
            elif status is ReviewStatus.CHANGES_REQUESTED:
                one.setText(words_of(status, "") if self._long else tr("Changes"))
            one.setAccessibleName(whole)
            tip = f"{whole} ({_KEYS[status]})"
            one.setToolTip(tip if self._name else tr("No version is on the screen"))
        self._fit()


#: Pixels around a button's words, with its frame.
_PADDING = 34
#: As in :data:`bridge_ui.review.keys.KEYS`.
_KEYS = {
    ReviewStatus.REJECTED: "Shift+R",
    ReviewStatus.CHANGES_REQUESTED: "Shift+C",
    ReviewStatus.APPROVED: "Shift+A",
}


def words_of(status: ReviewStatus, name: str) -> str:
    """``Approve v003``; without a name only what is done."""
    words = {
        ReviewStatus.REJECTED: (tr("Reject {name}", name=name), tr("Reject")),
        ReviewStatus.CHANGES_REQUESTED: (
            tr("Ask for changes to {name}", name=name),
            tr("Ask for changes"),
        ),
        ReviewStatus.APPROVED: (tr("Approve {name}", name=name), tr("Approve")),
    }
    return words[status][0 if name else 1]


class Comment(QWidget):
    """The words that go with a decision. Return decides, Escape does not.

    An approval needs none; with the other two somebody has to be told why, here or in a note.
    """

    decided = Signal(object, str, str)
    """A :class:`ReviewStatus`, the words, and the id of the version."""
    opened = Signal(bool)
    """Somebody is writing, or not any more."""

    def __init__(self) -> None:
        super().__init__()
        self._status = ReviewStatus.APPROVED
        self._about: UnderReview | None = None
        self._begun: dict[str, str] = {}
        """Words for each version that are not decided with yet."""
        self._busy = False
        self.words = _Line()
        self.words.setMaxLength(5000)
        self.words.setMinimumWidth(60)
        self.words.textChanged.connect(self._written)
        self.words.returnPressed.connect(self._decide)
        self.words.escaped.connect(self.leave)
        self.decide = button("", "main", does=self._decide)
        self._cancel = button(tr("Cancel"), "quiet", does=self.leave)
        foot = FitRow(self._cancel, self.decide)
        self._lines = column(self.words, foot, gap=6, grows=0)
        self.setLayout(self._lines)
        self.hide()

    def set_one_line(self, one: bool) -> None:
        self._lines.setDirection(_direction(one))

    def ask(self, status: ReviewStatus) -> None:
        """Have somebody write about the version that is looked at; what was written for another
        decision about it stays."""
        about = self._about
        if about is None:
            return
        self._status = status
        said = counted(about.notes, "the note", "the {n} notes")
        hints = {
            ReviewStatus.APPROVED: tr("Anything to say with it?"),
            ReviewStatus.CHANGES_REQUESTED: tr("What is to change?"),
            ReviewStatus.REJECTED: tr("Why?"),
        }
        hint = hints[status]
        if about.notes and self._needs_words:
            hint = tr("Anything besides {notes}?", notes=said)
        self.words.setPlaceholderText(hint)
        self.words.setAccessibleName(hint)
        self._show()
        self.show()
        self._name_decision()
        self.opened.emit(True)
        self.words.setFocus()

    def keep_to(self, about: UnderReview | None) -> None:
        """Have this one decided about. What was written about another one waits for it."""
        before, self._about = self._about, about
        if (about and about.id) != (before and before.id):
            self.leave()
            self.words.setText(self._begun.get(about.id, "") if about is not None else "")
        self._show()

    def set_busy(self, busy: bool) -> None:
        self._busy = busy
        self._show()

    def done(self, version: str) -> None:
        """It was decided about this one: the words are safe."""
        self._begun.pop(version, None)
        if self._about is not None and self._about.id == version:
            self.words.clear()
            self.leave()

    def leave(self) -> None:
        """Not now; what was written stays for the next time."""
        if not self.isHidden():
            self.opened.emit(False)  # first: whoever hides what has the focus gives it to anybody
            self.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._name_decision()

    def _name_decision(self) -> None:
        """Elide a long name in its middle: both ends tell versions apart."""
        whole = words_of(self._status, self._about.name if self._about is not None else "")
        room, middle = self.width() - _PADDING, Qt.TextElideMode.ElideMiddle
        self.decide.setText(self.decide.fontMetrics().elidedText(whole, middle, room))
        self.decide.setToolTip(whole)
        self.decide.setAccessibleName(whole)

    @property
    def _needs_words(self) -> bool:
        return self._status is not ReviewStatus.APPROVED

    def _written(self, words: str) -> None:
        if self._about is not None:
            self._begun[self._about.id] = words
        self._show()

    def _show(self) -> None:
        told = bool(self.words.text().strip() or (self._about is not None and self._about.notes))
        self.decide.setEnabled(not self._busy and (told or not self._needs_words))

    def _decide(self) -> None:
        if not self.isHidden() and self.decide.isEnabled() and self._about is not None:
            self.decided.emit(self._status, self.words.text().strip(), self._about.id)


class _Line(QLineEdit):
    escaped = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        elif event.key() not in (Qt.Key.Key_Up, Qt.Key.Key_Down):  # they would go to other notes
            super().keyPressEvent(event)


class Standing(QWidget):
    """How a version stands: who decided what and when, with which words; and what comes next."""

    next_wanted = Signal()
    """Make the next version from what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._words = label("", "dim", wrap=True)
        self._next = button(tr("Make the next version"), "link", does=self.next_wanted.emit)
        self._lines = column(self._words, row(1, self._next), gap=0, grows=0)
        self.setLayout(self._lines)
        self._decided = self._away = self._kept = False
        self.hide()

    def keep_room(self, keep: bool) -> None:
        """Also where a version that nobody has decided about yet, or none, is on the screen."""
        self._kept = keep
        self.make_room(self._away)

    def make_room(self, away: bool) -> None:
        """Another decision is being made."""
        self._away = away
        keep_room(self, self._kept and not away)
        self.setVisible(self._decided and not away)

    def set_one_line(self, one: bool) -> None:
        self._lines.setDirection(_direction(one))

    def show_version(self, about: UnderReview | None) -> None:
        decision = about.decision if about is not None else None
        self._decided = decision is not None
        self.make_room(self._away)
        if decision is None or about is None:
            return
        words = f"{about.name} {decided(decision)}"
        self._words.setText(f"{words}: {decision.comment}" if decision.comment else words)
        look(self._words, LOOKS[review_sign(decision.status).tone])
        self._next.setVisible(decision.status is not ReviewStatus.APPROVED)


def _direction(one_line: bool) -> QBoxLayout.Direction:
    way = QBoxLayout.Direction
    return way.LeftToRight if one_line else way.TopToBottom


def _approve(t: Tones) -> str:
    good, line = t.mixed("good", "panel", 0.22), t.mixed("good", "line", 0.6)
    return (
        f"QPushButton {{ background: {good}; border: 1px solid {line}; border-radius: 11px;"
        " padding: 3px 12px; }"
        f"QPushButton:hover {{ background: {t.mixed('good', 'panel', 0.32)}; }}"
        f"QPushButton:focus {{ border-color: {t.accent}; }}"
        f"QPushButton:disabled {{ background: transparent; border-color: {t.line}; }}"
    )
