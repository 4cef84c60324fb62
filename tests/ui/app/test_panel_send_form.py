"""The Send form by mouse and keyboard: quotes after an error, and the file of a matte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import database_filler
import pytest
from panel_texts import shown_texts, wait_until
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QLabel, QLineEdit, QPushButton

from bridge_core.errors import StorageUnavailable
from bridge_core.models.jobs import JobProgress, JobState
from bridge_core.models.problems import Problem
from bridge_core.models.services import AcceptedInputs, DataLocality, Service
from bridge_ui.app.panel import Panel
from bridge_ui.core import event_listener

PLAIN = Service(
    id="plain",
    title="Plain",
    summary="Does it.",
    provider="local",
    data_locality=DataLocality.LOCAL,
)
EDIT = Service(
    id="edit",
    title="Edit",
    summary="Changes what is white.",
    provider="local",
    data_locality=DataLocality.LOCAL,
    accepts=AcceptedInputs(regions=("matte",)),
)
SERVICES = (PLAIN, EDIT)


def select_shot(panel: Panel, index: int) -> None:
    view = panel.shots.view
    spot = view.visualRect(view.model().index(index, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)


def choose_service(panel: Panel, title: str) -> None:
    QTest.keyClick(panel.shots.view, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    line = panel.service_popover.findChild(QLineEdit)
    QTest.keyClicks(line, title)
    QTest.keyClick(line, Qt.Key.Key_Return)


def connect_with_storage_that_hangs(panel: Panel, gateway: Any, errors: int) -> list[Any]:
    """The faults of the next requests for quotes."""
    gateway.canned_answers |= {"GET /v1/services": list(SERVICES), "GET /v1/versions": []}
    problem = Problem.from_error(StorageUnavailable("the disk does not answer"))
    answer = (503, "application/problem+json", problem.model_dump_json().encode())
    faults = [gateway.fault("POST", "/v1/quotes", answer=answer) for _ in range(errors)]
    panel.controllers.session.start()
    wait_until(lambda: panel.controllers.session.connection.value.is_connected)
    return faults


def test_quotes_are_asked_again_when_storage_is_back(
    panel: Panel, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_listener, "RETRY_SECONDS", 0.5)
    faults = connect_with_storage_that_hangs(panel, gateway, errors=2)
    select_shot(panel, 0)
    wait_until(lambda: all(fault.triggered.is_set() for fault in faults))
    wait_until(lambda: "Allowed" in shown_texts(panel.send))
    asked = gateway.count("POST", "/v1/quotes")
    QTest.qWait(1200)
    assert gateway.count("POST", "/v1/quotes") == asked, "they are known now"


def test_quotes_are_not_asked_again_in_a_loop(
    panel: Panel, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_listener, "RETRY_SECONDS", 600.0)
    faults = connect_with_storage_that_hangs(panel, gateway, errors=50)
    select_shot(panel, 0)
    wait_until(faults[0].triggered.is_set)
    wait_until(lambda: not panel.controllers.send.state.value.quoting)
    asked, job = gateway.count("POST", "/v1/quotes"), database_filler.job(0)
    shown = panel.controllers.session.store.jobs
    for done in range(10):
        progress = JobProgress(step="run", done=done, total=10)
        running = job.model_copy(update={"state": JobState.RUNNING, "progress": progress})
        gateway.publish_job(running)
        wait_until(lambda running=running: shown.get(job.id) == running)
    QTest.qWait(300)  # longer than the form waits for another change
    assert gateway.count("POST", "/v1/quotes") == asked


def frames_of_a_matte(folder: Path) -> list[Path]:
    files = [folder / f"sky.{frame:04d}.exr" for frame in range(993, 1049)]
    for file in files:
        file.write_bytes(b"a picture")
    return files


def choose_matte(panel: Panel, path: Path) -> None:
    QTest.mouseClick(panel.findChild(QPushButton, "choose-matte"), Qt.MouseButton.LeftButton)
    dialog = panel.send.findChildren(QFileDialog)[-1]
    dialog.selectFile(str(path))
    box = dialog.findChild(QDialogButtonBox)
    wait_until(box.button(QDialogButtonBox.StandardButton.Open).isEnabled)
    QTest.mouseClick(box.button(QDialogButtonBox.StandardButton.Open), Qt.MouseButton.LeftButton)
    panel.activateWindow()
    QTest.qWaitForWindowActive(panel)


@pytest.fixture
def form(panel: Panel) -> Panel:
    """A panel that was never connected, with a shot and a service that takes mattes."""
    panel.controllers.session.services.set(SERVICES)
    select_shot(panel, 0)
    choose_service(panel, "edit")
    assert panel.findChild(QLabel, "matte-file").isVisible()
    return panel


def summary(panel: Panel) -> dict[str, str]:
    return {line.title: line.text for line in panel.controllers.send.state.value.summary}


def test_a_matte_is_chosen_by_one_of_its_frames(form: Panel, tmp_path: Path) -> None:
    files = frames_of_a_matte(tmp_path)
    name, remove = form.findChild(QLabel, "matte-file"), form.findChild(QPushButton, "remove-matte")
    assert not remove.isVisible()
    choose_matte(form, files[10])
    wait_until(lambda: name.text() == "sky.####.exr")
    assert name.toolTip() == str(tmp_path / "sky.%04d.exr")
    assert "matte sky.####.exr" in shown_texts(form.send), "before you send"
    select_shot(form, 1)
    assert "Regions" not in summary(form), "it belongs to its shot"
    select_shot(form, 0)
    assert summary(form)["Regions"] == "matte sky.####.exr"
    choose_service(form, "plain")
    assert not name.isVisible()
    assert "Regions" not in summary(form)
    choose_service(form, "edit")
    QTest.mouseClick(remove, Qt.MouseButton.LeftButton)
    assert "Regions" not in summary(form)
    assert not remove.isVisible()


def test_a_matte_that_cannot_be_read_is_told_in_words(form: Panel, tmp_path: Path) -> None:
    files = frames_of_a_matte(tmp_path)
    files[17].unlink()
    choose_matte(form, files[0])
    problem = "1 frame is missing: 1010"
    wait_until(lambda: problem in shown_texts(form.send))
    assert f"First: Matte: {problem}" in shown_texts(form.send)
    assert not form.findChild(QPushButton, "send").isEnabled()
    files[17].write_bytes(b"a picture")
    form.controllers.session._retry_watchers.notify(None)
    wait_until(form.findChild(QPushButton, "send").isEnabled)
    assert problem not in shown_texts(form.send)

    movie = tmp_path / "sky.mov"
    movie.write_bytes(b"a movie")
    form.controllers.send.choose_matte(str(movie))  # as a file that is dropped
    wait_until(lambda: "sky.mov cannot be a matte: it is not a picture" in shown_texts(form.send))
    assert form.findChild(QLabel, "matte-file").text() == "sky.####.exr", "as before"
