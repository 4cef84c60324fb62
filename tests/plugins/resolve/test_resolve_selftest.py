"""The self-test confirms the fake's assumptions, and leaves nothing behind."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from resolve_fake import Resolve, scripting_module
from resolve_sample_project import render_state
from resolve_timeline import TimelineItem

from bridge_core.hosts.selftest import SelfTestOutcome, main, run_checks
from bridge_resolve import selftest

BY_HAND = {"resolve.render.settings"}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolve]:
    resolve = Resolve("25")
    resolve._new_timeline("the user's")
    module = scripting_module(resolve)
    module.__spec__ = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "DaVinciResolveScript", module)
    selftest.running_resolve.cache_clear()
    yield resolve
    selftest.running_resolve.cache_clear()


def test_the_fake_passes_the_self_test(app: Resolve, tmp_path: Path) -> None:
    before = render_state(app)
    report = run_checks("resolve", selftest.host_version(), selftest.CHECKS, tmp_path)
    other = {
        r.id: (r.outcome, r.observed, r.traceback)
        for r in report.results
        if r.outcome != "confirmed"
    }
    assert other.keys() == BY_HAND, other
    assert all(one.observed for one in report.results)
    assert report.environment["program"] == "DaVinci Resolve Studio 21.0.0.47"
    assert render_state(app) == before


def test_a_resolve_that_differs_is_reported(
    app: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = TimelineItem.GetTakeByIndex

    def inclusive(self: TimelineItem, index: int) -> dict[str, object] | None:
        take = original(self, index)
        return take and {**take, "endFrame": take["endFrame"] - 1}

    monkeypatch.setattr(TimelineItem, "GetTakeByIndex", inclusive)
    before = render_state(app)
    assert main("resolve", selftest.host_version, selftest.CHECKS, [str(tmp_path)]) == 1
    report = json.loads((tmp_path / "shotbridge_selftest_resolve.json").read_text())
    differs = {
        r["id"]: r["observed"] for r in report["results"] if r["outcome"] == SelfTestOutcome.DIFFERS
    }
    assert differs == {"resolve.takes.frames": "frames of the take: (6, 15), expected (6, 16)"}
    assert render_state(app) == before


def test_without_a_project_checks_are_skipped(app: Resolve, tmp_path: Path) -> None:
    app._project = None
    checks = [c for c in selftest.CHECKS if c.id == "resolve.scene"]
    (result,) = run_checks("resolve", "Resolve", checks, tmp_path).results
    assert result.outcome is SelfTestOutcome.SKIPPED
    assert "open a project" in result.observed
