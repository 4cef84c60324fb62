"""Randomly damaged files: reading gives a cut or a ShotbridgeError, never anything else."""

from __future__ import annotations

import copy
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from bridge_core.errors import ShotbridgeError
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.diff import diff_cuts
from bridge_core.timeline.export_profiles import PROFILES
from bridge_core.timeline.exporter import export_timeline
from bridge_core.timeline.version_writer import write_versions

HERE = Path(__file__).parent
NONSENSE: list[Any] = [
    None, 0, -1, 1e300, float("nan"), float("inf"), 2**70, "", "x", "%04d", True, [], {}, [None],
    {"OTIO_SCHEMA": "Clip.2"}, {"OTIO_SCHEMA": "Nonsense.1"}, {"OTIO_SCHEMA": 7},
    {"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "missing"},
    {"OTIO_SCHEMA": "RationalTime.1", "rate": 0, "value": 1}, [[[]]], "\x00",
]  # fmt: skip


def _node_paths(node: Any) -> list[tuple[Any, Any]]:
    paths = []
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in pairs:
        paths.append((node, key))
        if isinstance(value, dict | list):
            paths += _node_paths(value)
    return paths


def _damage(document: Any, random_source: random.Random) -> Any:
    damaged = copy.deepcopy(document)
    for _ in range(random_source.choice([1, 1, 1, 2, 5])):
        node, key = random_source.choice(_node_paths(damaged))
        if random_source.random() < 0.2 and isinstance(node, dict):
            del node[key]
        else:
            node[key] = copy.deepcopy(random_source.choice(NONSENSE))
    return damaged


@pytest.mark.parametrize("seed", range(6))
def test_damaged_files_raise_no_other_errors(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    whole = json.loads((HERE / "resolve_ramp.otio").read_text())
    original = read_cut(HERE / "resolve_ramp.otio")
    path = tmp_path / "damaged.otio"
    for _ in range(60):
        path.write_text(json.dumps(_damage(whole, chance)))
        try:
            cut = read_cut(path)
        except ShotbridgeError as error:
            assert error.next_step
            continue
        diff_cuts(original, cut)
        write_versions(
            path, {item.clip_id: [] for item in cut}, tmp_path / "w.otio", overwrite=True
        )
        try:
            export_timeline(
                path, tmp_path / "e.otio", chance.choice(list(PROFILES)), overwrite=True
            )
        except ShotbridgeError as error:
            assert error.next_step


@pytest.mark.parametrize("start", [{"rate": 24, "value": math.inf}, {"rate": 0, "value": 1}, "1h"])
def test_a_global_start_that_cannot_be_read_is_reported(kit: Any, start: Any) -> None:
    path = kit.cut(kit.clip("a"))
    document = json.loads(path.read_text())
    document["global_start_time"] = start
    path.write_text(json.dumps(document))
    cut = read_cut(path)
    assert cut.global_start == 0
    assert len(cut.shots) == 1
    (problem,) = cut.problems
    assert "its global start time cannot be read; the cut starts at 0" in problem.message
    assert not problem.skipped


@pytest.mark.parametrize("kind", [None, ""])
def test_a_track_without_a_kind_is_a_video_track(kit: Any, kind: Any) -> None:
    path = kit.cut(kit.clip("a"))
    document = json.loads(path.read_text())
    document["tracks"]["children"][0]["kind"] = kind
    path.write_text(json.dumps(document))
    assert [item.clip_name for item in read_cut(path)] == ["a"]
