"""The colours of the panel.

They are for a dark editing desk: surfaces without hue, so that pictures are judged beside
neutral grey; one accent for what can be pressed; three signs that always come with an icon and a
word. Texts reach a contrast of 4.5:1 on every surface (WCAG 2.2, 1.4.3; a test keeps it).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtGui import QColor, QPalette

#: A host whose window is lighter than this (0-255) is not dark; we stay dark beside it.
_DARK_LIGHTNESS = 96


@dataclass(frozen=True, slots=True)
class ThemeColours:
    """Each as ``#rrggbb``."""

    canvas: str = "#0e0f10"
    """Around pictures."""
    ground: str = "#1d1e20"
    """Behind the middle of the panel."""
    panel: str = "#232427"
    """Behind lists and forms."""
    raised: str = "#2c2e32"
    """What lies on a panel: the chosen row, cards, buttons."""
    field: str = "#191a1c"
    """What is written in."""
    line: str = "#3a3c41"
    text: str = "#e7e8ea"
    dim: str = "#a2a5ab"
    """Words that matter less."""
    accent: str = "#5fb0d3"
    """Words and lines of what can be pressed."""
    button_fill: str = "#2f7699"
    """The one big button; white stands on it."""
    good: str = "#7cc48b"
    warn: str = "#e8b04f"
    bad: str = "#f2937f"

    def mix(self, one: str, other: str, part: float) -> str:
        """``part`` (0 to 1) of the tone called ``one`` over the tone called ``other``."""
        a, b = QColor(getattr(self, one)), QColor(getattr(self, other))
        values = (
            round(b.red() + (a.red() - b.red()) * part),
            round(b.green() + (a.green() - b.green()) * part),
            round(b.blue() + (a.blue() - b.blue()) * part),
        )
        return QColor(*values).name()


def colours_for(palette: QPalette) -> ThemeColours:
    """Our colours, on the surfaces of the host where it has dark ones."""
    window = palette.color(QPalette.ColorRole.Window)
    own = ThemeColours()
    if (
        window.lightness() >= _DARK_LIGHTNESS
        or window.hsvSaturation() > 60
        or window.lightness() < 20
    ):
        return own
    shift = window.lightness() - QColor(own.panel).lightness()
    # Lighter hosts would take the contrast from our texts; stop before.
    shift = max(-12, min(shift, 12))
    surfaces = ("ground", "panel", "raised", "field", "line")
    return replace(own, **{name: _lighter(getattr(own, name), shift) for name in surfaces})


def _lighter(colour: str, by: int) -> str:
    value = QColor(colour)
    return QColor(
        *(max(0, min(255, part + by)) for part in (value.red(), value.green(), value.blue()))
    ).name()
