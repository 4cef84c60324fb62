"""Measures reading and comparing a cut of 10,000 clips against OTIO's own reader.

    python -m benchmarks.timeline_load [--clips 10000] [--json]

Prints medians in CPU seconds and their ratios in one run: times depend on the machine, ratios
hardly do. ``read_cut`` does more than OTIO's reader: it creates a shot with plate, ranges, handles
and identity for every clip.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio

from benchmarks import json_parser
from benchmarks._report import report
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.diff import diff_cuts
from bridge_core.timeline.document import load_document, save_otio
from bridge_core.timeline.exporter import export_timeline

#: Aims for the ratio to OTIO's reader.
GOALS = {"read_cut": 2.0, "compare with itself": 1.0, "export for resolve": 3.0}


def make_cut(path: Path, clips: int, *, same_timecode: bool = True) -> None:
    """A track of image sequences with embedded timecode, handles, gaps, dissolves and retimes.

    With ``same_timecode`` most ranges are equal; without it, every sequence starts at another.
    """

    def span(start: float, length: float) -> Any:
        at = otio.opentime.RationalTime
        return otio.opentime.TimeRange(at(start, 24), at(length, 24))

    timeline = otio.schema.Timeline("benchmark")
    track = otio.schema.Track("V1", kind="Video")
    for number in range(clips):
        name = f"sq{number // 100:03d}_sh{number % 100:04d}"
        start = 86_400 + (0 if same_timecode else 131 * number)
        media = otio.schema.ImageSequenceReference(
            f"file:///shows/benchmark/plates/{name}/",
            f"{name}.",
            ".exr",
            start_frame=1001,
            rate=24,
            frame_zero_padding=4,
            available_range=span(start, 120),
        )
        clip = otio.schema.Clip(name, media, span(start + 8, 48))
        if number % 20 == 0:
            clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=2))
        track.append(clip)
        if number % 10 == 9:
            track.append(otio.schema.Gap(source_range=span(0, 12)))
        elif number % 10 == 4:
            half = otio.opentime.RationalTime(6, 24)
            track.append(otio.schema.Transition("dissolve", "SMPTE_Dissolve", half, half))
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(path))


def measure(work: Callable[[], object], rounds: int = 5) -> float:
    """Median CPU time in seconds, without the time to free the result."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
        del result
    return statistics.median(times)


def main() -> None:
    parser = json_parser(__doc__)
    parser.add_argument("--clips", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cut.otio"
        make_cut(path, arguments.clips)
        otio.adapters.read_from_file(str(path))  # OTIO searches for plug-ins once
        read_cut(path)
        tenth = Path(folder) / "tenth.otio"
        make_cut(tenth, arguments.clips // 10)
        timecodes = Path(folder) / "timecodes.otio"
        make_cut(timecodes, arguments.clips, same_timecode=False)
        read = measure(lambda: otio.adapters.read_from_file(str(path)))
        seconds = {
            "otio read_from_file": read,
            "read_cut": measure(lambda: read_cut(path)),
            "read_cut, every timecode another": measure(lambda: read_cut(timecodes)),
            "read_cut, a tenth of the clips": measure(lambda: read_cut(tenth)),
        }
        cut = read_cut(path)  # kept from here on, as it slows down garbage collection
        seconds |= {
            "compare with itself": measure(lambda: diff_cuts(cut, cut)),
            "load and save": measure(
                lambda: save_otio(load_document(path).root, tenth, overwrite=True)
            ),
            "export for resolve": measure(
                lambda: export_timeline(path, Path(folder) / "x.otio", "resolve", overwrite=True)
            ),
        }
    if arguments.json:
        print(json.dumps({"clips": arguments.clips, "cpu_seconds": seconds}, indent=2))
        return
    print(f"{arguments.clips} clips, {len(cut.shots)} shots, {len(cut.problems)} problems")
    for name, value in seconds.items():
        goal = GOALS.get(name)
        report("timeline_load", name, value, read, "OTIO's reader", unit="s", goal=goal)


if __name__ == "__main__":
    main()
