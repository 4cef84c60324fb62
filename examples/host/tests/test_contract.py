"""The example passes the suite that every host passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge_core.hosts.conformance import HostUnderTest
from bridge_core.hosts.conformance.suite import *  # noqa: F403 - the tests
from bridge_shotlist.host import ShotListHost


@pytest.fixture
def subject(tmp_path: Path) -> HostUnderTest:
    plates = tmp_path / "plates"
    plates.mkdir()
    for name in ("A_010", "A_020"):
        for frame in range(1001, 1011):
            (plates / f"{name}.{frame}.exr").write_bytes(b"a picture")
    shots = [
        {
            "name": name,
            "plate": f"plates/{name}.%04d.exr",
            "frames": [1001, 1010],
            "cut": [1003, 1008],
            "rate": 25,
        }
        for name in ("A_010", "A_020", "A_030")
    ]
    file = tmp_path / "shots.json"
    file.write_text(json.dumps({"show": "contract", "shots": shots}))
    empty = tmp_path / "empty.json"
    empty.write_text(json.dumps({"show": "contract", "shots": []}))

    def placed() -> dict[str, list[str]]:
        entries = json.loads(file.read_text())["shots"]
        return {
            one["name"]: [version["path"] for version in one["versions"]]
            for one in entries
            if "versions" in one
        }

    return HostUnderTest(
        ShotListHost(file), ShotListHost(empty), plates, shots=2, problems=1, placed=placed
    )
