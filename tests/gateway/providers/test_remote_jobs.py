"""Remote jobs in a running gateway: lost answers, cancellations, other outputs, their queue."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from job_helpers import harness, running_runtime, wait_for_job, wait_until
from sqlalchemy import select

from bridge_core.errors import GatewayFault, InvalidRequest, JobFailed, NotFound
from bridge_core.models.jobs import Cost, Job, JobOutcome, JobState, Resolution
from bridge_core.models.media import SourceFile
from bridge_core.models.requests import Reference, ShapeRegion, Submission
from bridge_gateway.db.tables import LedgerRow
from bridge_gateway.jobs.runtime import JobRuntime
from bridge_gateway.jobs.steps import outputs
from bridge_gateway.policy.principal import Principal
from bridge_gateway.providers.base import CancelOutcome, RemoteHandle
from bridge_gateway.providers.remote_cancel import cancel_at_provider

remote = harness.load_remote()


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[JobRuntime]:
    (tmp_path / "remote").mkdir()
    with running_runtime(tmp_path) as opened:
        yield opened


def provider(folder: Path) -> Any:
    return remote.CountingRemoteProvider(folder / "remote")


def submission(folder: Path, service: str, behaviour: str = "work", **request: Any) -> Submission:
    given: Submission = harness.submission(
        harness.write_plate(folder), service=service, parameters={"behaviour": behaviour}, **request
    )
    return given


def submit(runtime: JobRuntime, given: Submission) -> Job:
    job, _ = runtime.jobs.submit(given, f"key-{time.time_ns()}", harness.PRINCIPAL)
    return job


def run(runtime: JobRuntime, given: Submission) -> Job:
    return wait_for_job(runtime, submit(runtime, given))


def ledger_of(runtime: JobRuntime, job: Job) -> list[tuple[str, str, str]]:
    """Kind, occasion and amount of the job's entries in the ledger."""
    with runtime.gateway.database.begin_read() as session:
        rows = session.scalars(
            select(LedgerRow).where(LedgerRow.job_id == job.id).order_by(LedgerRow.number)
        ).all()
    assert {(row.provider, row.account) for row in rows} == {("remote", "studio")}
    assert {(row.currency, row.principal, row.show) for row in rows} == {("EUR", "ann", "show")}
    return [(row.kind, row.occasion, row.amount) for row in rows]


RESERVED = ("reserve", "submitted", "2.5")


# --- prices that cannot be used


