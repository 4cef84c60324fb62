"""The self-test: on the fake it confirms what the fake takes for granted, and leaves nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from resolve_fake import Resolve, scripting_module
from resolve_timeline import TimelineItem
from resolve_worlds import state_of

from bridge_core.selftest import Outcome, main, run
from bridge_resolve import selftest

BY_HAND = {"resolve.render.settings"}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolve]:
    made = Resolve("25")
    made._new_timeline("the user's")
    module = scripting_module(made)
    module.__spec__ = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "DaVinciResolveScript", module)
    selftest.running.cache_clear()
    yield made
    selftest.running.cache_clear()


def test_the_fake_and_the_self_test_take_the_same_for_granted(app: Resolve, tmp_path: Path) -> None:
    before = state_of(app)
    report = run("resolve", selftest.program(), selftest.CHECKS, tmp_path)
    other = {r.id: (r.outcome, r.seen, r.where) for r in report.results if r.outcome != "confirmed"}
    assert other.keys() == BY_HAND, other
    assert all(one.seen for one in report.results)
    assert report.about["program"] == "DaVinci Resolve Studio 21.0.0.47"
    assert state_of(app) == before


def test_a_resolve_that_does_otherwise_is_told(
    app: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = TimelineItem.GetTakeByIndex

    def inclusive(self: TimelineItem, index: int) -> dict[str, object] | None:
        take = told(self, index)
        return take and {**take, "endFrame": take["endFrame"] - 1}

    monkeypatch.setattr(TimelineItem, "GetTakeByIndex", inclusive)
    before = state_of(app)
    assert main("resolve", selftest.program, selftest.CHECKS, [str(tmp_path)]) == 1
    report = json.loads((tmp_path / "shotbridge_selftest_resolve.json").read_text())
    differs = {r["id"]: r["seen"] for r in report["results"] if r["outcome"] == Outcome.DIFFERS}
    assert differs == {
        "resolve.takes.frames": "frames of the take: (6, 15), taken for granted was (6, 16)"
    }
    assert state_of(app) == before


def test_without_a_project_it_says_what_it_takes(app: Resolve, tmp_path: Path) -> None:
    app._project = None
    checks = [c for c in selftest.CHECKS if c.id == "resolve.scene"]
    (result,) = run("resolve", "Resolve", checks, tmp_path).results
    assert result.outcome is Outcome.NOT_SEEN
    assert "open a project" in result.seen
