"""A compositor uses Nuke's pane: select, send, review, approve, place, save, reopen, switch
versions."""

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

import nuke_sample_comp
import numpy as np
import OpenImageIO as oiio
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from bridge_core.models.versions import ReviewStatus

if TYPE_CHECKING:
    from nuke_fake import FakeNuke

    from bridge_ui.app.panel import Panel


def wait_until(condition: Callable[[], object], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        QTest.qWait(20)


@pytest.fixture
def program(terminal, monkeypatch: Any) -> Iterator[FakeNuke]:
    """Nuke with the plugin, a script with two plates and a grade, and the gateway's settings in its
    environment."""
    application = QApplication.instance() or QApplication(["shotbridge-tests"])
    for key, value in terminal.environment.items():
        if key.startswith("SHOTBRIDGE__"):
            monkeypatch.setenv(key, value)
    monkeypatch.setenv("SHOTBRIDGE__WORK__SHOW", "bunny")
    nuke = nuke_sample_comp.sample_comp(terminal.folder)
    from bridge_nuke import startup

    startup.register_callbacks()
    startup.register_interface()
    yield nuke
    for pane in nuke.pane("Properties.1").panels:
        widget = pane.widgets[0]
        if widget.panel is not None:
            widget.panel.stop(10.0)
        widget.deleteLater()
    application.processEvents()
    nuke.close()


def _panel(program: FakeNuke) -> Panel:
    program.menu("Nuke").findItem("Shotbridge/Open the panel").invoke()
    pane = program.pane("Properties.1").panels[-1].widgets[0]
    pane.resize(1440, 880)
    pane.show()
    panel: Panel = pane.panel
    wait_until(lambda: hasattr(panel, "controllers"), "the panel to open")
    on = panel.controllers
    wait_until(lambda: on.session.connection.value.is_connected, "the gateway")
    wait_until(lambda: on.send.state.value.service, "the services")
    return panel


def _send(panel: Panel, service: str, names: list[str], succeeded: int) -> None:
    """Select these rows in the panel (their nodes are selected in Nuke), and send them."""
    on = panel.controllers
    wait_until(lambda: {r.key for r in on.shots.rows if r.shot} == set(names), "the selected nodes")
    on.shots.select(names)
    on.send.choose_service(service)
    panel.show_page("send")
    button = panel.findChild(QPushButton, "send")
    wait_until(button.isEnabled, "the button to be enabled")
    button.click()
    if on.send.state.value.question:  # about a duplicate request
        on.send.duplicate_check.confirm()
    wait_until(
        lambda: sum(bool(r.result_id) for r in on.jobs.rows) == succeeded, f"{service} of {names}"
    )


def _approve(panel: Panel, key: str, label: str = "v001") -> Any:
    on = panel.controllers
    on.shots.select([key])
    review = on.review

    def version_ids() -> list[str]:
        return [c.id for c in review.state.value.choices if c.version and label in c.label]

    wait_until(version_ids, f"{label} among the choices")
    review.choose_b(version_ids()[0])
    version = review.state.value.version
    assert version is not None
    assert version.label == label
    review.decide(ReviewStatus.APPROVED)
    wait_until(lambda: "approved" in review.state.value.message, "the approval")
    return version


def test_from_selected_nodes_to_approved_reads(program: FakeNuke, terminal, tmp_path: Path) -> None:
    program.select("Read1")
    panel = _panel(program)
    _send(panel, "upscale", ["Read1"], 1)

    program.script.modified = False
    state = nuke_sample_comp.render_state(program)
    program.select("Multiply1")
    _send(panel, "round_trip", ["Multiply1"], 2)
    program.select("Read1")
    assert nuke_sample_comp.render_state(program) == state

    program.select("Read1", "Multiply1")
    on = panel.controllers
    wait_until(lambda: len(on.shots.rows) == 2, "both nodes")
    approved = [_approve(panel, key) for key in ("Read1", "Multiply1")]
    on.placement.place_approved(on.shots.rows)
    wait_until(
        lambda: on.placement.state.value.message or on.placement.state.value.problem,
        "the placement",
    )
    assert on.placement.state.value.problem == ""

    reads = [n for n in program.script.nodes if n.knob("shotbridge_version") is not None]
    assert [read["label"].evaluate() for read in reads] == ["Upscale v001", "Round trip v001"]
    assert [read.width() for read in reads] == [
        2 * nuke_sample_comp.SIZE[0],
        nuke_sample_comp.SIZE[0],
    ]
    # Nuke reads the rendered node's pixels back within half float precision.
    for frame in (1001, 1010):
        picture = oiio.ImageInput.open(reads[1]["file"].getEvaluatedValue() % frame)
        pixels = picture.read_image(oiio.FLOAT)
        picture.close()
        assert pixels[5, 5, 0] == pytest.approx(0.5 * np.float16(frame / 2048), abs=2e-3)

    file = tmp_path / "A_comp_v004.nk"
    program.module.scriptSave(str(file))
    program.module.scriptOpen(str(file))
    program.select("Read1", "Multiply1")
    wait_until(
        lambda: {r.active_version_id for r in on.shots.rows} == {one.id for one in approved},
        "the versions of the opened script",
    )

    program.select("Read1")
    _send(panel, "upscale", ["Read1"], 3)
    second = _approve(panel, "Read1", "v002")
    on.placement.place_approved(on.shots.rows)
    wait_until(lambda: on.shots.rows[0].active_version_id == second.id, "the second version")
    read = next(n for n in program.script.nodes if "Upscale" in n["label"].value())
    assert read["shotbridge_version"].values() == ["v001", "v002"]
    program.set_knob(read, "shotbridge_version", "v001")
    wait_until(lambda: on.shots.rows[0].active_version_id == approved[0].id, "the panel to follow")
    assert Path(read["file"].getEvaluatedValue() % 1001).is_file()

    # A test frame is Nuke's current frame: in a narrow pane the review is hidden.
    panel.parentWidget().resize(360, 800)
    program.select("Multiply1")
    wait_until(lambda: [row.key for row in on.shots.rows] == ["Multiply1"], "the selected node")
    on.shots.select(["Multiply1"])
    program.module.frame(1007)
    panel.show_page("send")
    wait_until(panel.send.test_frame_button.isEnabled, "the button to be enabled")
    rendered = len(program.rendered)
    panel.send.test_frame_button.click()
    wait_until(lambda: sum(bool(r.result_id) for r in on.jobs.rows) == 4, "the test frame")
    assert [frame for frame, _ in program.rendered[rendered:]] == [1007]
