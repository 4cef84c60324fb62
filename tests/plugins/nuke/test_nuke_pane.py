"""The dockable pane: created from the expression that Nuke evaluates, and closed in every way."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip(
    "PySide6.QtWidgets",
    reason="Qt cannot be loaded here; `make system` says what it needs",
    exc_type=ImportError,
)

import shiboken6
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from user_input import wait_until

if TYPE_CHECKING:
    from nuke_fake import FakeNuke

    from bridge_nuke.pane import ShotbridgePane


@pytest.fixture
def started(program: FakeNuke, tmp_path: Path, monkeypatch: Any) -> Iterator[FakeNuke]:
    """Nuke after its start, without a gateway."""
    application = QApplication.instance() or QApplication(["shotbridge-tests"])
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SHOTBRIDGE__WORK__SHOW", "bunny")
    from bridge_nuke import startup

    startup.register_callbacks()
    startup.register_interface()
    yield program
    application.processEvents()


def opened(program: FakeNuke) -> ShotbridgePane:
    program.menu("Nuke").findItem("Shotbridge/Open the panel").invoke()
    pane = program.pane("Properties.1").panels[-1].widgets[0]
    pane.resize(500, 800)
    pane.show()
    return pane  # type: ignore[no-any-return]


def at_work(pane: ShotbridgePane) -> Any:
    assert pane.panel is not None
    wait_until(lambda: hasattr(pane.panel, "controllers"), "the panel to open")
    wait_until(lambda: pane.panel.controllers.shots.rows, "the selected nodes")
    return pane.panel.controllers


def test_the_pane_shows_the_selection_and_follows_it(started: FakeNuke) -> None:
    pane = opened(started)
    on = at_work(pane)
    assert [row.shot.id.shot for row in on.shots.rows if row.shot] == [
        "A_010",
        "Multiply1",
        "A_010_A_010",
    ]
    started.select("Read2")
    wait_until(lambda: [row.key for row in on.shots.rows] == ["Read2"], "the selection")
    assert started.callbacks("KnobChanged") == 2
    pane.stop()
    pane.stop()
    assert started.callbacks("KnobChanged") == 1
    pane.deleteLater()


def test_a_reopened_pane_keeps_shot_names(started: FakeNuke) -> None:
    def names(pane: ShotbridgePane) -> dict[str, str]:
        return {row.key: row.shot.id.shot for row in at_work(pane).shots.rows if row.shot}

    started.select("Read1", "Read2")
    pane = opened(started)
    before = names(pane)
    assert before == {"Read1": "A_010", "Read2": "A_010_A_010"}
    pane.stop()
    pane.deleteLater()
    started.module.toNode("Read1").setName("Read20")
    again = opened(started)
    assert names(again) == {"Read20": "A_010", "Read2": "A_010_A_010"}
    again.stop()
    again.deleteLater()


@pytest.mark.parametrize("way", ["deleteLater", "delete"])
def test_a_closed_tab_leaves_nothing_behind(started: FakeNuke, way: str) -> None:
    others = set(threading.enumerate())
    pane = opened(started)
    at_work(pane)
    if way == "delete":
        shiboken6.delete(pane)
    else:
        pane.deleteLater()
        wait_until(lambda: not shiboken6.isValid(pane), "the pane to go")
    assert started.callbacks("KnobChanged") == 1
    started.select("Read1")
    QTest.qWait(200)

    def have_ended() -> bool:
        return not any(t.name.startswith("shotbridge") for t in {*threading.enumerate()} - others)

    wait_until(have_ended, f"the panel's threads to end: {threading.enumerate()}")


def test_a_pane_that_cannot_open_shows_the_reason(started: FakeNuke, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "bridge_ui.app.opening", None)
    pane = opened(started)
    assert pane.panel is None
    (words,) = pane.findChildren(QLabel)
    assert "bridge_ui" in words.text()
    pane.stop()
    pane.deleteLater()


def test_a_wrong_configuration_is_reported_in_the_pane(started: FakeNuke, monkeypatch: Any) -> None:
    monkeypatch.setenv("SHOTBRIDGE__WORK__HANDLES", "many")
    pane = opened(started)
    wait_until(
        lambda: any("handles" in label.text() for label in pane.findChildren(QLabel)),
        "the panel to say what is wrong",
    )
    pane.stop()
    pane.deleteLater()


def test_a_saved_workspace_restores_the_pane(started: FakeNuke) -> None:
    from nukescripts import panels

    from bridge_nuke.startup import PANE_ID

    assert PANE_ID == "shotbridge.panel"  # saved workspaces name it: it never changes
    restored = panels.restorePanel(PANE_ID)
    assert type(restored.widgets[0]).__name__ == "ShotbridgePane"
    restored.widgets[0].deleteLater()


def test_an_error_on_nukes_thread_is_raised_for_the_caller(started: FakeNuke) -> None:
    from bridge_nuke.startup import _call_on_main_thread

    raised: list[Exception] = []

    def ask() -> None:
        try:
            _call_on_main_thread(lambda: str(started.module.toNode("Read1")["no knob"]))
        except NameError as error:
            raised.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while thread.is_alive():
        started.pump()
    assert "no knob" in str(raised[0])


def test_the_self_test_runs_from_the_menu(started: FakeNuke, monkeypatch: Any) -> None:
    import json

    from bridge_core.models.settings import default_state_dir

    started.menu("Nuke").findItem("Shotbridge/Test this Nuke").invoke()

    def answered() -> bool:
        started.pump()
        return bool(started.messages)

    wait_until(answered, "the self-test")
    assert not started.script.modified
    report = json.loads(
        (default_state_dir() / "selftest" / "shotbridge_selftest_nuke.json").read_text()
    )
    outcomes = {one["id"]: one["outcome"] for one in report["results"]}
    assert set(outcomes.values()) == {"confirmed"}
    assert outcomes["nuke.threads"] == "confirmed"
    assert str(len(outcomes)) in started.messages[0]
