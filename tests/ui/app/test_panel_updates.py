"""Updates of other shots never change the form or the review."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import database_filler
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QTabBar

from bridge_core.hosts.base import Host, HostCapability, HostScene, HostShot
from bridge_core.models.jobs import JobState
from bridge_core.models.outbox import OutboxEntry
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request
from bridge_core.models.shots import ShotId
from bridge_ui.app.panel import Panel
from bridge_ui.host.playhead import ViewedFrame


class TwoShotHost(Host):
    """Two shots that need rendering."""

    @property
    def title(self) -> str:
        return "Example 1"

    @property
    def capabilities(self) -> frozenset[HostCapability]:
        return frozenset({HostCapability.RENDER})

    def scene(self) -> HostScene:
        shots = (
            HostShot(database_filler.shot(at), f"node{at}", needs_render=True) for at in range(2)
        )
        return HostScene("studio", "BBB", tuple(shots))


CONTROL = Qt.KeyboardModifier.ControlModifier


def click(
    panel: Panel, at: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    view = panel.shots.view
    spot = view.visualRect(view.model().index(at, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, spot)
    QApplication.processEvents()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        QTest.qWait(10)


def version_of(panel: Panel, shot: int) -> None:
    """Add a version of a shot."""
    before = panel.controllers.shots.state.value.attention_count
    panel.controllers.session.store.merge(versions=database_filler.versions([shot]))
    QApplication.processEvents()
    assert panel.controllers.shots.state.value.attention_count == before + 1, "shown in the list"


def under_review(panel: Panel) -> tuple[str, str]:
    state = panel.controllers.review.state.value
    assert state.shot is not None
    return state.shot.id.shot, state.b


def named(name: str) -> ShotId:
    return ShotId(show="BBB", sequence="A", shot=name)


def test_the_test_frame_is_of_the_shot_under_review(make_panel) -> None:
    panel = make_panel()
    click(panel, 0)
    click(panel, 2, CONTROL)
    assert under_review(panel)[0] == "S_00002"
    assert panel.viewed_frame() == ViewedFrame(named("S_00002"), panel.review.frame)
    button = panel.findChild(QPushButton, "test-frame")
    assert button.isEnabled()
    # A job of a shot that is not in the form.
    panel.controllers.session.store.merge(jobs=[database_filler.job(1)])
    panel.view_job(database_filler.job(1).id)
    panel.send.frame_changed()
    assert not button.isEnabled()


def test_a_prefilled_request_stays_in_the_form(make_panel) -> None:
    panel = make_panel()
    click(panel, 0)
    click(panel, 1, CONTROL)
    request = Request(shot=database_filler.shot(1), service="matte", source_version_id="v9")
    panel.prefill(request)
    form = panel.controllers.send.state
    assert (form.value.button_text, form.value.source_version_id) == ("Make v001", "v9")
    version_of(panel, 3)
    assert [shot.id.shot for shot in form.value.shots] == ["S_00001"]
    assert (form.value.button_text, form.value.source_version_id) == ("Make v001", "v9")
    panel.controllers.shots.reload()
    assert form.value.source_version_id == "v9", "the scene is unchanged"
    click(panel, 2)
    assert [shot.id.shot for shot in form.value.shots] == ["S_00002"]
    assert form.value.source_version_id is None


@pytest.mark.parametrize("back", ["click", "Return"])
def test_a_viewed_job_stays_under_review(make_panel, back: str) -> None:
    panel = make_panel()
    click(panel, 0)
    job = database_filler.job(2)
    panel.controllers.session.store.merge(jobs=[job])
    panel.view_job(job.id)
    assert under_review(panel) == ("S_00002", job.id)
    version_of(panel, 1)
    assert under_review(panel) == ("S_00002", job.id)
    assert panel.reviewed_row() is None
    if back == "click":
        click(panel, 0)
    else:
        panel.shots.view.setFocus()
        QTest.keyClick(panel.shots.view, Qt.Key.Key_Return)
    assert under_review(panel)[0] == "S_00000"
    assert panel.reviewed_row().key == "S_00000"


def test_a_test_frame_of_a_rendered_plate_stays_under_review_with_its_row(make_panel) -> None:
    panel = make_panel()
    click(panel, 2)
    job = database_filler.job(2)
    rendered = job.request.shot.plate.model_copy(update={"path": "/rendered/p.%04d.exr"})
    shot = job.request.shot.model_copy(update={"plate": rendered})
    test_frame_request = Request(shot=shot, service="matte", test_frames=(1004,))
    job = job.model_copy(update={"request": test_frame_request})
    panel.controllers.session.store.merge(jobs=[job])
    panel.view_job(job.id)
    version_of(panel, 1)
    assert under_review(panel) == ("S_00002", job.id)
    assert panel.reviewed_row().key == "S_00002", "it can be placed"


def test_the_first_version_of_a_shot_is_shown_after_those_of_others(make_panel) -> None:
    panel = make_panel()
    click(panel, 1)
    click(panel, 0, CONTROL)
    assert under_review(panel) == ("S_00000", "")
    theirs, own = database_filler.versions([1, 0])
    for version in (theirs, own):
        panel.controllers.session.store.merge(versions=[version])
        QApplication.processEvents()
    wait_until(lambda: under_review(panel) == ("S_00000", own.id))


def test_the_jobs_page_names_the_state_and_the_next_step(make_panel) -> None:
    panel = make_panel(3)
    session, jobs = panel.controllers.session, panel.controllers.jobs
    problem = Problem(code="lost", message="no answer came", next_step="ask the provider")
    ended = [
        database_filler.job(at).model_copy(update={"state": state, "problem": problem})
        for at, state in enumerate((JobState.UNKNOWN, JobState.FAILED))
    ]
    session.store.merge(jobs=ended)
    refused = OutboxEntry(
        key="key-refused",
        request=ended[0].request,
        requested_by="Ada",
        created=database_filler.NOON,
        problem=problem,
    )
    session.outbox.set(replace(session.outbox.value, refused=(refused,)))
    panel.show_page("jobs")

    def shown_texts(job_id: str) -> list[str]:
        at = next(at for at, row in enumerate(jobs.rows) if row.id == job_id)
        panel.jobs.view.setCurrentIndex(panel.jobs.view.model().index(at, 0))
        return [one.text() for one in panel.jobs.findChildren(QLabel) if one.isVisible()]

    for job_id, state in (
        (ended[0].id, "the provider cannot say whether it was done"),
        (ended[1].id, "failed"),
        ("key-refused", "refused"),
    ):
        texts = shown_texts(job_id)
        assert any(text.startswith(f"{state} · requested by") for text in texts), texts
        assert {"no answer came", "ask the provider"} <= set(texts)

    jobs.state.update(problem="it cannot be cancelled", next_step="wait for its end")
    texts = shown_texts(ended[0].id)
    assert {"it cannot be cancelled", "wait for its end"} <= set(texts)
    jobs.state.update(problem="", next_step="")
    assert not {"it cannot be cancelled", "wait for its end"} & set(shown_texts(ended[0].id))


def test_pending_renders_are_offered(make_panel) -> None:
    panel = make_panel(host=TwoShotHost())
    card = panel.send.pending_renders
    assert not card.isVisible()
    scene = panel.controllers.shots.scene
    pending_renders = panel.controllers.send.pending_renders
    requests = [Request(shot=database_filler.shot(at), service="matte") for at in (1, 40)]
    for request in requests:
        pending_renders._outbox.add(request, requested_by="Ada")
    pending_renders.refresh(scene)
    wait_until(card.isVisible)
    tabs = panel.findChild(QTabBar, "tabs")
    assert "Send 2" in [tabs.tabText(at) for at in range(tabs.count())]
    resume = card.findChild(QPushButton, "resume-renders")
    discard = card.findChild(QPushButton, "discard-renders")
    assert resume.isEnabled()
    discard.click()
    assert not card.isVisible()
    wait_until(lambda: pending_renders._outbox.entries() == ())
