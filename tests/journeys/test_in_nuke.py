"""A compositor in Nuke's pane: select, send, review, approve, place, save, open again, step."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip(
    "PySide6.QtWidgets",
    reason="Qt cannot be loaded here; `make system` says what it needs",
    exc_type=ImportError,
)

import nuke_worlds
import numpy as np
import OpenImageIO as oiio
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from bridge_core.models.versions import ReviewStatus

if TYPE_CHECKING:
    from nuke_fake import FakeNuke

    from bridge_ui.panel.shell import Panel


def until(true: Callable[[], object], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        QTest.qWait(20)


@pytest.fixture
def program(desk, monkeypatch: Any) -> Iterator[FakeNuke]:
    """Nuke has started with the plugin; two plates and a grade are in its script, the gateway's
    configuration is in its environment."""
    application = QApplication.instance() or QApplication(["shotbridge-tests"])
    for key, value in desk.environment.items():
        if key.startswith("SHOTBRIDGE__"):
            monkeypatch.setenv(key, value)
    monkeypatch.setenv("SHOTBRIDGE__WORK__SHOW", "bunny")
    nuke = nuke_worlds.comp(desk.folder)
    from bridge_nuke import start

    start.anywhere()
    start.in_the_interface()
    yield nuke
    for pane in nuke.pane("Properties.1").panels:
        widget = pane.widgets[0]
        if widget.panel is not None:
            widget.panel.close_down(10.0)
        widget.deleteLater()
    application.processEvents()
    nuke.close()


def _panel(program: FakeNuke) -> Panel:
    program.menu("Nuke").findItem("Shotbridge/Open the panel").invoke()
    pane = program.pane("Properties.1").panels[-1].widgets[0]
    pane.resize(1440, 880)
    pane.show()
    panel: Panel = pane.panel
    until(lambda: hasattr(panel, "controllers"), "the panel to open")
    on = panel.controllers
    until(lambda: on.session.connection.value.up, "the gateway")
    until(lambda: on.send.state.value.service, "the services")
    return panel


def _send(panel: Panel, service: str, names: list[str], succeeded: int) -> None:
    """Select in Nuke was done; select these rows in the panel, and send them."""
    on = panel.controllers
    until(lambda: {r.key for r in on.shots.rows if r.shot} == set(names), "the selected nodes")
    on.shots.select(names)
    on.send.choose(service)
    panel.show_page("send")
    button = panel.findChild(QPushButton, "send")
    until(button.isEnabled, "the button to be ready")
    button.click()
    if on.send.state.value.question:  # the same was just made
        on.send.send_anyway()
    until(lambda: sum(bool(r.result) for r in on.jobs.rows) == succeeded, f"{service} of {names}")


def _approve(panel: Panel, key: str, label: str = "v001") -> Any:
    on = panel.controllers
    on.shots.select([key])
    review = on.review

    def found() -> list[str]:
        return [c.id for c in review.state.value.choices if c.version and label in c.label]

    until(found, f"{label} among the choices")
    review.choose_b(found()[0])
    version = review.state.value.version
    assert version is not None
    assert version.label == label
    review.decide(ReviewStatus.APPROVED)
    until(lambda: "approved" in review.state.value.told, "the approval")
    return version


def test_from_selected_nodes_to_approved_reads(program: FakeNuke, desk, tmp_path: Path) -> None:
    program.select("Read1")
    panel = _panel(program)
    _send(panel, "upscale", ["Read1"], 1)

    program.script.modified = False
    state = nuke_worlds.state(program)
    program.select("Multiply1")
    _send(panel, "round_trip", ["Multiply1"], 2)
    program.select("Read1")
    assert nuke_worlds.state(program) == state

    program.select("Read1", "Multiply1")
    on = panel.controllers
    until(lambda: len(on.shots.rows) == 2, "both nodes")
    approved = [_approve(panel, key) for key in ("Read1", "Multiply1")]
    on.placing.place_approved(on.shots.rows)
    until(lambda: on.placing.state.value.told or on.placing.state.value.problem, "the placing")
    assert on.placing.state.value.problem == ""

    reads = [n for n in program.script.nodes if n.knob("shotbridge_version") is not None]
    assert [read["label"].evaluate() for read in reads] == ["Upscale v001", "Round trip v001"]
    assert [read.width() for read in reads] == [2 * nuke_worlds.SIZE[0], nuke_worlds.SIZE[0]]
    # Nuke shows the rendered node's pixels, out and back, to within half float.
    for frame in (1001, 1010):
        picture = oiio.ImageInput.open(reads[1]["file"].getEvaluatedValue() % frame)
        pixels = picture.read_image(oiio.FLOAT)
        picture.close()
        assert pixels[5, 5, 0] == pytest.approx(0.5 * np.float16(frame / 2048), abs=2e-3)

    file = tmp_path / "A_comp_v004.nk"
    program.module.scriptSave(str(file))
    program.module.scriptOpen(str(file))
    program.select("Read1", "Multiply1")
    until(
        lambda: {r.in_use for r in on.shots.rows} == {one.id for one in approved},
        "the versions of the opened script",
    )

    program.select("Read1")
    _send(panel, "upscale", ["Read1"], 3)
    second = _approve(panel, "Read1", "v002")
    on.placing.place_approved(on.shots.rows)
    until(lambda: on.shots.rows[0].in_use == second.id, "the second version")
    read = next(n for n in program.script.nodes if "Upscale" in n["label"].value())
    assert read["shotbridge_version"].values() == ["v001", "v002"]
    program.turn(read, "shotbridge_version", "v001")
    until(lambda: on.shots.rows[0].in_use == approved[0].id, "the panel to follow")
    assert Path(read["file"].getEvaluatedValue() % 1001).is_file()

    # The frame that Nuke shows, as a still: in a narrow pane the review is out of sight.
    panel.parentWidget().resize(360, 800)
    program.select("Multiply1")
    until(lambda: [row.key for row in on.shots.rows] == ["Multiply1"], "the selected node")
    on.shots.select(["Multiply1"])
    program.module.frame(1007)
    panel.show_page("send")
    until(panel.send.try_button.isEnabled, "the button to be ready")
    rendered = len(program.rendered)
    panel.send.try_button.click()
    until(lambda: sum(bool(r.result) for r in on.jobs.rows) == 4, "the try")
    assert [frame for frame, _ in program.rendered[rendered:]] == [1007]
