"""What hosts share when they render plates: which shots, which frames, and what is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_core.errors import HostError
from bridge_core.hosts.base import HostShot
from bridge_core.hosts.plate_rendering import frames_to_render, render_frames, shot_to_render
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.shots import Shot, ShotId

SHOT = Shot(
    id=ShotId(show="bunny", sequence="sq010", shot="sh0010"),
    plate=Plate(path="plate.%04d.exr", range=FrameRange.of(1001, 1010, 24)),
    cut_range=FrameRange.of(1003, 1005, 24),
    head_handle=1,
)


def _write(frame: int, file: Path) -> Iterator[None]:
    """Takes two polls, and a third frame fails after it has written half of its file."""
    yield
    file.write_text(str(frame))
    yield
    if frame == 1004:
        raise HostError("the host is out of memory")


def test_only_a_shot_without_a_plate_is_rendered() -> None:
    item = HostShot(SHOT, "Read1", needs_render=True)
    assert shot_to_render(item, "Read1", where="comp.nk") is SHOT
    with pytest.raises(HostError, match="'Read9' no longer exists") as excinfo:
        shot_to_render(None, "Read9", where="comp.nk")
    assert excinfo.value.where == "comp.nk"
    with pytest.raises(HostError, match="sh0010 needs no rendering") as excinfo:
        shot_to_render(HostShot(SHOT, "Read1"), "Read1", where="comp.nk")
    assert excinfo.value.where == "plate.%04d.exr"


def test_requested_frames_are_rendered_once_and_in_order() -> None:
    assert frames_to_render(SHOT, [1005, 1002, 1005]) == [1002, 1005]
    assert frames_to_render(SHOT, []) == [1002, 1003, 1004, 1005]


def test_each_poll_is_a_step_and_the_last_step_has_the_shot(tmp_path: Path) -> None:
    pattern = tmp_path / "plate.%04d.exr"
    steps = list(render_frames(SHOT, [1003, 1002], pattern, _write))
    assert [(step.completed, step.total) for step in steps] == [(n, 2) for n in (0, 0, 1, 1, 1, 2)]
    assert [step.shot is not None for step in steps] == [False] * 5 + [True]
    shot = steps[-1].shot
    assert shot is not None
    assert shot.plate.path_at(1002) == (tmp_path / "plate.1002.exr").as_posix()
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "plate.1002.exr",
        "plate.1003.exr",
    ]


def test_a_failed_or_closed_rendering_leaves_no_files(tmp_path: Path) -> None:
    pattern = tmp_path / "plate.%04d.exr"
    with pytest.raises(HostError, match="out of memory"):
        list(render_frames(SHOT, [], pattern, _write))
    assert list(tmp_path.iterdir()) == []
    steps = render_frames(SHOT, [1002, 1003], pattern, _write)
    assert [next(steps).completed for _ in range(4)] == [0, 0, 1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["plate.1002.exr"]
    steps.close()
    assert list(tmp_path.iterdir()) == []
