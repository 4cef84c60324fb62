"""Measures scrolling of 10,000 shots with 5,000 versions against Qt's plain list.

    python -m benchmarks.list_scrolling [--shots 10000] [--versions 5000] [--json]

Prints medians (processor time) of the panel's shot list (picture, title, two lines, status icon,
progress bar) and, in the same run, of a ``QListView`` on a ``QStringListModel`` with as many
single-line rows: painting a row, a wheel step with everything that it paints, and the memory of a
row. Then operations that must not block a host: a batch of events, a letter typed into the search,
selecting all rows.

Without a display it runs on Qt's offscreen platform, whose painting is the same raster engine.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QStringListModel
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractItemView, QApplication, QListView

from benchmarks import json_parser
from benchmarks._report import report
from bridge_core.hosts.base import Host, HostCapability, HostScene, HostShot
from bridge_core.models.frames import FrameRange
from bridge_core.models.jobs import Job, JobProgress, JobState
from bridge_core.models.media import Plate
from bridge_core.models.requests import Request
from bridge_core.models.settings import ClientSettings, Settings
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import Proxies, ResultOutput, Version
from bridge_ui.core.session import Session
from bridge_ui.core.store import BATCH_SIZE
from bridge_ui.shots.controller import ShotsController
from bridge_ui.shots.page import ShotsPage
from bridge_ui.theme.colours import ThemeColours

_SIZE = (420, 900)
NAME = "list_scrolling"
_STEPS = 200
_NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class MemoryHost(Host):
    """Keeps its shots in memory."""

    title = "benchmark"
    capabilities = frozenset({HostCapability.SELECTION})

    def __init__(self, shots: Sequence[Shot]) -> None:
        items = tuple(HostShot(shot, shot.id.shot, "V1") for shot in shots)
        self._scene = HostScene("long.otio", "benchmark", items)

    def scene(self) -> HostScene:
        return self._scene


def shot(number: int) -> Shot:
    plate = Plate(path=f"/plates/{number:05d}.%04d.exr", range=FrameRange.of(993, 1048))
    return Shot(
        id=ShotId(show="benchmark", sequence=f"sq{number // 100:03d}", shot=f"sh{number:05d}"),
        plate=plate,
        cut_range=FrameRange.of(1001, 1040),
        head_handle=8,
        tail_handle=8,
    )


def version(number: int, of: Shot) -> Version:
    output = ResultOutput(
        name="main",
        pattern="main.%04d.exr",
        range=of.work_range,
        colour_space="ACEScg",
        width=2048,
        height=1080,
        channels=("R", "G", "B"),
        depth="half",
    )
    proxies = Proxies(pattern="p.%04d.jpg", width=960, height=506, display="sRGB", view="ACES")
    return Version(
        id=f"version{number:025d}",
        shot=of.id,
        service="upscale",
        job_id=f"job{number:029d}",
        folder=f"/library/{of.id.shot}/v001",
        frames=tuple(of.work_range.frames()),
        outputs=(output,),
        proxies=proxies,
        created=_NOON + timedelta(seconds=number),
        requested_by="Ada",
        number=1,
    )


def job(number: int, of: Shot) -> Job:
    return Job(
        id=f"job{number:029d}",
        key=f"key-{number:05d}",
        request=Request(shot=of, service="upscale"),
        requested_by="Ada",
        state=JobState.RUNNING,
        created=_NOON + timedelta(seconds=number),
        progress=JobProgress(step="run", done=number % 56, total=56, seconds_left=90),
    )


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of this thread's processor time, to exclude other work on the machine."""
    began = time.thread_time()
    call()
    return (time.thread_time() - began) * 1000


