"""Measures playback of two 1080p JPEG sequences in the viewer's wipe against the decoder alone.

    python -m benchmarks.playback [--seconds 6] [--json]

Prints four results of one run:

- the decoder alone: frames per second of QImageReader on as many threads as the player has;
- the viewer at 24 fps: pictures shown and dropped, starting with an empty cache that is too small
  for the shot, so that every frame is decoded during playback;
- the viewer at increasing rates: the highest without dropped pictures, measured in the same way;
- the cost of drawing: painting with 20 strokes against painting without, and redrawing them.

Without a display it runs on Qt's offscreen platform, whose painting is the same raster engine.
"""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QBuffer, QEventLoop, QIODevice, QPointF
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter
from PySide6.QtWidgets import QApplication

from benchmarks import json_parser
from benchmarks._report import report
from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Stroke, StrokeTool
from bridge_ui.review.compare.viewer_settings import CompareMode
from bridge_ui.review.player.player import Player, decode_jpeg
from bridge_ui.review.viewer_widget import ViewerWidget
from bridge_ui.theme.colours import ThemeColours

_FRAMES = 120
NAME = "playback"
_RATES = (24, 30, 36, 40, 48, 60)
#: Less than the two shots need (240 pictures of 8.3 MB), so that playback never runs from memory.
_MEMORY = 512 * 2**20


class JpegSequence:
    """1080p JPEGs in memory, eight different ones in a loop."""

    def __init__(self, key: str, hue: int) -> None:
        self.key = key
        self.frames = tuple(range(1001, 1001 + _FRAMES))
        self._files = [_jpeg(hue, number) for number in range(8)]

    def frame(self, number: int, /) -> bytes:
        return self._files[number % len(self._files)]

    @property
    def bytes_each(self) -> int:
        return round(statistics.mean(map(len, self._files)))


def _jpeg(hue: int, number: int) -> bytes:
    """A picture about as hard to decode as a photograph: soft shapes and fine texture."""
    image = QImage(1920, 1080, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    shade = QLinearGradient(QPointF(0, 0), QPointF(1920, 1080))
    shade.setColorAt(0, QColor.fromHsv(hue, 200, 220))
    shade.setColorAt(1, QColor.fromHsv((hue + 90) % 360, 160, 60))
    painter.fillRect(image.rect(), shade)
    state = number + 1
    for _ in range(9000):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        tone = QColor.fromHsv((hue + state % 80) % 360, 120 + state % 100, 60 + state % 180)
        painter.fillRect(state % 1920, (state >> 11) % 1080, 4 + state % 13, 2 + state % 9, tone)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "JPG", 88)
    return buffer.data().data()


def measure_decoder(sequence: JpegSequence, threads: int, seconds: float) -> float:
    """Frames per second."""
    counts = [0] * threads
    until = time.perf_counter() + seconds

    def work(at: int) -> None:
        while time.perf_counter() < until:
            decode_jpeg(sequence.frame(counts[at]))
            counts[at] += 1

    started = time.perf_counter()
    workers = [threading.Thread(target=work, args=(at,)) for at in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / (time.perf_counter() - started)


def measure_playback(
    app: QApplication, a: JpegSequence, b: JpegSequence, rate: int, seconds: float
) -> dict[str, Any]:
    """Playback in the viewer from an empty cache, repainting the widget with every frame."""
    viewer = ViewerWidget(ThemeColours())
    viewer.player.close()
    viewer.player.cache = _cache(viewer.player)
    viewer.resize(1280, 900)
    viewer.show()
    frames = FrameRange.of(1001, 1000 + _FRAMES, rate)
    viewer.open(frames, frames, {"A": a, "B": b})
    viewer.set_compare_mode(CompareMode.WIPE)
    painted = 0

    def paint(_frame: int) -> None:
        nonlocal painted
        viewer.canvas.repaint()
        painted += 1

    viewer.player.frame_changed.connect(paint)
    _run(app, 0.5)  # decode half a second ahead, as when a shot has just been opened
    viewer.player.toggle()
    _run(app, seconds)
    clock = viewer.player.clock
    shown, dropped = clock.shown_count, clock.dropped_count
    viewer.stop()
    viewer.player.cache.join(5)
    viewer.close()
    return {"rate": rate, "shown": shown, "dropped": dropped, "fps": shown / seconds}


def _cache(player: Player) -> Any:
    from PySide6.QtGui import QImage

    from bridge_ui.review.player.frame_cache import FrameCache

    return FrameCache(decode_jpeg, QImage.sizeInBytes, player._notify_arrival, memory_limit=_MEMORY)


def _run(app: Any, seconds: float) -> None:
    until = time.perf_counter() + seconds
    while (left := until - time.perf_counter()) > 0:
        app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, max(1, int(left * 1000)))


