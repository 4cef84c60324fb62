"""Deciding about a version: the buttons, the form for a comment, and the last decision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLineEdit, QPushButton, QWidget

from bridge_core.models.enumerations import ReviewStatus
from bridge_ui.core.display_text import decision_text, review_status_sign
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import (
    STYLE_BY_TONE,
    WrapRow,
    button,
    hbox,
    label,
    retain_size_when_hidden,
    vbox,
)

if TYPE_CHECKING:
    from bridge_core.models.versions import DecisionRecord


@dataclass(frozen=True)
class VersionUnderReview:
    """The version that decisions and notes are for."""

    id: str
    name: str
    """``Matte v003``"""
    shot: str
    """``SH_010``"""
    decision: DecisionRecord | None = None
    """The last one; None while it is pending review."""
    note_count: int = 0


class DecisionButtons(QWidget):
    """Reject, ask for changes, approve; each opens the :class:`DecisionForm`."""

    chosen = Signal(object)
    """A :class:`ReviewStatus`."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._version_name = ""
        self._reserved_names: tuple[str, ...] = ()
        self._long_labels = True
        styles = (
            (ReviewStatus.REJECTED, "x", colours.bad, "chip"),
            (ReviewStatus.CHANGES_REQUESTED, "rotate-ccw", colours.warn, "chip"),
            (ReviewStatus.APPROVED, "check", colours.good, "approve"),
        )
        self._buttons = {
            status: button(
                action_text(status, ""),
                style,
                icon_name=icon_name,
                colour=colour,
                on_click=partial(self.chosen.emit, status),
                takes_focus=False,
            )
            for status, icon_name, colour, style in styles
        }
        self._buttons[ReviewStatus.APPROVED].setStyleSheet(_approve_style(colours))
        self._icons = {b: (b.icon(), b.iconSize()) for b in self._buttons.values()}
        self._full_width = 0
        *others, approve = self._buttons.values()
        other_buttons = QWidget()
        other_buttons.setLayout(hbox(*others))
        self._row = WrapRow(other_buttons, approve)
        self.setLayout(vbox(self._row))
        self._update_labels()

    def button(self, status: ReviewStatus) -> QPushButton:
        return self._buttons[status]

    def show_version_name(self, name: str) -> None:
        """Set the version's name; empty disables the buttons."""
        self._version_name = name
        self.set_busy(False)
        self._update_labels()

    def reserve_width(self, names: Iterable[str]) -> None:
        """Reserve width for these names, so that the buttons do not move between versions."""
        self._reserved_names = tuple(names)
        self._fit_icons()

    def set_busy(self, busy: bool) -> None:
        """Disable the buttons while a decision or note is being sent."""
        for widget in self._buttons.values():
            widget.setEnabled(bool(self._version_name) and not busy)

    def set_labels(self, *, long: bool) -> None:
        """Use long or short labels; Approve always names the version."""
        self._long_labels = long
        self._update_labels()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._fit_icons()

    def sizeHint(self) -> QSize:  # noqa: N802
        """The size with icons, so that they return when there is space."""
        return QSize(self._full_width, super().sizeHint().height())

    def _fit_icons(self) -> None:
        """Remove the icons if the labels would not fit otherwise."""
        for widget, (icon, size) in self._icons.items():
            widget.setIcon(icon)
            widget.setIconSize(size)
        self._reserve_approve_width()
        widths = [max(widget.sizeHint().width(), widget.minimumWidth()) for widget in self._icons]
        full_width = sum(widths) + 6 * (len(widths) - 1)
        if full_width != self._full_width:
            self._full_width = full_width
            self.updateGeometry()
        if full_width > self.width():
            for widget in self._icons:
                widget.setIcon(QIcon())
            self._reserve_approve_width()
        self._row.fit()

    def _reserve_approve_width(self) -> None:
        approve = self._buttons[ReviewStatus.APPROVED]
        length = approve.fontMetrics().horizontalAdvance
        labels = [action_text(ReviewStatus.APPROVED, name) for name in self._reserved_names]
        longest = max(map(length, labels), default=0)
        frame_width = approve.sizeHint().width() - length(approve.text())
        approve.setMinimumWidth(frame_width + longest if labels else 0)

    def _update_labels(self) -> None:
        for status, widget in self._buttons.items():
            full_text = action_text(status, self._version_name)
            if status is ReviewStatus.APPROVED:
                widget.setText(full_text)
            elif status is ReviewStatus.CHANGES_REQUESTED:
                widget.setText(action_text(status, "") if self._long_labels else tr("Changes"))
            widget.setAccessibleName(full_text)
            tip = f"{full_text} ({_SHORTCUTS[status]})"
            widget.setToolTip(tip if self._version_name else tr("No version is on the screen"))
        self._fit_icons()


