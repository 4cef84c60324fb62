"""Makes the pictures of the panel in ``docs/images``: a real gateway, the demo's own plates.

``python docs/screenshots.py demo_out docs/images``. Only Big Buck Bunny is shown (CC-BY 3.0,
Blender Foundation): the demo's other footage is not ours to publish.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtGui import QFont
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Stroke, StrokeTool
from bridge_ui.review.look import Compare

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings
    from bridge_ui.panel.shell import Panel

SHOWN = "BBB_"
WIDE, DOCK = (1440, 880), (360, 800)
MODELS = Path(__file__).parents[1] / ".cache" / "models"


def main(demo: Path, target: Path) -> None:
    from bridge_core.launcher import stop
    from bridge_ui.panel.opening import open_panel
    from bridge_ui.standalone_host import StandaloneHost

    app = QApplication(["shotbridge"])
    app.setStyle("Fusion")
    app.setFont(QFont("DejaVu Sans", 9))
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(Path(folder), demo)
        cut = _cut(demo / "demo_cut_v001.otio", Path(folder) / "reel_01_v014.otio")
        panel = open_panel(settings, StandaloneHost(settings, cut))
        try:
            panel.resize(*WIDE)
            panel.show()
            _make_pictures(panel, target)
        finally:
            panel.close_down(10.0)
            stop(settings)


def _settings(folder: Path, demo: Path) -> Settings:
    from bridge_core.config import load

    return load(
        {
            "client.url": None,
            "client.state_dir": str(folder / "state"),
            "client.user": "Ada Lovelace",
            "gateway.data_dir": str(folder / "data"),
            "gateway.library_dir": str(folder / "library"),
            "gateway.models_dir": str(MODELS),
            "gateway.media_roots": [str((demo / "plates").absolute())],
            # The plates are finished pictures; a second tone curve would darken them.
            "gateway.colour.view": "Un-tone-mapped",
        }
    ).settings


def _cut(source: Path, target: Path) -> Path:
    """The demo's cut with the clips that may be shown."""
    import opentimelineio as otio

    timeline = otio.adapters.read_from_file(str(source))
    for track in timeline.tracks:
        kept = [child for child in track if (child.name or "").startswith(SHOWN)]
        track[:] = [child.clone() for child in kept]
    timeline.metadata.setdefault("shotbridge", {})["show"] = "Big Buck Bunny"
    otio.adapters.write_to_file(timeline, str(target))
    return target


def _make_pictures(panel: Panel, target: Path) -> None:
    on = panel.controllers
    _until(lambda: on.session.connection.value.up and on.send.state.value.service, "the gateway")
    _until(lambda: len(on.shots.rows), "the shots")
    for at, service in enumerate(("upscale", "matte")):
        on.shots.select([on.shots.rows[at].key])
        on.send.choose(service)
        _until(lambda: on.send.state.value.before and on.send.state.value.can_send, "the estimate")
        on.send.send()
        _until(lambda at=at: len(on.jobs.rows) > at, "the job")
    _until(lambda: all(row.result for row in on.jobs.rows), "the versions")
    on.shots.select([on.shots.rows[0].key])
    on.send.choose("upscale")
    on.send.set_note("Hold the leaves still; keep the grass as it is.")
    _until(lambda: on.review.state.value.version, "the version under review")
    _until(lambda: not on.send.state.value.estimating, "the estimate")
    _say_something(panel)
    panel.room.set_compare(Compare.WIPE)
    panel.show_page("send")
    _grab(panel, target / "panel.png")
    panel.show_page("notes")
    panel.room.set_compare(Compare.SIDE_BY_SIDE)
    _grab(panel, target / "panel_notes.png")
    panel.show_page("jobs")
    panel.keys.toggle()
    _grab(panel, target / "panel_keys.png")
    panel.keys.hide()
    panel.resize(*DOCK)
    panel.room.set_compare(Compare.WIPE)
    for page in ("shots", "send", "review"):
        panel.show_page(page)
        _grab(panel, target / f"dock_{page}.png")


def _say_something(panel: Panel) -> None:
    """A note with a drawing, as a director leaves it."""
    review, frame = panel.controllers.review, 1010
    panel.room.go_to(frame)
    rate = panel.controllers.send.state.value.shots[0].plate.range.rate
    stroke = Stroke(tool=StrokeTool.ELLIPSE, points=((0.60, 0.10), (0.78, 0.42)))
    review.add_note(
        "The leaves shimmer here: hold them still.", [stroke], FrameRange.of(frame, frame, rate)
    )
    _until(lambda: review.state.value.notes, "the note")


def _until(true: Callable[[], object], what: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {seconds:.0f} s for {what}")
        QTest.qWait(50)


def _grab(widget: QWidget, target: Path) -> None:
    QTest.qWait(1500)  # pictures come from the gateway
    widget.grab().save(str(target))
    print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
