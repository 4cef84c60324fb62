"""The shortcuts that work everywhere in the panel, and the overlay with all, shown by ``?``.

Those of the review are in :mod:`bridge_ui.review.review_shortcuts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFrame, QGridLayout, QWidget
from shiboken6 import isValid

from bridge_ui.core.translate import tr
from bridge_ui.review.review_shortcuts import shortcut_help
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import label, scroll_area, title, vbox


@dataclass(frozen=True, slots=True)
class PanelShortcut:
    """A line of the overlay."""

    key_text: str
    help_text: str
    actions: Mapping[str, str] = field(default_factory=dict)
    """Names of the panel's actions by key, as Qt spells keys; empty if Qt itself has the
    shortcut."""


def panel_shortcuts(tab_count: int) -> tuple[PanelShortcut, ...]:
    """The shortcuts of a panel, whose first ``tab_count`` tabs have one each."""
    return (
        # Without Shift, which Qt ignores if the keyboard layout needs it for the character.
        # "Shift+/" would be ambiguous with "?" on many, and Qt triggers neither then.
        PanelShortcut("/", tr("find a shot"), {"/": "find_shot"}),
        PanelShortcut("Ctrl+Return", tr("send"), {"Ctrl+Return": "send"}),
        PanelShortcut("Ctrl+T", tr("render a test frame"), {"Ctrl+T": "request_test_frame"}),
        PanelShortcut(
            "Ctrl+Shift+Return",
            tr("send the selected job again"),
            {"Ctrl+Shift+Return": "resend_job"},
        ),
        PanelShortcut(tr("Return"), tr("press the focused button")),
        PanelShortcut("Ctrl+K", tr("choose a service"), {"Ctrl+K": "choose_service"}),
        PanelShortcut(
            f"Ctrl+1 … Ctrl+{tab_count}",
            tr("go to a tab"),
            {f"Ctrl+{number}": f"go_to_tab_{number}" for number in range(1, tab_count + 1)},
        ),
        PanelShortcut("Tab, Shift+Tab", tr("next, previous field")),
        PanelShortcut(
            "?",
            tr("show these shortcuts"),
            {"?": "toggle_shortcuts", "Shift+?": "toggle_shortcuts"},
        ),
    )


def shortcut_groups(tab_count: int) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Groups of keys and what they do, by title."""
    in_panel = tuple((keys.key_text, keys.help_text) for keys in panel_shortcuts(tab_count))
    return ((tr("Everywhere"), in_panel), (tr("Review"), shortcut_help()))


class ShortcutsOverlay(QFrame):
    """Shown until Escape, ``?`` or a click; then the focus returns to the previous widget."""

    def __init__(self, parent: QWidget, tab_count: int) -> None:
        super().__init__(parent)
        self._parent = parent
        self._previous_focus: QWidget | None = None
        set_style_class(self, "popover")
        self._body = body = vbox(gap=14)
        groups, width_of = shortcut_groups(tab_count), self.fontMetrics().horizontalAdvance
        key_width = max(width_of(key) for _, keys in groups for key, _ in keys)
        for name, keys in groups:
            grid = QGridLayout()
            grid.setHorizontalSpacing(16)
            for index, (key, help_text) in enumerate(keys):
                key_label = label(key)
                key_label.setFixedWidth(key_width)
                key_label.setAlignment(Qt.AlignmentFlag.AlignTop)
                grid.addWidget(key_label, index, 0)
                grid.addWidget(label(help_text, "dim", wrap=True), index, 1)
            grid.setColumnStretch(1, 1)
            body.addLayout(vbox(title(name), grid))
        body.addStretch(1)
        self.setLayout(vbox(title(tr("Shortcuts"), 1.2), scroll_area(body), margin=16, gap=10))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()

    def toggle(self) -> None:
        if self.isVisible():
            self._close()
            return
        self._previous_focus = QApplication.focusWidget()
        parent = self._parent
        self.show()  # the layout is not updated while hidden
        width = min(78 * self.fontMetrics().averageCharWidth(), parent.width() - 24)
        height = self._body.totalHeightForWidth(width - 48)
        self.resize(width, min(height + 80, parent.height() - 24))
        self.move((parent.width() - self.width()) // 2, (parent.height() - self.height()) // 2)
        self.raise_()
        self.setFocus()

    def keyPressEvent(self, event: object) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Question):  # type: ignore[attr-defined]
            self._close()
        else:
            super().keyPressEvent(event)  # type: ignore[arg-type]

    def mousePressEvent(self, _event: object) -> None:  # noqa: N802
        self._close()

    def _close(self) -> None:
        previous = self._previous_focus
        self.hide()
        if previous is not None and isValid(previous):
            previous.setFocus()