def measure_scrolling(view: QListView) -> dict[str, float]:
    """Milliseconds to paint a row, and for a step of three rows including painting."""
    view.show()
    QApplication.processEvents()
    viewport, bar = view.viewport(), view.verticalScrollBar()
    picture = QImage(viewport.size(), QImage.Format.Format_RGB32)
    height = view.visualRect(view.model().index(0, 0)).height()
    rows = viewport.height() / height
    paints, steps = [], []
    for at in range(_STEPS):
        bar.setValue(bar.maximum() * at // _STEPS)
        paints.append(timed(lambda: viewport.render(picture)) / rows)
    bar.setValue(bar.maximum() // 3)
    for _ in range(_STEPS):

        def step() -> None:
            bar.setValue(bar.value() + 3 * height)
            viewport.repaint()

        steps.append(timed(step))
    timings = {"row": statistics.median(paints), "step": statistics.median(steps)}
    return {**timings, "worst_step": max(steps)}


def measure_plain_list(count: int) -> dict[str, float]:
    """Qt's plain list."""
    before = resident_bytes()
    view = QListView()
    view.setUniformItemSizes(True)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setModel(QStringListModel([f"sh{number:05d} 1001-1040" for number in range(count)], view))
    view.resize(*_SIZE)
    timings = measure_scrolling(view)
    timings["bytes_per_row"] = (resident_bytes() - before) / count
    view.deleteLater()
    return timings


def measure_panel_list(count: int, versions: int, folder: Path) -> dict[str, float]:
    """The panel's shot list."""
    shots = [shot(number) for number in range(count)]
    stored_versions = [version(n, shots[n * count // versions]) for n in range(versions)]
    jobs = [job(number, shots[number % count]) for number in range(1000)]
    before = resident_bytes()
    settings = Settings(client=ClientSettings(state_dir=folder, user="Ada"))
    session = Session(settings, MemoryHost(shots), lambda call: call())
    controller = ShotsController(session)
    widget = ShotsPage(controller, ThemeColours())
    widget.resize(*_SIZE)
    widget.show()
    listing = timed(controller.reload)
    for at in range(0, versions, BATCH_SIZE):
        session.store.merge(versions=stored_versions[at : at + BATCH_SIZE])
    for at in range(0, len(jobs), BATCH_SIZE):
        session.store.merge(jobs=jobs[at : at + BATCH_SIZE])
    QApplication.processEvents()
    timings = measure_scrolling(widget.view)
    timings["bytes_per_row"] = (resident_bytes() - before) / count
    batches = []
    for at in range(0, len(jobs), BATCH_SIZE):
        progress = JobProgress(step="write", done=1, total=56, seconds_left=90)
        batch = jobs[at : at + BATCH_SIZE]
        updated = [job.model_copy(update={"progress": progress}) for job in batch]

        def merge(updated: list[Job] = updated) -> None:
            session.store.merge(jobs=updated)
            QApplication.processEvents()

        batches.append(timed(merge))
    timings |= {"listing": listing, "batch": max(batches)}

    def search() -> None:
        controller.search("sh0012")
        QApplication.processEvents()

    timings["search"] = timed(search)
    controller.search("")
    QApplication.processEvents()
    timings["select_all"] = timed(widget.view.selectAll)
    assert len(controller.state.value.selected) == count
    widget.stop()
    controller.close()
    session.close()
    return timings


def main() -> None:
    parser = json_parser(__doc__)
    parser.add_argument("--shots", type=int, default=10_000)
    parser.add_argument("--versions", type=int, default=5_000)
    arguments = parser.parse_args()
    app = QApplication.instance() or QApplication(["benchmark"])
    with tempfile.TemporaryDirectory(prefix="shotbridge-benchmark-") as folder:
        plain = measure_plain_list(arguments.shots)
        panel = measure_panel_list(arguments.shots, arguments.versions, Path(folder))
    app.processEvents()
    if arguments.json:
        results: dict[str, Any] = {"shots": arguments.shots, "versions": arguments.versions}
        print(json.dumps({**results, "panel": panel, "plain": plain}, indent=2))
        return
    print(f"{arguments.shots} shots, {arguments.versions} versions, load {os.getloadavg()[0]:.1f}")
    for key, label in (
        ("row", "painting a row"),
        ("step", "wheel step"),
        ("worst_step", "longest wheel step"),
    ):
        report(NAME, label, panel[key], plain[key], "the plain list")
    row, text = panel["bytes_per_row"] / 1000, plain["bytes_per_row"] / 1000
    report(NAME, "memory of a row", row, text, "the plain list's text", unit="kB")
    for key, label in (
        ("listing", "listing all shots"),
        ("batch", f"{BATCH_SIZE} events, longest"),
        ("search", "search"),
        ("select_all", "selecting all"),
    ):
        print(f"{label:22} {panel[key]:8.1f} ms")


if __name__ == "__main__":
    main()
