"""What a job says in words: texts and findings, an unknown outcome, the end of a cancelled one.

The panel calls a strict gateway over HTTP."""

from __future__ import annotations

from typing import Any

import database_filler
import pytest
from panel_texts import shown_texts, wait_until
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QPushButton

from bridge_core.models.findings import Finding, Findings
from bridge_core.models.jobs import Cancellation, Cost, Job, JobOutcome, JobState
from bridge_core.models.problems import Problem
from bridge_core.models.versions import Version
from bridge_ui.app.panel import Panel

TEXT = "The exposure jumps at the cut.\n<b>Not markup.</b>\n"


def analysed(gateway: Any, **changes: Any) -> Version:
    """A version without pictures: a text and three findings."""
    fields = {"outputs": (), "proxies": None, "texts": ("summary.txt",), "finding_count": 3}
    version = database_filler.versions([0])[0].model_copy(update={**fields, **changes})
    findings = (
        Finding(frame=1017, measure="exposure jump", value=0.5, threshold=0.2, text="A flash."),
        Finding(frame=1005, measure="face drift", value=3),
        Finding(measure="grain", value=0.1, text="Less than in the neighbours."),
    )
    gateway.results[version.id] = {
        "texts/summary.txt": TEXT.encode(),
        "findings.json": Findings(findings=findings).model_dump_json().encode(),
    }
    gateway.canned_answers[f"GET /v1/versions/{version.id}/notes"] = []
    return version


def review(panel: Panel, version: Version) -> None:
    panel.controllers.session.store.merge(versions=[version])
    panel.review_row("S_00000")
    panel.show_page("notes")


def test_texts_and_findings_are_shown_with_their_frames(panel: Panel, gateway: Any) -> None:
    version = analysed(gateway)
    review(panel, version)
    page = panel.part("notes")
    wait_until(lambda: page.findChild(QPlainTextEdit) is not None)
    text = page.findChild(QPlainTextEdit)
    assert text.toPlainText() == TEXT
    assert text.isReadOnly()
    wait_until(text.isVisible)
    texts = shown_texts(page)
    in_order = ["Less than in the neighbours.", "face drift", "A flash."]
    assert [one for one in texts if one in in_order] == in_order, "the whole shot, then by frame"
    assert "exposure jump 0.5 (threshold 0.2)" in texts
    assert {"summary.txt", "whole shot"} <= set(texts)
    for frame in (1017, 1005):
        (button,) = (one for one in page.findChildren(QPushButton) if one.text() == str(frame))
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert panel.review.frame == frame

    pictures = database_filler.versions([0, 0])[1]
    gateway.canned_answers[f"GET /v1/versions/{pictures.id}/notes"] = []
    panel.controllers.session.store.merge(versions=[pictures])
    panel.controllers.review.choose_b(pictures.id)
    wait_until(lambda: page.findChild(QPlainTextEdit) is None)


def test_texts_that_cannot_be_loaded_are_loaded_after_reconnecting(
    panel: Panel, gateway: Any
) -> None:
    version = analysed(gateway)
    problem = Problem(code="not_found", message="the text was removed", next_step="restore it")
    gateway.fault(
        "GET",
        r"/v1/results/.*",
        answer=(404, "application/problem+json", problem.model_dump_json().encode()),
    )
    review(panel, version)
    wait_until(
        lambda: {"the text was removed", "restore it"} <= set(shown_texts(panel.part("notes")))
    )
    panel.controllers.documents._retry(version)
    wait_until(lambda: panel.part("notes").findChild(QPlainTextEdit) is not None)
    assert "the text was removed" not in shown_texts(panel.part("notes"))


def job_with(state: JobState, **changes: Any) -> Job:
    return database_filler.job(0).model_copy(update={"state": state, **changes})


def show_job(panel: Panel, job: Job) -> list[str]:
    """The visible texts below the list, with this job current."""
    panel.controllers.session.store.merge(jobs=[job])
    panel.show_page("jobs")
    panel.jobs.view.setCurrentIndex(panel.jobs.view.model().index(0, 0))
    return shown_texts(panel.jobs)


def test_a_job_says_that_it_made_texts(panel: Panel, gateway: Any) -> None:
    version = analysed(gateway)
    job = job_with(JobState.SUCCEEDED, version_id=version.id)
    version = version.model_copy(update={"job_id": job.id})
    assert any(text.startswith("done · requested") for text in show_job(panel, job))
    panel.controllers.session.store.merge(versions=[version])  # it may arrive later
    texts = shown_texts(panel.jobs)
    assert any(text.startswith("done · 1 text, 3 findings · requested") for text in texts), texts
    assert panel.controllers.jobs.rows[0].sign.text == "done · 1 text, 3 findings"