#: Pixels around a button's label, with its frame.
_PADDING = 34
#: As in :data:`bridge_ui.review.review_shortcuts.SHORTCUTS`.
_SHORTCUTS = {
    ReviewStatus.REJECTED: "Shift+R",
    ReviewStatus.CHANGES_REQUESTED: "Shift+C",
    ReviewStatus.APPROVED: "Shift+A",
}


def action_text(status: ReviewStatus, name: str) -> str:
    """``Approve v003``, or ``Approve`` without a name."""
    texts = {
        ReviewStatus.REJECTED: (tr("Reject {name}", name=name), tr("Reject")),
        ReviewStatus.CHANGES_REQUESTED: (
            tr("Ask for changes to {name}", name=name),
            tr("Ask for changes"),
        ),
        ReviewStatus.APPROVED: (tr("Approve {name}", name=name), tr("Approve")),
    }
    return texts[status][0 if name else 1]


class DecisionForm(QWidget):
    """The comment of a decision. Return submits, Escape cancels.

    Approvals need no comment; the other decisions need a reason, here or in a note.
    """

    submitted = Signal(object, str, str)
    """A :class:`ReviewStatus`, the comment, and the id of the version."""
    open_changed = Signal(bool)
    """The form was opened or closed."""

    def __init__(self) -> None:
        super().__init__()
        self._status = ReviewStatus.APPROVED
        self._version: VersionUnderReview | None = None
        self._unsaved_comments: dict[str, str] = {}
        """Unsaved comments by version id."""
        self._busy = False
        self.line_edit = _CommentLineEdit()
        self.line_edit.setMaxLength(5000)
        self.line_edit.setMinimumWidth(60)
        self.line_edit.textChanged.connect(self._text_changed)
        self.line_edit.returnPressed.connect(self._submit)
        self.line_edit.escaped.connect(self.dismiss)
        self.submit_button = button("", "main", on_click=self._submit)
        self._cancel_button = button(tr("Cancel"), "quiet", on_click=self.dismiss)
        foot = WrapRow(self._cancel_button, self.submit_button)
        self._box_layout = vbox(self.line_edit, foot, gap=6, grows=0)
        self.setLayout(self._box_layout)
        self.hide()

    def set_horizontal(self, horizontal: bool) -> None:
        self._box_layout.setDirection(_direction(horizontal))

    def start(self, status: ReviewStatus) -> None:
        """Open the form for a decision; an unsaved comment on this version is kept."""
        version = self._version
        if version is None:
            return
        self._status = status
        hints = {
            ReviewStatus.APPROVED: tr("Comment (optional)"),
            ReviewStatus.CHANGES_REQUESTED: tr("What should change?"),
            ReviewStatus.REJECTED: tr("Why is it rejected?"),
        }
        hint = hints[status]
        if version.note_count and self._needs_reason:
            notes = tr_count(version.note_count, "the note", "the {n} notes")
            hint = tr("Anything to add to {notes}?", notes=notes)
        self.line_edit.setPlaceholderText(hint)
        self.line_edit.setAccessibleName(hint)
        self._refresh()
        self.show()
        self._update_submit_text()
        self.open_changed.emit(True)
        self.line_edit.setFocus()

    def set_version(self, version: VersionUnderReview | None) -> None:
        """Change to another version and its unsaved comment."""
        previous, self._version = self._version, version
        if (version and version.id) != (previous and previous.id):
            self.dismiss()
            self.line_edit.setText(
                self._unsaved_comments.get(version.id, "") if version is not None else ""
            )
        self._refresh()

    def set_busy(self, busy: bool) -> None:
        self._busy = busy
        self._refresh()

    def decision_saved(self, version: str) -> None:
        """The gateway has the decision about this version: discard its unsaved comment."""
        self._unsaved_comments.pop(version, None)
        if self._version is not None and self._version.id == version:
            self.line_edit.clear()
            self.dismiss()

    def dismiss(self) -> None:
        """Close the form; the comment is kept."""
        if not self.isHidden():
            self.open_changed.emit(False)  # first, as hiding would move the focus to any widget
            self.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._update_submit_text()

    def _update_submit_text(self) -> None:
        """Elide a long name in the middle, as both ends tell versions apart."""
        text = action_text(self._status, self._version.name if self._version is not None else "")
        width, middle = self.width() - _PADDING, Qt.TextElideMode.ElideMiddle
        self.submit_button.setText(self.submit_button.fontMetrics().elidedText(text, middle, width))
        self.submit_button.setToolTip(text)
        self.submit_button.setAccessibleName(text)

    @property
    def _needs_reason(self) -> bool:
        return self._status is not ReviewStatus.APPROVED

    def _text_changed(self, text: str) -> None:
        if self._version is not None:
            self._unsaved_comments[self._version.id] = text
        self._refresh()

    def _refresh(self) -> None:
        has_reason = bool(
            self.line_edit.text().strip()
            or (self._version is not None and self._version.note_count)
        )
        self.submit_button.setEnabled(not self._busy and (has_reason or not self._needs_reason))

    def _submit(self) -> None:
        if not self.isHidden() and self.submit_button.isEnabled() and self._version is not None:
            self.submitted.emit(self._status, self.line_edit.text().strip(), self._version.id)


