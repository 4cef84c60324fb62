"""Cuts written for Resolve are imported by it, linked and frame-exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from bridge_core.models.frames import frame_to_timecode
from bridge_core.timeline.exporter import export_timeline
from bridge_core.timeline.version_writer import PlacedVersion, write_versions


def write_movie(path: Path, frames: int, start: str | None) -> None:
    with av.open(str(path), "w") as made:
        stream = made.add_stream("mpeg4", rate=25, width=48, height=32, pix_fmt="yuv420p")
        if start:
            stream.metadata["timecode"] = start
        for _ in range(frames):
            black = av.VideoFrame.from_ndarray(np.zeros((32, 48, 3), np.uint8), format="rgb24")
            made.mux(stream.encode(black))
        made.mux(stream.encode())


def import_round_trip(sample: Any, at: int, version: Any, folder: Path) -> Any:
    """Write a version of a shot for Resolve and import it; returns the clip."""
    scene = sample.host.scene()
    shot = scene.shots[at]
    with_versions, for_resolve = folder / "with.otio", folder / "for.otio"
    write_versions(scene.cut.path, {shot.item_id: [PlacedVersion(version)]}, with_versions)
    export_timeline(with_versions, for_resolve, "resolve")
    timeline = sample.project._pool.ImportTimelineFromFile(
        str(for_resolve), {"timelineName": "back"}
    )
    assert timeline is not None, "the import failed"
    return next(i for i in timeline._items if i._start == sample.items[at]._start)


@pytest.fixture(autouse=True)
def titles_gone(sample: Any) -> None:
    """Titles fail Resolve's import; that they become gaps is tested with the exporter."""
    sample.timeline._tracks["video"][0].items[3:] = []


def test_a_sequence_has_the_numbers_of_its_files(sample: Any, tmp_path: Path) -> None:
    version = sample.version(sample.shot())
    clip = import_round_trip(sample, 0, version, tmp_path)
    assert "library" in clip._take.item._media.path
    assert clip._take.item._media.start + clip._take.start == 1003


@pytest.mark.parametrize("at", [0, 2])
def test_a_movie_starts_at_its_timecode_or_at_0(sample: Any, tmp_path: Path, at: int) -> None:
    """The first plate and its version have no timecode; the camera file has one."""
    shot = sample.shot(at)
    version = sample.version(shot, pattern="main.mov")
    span = shot.shot.work_range
    expected = frame_to_timecode(span.first, 25) if shot.needs_render else None
    write_movie(Path(version.folder) / "main.mov", span.count, expected)
    clip = import_round_trip(sample, at, version, tmp_path)
    assert clip._take.item._media.path.endswith("main.mov")
    assert clip._take.start == shot.shot.cut_range.first - span.first == 2
    assert clip._duration == sample.items[at]._duration


def test_a_camera_file_without_a_version_stays_in_the_cut(sample: Any, tmp_path: Path) -> None:
    """Without a version the cut has the camera file, not its rendering."""
    scene = sample.host.scene()
    assert scene.shots[2].shot.plate.start_timecode == "01:00:00:00"
    target = tmp_path / "for.otio"
    export_timeline(scene.cut.path, target, "resolve")
    pool = sample.project._pool
    timeline = pool.ImportTimelineFromFile(str(target), {"timelineName": "back"})
    clip = next(i for i in timeline._items if i._start == sample.items[2]._start)
    assert clip._take.item is sample.items[2]._take.item
    assert clip._take.start == 40