@pytest.mark.parametrize(
    ("cancellation", "text"),
    [
        (None, "cancelled"),
        (
            Cancellation(provider_stopped=True, charge=Cost()),
            "cancelled: the provider has stopped; it charges nothing",
        ),
        (
            Cancellation(provider_stopped=False, charge=Cost(amount="1.2"), message="too late"),
            "cancelled: the provider did not stop; it charges 1.20 USD",
        ),
        (
            Cancellation(),
            "cancelled: the provider has not said whether it stopped; what it charges is not known",
        ),
    ],
)
def test_a_cancelled_job_says_what_the_provider_did(
    panel: Panel, cancellation: Cancellation | None, text: str
) -> None:
    job = job_with(JobState.CANCELLED)
    show_job(panel, job)
    panel.controllers.session.store.merge(  # the answer arrives later
        jobs=[job.model_copy(update={"cancellation": cancellation})]
    )
    texts = shown_texts(panel.jobs)
    asks = panel.jobs.findChild(QPushButton, "job-not-made").isVisible()
    assert asks == text.endswith("not known")
    assert panel.controllers.jobs.rows[0].sign.text == text
    assert any(one.startswith(f"{text} · requested by") for one in texts), texts
    assert ("too late" in texts) == (cancellation is not None and bool(cancellation.message))


@pytest.mark.parametrize(
    ("name", "outcome", "text"),
    [
        ("job-not-made", JobOutcome.NOT_MADE, "not made, says Ada Lovelace"),
        (
            "job-made-elsewhere",
            JobOutcome.MADE_ELSEWHERE,
            "made at the provider, not in the library, says Ada Lovelace",
        ),
    ],
)
def test_the_outcome_of_a_job_is_told_in_words(
    panel: Panel, gateway: Any, name: str, outcome: JobOutcome, text: str
) -> None:
    job = job_with(JobState.UNKNOWN)
    gateway.jobs[job.id] = job
    show_job(panel, job)
    button = panel.jobs.findChild(QPushButton, name)
    reason = panel.jobs.findChild(QLineEdit, "job-outcome-reason")
    assert button.isVisible()
    assert not button.isEnabled(), "it needs words"
    QTest.keyClicks(reason, "  their list of jobs ")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    jobs = panel.controllers.jobs
    wait_until(lambda: jobs.job(job.id).state is JobState.FAILED)
    sent = gateway.jobs[job.id].resolution
    assert (sent.outcome, sent.text, sent.by) == (outcome, "their list of jobs", "Ada Lovelace")
    texts = shown_texts(panel.jobs)
    assert any(one.startswith(text) and one.endswith("their list of jobs") for one in texts), texts
    assert not button.isVisible()


@pytest.mark.parametrize(
    ("cancellation", "text"),
    [
        (Cancellation(), "cancelled: the provider has not said whether it stopped"),
        (Cancellation(provider_stopped=False), "cancelled: the provider did not stop"),
    ],
)
def test_what_a_cancelled_job_costs_is_told_in_words(
    panel: Panel, gateway: Any, cancellation: Cancellation, text: str
) -> None:
    job = job_with(JobState.CANCELLED, cancellation=cancellation)
    gateway.jobs[job.id] = job
    show_job(panel, job)
    button = panel.jobs.findChild(QPushButton, "job-made-elsewhere")
    QTest.keyClicks(panel.jobs.findChild(QLineEdit, "job-outcome-reason"), "on their invoice")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    wait_until(lambda: panel.controllers.jobs.job(job.id).resolution is not None)
    sent = gateway.jobs[job.id]
    assert sent.state is JobState.CANCELLED
    assert sent.resolution.outcome is JobOutcome.MADE_ELSEWHERE
    assert panel.controllers.jobs.rows[0].sign.text == text, "the charge is known now"
    assert any(one.endswith("on their invoice") for one in shown_texts(panel.jobs))
    assert not button.isVisible()


def test_a_reason_is_about_one_job(panel: Panel) -> None:
    first = job_with(JobState.UNKNOWN)
    second = database_filler.job(1).model_copy(update={"state": JobState.UNKNOWN})
    panel.controllers.session.store.merge(jobs=[second])
    show_job(panel, first)
    reason = panel.jobs.findChild(QLineEdit, "job-outcome-reason")
    QTest.keyClicks(reason, "they said so")
    other = panel.jobs.view.model().index(1, 0)
    panel.jobs.view.setCurrentIndex(other)
    assert reason.text() == ""
