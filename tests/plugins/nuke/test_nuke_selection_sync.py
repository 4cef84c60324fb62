"""Changes of shots are reported once, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import nuke_sample_comp

from bridge_core.hosts.base import Placement

if TYPE_CHECKING:
    from nuke_fake import FakeNuke

    from bridge_nuke.host import NukeHost


def test_many_changes_are_reported_once(host: NukeHost, program: FakeNuke) -> None:
    nuke = program.module
    calls: list[int] = []
    ended = host.watch(lambda: calls.append(1))
    for number in range(50):
        nuke.nodes.Dot().setXYpos(number, 0)
    nuke.selectedNodes()
    program.select("Read1", "Read2")
    assert calls == []
    program.pump()
    assert len(calls) == 1
    for change in (
        lambda: nuke.toNode("Read1")["first"].setValue(1002),
        lambda: nuke.toNode("Multiply1").setName("Grade"),
        lambda: nuke.root()["last_frame"].setValue(1009),
        lambda: nuke.delete(nuke.toNode("Read2")),
        lambda: nuke.scriptOpen(nuke.scriptName()),
    ):
        calls.clear()
        change()
        program.pump()
        assert len(calls) == 1
    ended()


def test_changes_without_effect_on_shots_are_not_reported(
    host: NukeHost, program: FakeNuke, tmp_path: Path
) -> None:
    nuke = program.module
    calls: list[int] = []
    ended = host.watch(lambda: calls.append(1))
    nuke.frame(1005)
    nuke.toNode("Read1").setXYpos(50, 50)
    nuke.toNode("Multiply1")["value"].setValue([2.0, 2.0, 2.0, 1.0])
    program.root["proxy"].setValue(True)
    for _ in host.render("Multiply1", tmp_path, [1003, 1004]):
        pass
    program.pump()
    assert calls == []
    item = host.scene().shots[0]
    host.place([Placement(item.item_id, nuke_sample_comp.version(item.shot))])
    program.pump()
    assert calls == []
    ended()


def test_no_callbacks_stay_without_listeners(host: NukeHost, program: FakeNuke) -> None:
    calls: list[str] = []
    first = host.watch(lambda: calls.append("first"))
    second = host.watch(lambda: calls.append("second"))
    program.select("Read2")
    program.pump()
    assert calls == ["first", "second"]
    program.select("Read1")
    first()
    first()
    program.pump()
    assert calls == ["first", "second", "second"]
    second()
    for event in ("KnobChanged", "OnScriptLoad", "OnCreate", "OnDestroy"):
        assert program.callbacks(event) == 0
