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

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Stroke, StrokeTool
from bridge_core.models.versions import ReviewStatus
from bridge_ui.review.look import Compare
from bridge_ui.review.more import Scope
from bridge_ui.review.pictures import painting

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings
    from bridge_ui.panel.shell import Panel
    from bridge_ui.review.canvas import Canvas

SHOWN = "BBB_"
WIDE, DOCK = (1440, 880), (320, 800)
FRAME = 1010  # with the leaves
_GAP = 24  # pixels between pictures in one
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
    _send_shots(panel)
    _review(panel, target)
    _lineage_and_keys(panel, target)
    _dock(panel, target)
    _sheet(panel, target)


def _send_shots(panel: Panel) -> None:
    """Both shots, and one of them a second time with other values."""
    on = panel.controllers
    _until(lambda: on.session.connection.value.up and on.send.state.value.service, "the gateway")
    _until(lambda: len(on.shots.rows), "the shots")
    asked: tuple[tuple[int, str, dict[str, float]], ...] = (
        (0, "upscale", {}),
        (1, "matte", {}),
        (1, "matte", {"threshold": 0.35, "softness": 0.6}),
    )
    for count, (at, service, values) in enumerate(asked, 1):
        on.shots.select([on.shots.rows[at].key])
        on.send.choose(service)
        for name, value in values.items():
            on.send.set_value(name, value)
        _until(lambda: on.send.state.value.before and on.send.state.value.can_send, "the estimate")
        on.send.send()
        _until(lambda count=count: len(on.jobs.rows) >= count, "the job")
    _until(lambda: all(row.result for row in on.jobs.rows), "the versions")


def _review(panel: Panel, target: Path) -> None:
    """As a director does: say something, draw, ask for changes, approve."""
    on, room = panel.controllers, panel.room
    on.shots.select([on.shots.rows[1].key])
    _until(lambda: on.review.state.value.version, "the version under review")
    on.review.step_version(1)
    on.review.decide(ReviewStatus.APPROVED, "Clean edge, also on the whiskers.")
    _until(lambda: on.review.state.value.decisions, "the approval")
    on.shots.select([on.shots.rows[0].key])
    on.send.choose("upscale")
    on.send.set_note("Hold the leaves still; keep the grass as it is.")
    _until(lambda: on.review.state.value.version, "the version under review")
    _until(lambda: not on.send.state.value.estimating, "the estimate")
    rate = on.send.state.value.shots[0].plate.range.rate
    room.go_to(FRAME)
    stroke = Stroke(tool=StrokeTool.ELLIPSE, points=((0.60, 0.10), (0.78, 0.42)))
    on.review.add_note(
        "The leaves shimmer here: hold them still.", [stroke], FrameRange.of(FRAME, FRAME, rate)
    )
    _until(lambda: on.review.state.value.notes, "the note")
    room.set_compare(Compare.WIPE)
    panel.show_page("send")
    _grab(panel, target / "panel.png")

    room.go_to(FRAME + 4)
    room.set_compare(Compare.B)
    room.draw(True)
    room.tray.choose(StrokeTool.ARROW)
    _drag(room.canvas, (0.30, 0.72), (0.43, 0.55))
    room.tray.choose(StrokeTool.PEN)
    _drag(room.canvas, (0.42, 0.36), (0.50, 0.30), (0.58, 0.33), (0.62, 0.42))
    room.note_field.words.setText("The eye line goes over there.")
    _grab(panel, target / "panel_drawing.png")
    room.note_field.wanted.emit()
    _until(lambda: len(on.review.state.value.notes) == 2, "the second note")
    room.draw(False)

    room.ask(ReviewStatus.CHANGES_REQUESTED)
    room.comment.words.setText("Calmer leaves; everything else is right.")
    panel.show_page("notes")
    _grab(panel, target / "panel_decide.png")
    room.comment.decide.click()
    _until(lambda: on.review.state.value.decisions, "the decision")
    room.set_compare(Compare.SIDE_BY_SIDE)
    _grab(panel, target / "panel_notes.png")


def _lineage_and_keys(panel: Panel, target: Path) -> None:
    on = panel.controllers
    on.shots.select([on.shots.rows[1].key])
    panel.show_page("made_by")
    _until(lambda: on.lineage.state.value.facts, "how the version was made")
    versions = [choice for choice in on.review.state.value.choices if choice.version]
    panel.room.set_compare(Compare.DIFFERENCE)
    on.review.choose_a(versions[1].id)
    on.lineage.compare(versions[1].id, versions[1].label)
    _until(lambda: on.lineage.state.value.differences is not None, "the differences")
    _grab(panel, target / "panel_made_by.png")
    panel.keys.toggle()
    _grab(panel, target / "panel_keys.png")
    panel.keys.hide()


def _dock(panel: Panel, target: Path) -> None:
    on = panel.controllers
    on.shots.select([on.shots.rows[0].key])
    panel.resize(*DOCK)
    _until(lambda: not on.send.state.value.estimating, "the estimate")
    _until(lambda: on.review.state.value.notes, "the notes")
    panel.room.go_to(FRAME)
    panel.room.set_compare(Compare.WIPE)
    for page in ("shots", "send", "review"):
        panel.show_page(page)
        _grab(panel, target / f"dock_{page}.png")
    docks = [QImage(str(target / f"dock_{page}.png")) for page in ("shots", "send", "review")]
    _beside(docks, target / "dock.png")


def _sheet(panel: Panel, target: Path) -> None:
    """The first pages of the sheet for the whole cut, as a PDF reader shows them."""
    import pypdfium2

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "review.pdf"
        panel.room.sheets.write(Scope.CUT, path)
        _until(path.exists, "the sheet")
        with pypdfium2.PdfDocument(path) as document:
            pages = []
            for number in range(2):
                page = document[number].render(scale=1.2)
                size = page.width, page.height, page.stride
                pages.append(QImage(bytes(page.buffer), *size, QImage.Format.Format_BGR888).copy())
                page.close()
    _beside(pages, target / "sheet.png")


def _beside(pictures: list[QImage], target: Path) -> None:
    """Pictures in one, with a gap between them."""
    wide = sum(picture.width() + _GAP for picture in pictures) - _GAP
    whole = QImage(wide, max(p.height() for p in pictures), QImage.Format.Format_RGB32)
    whole.fill(QColor("#8b8f96"))
    with painting(whole) as painter:
        x = 0
        for picture in pictures:
            painter.drawImage(x, 0, picture)
            x += picture.width() + _GAP
    whole.save(str(target))
    print(target)


def _drag(canvas: Canvas, *points: tuple[float, float]) -> None:
    """The pen, over parts of the picture's width and height."""
    place = canvas.picture_rect()
    spots = [
        QPointF(place.left() + x * place.width(), place.top() + y * place.height()).toPoint()
        for x, y in points
    ]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=spots[0])
    for spot in spots[1:]:
        QTest.mouseMove(canvas, spot)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=spots[-1])


def _until(true: Callable[[], object], what: str, seconds: float = 1200) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {seconds:.0f} s for {what}")
        QTest.qWait(50)


def _grab(panel: Panel, target: Path) -> None:
    player = panel.room.player
    _until(lambda: all(player.picture(side) for side in ("A", "B")), "the pictures")
    QTest.qWait(1500)  # thumbnails come from the gateway as well
    panel.grab().save(str(target))
    print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