def test_a_quote_below_0_is_refused(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = Cost(amount=Decimal("-0.01"), currency="EUR")
    monkeypatch.setattr(remote.CountingRemoteProvider, "quote", lambda *_: below, raising=False)
    given = submission(tmp_path, remote.BLIND)
    (quote,) = runtime.jobs.quote([given.request])
    assert not quote.allowed and quote.problem is not None
    assert "-0.01 EUR is below 0" in quote.problem.message
    with pytest.raises(GatewayFault, match="below 0"):
        submit(runtime, given)
    assert runtime.jobs.list_show_costs() == []


def test_a_cancellation_s_charge_below_0_is_not_believed(tmp_path: Path) -> None:
    class Refunding(remote.CountingRemoteProvider):  # type: ignore[misc,name-defined]
        def cancel(self, handle: RemoteHandle) -> CancelOutcome:
            return CancelOutcome(stopped=True, charge=Cost(amount=Decimal(-1)), message="stopped")

    answer, answered = cancel_at_provider(Refunding(tmp_path / "remote"), {}, "job 1")
    assert answered and answer.provider_stopped
    assert answer.charge is None


# --- answers that are lost, and refusals


def test_work_is_done_and_its_charge_recorded(runtime: JobRuntime, tmp_path: Path) -> None:
    given = submission(tmp_path, remote.BLIND)
    assert runtime.jobs.quote([given.request])[0].cost == remote.PRICE
    job = run(runtime, given)
    assert job.state is JobState.SUCCEEDED, job.problem
    assert provider(tmp_path).charges() == [f"shotbridge-{job.id}"]
    assert ledger_of(runtime, job) == [
        RESERVED,
        ("charge", "succeeded", "2.5"),
        ("release", "succeeded", "2.5"),
    ]
    version = runtime.results.get_version(str(job.version_id))
    assert runtime.results.find_proxy(version.id, 1003).is_file()  # the gateway made them


@pytest.mark.parametrize("service", [remote.KEYED, remote.FINDABLE])
def test_a_lost_answer_is_paid_once(runtime: JobRuntime, tmp_path: Path, service: str) -> None:
    job = run(runtime, submission(tmp_path, service, "lose"))
    assert job.state is JobState.SUCCEEDED, job.problem
    assert len(provider(tmp_path).charges()) == 1


def test_a_lost_answer_that_cannot_be_found_asks_a_human(
    runtime: JobRuntime, tmp_path: Path
) -> None:
    (tmp_path / "remote" / "blind").touch()
    job = run(runtime, submission(tmp_path, remote.BLIND, "lose"))
    assert job.state is JobState.UNKNOWN and job.problem is not None
    assert "ConnectionError" in job.problem.message
    assert [one.id for one in runtime.jobs.list_jobs(state=JobState.UNKNOWN)] == [job.id]
    answer = Resolution(outcome=JobOutcome.NOT_MADE, text="not on the invoice")
    assert ledger_of(runtime, job) == [RESERVED]
    resolved = runtime.jobs.resolve(job.id, answer, Principal("ben"))
    assert resolved.state is JobState.FAILED and resolved.resolution is not None
    assert resolved.resolution.by == "ben" and resolved.problem == job.problem
    assert runtime.jobs.list_jobs(state=JobState.UNKNOWN) == []
    with pytest.raises(JobFailed, match="only a job whose outcome is unknown"):
        runtime.jobs.resolve(job.id, answer, harness.PRINCIPAL)
    assert ledger_of(runtime, job) == [RESERVED, ("release", "resolved", "2.5")]
    assert len(provider(tmp_path).charges()) == 1  # nothing was sent again
    (tmp_path / "remote" / "lost").unlink()
    made = run(runtime, submission(tmp_path, remote.BLIND, "lose"))
    (before,) = runtime.jobs.list_show_costs("show")
    assert (before.reserved, before.charged) == (remote.PRICE.amount, 0)
    elsewhere = Resolution(outcome=JobOutcome.MADE_ELSEWHERE, text="on the invoice")
    runtime.jobs.resolve(made.id, elsewhere, Principal("ben"))
    assert ledger_of(runtime, made) == [
        RESERVED,
        ("charge", "resolved", "2.5"),
        ("release", "resolved", "2.5"),
    ]
    (after,) = runtime.jobs.list_show_costs("show")
    assert (after.reserved, after.charged) == (0, remote.PRICE.amount)


def test_a_refused_key_does_not_mean_that_nothing_was_done(
    runtime: JobRuntime, tmp_path: Path
) -> None:
    """The answer to the first call is lost, and the second call is refused because of its key."""
    found = run(runtime, submission(tmp_path, remote.KEYED, "strict"))
    assert found.state is JobState.SUCCEEDED, found.problem  # by its key
    (tmp_path / "remote" / "lost").unlink()
    (tmp_path / "remote" / "blind").touch()
    unknown = run(runtime, submission(tmp_path, remote.KEYED, "strict"))
    assert unknown.state is JobState.UNKNOWN and unknown.problem is not None
    assert "the key was refused: this key was used" in unknown.problem.message
    assert len(provider(tmp_path).charges()) == 2


def test_work_that_was_certainly_not_accepted_is_submitted_later(
    runtime: JobRuntime, tmp_path: Path
) -> None:
    (tmp_path / "remote" / "blind").touch()
    job = run(runtime, submission(tmp_path, remote.BLIND, "busy"))
    assert job.state is JobState.SUCCEEDED, job.problem
    assert len(provider(tmp_path).charges()) == 1


def test_refusals_and_failures_keep_their_words(runtime: JobRuntime, tmp_path: Path) -> None:
    refused = run(runtime, submission(tmp_path, remote.BLIND, "refuse"))
    assert refused.state is JobState.FAILED and refused.problem is not None
    assert refused.problem.code == "provider_refused"
    assert refused.problem.message == "the content was refused"
    assert refused.problem.next_step == "change the note"
    assert provider(tmp_path).charges() == []
    failed = run(runtime, submission(tmp_path, remote.BLIND, "fail"))
    assert failed.state is JobState.FAILED and failed.problem is not None
    assert failed.problem.message == "the content was moderated"
    assert ledger_of(runtime, refused) == [RESERVED, ("release", "failed", "2.5")]
    assert ledger_of(runtime, failed) == [
        RESERVED,
        ("charge", "failed", "2.5"),
        ("release", "failed", "2.5"),
    ]


def test_all_that_does_not_fit_is_named_at_once(runtime: JobRuntime, tmp_path: Path) -> None:
    pattern = harness.write_plate(tmp_path, frames=101)
    given = harness.submission(
        pattern,
        frames=101,
        service=remote.BLIND,
        seed=3,
        regions=(ShapeRegion(points=((0, 0), (1, 0), (1, 1))),),
    )
    with pytest.raises(InvalidRequest) as caught:
        runtime.jobs.submit(given, "the-key-1", harness.PRINCIPAL)
    fields = {one["field"] for one in caught.value.details["fields"]}  # type: ignore[union-attr,index,call-overload]
    assert fields == {"request.regions", "request.seed", "request.shot"}


# --- cancellations


def test_cancelling_stops_the_provider_and_names_its_charge(
    runtime: JobRuntime, tmp_path: Path
) -> None:
    job = submit(runtime, submission(tmp_path, remote.BLIND, "hang"))
    wait_until(lambda: runtime.jobs.get_job(job.id).progress.fraction == 0.5, "a poll")
    assert runtime.jobs.cancel(job.id).state is JobState.CANCELLED
    wait_until(lambda: runtime.jobs.get_job(job.id).cancellation, "the provider is told")
    wait_until(lambda: _stopped(runtime, job) is not None, "the provider's answer")
    cancellation = runtime.jobs.get_job(job.id).cancellation
    assert cancellation is not None and cancellation.provider_stopped is True
    assert cancellation.charge == remote.PRICE
    assert cancellation.message == "stopped, without a refund"
    assert ledger_of(runtime, job) == [
        RESERVED,
        ("release", "cancelled", "2.5"),
        ("charge", "answered", "2.5"),
    ]


@pytest.mark.parametrize("is_charge_named", [True, False])
def test_the_charge_of_work_that_was_done_survives_a_cancellation(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_charge_named: bool
) -> None:
    """The user cancels while the gateway checks what the provider has made."""
    if not is_charge_named:
        poll = remote.CountingRemoteProvider.poll
        monkeypatch.setattr(
            remote.CountingRemoteProvider,
            "poll",
            lambda self, handle: replace(poll(self, handle), charge=None),
        )
    real = outputs.check_outputs

    def cancelled(context: Any, *rest: Any) -> None:
        assert runtime.jobs.cancel(context.job_id).state is JobState.CANCELLED
        real(context, *rest)

    monkeypatch.setattr(outputs, "check_outputs", cancelled)
    job = run(runtime, submission(tmp_path, remote.BLIND))
    assert job.state is JobState.CANCELLED and job.version_id is None
    assert len(provider(tmp_path).charges()) == 1
    assert ledger_of(runtime, job) == [
        RESERVED,
        ("charge", "cancelled", "2.5"),
        ("release", "cancelled", "2.5"),
    ]


def test_the_wait_ends_although_the_provider_does_not_answer(
    runtime: JobRuntime, tmp_path: Path
) -> None:
    job = submit(runtime, submission(tmp_path, remote.BLIND, "deaf"))
    wait_until(lambda: runtime.jobs.get_job(job.id).progress.fraction == 0.5, "a poll")
    work = tmp_path / "library" / ".work"
    durations = []
    started = time.monotonic()
    runtime.jobs.cancel(job.id)
    wait_until(lambda: not list(work.iterdir()), "the end of our work")
    durations.append(time.monotonic() - started)
    print(f"\ncancelled in {durations[0]:.2f} s")
    assert durations[0] < 2.0 + 2.0  # the contract's limit, and a busy machine
    cancellation = runtime.jobs.get_job(job.id).cancellation
    assert cancellation is not None and cancellation.provider_stopped is None
    last = runtime.events.last_event_id()
    (tmp_path / "remote" / "answer").touch()
    wait_until(lambda: _stopped(runtime, job), "the late answer")
    changed = [event.job for event in runtime.events.list_events(after=last) if event.job]
    assert changed[-1].cancellation is not None
    assert changed[-1].cancellation.charge == remote.PRICE
    assert ledger_of(runtime, job)[-1] == ("charge", "answered", "2.5")


def test_a_cancellation_is_repeated_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    with running_runtime(tmp_path) as runtime:
        job = submit(runtime, submission(tmp_path, remote.BLIND, "deaf"))
        wait_until(lambda: runtime.jobs.get_job(job.id).progress.fraction == 0.5, "a poll")
        runtime.jobs.cancel(job.id)
        wait_until(lambda: runtime.jobs.get_job(job.id).cancellation, "the provider is told")
    (tmp_path / "remote" / "answer").touch()
    with running_runtime(tmp_path) as runtime:
        wait_until(lambda: _stopped(runtime, job), "the answer")
        assert ledger_of(runtime, job) == [
            RESERVED,
            ("release", "cancelled", "2.5"),
            ("charge", "answered", "2.5"),
        ]


def _stopped(runtime: JobRuntime, job: Job) -> bool | None:
    cancellation = runtime.jobs.get_job(job.id).cancellation
    return cancellation.provider_stopped if cancellation is not None else None


def test_a_stop_neither_cancels_nor_submits_again(tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    with running_runtime(tmp_path) as runtime:
        job = submit(runtime, submission(tmp_path, remote.BLIND, "hang"))
        wait_until(lambda: runtime.jobs.get_job(job.id).progress.fraction == 0.5, "a poll")
    (path,) = (tmp_path / "remote").glob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "behaviour": "work"}))
    with running_runtime(tmp_path) as runtime:
        ended = wait_for_job(runtime, job)
        assert ended.state is JobState.SUCCEEDED, ended.problem
    assert len(provider(tmp_path).charges()) == 1