def measure_drawing(a: JpegSequence, b: JpegSequence) -> dict[str, float]:
    """Milliseconds per frame."""
    viewer = ViewerWidget(ThemeColours())
    viewer.resize(1280, 900)
    viewer.show()
    frames = FrameRange.of(1001, 1000 + _FRAMES, 24)
    viewer.open(frames, frames, {"A": a, "B": b})
    _run(QApplication.instance(), 1.0)
    viewer.player.close()  # no decoding while painting
    viewer.player.cache.join(5)
    canvas = viewer.canvas
    canvas.show_pictures(decode_jpeg(a.frame(0)), decode_jpeg(b.frame(0)))
    strokes = tuple(
        Stroke(
            tool=StrokeTool.PEN,
            points=tuple(
                (0.05 + 0.9 * step / 60, 0.04 * row + 0.02 * (step % 5)) for step in range(60)
            ),
        )
        for row in range(1, 21)
    )

    def paint(times: int) -> float:
        durations = []
        for _ in range(times):
            started = time.perf_counter()
            canvas.repaint()
            durations.append((time.perf_counter() - started) * 1000)
        return statistics.median(durations)

    QApplication.processEvents()
    without = paint(60)
    canvas.show_strokes(strokes, None)
    first = paint(1)
    with_strokes = paint(60)
    viewer.stop()
    viewer.close()
    cost = with_strokes - without
    return {"without": without, "with": with_strokes, "cost": cost, "redraw": first}


def main() -> None:
    parser = json_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="of playback for each rate")
    arguments = parser.parse_args()
    app = QApplication.instance() or QApplication(["benchmark"])
    assert isinstance(app, QApplication)
    a, b = JpegSequence("a", 100), JpegSequence("b", 210)
    alone = measure_decoder(a, 2, arguments.seconds / 2)
    runs = [measure_playback(app, a, b, 24, arguments.seconds)]
    best = 24 if runs[0]["dropped"] == 0 else 0
    for rate in _RATES[1:]:
        if not best:
            break
        runs.append(measure_playback(app, a, b, rate, arguments.seconds))
        if runs[-1]["dropped"]:
            break
        best = rate
    drawing = measure_drawing(a, b)
    results = {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "jpeg_bytes": a.bytes_each,
        "decoder_fps": alone,
        "decoder_pairs_fps": alone / 2,
        "runs": runs,
        "highest_rate_without_a_drop": best,
        "highest_rate_reached": max(run["fps"] for run in runs),
        "drawing_ms": drawing,
    }
    if arguments.json:
        print(json.dumps(results, indent=2))
        return
    print(
        f"{results['cores']} cores, load {results['load']:.1f}, {a.bytes_each // 1000} kB per JPEG"
    )
    print(f"decoder alone, 2 threads: {alone:.0f} frames/s = {alone / 2:.0f} pairs/s")
    for run in runs:
        print(
            f"viewer at {run['rate']} fps: {run['shown']} shown, {run['dropped']} dropped,"
            f" {run['fps']:.1f} pairs/s ({run['fps'] / (alone / 2):.2f} of the decoder)"
        )
    report(NAME, "pairs/s without a dropped picture", best, alone / 2, "the decoder", unit="/s")
    report(
        NAME,
        "painting with 20 strokes",
        drawing["with"],
        drawing["without"],
        "painting without them",
    )
    print(f"redrawing the strokes: {drawing['redraw']:.1f} ms")


if __name__ == "__main__":
    main()
