"""Makes ``docs/images/nuke_pane.png``: the pane in the tests' fake of Nuke, with a real gateway and
the demo's plates of Big Buck Bunny (CC-BY 3.0, Blender Foundation).

``python docs/screenshot_nuke.py demo_out docs/images``
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from screenshot_setup import create_screenshot_application, demo_settings, wait_until

# isort: split
from nuke_fake import FakeNuke
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest

from bridge_core.gateway_launcher import stop_gateway
from bridge_ui.widgets.basic import safe_painter

SIZE, GAP = (340, 640), 24  # pixels


def main(demo: Path, target: Path) -> None:
    create_screenshot_application()
    os.environ["SHOTBRIDGE__WORK__SHOW"] = "Big Buck Bunny"
    with tempfile.TemporaryDirectory() as folder, FakeNuke() as program:
        settings = demo_settings(Path(folder), demo)
        _script(program, demo.absolute() / "plates")
        try:
            _pictures(program).save(str(target / "nuke_pane.png"))
        finally:
            stop_gateway(settings)


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
    from bridge_nuke import startup

    startup.register_interface()
    startup.open_pane()
    pane = program.pane("Properties.1").panels[-1].widgets[0]
    try:
        pane.resize(*SIZE)
        pane.show()
        wait_until(lambda: hasattr(pane.panel, "controllers"), "the panel")
        on = pane.panel.controllers
        wait_until(lambda: on.session.connection.value.is_connected and on.shots.rows, "the shots")
        wait_until(lambda: all(on.shots.thumbnail(k) for k in ("Read1", "Read2")), "the pictures")
        QTest.qWait(500)
        whole = QImage(2 * SIZE[0] + GAP, SIZE[1], QImage.Format.Format_RGB32)
        whole.fill(QColor("white"))
        left = pane.grab().toImage()
        on.shots.select(["Grade_morning"])
        pane.panel.show_page("send")
        wait_until(lambda: not on.send.state.value.quoting, "the quotes")
        wait_until(lambda: len(on.send.state.value.summary) == 6, "the summary")
        QTest.qWait(500)
        with safe_painter(whole) as painter:
            painter.drawImage(0, 0, left)
            painter.drawImage(SIZE[0] + GAP, 0, pane.grab().toImage())
        return whole
    finally:
        pane.stop(10.0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
