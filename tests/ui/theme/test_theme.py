"""Text is readable in dark and light hosts, and nothing outside the panel changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

import bridge_ui.icons
from bridge_ui.icons import icon, pixmap
from bridge_ui.theme.colours import ThemeColours, colours_for
from bridge_ui.theme.style_sheet import apply_theme, style_sheet

UI = Path(bridge_ui.icons.__file__).parents[1]
HOSTS = ["#000000", "#1b1b1b", "#282828", "#323232", "#393939", "#535353", "#efefef", "#203050"]


def _luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    value = QColor(colour)
    parts = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (value.redF(), value.greenF(), value.blueF())
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("window", HOSTS)
def test_text_has_enough_contrast_on_every_surface(window: str) -> None:
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Window, QColor(window))
    colours = colours_for(palette)
    for text in ("text", "dim", "accent", "good", "warn", "bad"):
        for surface in ("ground", "panel", "raised", "field", "canvas"):
            contrast = _contrast(getattr(colours, text), getattr(colours, surface))
            assert contrast >= 4.5, f"{text} on {surface} beside {window}: {contrast:.2f}"
    assert _contrast("#ffffff", colours.button_fill) >= 4.5


def test_the_theme_changes_nothing_outside_the_panel(qapp: QApplication) -> None:
    before = (qapp.styleSheet(), qapp.palette(), qapp.font(), qapp.style().objectName())
    host = QWidget()
    beside, panel = QPushButton("the host's"), QWidget()
    layout = QVBoxLayout(host)
    layout.addWidget(beside)
    layout.addWidget(panel)
    colour = beside.palette().button().color()
    apply_theme(panel, ThemeColours())
    host.show()
    assert (qapp.styleSheet(), qapp.palette(), qapp.font(), qapp.style().objectName()) == before
    assert beside.palette().button().color() == colour
    assert host.styleSheet() == ""
    host.close()


def test_the_style_sheet_sets_no_font_size() -> None:
    """Fonts are scaled from the host's; absolute sizes would break its scaling."""
    assert "font-size" not in style_sheet(ThemeColours())


def test_icons_have_the_given_colour(qapp: QApplication) -> None:
    picture = pixmap("check", "#ff0000", 32).toImage()
    colours = {
        picture.pixelColor(x, y).name()
        for x in range(32)
        for y in range(32)
        if picture.pixelColor(x, y).alpha() == 255
    }
    assert colours == {"#ff0000"}
    assert not icon("check", "#ff0000").isNull()


def test_an_unknown_icon_is_an_error(qapp: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        icon("no-such-icon", "#ffffff")


def test_only_used_icons_are_shipped_with_their_licence() -> None:
    folder = UI / "icons" / "lucide"
    shipped = {path.stem for path in folder.glob("*.svg")}
    literals = set()
    for path in UI.rglob("*.py"):
        literals |= set(re.findall(r"[\"']([a-z0-9-]+)[\"']", path.read_text(encoding="utf-8")))
    assert shipped <= literals, f"unused: {sorted(shipped - literals)}"
    assert "ISC License" in (folder / "LICENSE").read_text(encoding="utf-8")