# --- what reaches a provider, and results without pictures


def test_everything_of_a_request_reaches_the_provider(runtime: JobRuntime, tmp_path: Path) -> None:
    source = run(runtime, _copy(tmp_path))
    picture = tmp_path / "plates" / "a look.png"
    picture.write_bytes(b"a picture of a look")
    stat = picture.stat()
    given = submission(
        tmp_path,
        remote.DESCRIBE,
        references=(Reference(path=str(picture), role="look"),),
        regions=(ShapeRegion(points=((0, 0), (1, 0), (1, 1))),),
        source_version_id=source.version_id,
        reference_files=(
            SourceFile(path=str(picture), size=stat.st_size, mtime_ns=stat.st_mtime_ns),
        ),
    )
    job = run(runtime, given)
    assert job.state is JobState.SUCCEEDED, job.problem
    version = runtime.results.get_version(str(job.version_id))
    described = json.loads(
        runtime.results.find_file(version.id, "texts/description.json").read_text()
    )
    assert described["references"] == [["a look.png", "look", "a look.png"]]
    assert described["regions"] == 1
    assert described["source"] == source.version_id
    assert Path(described["source_file"]).is_file()
    lineage = runtime.results.get_lineage(version.id)
    assert isinstance(described["seed"], int) and lineage.seed == described["seed"]
    assert [file.path for file in lineage.inputs][-1] == str(picture)
    # The result has no pictures, and says so.
    assert version.outputs == () and version.proxies is None
    assert (version.texts, version.finding_count) == (("description.json",), 1)
    findings = json.loads(runtime.results.find_file(version.id, "findings.json").read_text())
    assert findings["findings"][0]["measure"] == "exposure"
    assert runtime.jobs.list_frames(job.id) == []
    for missing in (
        lambda: runtime.results.find_proxy(version.id, 1001),
        lambda: runtime.results.find_thumbnail(version.id),
    ):
        with pytest.raises(NotFound):
            missing()


