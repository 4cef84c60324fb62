"""The cut with versions that the standalone panel writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from sample_versions import version_of

from bridge_core.errors import HostError
from bridge_core.hosts.base import Placement
from bridge_core.models.settings import Settings
from bridge_ui.app.standalone_host import StandaloneHost


def _cut(path: Path, plates: Path, source: Any = (1004, 4), speed: float = 1) -> Path:
    plates.mkdir()
    for frame in range(1001, 1011):
        (plates / f"plate.{frame}.exr").touch()
    span, at = otio.opentime.TimeRange, otio.opentime.RationalTime
    media = otio.schema.ImageSequenceReference(
        plates.as_uri() + "/",
        "plate.",
        ".exr",
        1001,
        1,
        24,
        4,
        available_range=span(at(1001, 24), at(10, 24)),
    )
    clip = otio.schema.Clip("sh010", media, span(at(source[0], 24), at(source[1], 24)))
    if speed != 1:
        clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
    timeline = otio.schema.Timeline("reel")
    timeline.tracks.append(otio.schema.Track("V1", [clip], kind="Video"))
    otio.adapters.write_to_file(timeline, str(path))
    return path


def _place(host: StandaloneHost) -> Any:
    (shot,) = host.scene().shots
    assert shot.shot is not None
    return host.place([Placement(shot.item_id, version_of(shot.shot))])


def test_a_file_from_elsewhere_is_not_overwritten(tmp_path: Path) -> None:
    host = StandaloneHost(Settings(), _cut(tmp_path / "reel.otio", tmp_path / "plates"))
    assert host.output is not None
    otio.adapters.write_to_file(otio.schema.Timeline("somebody's work"), str(host.output))
    before = host.output.read_bytes()
    with pytest.raises(HostError, match="a file that Shotbridge did not write"):
        _place(host)
    assert host.output.read_bytes() == before
    host.output.unlink()
    _place(host)
    _place(host)  # its own file is replaced


def test_a_version_that_is_shorter_than_its_clip_is_reported(tmp_path: Path) -> None:
    cut = _cut(tmp_path / "reel.otio", tmp_path / "plates", (1002, 20), 0.25)
    settings = Settings.model_validate({"work": {"handles": 0}})
    message = _place(StandaloneHost(settings, cut)).message
    assert "sh010: round_trip v001 holds frames 1002-1006" in message
