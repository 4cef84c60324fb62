"""The panel's own host reads a cut as the command line says: which timeline, at which rate."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_inputs import rates, timelines
from case_inputs.kit import CASES

from bridge_core.cli.call import Call
from bridge_core.cli.main import build_parser
from bridge_core.cli.output import Output
from bridge_core.cli.panel import words
from bridge_core.errors import TimelineError
from bridge_core.models.settings import Settings
from bridge_ui.standalone_host import StandaloneHost

assert rates, timelines  # they register the cases


def test_a_timeline_and_a_rate(tmp_path: Path) -> None:
    CASES["several-timelines"](tmp_path)
    CASES["edl-rate"](tmp_path)
    settings = Settings()
    several, edl = tmp_path / "bin.otio", tmp_path / "at25.edl"
    host = StandaloneHost(settings, several, timeline="reel_02")
    assert [item.shot.id.sequence for item in host.scene().shots] == ["reel_02"]
    with pytest.raises(TimelineError):
        host.open(edl)
    # What could not be opened changes nothing.
    assert [item.shot.id.sequence for item in host.scene().shots] == ["reel_02"]
    host.open(edl, rate="25")
    assert host.scene().cut is not None
    assert host.scene().cut.rate == 25


def test_the_command_hands_them_on() -> None:
    said = ["panel", "cut.edl", "--timeline", "reel 2", "--rate", "29.97"]
    call = Call(build_parser().parse_args(said), Output(as_json=False))
    told = words(call)
    assert told[told.index("--timeline") + 1] == "reel 2"
    assert told[told.index("--rate") + 1] == "30000/1001"
