"""Makes the screenshots in ``docs/images``: the director of the tests uses the panel under Xvfb,
with a real gateway and the demo's plates.

``python docs/screenshots.py demo_out docs/images``. Only Big Buck Bunny is shown (CC-BY 3.0,
Blender Foundation); we have no right to publish the demo's other footage.
"""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path

from screenshot_setup import create_screenshot_application, demo_settings, wait_until

# isort: split
from director import Director
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QToolButton, QWidget
from user_input import start_user_input

from bridge_core.gateway_launcher import stop_gateway
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.widgets.basic import safe_painter

SHOWN = "BBB_"
DOCK = 320, 800
FRAME = 1010  # shows the leaves
TIMEOUT = 1200  # seconds for a service
_GAP = 24  # pixels between joined images


def main(demo: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, start_user_input(Path(name)) as user_input:
        create_screenshot_application()
        folder = Path(name)
        settings = demo_settings(folder, demo)
        cut = _cut(demo / "demo_cut_v001.otio", folder / "reel_01_v014.otio")
        try:
            host = StandaloneHost(settings, cut)
            with Director.open_panel(user_input, settings, host) as director:
                _send_shots(director)
                _review(director, target)
                _lineage_and_shortcuts(director, target)
                _report_pages(director, target)
                _dock(director, target)
        finally:
            stop_gateway(settings)


def _cut(source: Path, target: Path) -> Path:
    """The demo's cut with only the clips that may be shown."""
    import opentimelineio as otio

    timeline = otio.adapters.read_from_file(str(source))
    for track in timeline.tracks:
        kept = [child for child in track if (child.name or "").startswith(SHOWN)]
        track[:] = [child.clone() for child in kept]
    timeline.metadata.setdefault("shotbridge", {})["show"] = "Big Buck Bunny"
    otio.adapters.write_to_file(timeline, str(target))
    return target


def _send_shots(director: Director) -> None:
    """Both shots, and one of them a second time with other values."""
    director.select(0)
    director.choose_service("upscale")
    director.send()
    director.select(1)
    director.choose_service("matte")
    director.send()
    director.wait_for_versions(2, TIMEOUT)
    for name, value in (("threshold", "0.35"), ("softness", "0.6")):
        box = director.panel.findChild(QWidget, f"parameter-{name}").findChild(QDoubleSpinBox)
        director.user_input.click(box)
        director.user_input.press_key("Ctrl+A")
        director.user_input.type_text(value)
        director.user_input.press_key("Tab")
        wait_until(lambda box=box, value=value: box.value() == float(value), name)
    director.send()
    director.wait_for_versions(3, TIMEOUT)


def _review(director: Director, target: Path) -> None:
    """Write notes, draw, ask for changes and approve."""
    panel, user_input = director.panel, director.user_input
    review, send, review_widget = panel.controllers.review, panel.controllers.send, panel.review
    director.wait_for_pictures()
    user_input.click(review_widget.canvas)
    user_input.press_key("PgUp")
    wait_until(lambda: review.state.value.version.number == 2, "the newer version")
    director.decide("Shift+A", "Clean edge, also on the whiskers.")
    director.confirm_decision()
    director.select(0)
    director.choose_service("upscale")
    user_input.click(panel.findChild(QWidget, "note"))
    user_input.type_text("Hold the leaves still; keep the grass as it is.")
    wait_until(lambda: not send.state.value.quoting, "the quotes")
    director.wait_for_pictures()
    user_input.click(review_widget.canvas)
    director.go_to_frame(FRAME)
    user_input.press_key("D")
    _choose_tool(director, "Ellipse")
    director.draw((0.60, 0.10), (0.7, 0.3), (0.78, 0.42))
    director.note("The leaves shimmer here: hold them still.")
    director.stop_drawing()
    user_input.click(review_widget.canvas)
    user_input.press_key("W")
    _save_screenshot(director, target / "panel.png")

    director.go_to_frame(FRAME + 4)
    user_input.press_key("2")
    user_input.press_key("D")
    _choose_tool(director, "Arrow")
    director.draw((0.30, 0.72), (0.43, 0.55))
    _choose_tool(director, "Pen")
    director.draw(*_arc((0.50, 0.42), 0.10, 0.12))
    director.note("The eye line goes over there.", submit=False)
    _save_screenshot(director, target / "panel_drawing.png")
    user_input.press_key("Return")
    wait_until(lambda: len(review.state.value.notes) == 2, "the second note")
    director.stop_drawing()

    director.show_page("notes")
    user_input.click(review_widget.canvas)
    director.decide("Shift+C", "Calmer leaves; everything else is right.")
    _save_screenshot(director, target / "panel_decide.png")
    director.confirm_decision()
    user_input.press_key("6")
    _save_screenshot(director, target / "panel_notes.png")


def _choose_tool(director: Director, tool: str) -> None:
    tools = director.panel.review.drawing_toolbar.findChildren(QToolButton)
    director.user_input.click(next(one for one in tools if one.accessibleName() == tool))


def _arc(
    centre: tuple[float, float], radius_x: float, radius_y: float
) -> list[tuple[float, float]]:
    """The upper half of an ellipse, from the left."""
    angles = [math.pi * step / 24 for step in range(25)]
    return [
        (centre[0] - radius_x * math.cos(a), centre[1] - radius_y * math.sin(a)) for a in angles
    ]


def _lineage_and_shortcuts(director: Director, target: Path) -> None:
    panel, on = director.panel, director.panel.controllers
    director.select(1)
    director.show_page("lineage")
    director.compare("A", "v001")
    director.compare("B", "v002")
    wait_until(lambda: on.lineage.state.value.facts, "the lineage")
    director.pick(panel.findChild(QComboBox, "compare-lineage"), "v001")
    wait_until(lambda: on.lineage.state.value.differences is not None, "the differences")
    director.user_input.click(panel.review.canvas)
    director.user_input.press_key("4")
    _save_screenshot(director, target / "panel_lineage.png")
    director.user_input.type_text("?")
    wait_until(lambda: panel.has_part("shortcuts") and panel.shortcuts.isVisible(), "the shortcuts")
    _save_screenshot(director, target / "panel_shortcuts.png")
    director.user_input.press_key("Escape")
    wait_until(panel.shortcuts.isHidden, "the shortcuts to close")


def _dock(director: Director, target: Path) -> None:
    panel, on = director.panel, director.panel.controllers
    director.select(0)
    wait_until(lambda: not on.send.state.value.quoting, "the quotes")
    wait_until(lambda: on.review.state.value.notes, "the notes")
    director.user_input.click(panel.review.canvas)
    director.go_to_frame(FRAME)
    director.user_input.press_key("W")
    panel.resize(*DOCK)
    wait_until(lambda: panel.width() == DOCK[0], "the narrow panel")
    pages = ("shots", "send", "review")
    for page in pages:
        director.show_page(page)
        panel.review.canvas.setFocus()  # so that no button has a focus frame
        _save_screenshot(director, target / f"dock_{page}.png")
    docks = [QImage(str(target / f"dock_{page}.png")) for page in pages]
    _join_images(docks, target / "dock.png")


def _report_pages(director: Director, target: Path) -> None:
    """The first pages of the review report of the whole cut."""
    import pypdfium2

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "review.pdf"
        director.save_as(director.panel.review.menu_button, "of reel", path)
        with pypdfium2.PdfDocument(path) as document:
            pages = []
            for number in range(2):
                page = document[number].render(scale=1.2)
                size = page.width, page.height, page.stride
                pages.append(QImage(bytes(page.buffer), *size, QImage.Format.Format_BGR888).copy())
                page.close()
    _join_images(pages, target / "review_report.png")


def _join_images(images: list[QImage], target: Path) -> None:
    """Save several images side by side as one."""
    width = sum(image.width() + _GAP for image in images) - _GAP
    joined = QImage(width, max(one.height() for one in images), QImage.Format.Format_RGB32)
    joined.fill(QColor("#8b8f96"))
    with safe_painter(joined) as painter:
        x = 0
        for image in images:
            painter.drawImage(x, 0, image)
            x += image.width() + _GAP
    joined.save(str(target))
    print(target)


def _save_screenshot(director: Director, target: Path) -> None:
    director.wait_for_pictures()
    QTest.qWait(1500)  # for thumbnails
    director.panel.grab().save(str(target))
    print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