def test_a_seed_of_the_request_is_kept(runtime: JobRuntime, tmp_path: Path) -> None:
    job = run(runtime, submission(tmp_path, remote.DESCRIBE, seed=11))
    assert runtime.results.get_lineage(str(job.version_id)).seed == 11


def test_a_reference_that_is_gone_is_reported(runtime: JobRuntime, tmp_path: Path) -> None:
    gone = str(tmp_path / "plates" / "gone.png")
    given = submission(
        tmp_path,
        remote.DESCRIBE,
        references=(Reference(path=gone, role="face"),),
        reference_files=(SourceFile(path=gone, size=1, mtime_ns=1),),
    )
    job = run(runtime, given)
    assert job.problem is not None and job.problem.code == "unreadable_media"
    assert job.problem.where == gone


def test_a_reference_that_changes_is_not_called_a_file_of_the_plate(
    runtime: JobRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern = harness.write_plate(tmp_path)
    look = tmp_path / "plates" / "look.exr"
    look.write_bytes(Path(pattern % 1001).read_bytes())
    status = look.stat()
    given = submission(
        tmp_path,
        remote.DESCRIBE,
        references=(Reference(path=str(look), role="look"),),
        reference_files=(
            SourceFile(path=str(look), size=status.st_size, mtime_ns=status.st_mtime_ns),
        ),
    )
    real = outputs.check_outputs

    def changed(*args: Any) -> None:
        look.write_bytes(b"another look")
        real(*args)

    monkeypatch.setattr(outputs, "check_outputs", changed)
    job = run(runtime, given)
    assert job.problem is not None and job.problem.code == "plate_changed"
    assert job.problem.message == "a reference changed while the job worked on it"
    assert job.problem.where == str(look)


def _copy(folder: Path) -> Submission:
    given: Submission = harness.submission(harness.write_plate(folder))
    return given


# --- the queue of a provider


def test_hanging_remote_jobs_do_not_delay_local_ones(runtime: JobRuntime, tmp_path: Path) -> None:
    """Two remote jobs hang, which is all that their queue starts, and two more wait."""
    alone = _start_seconds(runtime, tmp_path)
    given = submission(tmp_path, remote.BLIND, "hang")
    hanging = [submit(runtime, given) for _ in range(4)]
    for job in hanging[:2]:
        wait_for_job(runtime, job, JobState.RUNNING)
    beside = _start_seconds(runtime, tmp_path)
    states = [runtime.jobs.get_job(job.id).state for job in hanging]
    assert states == [JobState.RUNNING] * 2 + [JobState.QUEUED] * 2
    assert [runtime.jobs.get_job(job.id).queue_position for job in hanging[2:]] == [2, 3]
    ratio = median(beside) / median(alone)
    print(
        f"\nlocal jobs start after {median(alone):.3f} s alone, {median(beside):.3f} s beside "
        f"hanging remote jobs; ratio {ratio:.2f}"
    )
    assert ratio < 3.0  # both are polling intervals of a quarter of a second at most
    for job in hanging:
        runtime.jobs.cancel(job.id)


def _start_seconds(runtime: JobRuntime, folder: Path) -> list[float]:
    """How long each of some local jobs waited; each is submitted when the one before has ended."""
    given = harness.submission(harness.write_plate(folder, "020"), shot="020")
    ended = [run(runtime, given) for _ in range(9)]
    assert {job.state for job in ended} == {JobState.SUCCEEDED}
    return [(job.started - job.created).total_seconds() for job in ended if job.started]
