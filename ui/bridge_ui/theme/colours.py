"""The colours of the panel.

Surfaces are neutral grey, so that pictures can be judged beside them. There is one accent colour
for controls, and three status colours that always come with an icon and a text. Text has a
contrast of at least 4.5:1 on every surface (WCAG 2.2, 1.4.3; tested).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtGui import QColor, QPalette

#: A host whose window is lighter than this (0-255) is not dark; the panel keeps its own colours.
_DARK_LIGHTNESS = 96


@dataclass(frozen=True, slots=True)
class ThemeColours:
    """Each as ``#rrggbb``."""

    canvas: str = "#0e0f10"
    """Around pictures."""
    ground: str = "#1d1e20"
    """Background of the panel and the viewer."""
    panel: str = "#232427"
    """Background of lists and forms."""
    raised: str = "#2c2e32"
    """Background of selected rows, cards and buttons."""
    field: str = "#191a1c"
    """Background of input fields."""
    line: str = "#3a3c41"
    text: str = "#e7e8ea"
    dim: str = "#a2a5ab"
    """Secondary text."""
    accent: str = "#5fb0d3"
    """Text and lines of controls."""
    button_fill: str = "#2f7699"
    """Background of the main button, with white text."""
    good: str = "#7cc48b"
    warn: str = "#e8b04f"
    bad: str = "#f2937f"

    def mix(self, colour: str, other: str, part: float) -> str:
        """Blend two colours by field name: ``part`` (0 to 1) of ``colour`` over ``other``."""
        pairs = zip(_rgb(getattr(self, colour)), _rgb(getattr(self, other)), strict=True)
        return QColor(*(round(b + (a - b) * part) for a, b in pairs)).name()


def colours_for(palette: QPalette) -> ThemeColours:
    """The colours, with surfaces shifted to match a dark host."""
    window = palette.color(QPalette.ColorRole.Window)
    own = ThemeColours()
    lightness = window.lightness()
    if not 20 <= lightness < _DARK_LIGHTNESS or window.hsvSaturation() > 60:
        return own
    # Limited, to keep the contrast of text.
    shift = max(-12, min(lightness - QColor(own.panel).lightness(), 12))
    surfaces = ("ground", "panel", "raised", "field", "line")
    return replace(own, **{name: _lighter(getattr(own, name), shift) for name in surfaces})


def _lighter(colour: str, amount: int) -> str:
    return QColor(*(max(0, min(255, part + amount)) for part in _rgb(colour))).name()


def _rgb(colour: str) -> tuple[int, int, int]:
    value = QColor(colour)
    return value.red(), value.green(), value.blue()
