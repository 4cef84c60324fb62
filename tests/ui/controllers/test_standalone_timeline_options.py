"""The standalone host reads a cut with the timeline and rate of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_inputs import rates, timelines
from case_inputs.builders import CASES
from sample_versions import version_of

from bridge_core.cli.context import CommandContext
from bridge_core.cli.main import build_parser
from bridge_core.cli.output import CommandOutput
from bridge_core.cli.panel import panel_arguments
from bridge_core.errors import TimelineError
from bridge_core.hosts.base import Placement
from bridge_core.models.settings import Settings
from bridge_core.models.versions import Version
from bridge_core.timeline.cut import Cut
from bridge_core.timeline.cut_reader import read_cut
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.shots.cut_export import export_cut

assert rates, timelines  # importing them registers the cases


def test_a_timeline_and_a_rate(tmp_path: Path) -> None:
    CASES["several-timelines"](tmp_path)
    CASES["edl-rate"](tmp_path)
    settings = Settings()
    several, edl = tmp_path / "bin.otio", tmp_path / "at25.edl"
    host = StandaloneHost(settings, several, timeline="reel_02")
    assert [item.shot.id.sequence for item in host.scene().shots] == ["reel_02"]
    with pytest.raises(TimelineError):
        host.open_cut(edl)
    # A failed open() changes nothing.
    assert [item.shot.id.sequence for item in host.scene().shots] == ["reel_02"]
    host.open_cut(edl, rate="25")
    assert host.scene().cut is not None
    assert host.scene().cut.rate == 25


class StoredVersionsClient:
    """A client with one version of every shot."""

    def __init__(self, cut: Cut) -> None:
        self._versions = [version_of(item.shot) for item in cut]

    def versions(self, *, show: str, sequence: str) -> list[Version]:
        where = (show, sequence)
        return [one for one in self._versions if (one.shot.show, one.shot.sequence) == where]

    def notes(self, version: str) -> tuple[()]:
        return ()


@pytest.mark.parametrize("reader", ["generic", "resolve"])
def test_an_export_uses_the_open_timeline_and_rate(tmp_path: Path, reader: str) -> None:
    CASES["several-timelines"](tmp_path)
    CASES["edl-rate"](tmp_path)
    target = tmp_path / "out.otio"
    for source, timeline, rate in [("bin.otio", "reel_02", None), ("at25.edl", None, "25")]:
        host = StandaloneHost(Settings(), tmp_path / source, timeline=timeline, rate=rate)
        # An EDL names no media; the cut is exported as it is.
        cut = read_cut(tmp_path / source, timeline=timeline, rate=rate)
        export = export_cut(StoredVersionsClient(cut), cut, target, reader)  # type: ignore[arg-type]
        assert export.version_count == len(cut.shots)
        again = read_cut(target, timeline=timeline)
        assert again.rate == cut.rate
        assert len(again.shots) == len(cut.shots)
        assert {str(p.record_range) for p in again.problems if p.skipped} == {
            str(p.record_range) for p in cut.problems if p.skipped
        }
        assert host.scene().cut is not None
        assert host.scene().cut.source == cut.source  # type: ignore[union-attr]


def test_versions_are_placed_twice_in_a_timeline_of_a_bin(tmp_path: Path) -> None:
    CASES["several-timelines"](tmp_path)
    for timeline in ("reel_02", "reel_02", "reel_01"):
        host = StandaloneHost(Settings(), tmp_path / "bin.otio", timeline=timeline)
        (shot,) = host.scene().shots
        host.place([Placement(shot.item_id, version_of(shot.shot))])
        assert host.scene().shots[0].placed_version_ids == (version_of(shot.shot).id,)
        assert host.scene().shots[0].shot.id.sequence == timeline


def test_the_command_passes_them_on() -> None:
    command = ["panel", "cut.edl", "--timeline", "reel 2", "--rate", "29.97"]
    call = CommandContext(build_parser().parse_args(command), CommandOutput(as_json=False))
    arguments = panel_arguments(call)
    assert arguments[arguments.index("--timeline") + 1] == "reel 2"
    assert arguments[arguments.index("--rate") + 1] == "30000/1001"
