"""The shortcuts that work everywhere in the panel; those of the review are in
:mod:`bridge_ui.review.review_shortcuts`.

The panel takes their keys from here, and the overlay that ``?`` opens their texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge_ui.core.translate import tr


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