class _CommentLineEdit(QLineEdit):
    escaped = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        elif event.key() not in (Qt.Key.Key_Up, Qt.Key.Key_Down):  # would go to other notes
            super().keyPressEvent(event)


class DecisionSummary(QWidget):
    """The last decision about a version, and a button to make the next version."""

    next_version_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._label = label("", "dim", wrap=True)
        self._next_button = button(
            tr("Make the next version"), "link", on_click=self.next_version_requested.emit
        )
        self._box_layout = vbox(self._label, hbox(1, self._next_button), gap=0, grows=0)
        self.setLayout(self._box_layout)
        self._has_decision = self._collapsed = self._reserved = False
        self.hide()

    def reserve_space(self, reserve: bool) -> None:
        """Keep the space while a version without a decision is shown."""
        self._reserved = reserve
        self.set_collapsed(self._collapsed)

    def set_collapsed(self, collapsed: bool) -> None:
        """Hide it while another decision is being made."""
        self._collapsed = collapsed
        retain_size_when_hidden(self, self._reserved and not collapsed)
        self.setVisible(self._has_decision and not collapsed)

    def set_horizontal(self, horizontal: bool) -> None:
        self._box_layout.setDirection(_direction(horizontal))

    def show_version(self, version: VersionUnderReview | None) -> None:
        decision = version.decision if version is not None else None
        self._has_decision = decision is not None
        self.set_collapsed(self._collapsed)
        if decision is None or version is None:
            return
        text = f"{version.name} {decision_text(decision)}"
        self._label.setText(f"{text}: {decision.comment}" if decision.comment else text)
        set_style_class(self._label, STYLE_BY_TONE[review_status_sign(decision.status).tone])
        self._next_button.setVisible(decision.status is not ReviewStatus.APPROVED)


def _direction(horizontal: bool) -> QBoxLayout.Direction:
    directions = QBoxLayout.Direction
    return directions.LeftToRight if horizontal else directions.TopToBottom


def _approve_style(t: ThemeColours) -> str:
    good, line = t.mix("good", "panel", 0.22), t.mix("good", "line", 0.6)
    return (
        f"QPushButton {{ background: {good}; border: 1px solid {line}; border-radius: 11px;"
        " padding: 3px 12px; }"
        f"QPushButton:hover {{ background: {t.mix('good', 'panel', 0.32)}; }}"
        f"QPushButton:focus {{ border-color: {t.accent}; }}"
        f"QPushButton:disabled {{ background: transparent; border-color: {t.line}; }}"
    )
