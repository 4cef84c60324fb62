"""Makes ``docs/images/nuke_pane.png``: the pane in the tests' fake of Nuke, with a real gateway and
the demo's plates of Big Buck Bunny (CC-BY 3.0, Blender Foundation).

``python docs/screenshot_nuke.py demo_out docs/images``
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "hosts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "plugins" / "nuke"))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from nuke_fake import FakeNuke
from PySide6.QtGui import QColor, QFont, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from bridge_ui.review.player.qt_images import safe_painter

REPO = Path(__file__).parents[1]
SIZE, GAP = (340, 640), 24  # pixels


def main(demo: Path, target: Path) -> None:
    application = QApplication(["shotbridge"])
    application.setStyle("Fusion")
    application.setFont(QFont("DejaVu Sans", 9))
    with tempfile.TemporaryDirectory() as folder, FakeNuke() as program:
        for key, value in {
            "CLIENT__STATE_DIR": f"{folder}/state",
            "CLIENT__USER": "Ada Lovelace",
            "GATEWAY__DATA_DIR": f"{folder}/data",
            "GATEWAY__LIBRARY_DIR": f"{folder}/library",
            "GATEWAY__MODELS_DIR": str(REPO / ".cache" / "models"),
            "GATEWAY__MEDIA_ROOTS": f'["{(demo / "plates").absolute()}"]',
            "GATEWAY__COLOUR__VIEW": "Un-tone-mapped",
            "WORK__SHOW": "Big Buck Bunny",
        }.items():
            os.environ[f"SHOTBRIDGE__{key}"] = value
        _script(program, demo.absolute() / "plates")
        _pictures(program).save(str(target / "nuke_pane.png"))


def _script(program: FakeNuke, plates: Path) -> None:
    """Create two plates and a node on one of them, all selected."""
    nuke = program.module
    root = nuke.root()
    for name, value in {"first_frame": 1005, "last_frame": 1020, "colorManagement": "OCIO"}.items():
        root[name].setValue(value)
    root["name"].setValue("/bunny/sq010/comp/sq010_comp_v014.nk")
    form = nuke.addFormat("640 360 0 0 640 360 1 proxy")
    for at, name in enumerate(("BBB_0010", "BBB_0020")):
        read = nuke.nodes.Read(file=f"{plates.as_posix()}/{name}/{name}.%04d.exr", format=form)
        for knob, value in {"first": 1001, "last": 1024, "colorspace": "ACEScg"}.items():
            read[knob].setValue(value)
        read.setXYpos(200 * at, 0)
    node = nuke.nodes.Multiply(inputs=[nuke.toNode("Read1")], name="Grade_morning")
    node.setXYpos(400, 0)
    program.select("Read1", "Read2", "Grade_morning")


def _pictures(program: FakeNuke) -> QImage:
    """The list of selected nodes, and next to it the node that Nuke renders before sending."""
    from bridge_core.config import load_settings
    from bridge_core.launcher import stop_gateway
    from bridge_nuke import startup

    startup.register_interface()
    startup.open_pane()
    pane = program.pane("Properties.1").panels[-1].widgets[0]
    try:
        pane.resize(*SIZE)
        pane.show()
        _wait_until(lambda: hasattr(pane.panel, "controllers"), "the panel")
        on = pane.panel.controllers
        _wait_until(lambda: on.session.connection.value.is_connected and on.shots.rows, "the shots")
        _wait_until(lambda: all(on.shots.thumbnail(k) for k in ("Read1", "Read2")), "the pictures")
        QTest.qWait(500)
        whole = QImage(2 * SIZE[0] + GAP, SIZE[1], QImage.Format.Format_RGB32)
        whole.fill(QColor("white"))
        left = pane.grab().toImage()
        on.shots.select(["Grade_morning"])
        pane.panel.show_page("send")
        _wait_until(lambda: not on.send.state.value.quoting, "the quotes")
        _wait_until(lambda: len(on.send.state.value.summary) == 6, "the summary")
        QTest.qWait(500)
        with safe_painter(whole) as painter:
            painter.drawImage(0, 0, left)
            painter.drawImage(SIZE[0] + GAP, 0, pane.grab().toImage())
        return whole
    finally:
        pane.shut_down(10.0)
        stop_gateway(load_settings().settings)


def _wait_until(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        QTest.qWait(20)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
