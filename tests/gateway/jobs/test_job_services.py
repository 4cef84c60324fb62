"""Jobs through the JobRuntime: their results, refusals and failures."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import pytest
from job_helpers import DEADLINE, harness, running_runtime, wait_for_job
from sqlalchemy import event

from bridge_core.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    ModelMissing,
    NotFound,
    OutsideMediaRoots,
    UnknownService,
)
from bridge_core.models.frames import FrameRange
from bridge_core.models.jobs import Cost, Job, JobState
from bridge_core.models.media import SourceFile
from bridge_core.models.notes import NewNote, Stroke, StrokeTool
from bridge_core.models.problems import Problem
from bridge_core.models.requests import ShapeRegion, Submission
from bridge_core.models.services import Service
from bridge_core.models.settings import GatewaySettings
from bridge_core.models.versions import Decision, ReviewStatus
from bridge_gateway.jobs.runtime import JobRuntime
from bridge_gateway.jobs.steps import outputs, publish
from bridge_gateway.library import result_folder
from bridge_gateway.policy.principal import Principal
from bridge_gateway.providers.pricing import RequestFacts
from bridge_gateway.providers.registry import ProviderRegistry


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # With spaces and characters beyond ASCII.
    return tmp_path_factory.mktemp("Größe und Maß")


@pytest.fixture(scope="module")
def runtime(folder: Path) -> Iterator[JobRuntime]:
    opened = harness.create_runtime(folder, workers=8)
    opened.start()
    yield opened
    opened.stop()


@pytest.fixture
def shot(request: pytest.FixtureRequest) -> str:
    """A shot of the test's own."""
    return request.node.name[5:60]


_keys = iter(range(10**6))


def submit(runtime: JobRuntime, submission: Submission) -> Job:
    job, new = runtime.jobs.submit(submission, f"key-{next(_keys):08d}", harness.PRINCIPAL)
    assert new
    return job


def held_submission(folder: Path, pattern: str, shot: str) -> Submission:
    """Two frames are made, and the others once ``harness.resume_file`` exists."""
    harness.resume_file(folder).unlink(missing_ok=True)
    return harness.submission(pattern, shot=shot, parameters={"behaviour": "hold"})


def wait_for_step(runtime: JobRuntime, job: Job, step: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while runtime.jobs.get_job(job.id).progress.step != step:
        assert time.monotonic() < deadline, runtime.jobs.get_job(job.id)
        time.sleep(0.02)


def run(runtime: JobRuntime, folder: Path, shot: str, **request: Any) -> Job:
    pattern = harness.write_plate(folder, shot)
    return wait_for_job(runtime, submit(runtime, harness.submission(pattern, shot=shot, **request)))


def work_is_removed(folder: Path, job: Job, seconds: float = DEADLINE) -> bool:
    deadline = time.monotonic() + seconds
    work = folder / "library" / ".work"
    while any(path.name.startswith(job.id) for path in work.iterdir()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_unpublished(runtime: JobRuntime, folder: Path, shot: str) -> bool:
    return (
        runtime.results.list_versions(shot=shot) == []
        and not (folder / "library/show/sq" / shot).exists()
    )


# --- results


def test_a_shot_becomes_a_version(runtime: JobRuntime, folder: Path, shot: str) -> None:
    job = run(runtime, folder, shot, parameters={"seconds": 0.0})
    assert job.state is JobState.SUCCEEDED, job.problem
    assert job.started is not None and job.finished is not None and job.queue_position is None
    assert job.test_frame_id is None and job.version_id is not None
    version = runtime.results.get_version(job.version_id)
    assert version.frames == tuple(range(1001, 1007))
    assert (version.number, version.label, version.requested_by) == (1, "v001", "ann")
    version_folder = folder / "library" / "show" / "sq" / shot / "copy" / "v001"
    assert version.folder == str(version_folder)
    assert version.outputs[0].pattern == f"{shot}_copy_v001.%04d.exr"
    lineage = runtime.results.get_lineage(version.id)
    assert (lineage.result_id, lineage.job_id, lineage.key) == (version.id, job.id, job.key)
    assert lineage.parameters == {"seconds": 0.0, "behaviour": "work"}
    assert [one.step for one in lineage.timings] == list(harness.STEPS[:6])
    assert [one.frame for one in lineage.inputs] == list(version.frames)
    assert all(one.sha256 == harness.sha256(Path(one.path)) for one in lineage.inputs)
    files = runtime.results.list_files(version.id)
    assert {one.path for one in files} == {
        *(f"{shot}_copy_v001.{frame}.exr" for frame in version.frames),
        *(f"proxies/{frame}.jpg" for frame in version.frames),
        "thumbnail.jpg",
        "lineage.json",
    }
    for one in files:
        path = runtime.results.find_file(version.id, one.path)
        assert (path.stat().st_size, harness.sha256(path)) == (one.size, one.sha256)
        assert path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) == 0
    assert runtime.results.find_proxy(version.id, 1003).name == "1003.jpg"
    assert runtime.results.find_thumbnail(version.id).read_bytes().startswith(b"\xff\xd8")
    assert work_is_removed(folder, job)


def test_a_test_frame_is_not_a_version(runtime: JobRuntime, folder: Path, shot: str) -> None:
    job = run(runtime, folder, shot, test_frames=(1004, 1002))
    assert job.state is JobState.SUCCEEDED, job.problem
    assert job.version_id is None and job.test_frame_id is not None
    test_frames = runtime.results.get_test_frame(job.test_frame_id)
    assert test_frames.frames == (1002, 1004)
    assert test_frames.folder == str(
        folder / "library/show/sq" / shot / "copy" / "test_frames" / job.id
    )
    assert runtime.results.find_file(test_frames.id, f"{shot}_copy_test.1004.exr").is_file()
    assert runtime.results.list_versions(shot=shot) == []
    with pytest.raises(NotFound):
        runtime.results.get_version(test_frames.id)
    # A version of the shot still gets the first number.
    after = run(runtime, folder, shot)
    assert runtime.results.get_version(str(after.version_id)).number == 1
    with pytest.raises(NotFound):
        runtime.results.get_test_frame(str(after.version_id))


def test_proxies_that_the_provider_left_out_are_made(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    job = run(runtime, folder, shot, parameters={"behaviour": "no proxies"})
    assert job.state is JobState.SUCCEEDED, job.problem
    for frame in range(1001, 1007):
        assert (
            runtime.results.find_proxy(str(job.version_id), frame)
            .read_bytes()
            .startswith(b"\xff\xd8")
        )


def test_a_still_is_one_file_and_one_frame(runtime: JobRuntime, folder: Path, shot: str) -> None:
    still = Path(harness.write_plate(folder, shot, frames=1) % 1001).with_name("still.exr")
    still.with_name("plate.1001.exr").rename(still)
    job = wait_for_job(
        runtime, submit(runtime, harness.submission(str(still), shot=shot, frames=1))
    )
    assert job.state is JobState.SUCCEEDED, job.problem
    assert runtime.results.get_version(str(job.version_id)).frames == (1001,)


def test_pictures_may_be_uploaded(runtime: JobRuntime, folder: Path, shot: str) -> None:
    pattern = harness.write_plate(folder, shot, frames=2)
    submission = harness.submission(pattern, shot=shot, frames=2)
    store = runtime.gateway.storage.blobs
    sent: list[SourceFile] = []
    for file in submission.plate_files:
        data = Path(file.path).read_bytes()
        digest = harness.sha256(Path(file.path))

        async def chunks(data: bytes = data) -> AsyncIterator[bytes]:
            yield data

        asyncio.run(store.append(digest, 0, len(data), chunks()))
        # Paths of the client's machine, which the gateway does not have.
        sent.append(file.model_copy(update={"path": f"/client/{file.frame}", "sha256": digest}))
    by_content = submission.model_copy(update={"plate_files": tuple(sent)})
    job = wait_for_job(runtime, submit(runtime, by_content))
    assert job.state is JobState.SUCCEEDED, job.problem
    inputs = runtime.results.get_lineage(str(job.version_id)).inputs
    assert [one.path for one in inputs] == ["/client/1001", "/client/1002"]
    unsent = [file.model_copy(update={"sha256": "0" * 64}) for file in sent]
    job = wait_for_job(
        runtime,
        submit(runtime, by_content.model_copy(update={"plate_files": tuple(unsent)})),
    )
    assert job.problem is not None and job.problem.code == "transfer"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_contents_that_were_swapped_on_disk_are_noticed(
    runtime: JobRuntime, folder: Path, shot: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before they are read, and while the job runs."""
    pattern = harness.write_plate(folder, shot, frames=2)
    # A file that no other test uses, because it is damaged here.
    with Path(pattern % 1001).open("ab") as file:
        file.write(moment.encode())
    submission = harness.submission(pattern, shot=shot, frames=2)
    store = runtime.gateway.storage.blobs
    digest = harness.sha256(Path(pattern % 1001))
    data = Path(pattern % 1001).read_bytes()

    async def chunks() -> AsyncIterator[bytes]:
        yield data

    asyncio.run(store.append(digest, 0, len(data), chunks()))
    blob = store.find(digest)
    assert blob is not None
    first = submission.plate_files[0].model_copy(update={"sha256": digest})
    files = (first, *submission.plate_files[1:])
    submission = submission.model_copy(update={"plate_files": files})

    def swap() -> None:
        blob.write_bytes(data[::-1])

    if moment == "before":
        swap()
    else:
        real = outputs.check_outputs

        def check(*args: Any) -> None:
            swap()
            real(*args)

        monkeypatch.setattr(outputs, "check_outputs", check)
    job = wait_for_job(runtime, submit(runtime, submission))
    assert job.problem is not None and job.problem.next_step
    assert job.problem.code == ("transfer" if moment == "before" else "plate_changed")
    assert is_unpublished(runtime, folder, shot)
    if moment == "before":
        assert store.find(digest) is None, "it can be sent anew"


# --- keys


def test_a_key_makes_one_job_however_often_it_is_sent(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    submission = harness.submission(harness.write_plate(folder, shot), shot=shot)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda _: runtime.jobs.submit(submission, "one-key-8-times", harness.PRINCIPAL),
                range(8),
            )
        )
    assert len({job.id for job, _ in answers}) == 1
    assert sum(new for _, new in answers) == 1
    wait_for_job(runtime, answers[0][0])
    assert [version.number for version in runtime.results.list_versions(shot=shot)] == [1]


def test_a_key_with_another_request_is_refused(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    submission = harness.submission(harness.write_plate(folder, shot), shot=shot)
    job, _ = runtime.jobs.submit(submission, "used-key-01", harness.PRINCIPAL)
    other = submission.request.model_copy(update={"note": "softer"})
    with pytest.raises(IdempotencyKeyReused) as caught:
        runtime.jobs.submit(
            submission.model_copy(update={"request": other}), "used-key-01", harness.PRINCIPAL
        )
    assert caught.value.details == {"job": job.id}
    # The same request with other files is a repeat.
    moved = [file.model_copy(update={"mtime_ns": 1}) for file in submission.plate_files]
    again = submission.model_copy(update={"plate_files": tuple(moved)})
    repeat, new = runtime.jobs.submit(again, "used-key-01", harness.PRINCIPAL)
    assert (repeat.id, new) == (job.id, False)
    wait_for_job(runtime, job)


@pytest.mark.parametrize("change", ["missing", "unavailable", "no price"])
def test_a_repeat_gets_its_job_whatever_became_of_the_provider(
    runtime: JobRuntime, folder: Path, shot: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response of the first submission was lost, and the provider has changed since."""
    provider = runtime.gateway.providers.get_provider("copier")
    services = provider.list_services()
    submission = harness.submission(harness.write_plate(folder, shot), shot=shot)
    key = f"repeated-{change}".replace(" ", "-")
    job, _ = runtime.jobs.submit(submission, key, harness.PRINCIPAL)
    wait_for_job(runtime, job)

    def refuse(*_: object) -> Cost:
        raise InvalidRequest("it has no price", next_step="ask for something else")

    def without_service(_: str) -> None:
        raise UnknownService("it cannot be loaded", next_step="install it")

    gateway = runtime.gateway
    match change:
        case "missing":
            monkeypatch.setattr(gateway.providers, "find_service", without_service)
        case "unavailable":
            gone = services[0].model_copy(update={"available": False, "unavailable_reason": "wait"})
            monkeypatch.setattr(gateway.providers, "find_service", lambda _: (gone, provider))
        case "no price":
            monkeypatch.setattr(provider, "quote", refuse)
    with pytest.raises((InvalidRequest, ModelMissing)):
        runtime.jobs.submit(submission, f"new-{key}", harness.PRINCIPAL)
    repeat, new = runtime.jobs.submit(submission, key, harness.PRINCIPAL)
    assert (repeat.id, new) == (job.id, False)
    with pytest.raises(IdempotencyKeyReused):
        runtime.jobs.submit(submission, key, Principal("bob"))


# --- refusals


def test_invalid_requests_are_refused_at_once(runtime: JobRuntime, folder: Path, shot: str) -> None:
    pattern = harness.write_plate(folder, shot)
    before = runtime.jobs.list_jobs()
    for wrong, error in (
        ({"service": "beautify"}, UnknownService),
        ({"service": "absent"}, ModelMissing),
        ({"parameters": {"seconds": 61}}, InvalidRequest),
        ({"parameters": {"speed": 1}}, InvalidRequest),
        ({"regions": (ShapeRegion(points=((0, 0), (1, 0), (1, 1))),)}, InvalidRequest),
    ):
        submission = harness.submission(pattern, shot=shot, **wrong)
        with pytest.raises(error) as caught:
            runtime.jobs.submit(submission, "refused-key", harness.PRINCIPAL)
        assert caught.value.next_step
    assert runtime.jobs.list_jobs() == before


def test_all_missing_frames_are_named(runtime: JobRuntime, folder: Path, shot: str) -> None:
    pattern = harness.write_plate(folder, shot)
    submission = harness.submission(pattern, shot=shot)
    for frame in (1002, 1003, 1005):
        Path(pattern % frame).unlink()
    job = wait_for_job(runtime, submit(runtime, submission))
    assert job.state is JobState.FAILED and job.problem is not None
    assert job.problem.code == "missing_frames"
    assert job.problem.details == {"frames": [1002, 1003, 1005]}
    assert "1002-1003, 1005" in job.problem.message and job.problem.where == pattern
    assert work_is_removed(folder, job) and is_unpublished(runtime, folder, shot)


def test_a_movie_that_ends_before_its_range(runtime: JobRuntime, folder: Path, shot: str) -> None:
    movie = folder / "plates" / shot / "plate.mp4"
    movie.parent.mkdir(parents=True)
    with av.open(str(movie), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = harness.WIDTH, harness.HEIGHT, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(harness.WIDTH, harness.HEIGHT, "yuv420p")))
        container.mux(stream.encode(None))
    job = wait_for_job(
        runtime, submit(runtime, harness.submission(str(movie), shot=shot, frames=8))
    )
    assert job.problem is not None and job.problem.code == "missing_frames"
    assert job.problem.details == {"frames": [1006, 1007, 1008]}


def test_plates_outside_the_roots_are_not_read(
    runtime: JobRuntime, folder: Path, shot: str, tmp_path: Path
) -> None:
    job = wait_for_job(
        runtime,
        submit(runtime, harness.submission(harness.write_plate(tmp_path), shot=shot)),
    )
    assert job.problem is not None and job.problem.code == "outside_roots"
    assert is_unpublished(runtime, folder, shot)


def test_an_unknown_colour_space_is_refused(runtime: JobRuntime, folder: Path, shot: str) -> None:
    submission = harness.submission(harness.write_plate(folder, shot), shot=shot)
    given = submission.model_dump(mode="json")
    given["request"]["shot"]["plate"]["colour_space"] = "Octarine"
    job = wait_for_job(runtime, submit(runtime, Submission.model_validate(given)))
    assert job.problem is not None and job.problem.code == "unknown_colour_space"
    assert "Octarine" in job.problem.message


def test_a_rewritten_first_frame_is_reported_as_changed(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    pattern = harness.write_plate(folder, shot)
    submission = harness.submission(pattern, shot=shot)
    Path(pattern % 1001).write_bytes(b"half of a frame")
    job = wait_for_job(runtime, submit(runtime, submission))
    assert job.problem is not None and job.problem.code == "plate_changed"
    assert job.problem.where == pattern % 1001


def test_a_plate_that_is_not_what_the_client_saw(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    pattern = harness.write_plate(folder, shot)
    submission = harness.submission(pattern, shot=shot)
    os.utime(pattern % 1004, ns=(1, 1))
    job = wait_for_job(runtime, submit(runtime, submission))
    assert job.problem is not None and job.problem.code == "plate_changed"
    assert job.problem.where == pattern % 1004
    assert is_unpublished(runtime, folder, shot)


def test_a_plate_that_changes_while_the_job_runs(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    pattern = harness.write_plate(folder, shot)
    job = submit(runtime, held_submission(folder, pattern, shot))
    # A frame that has been processed already: only the last check finds this.
    deadline = time.monotonic() + DEADLINE
    while not runtime.jobs.list_frames(job.id):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    Path(pattern % 1001).write_bytes(Path(pattern % 1002).read_bytes())
    harness.resume_file(folder).touch()
    job = wait_for_job(runtime, job)
    assert job.problem is not None and job.problem.code == "plate_changed"
    assert work_is_removed(folder, job) and is_unpublished(runtime, folder, shot)


# --- failures


def test_the_error_of_a_provider_is_reported(runtime: JobRuntime, folder: Path, shot: str) -> None:
    job = run(runtime, folder, shot, parameters={"behaviour": "fail"})
    assert job.state is JobState.FAILED and job.problem is not None
    assert (job.problem.code, job.problem.message) == ("job_failed", "it cannot be done")
    assert work_is_removed(folder, job) and is_unpublished(runtime, folder, shot)


@pytest.mark.parametrize(
    ("behaviour", "frames"), [("lose", {"1003"}), ("NaN", {"1001", "1003", "1005"})]
)
def test_outputs_that_fail_their_checks_are_not_published(
    runtime: JobRuntime, folder: Path, shot: str, behaviour: str, frames: set[str]
) -> None:
    shot = f"{shot[:20]} {behaviour}"
    job = run(runtime, folder, shot, parameters={"behaviour": behaviour})
    assert job.state is JobState.FAILED and job.problem is not None
    assert job.problem.code == "check_failed"
    assert set(job.problem.details["frames"]) == frames  # type: ignore[arg-type]
    assert work_is_removed(folder, job) and is_unpublished(runtime, folder, shot)


def test_an_unexpected_error_is_found_in_the_log(
    runtime: JobRuntime, folder: Path, shot: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        job = run(runtime, folder, shot, parameters={"behaviour": "crash"})
    assert job.problem is not None and job.problem.code == "gateway_fault"
    reference = job.problem.where.rpartition(" ")[2]
    record = next(one for one in caplog.records if reference in one.getMessage())
    assert record.exc_info is not None and record.exc_info[0] is ZeroDivisionError
    assert "not expected" not in job.problem.message


def test_names_that_do_not_fit_are_refused_before_a_frame_is_made(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    """Disks count bytes: 255 for a name, whatever the letters."""
    submission = harness.submission(harness.write_plate(folder, shot), shot=shot)

    def named(**names: str) -> Submission:
        given = submission.model_dump(mode="json")
        given["request"]["shot"]["id"] |= names
        return Submission.model_validate(given)

    before = runtime.jobs.list_jobs()
    for names in ({"shot": "\u754c" * 86}, {"show": "\u754c" * 86}, {"shot": "\u754c" * 70}):
        # The last one fits as a folder, but not with the rest of a file name.
        with pytest.raises(InvalidRequest, match="bytes") as caught:
            runtime.jobs.submit(named(**names), "too-long-01", harness.PRINCIPAL)
        assert next(iter(names.values())) in caught.value.where and caught.value.next_step
        (quote,) = runtime.jobs.quote([named(**names).request])
        assert not quote.allowed and quote.problem == Problem.from_error(caught.value)
    assert runtime.jobs.list_jobs() == before
    # As many characters, and few enough bytes.
    job = wait_for_job(runtime, submit(runtime, named(shot="a" * 128)))
    assert job.state is JobState.SUCCEEDED, job.problem


# --- cancelling


def test_cancelling_a_running_job(runtime: JobRuntime, folder: Path, shot: str) -> None:
    pattern = harness.write_plate(folder, shot)
    job = submit(runtime, harness.submission(pattern, shot=shot, parameters={"seconds": 30}))
    wait_for_step(runtime, job, "run")
    assert runtime.jobs.cancel(job.id).state is JobState.CANCELLED
    assert work_is_removed(folder, job, seconds=2)
    job = runtime.jobs.get_job(job.id)
    assert job.state is JobState.CANCELLED and job.finished is not None and job.problem is None
    assert is_unpublished(runtime, folder, shot)
    assert runtime.jobs.cancel(job.id) == job


def test_a_provider_that_does_not_end_is_abandoned(
    runtime: JobRuntime, folder: Path, shot: str, caplog: pytest.LogCaptureFixture
) -> None:
    pattern = harness.write_plate(folder, shot)
    job = submit(runtime, harness.submission(pattern, shot=shot, parameters={"behaviour": "hang"}))
    wait_for_step(runtime, job, "run")
    assert runtime.jobs.cancel(job.id).state is JobState.CANCELLED
    assert work_is_removed(folder, job)
    # A reconciliation may remove the folder before the provider's time is over.
    deadline = time.monotonic() + DEADLINE
    while "abandoned" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_cancelling_at_any_moment_leaves_no_half_version(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    pattern = harness.write_plate(folder, shot)
    submission = harness.submission(pattern, shot=shot)

    def race(delay: float) -> Job:
        job = submit(runtime, submission)
        time.sleep(delay)
        runtime.jobs.cancel(job.id)
        return wait_for_job(runtime, job)

    with ThreadPoolExecutor(6) as pool:
        jobs = list(pool.map(race, [n * 0.02 for n in range(30)]))
    assert all(work_is_removed(folder, job) for job in jobs)
    assert {job.state for job in jobs} <= {JobState.CANCELLED, JobState.SUCCEEDED}
    published = {job.version_id for job in jobs if job.state is JobState.SUCCEEDED}
    assert all(job.version_id is None for job in jobs if job.state is JobState.CANCELLED)
    versions = runtime.results.list_versions(shot=shot)
    assert {version.id for version in versions} == published
    # No gaps, and no unknown folders in the library.
    assert [version.number for version in versions] == list(range(1, len(versions) + 1))
    service_folder = folder / "library" / "show" / "sq" / shot / "copy"
    folders = {str(path) for path in service_folder.iterdir()} if service_folder.exists() else set()
    assert folders == {version.folder for version in versions}


def test_cancelling_just_before_the_number_is_reserved(
    runtime: JobRuntime, folder: Path, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = publish._claim_result

    def cancelled(context: Any) -> Any:
        assert runtime.jobs.cancel(context.job_id).state is JobState.CANCELLED
        return real(context)

    monkeypatch.setattr(publish, "_claim_result", cancelled)
    job = run(runtime, folder, shot)
    assert job.state is JobState.CANCELLED and job.version_id is None and job.problem is None
    assert work_is_removed(folder, job) and is_unpublished(runtime, folder, shot)


def test_cancelling_just_after_the_number_is_reserved(
    runtime: JobRuntime, folder: Path, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = publish._claim_result

    def cancelled(context: Any) -> Any:
        row = real(context)
        assert runtime.jobs.cancel(context.job_id).state is JobState.RUNNING
        return row

    monkeypatch.setattr(publish, "_claim_result", cancelled)
    job = run(runtime, folder, shot)
    assert job.state is JobState.SUCCEEDED
    assert [version.id for version in runtime.results.list_versions(shot=shot)] == [job.version_id]
    assert work_is_removed(folder, job)


# --- numbers


def test_a_failure_in_publishing_leaves_no_gap(
    runtime: JobRuntime, folder: Path, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of two jobs fails with a reserved number, while the second waits for its own."""
    arrived: list[str] = []
    real_publish, real_write = publish.publish_result, result_folder.atomic_write_bytes

    def arrive(context: Any, *rest: Any) -> None:
        arrived.append(context.job_id)
        real_publish(context, *rest)

    def write(path: Path, data: bytes) -> None:
        if arrived[0] not in str(path):
            real_write(path, data)
            return
        deadline = time.monotonic() + DEADLINE
        while len(arrived) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(publish, "publish_result", arrive)
    monkeypatch.setattr(result_folder, "atomic_write_bytes", write)
    submission = harness.submission(harness.write_plate(folder, shot), shot=shot)
    jobs = [wait_for_job(runtime, job) for job in [submit(runtime, submission) for _ in range(2)]]
    failed, succeeded = sorted(jobs, key=lambda job: arrived.index(job.id))
    assert failed.problem is not None and failed.problem.code == "disk_full"
    assert all(work_is_removed(folder, job) for job in jobs)
    versions = runtime.results.list_versions(shot=shot)
    assert [(version.id, version.number) for version in versions] == [(succeeded.version_id, 1)]


def test_parallel_jobs_get_consecutive_numbers(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    submission = harness.submission(harness.write_plate(folder, shot), shot=shot)
    jobs = [submit(runtime, submission) for _ in range(8)]
    ended = [wait_for_job(runtime, job) for job in jobs]
    assert {job.state for job in ended} == {JobState.SUCCEEDED}
    versions = runtime.results.list_versions(show="show", sequence="sq", shot=shot, service="copy")
    assert [version.number for version in versions] == list(range(1, 9))
    assert {version.job_id for version in versions} == {job.id for job in jobs}
    for version in versions:
        assert Path(version.folder).name == version.label
        assert runtime.results.get_lineage(version.id).job_id == version.job_id


def test_an_unknown_folder_is_never_changed(runtime: JobRuntime, folder: Path, shot: str) -> None:
    strange = folder / "library" / "show" / "sq" / shot / "copy" / "v001"
    strange.mkdir(parents=True)
    (strange / "older.exr").write_bytes(b"older than the database")
    job = run(runtime, folder, shot)
    assert runtime.results.get_version(str(job.version_id)).number == 2
    assert [path.name for path in strange.iterdir()] == ["older.exr"]


# --- frames, files, review and events


def test_finished_frames_can_be_seen_while_the_rest_is_made(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    pattern = harness.write_plate(folder, shot)
    job = submit(runtime, held_submission(folder, pattern, shot))
    deadline = time.monotonic() + DEADLINE
    while not runtime.jobs.list_frames(job.id):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert runtime.jobs.get_job(job.id).state is JobState.RUNNING
    first = runtime.jobs.list_frames(job.id)[0]
    assert (first.frame, first.proxy_path) == (1001, f"/v1/jobs/{job.id}/proxies/1001")
    assert runtime.jobs.find_job_proxy(job.id, 1001).read_bytes().startswith(b"\xff\xd8")
    for frame in (1006, 1007):
        with pytest.raises(NotFound):
            runtime.jobs.find_job_proxy(job.id, frame)
    harness.resume_file(folder).touch()
    job = wait_for_job(runtime, job)
    assert [frame.frame for frame in runtime.jobs.list_frames(job.id)] == list(range(1001, 1007))
    assert runtime.jobs.find_job_proxy(job.id, 1006) == runtime.results.find_proxy(
        str(job.version_id), 1006
    )


def test_frames_of_a_long_job_need_one_listing(
    runtime: JobRuntime, folder: Path, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = run(runtime, folder, shot)
    listings: list[Any] = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (listings.append(path), real(path))[1])
    assert [one.frame for one in runtime.jobs.list_frames(job.id)] == list(range(1001, 1007))
    assert len([path for path in listings if shot in str(path)]) == 1
    (
        Path(runtime.results.get_version(str(job.version_id)).folder) / "proxies" / "1003.jpg"
    ).unlink()
    assert [one.frame for one in runtime.jobs.list_frames(job.id)] == [1001, 1002, 1004, 1005, 1006]


def test_progress_counts_frames_and_estimates_the_time(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    pattern = harness.write_plate(folder, shot)
    job = submit(runtime, held_submission(folder, pattern, shot))
    snapshots, deadline = [runtime.jobs.get_job(job.id).progress], time.monotonic() + DEADLINE
    while snapshots[-1].step != "run" or snapshots[-1].seconds_left is None:
        assert time.monotonic() < deadline, snapshots[-1]
        snapshots.append(runtime.jobs.get_job(job.id).progress)
        time.sleep(0.02)
    assert (snapshots[-1].done, snapshots[-1].total) == (2, 6)
    harness.resume_file(folder).touch()
    while not runtime.jobs.get_job(job.id).state.ended:
        snapshots.append(runtime.jobs.get_job(job.id).progress)
        time.sleep(0.02)
    running = [progress for progress in snapshots if progress.step == "run"]
    assert {progress.total for progress in running} == {6}
    assert [p.done for p in running] == sorted(p.done for p in running)
    left = [progress.seconds_left for progress in running if progress.seconds_left is not None]
    assert left and all(seconds >= 0 for seconds in left)
    assert runtime.jobs.get_job(job.id).progress.done == 6


def test_files_outside_a_result_cannot_be_read(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    version = runtime.results.get_version(str(run(runtime, folder, shot).version_id))
    secret = folder / "secret"
    secret.write_text("secret")
    (Path(version.folder) / "link").symlink_to(secret)
    (Path(version.folder) / "round").symlink_to("round")
    for path in ("../../../../../../../secret", str(secret), "link", "proxies/../../v001/../x"):
        with pytest.raises(OutsideMediaRoots):
            runtime.results.find_file(version.id, path)
    for path in ("", ".", "proxies", "nothing.exr", "a\0b", "x" * 5000, "round", "\udcff"):
        with pytest.raises((NotFound, OutsideMediaRoots)):
            runtime.results.find_file(version.id, path)
    for frame in (1000, 1007, -1):
        with pytest.raises(NotFound):
            runtime.results.find_proxy(version.id, frame)
    for identity in ("", "nobody", "x" * 5000, "%00"):
        for call in (
            runtime.jobs.get_job,
            runtime.results.get_version,
            runtime.results.get_test_frame,
            runtime.results.get_lineage,
            runtime.results.list_files,
            runtime.reviews.list_notes,
        ):
            with pytest.raises(NotFound):
                call(identity)


def test_review_adds_and_changes_nothing(runtime: JobRuntime, folder: Path, shot: str) -> None:
    version = runtime.results.get_version(str(run(runtime, folder, shot).version_id))
    since = runtime.events.last_event_id()
    content_hash = version.content_hash
    changes = Decision(
        status=ReviewStatus.CHANGES_REQUESTED, comment="no", content_hash=content_hash
    )
    runtime.reviews.add_decision(version.id, changes, "decision-1", Principal("ben"))
    approval = Decision(status=ReviewStatus.APPROVED, content_hash=content_hash)
    decided = runtime.reviews.add_decision(version.id, approval, "decision-2", Principal("cleo"))
    assert decided.status is ReviewStatus.APPROVED
    assert [(one.by, one.comment) for one in decided.decisions] == [("ben", "no"), ("cleo", "")]
    assert {one.content_hash for one in decided.decisions} == {content_hash}
    unreviewed = {"status", "decisions"}
    assert decided.model_dump(exclude=unreviewed) == version.model_dump(exclude=unreviewed)
    assert (
        runtime.results.list_versions(shot=shot)
        == [decided]
        == [runtime.results.get_version(version.id)]
    )
    stroke = Stroke(tool=StrokeTool.BOX, points=((0.1, 0.2), (0.4, 0.8)))
    new_note = NewNote(
        frames=FrameRange.of(1001, 1002, 24),
        text="the left edge",
        strokes=(stroke,),
        drawn_on=1002,
    )
    note, is_new = runtime.reviews.add_note(version.id, new_note, "note-key-1", harness.PRINCIPAL)
    assert is_new
    assert note.model_dump(include=set(NewNote.model_fields)) == new_note.model_dump()
    assert runtime.reviews.list_notes(version.id) == [note] and note.version_id == version.id
    events = runtime.events.list_events(after=since, job=version.job_id)
    assert [found.kind for found in events] == ["version", "version", "note"]
    assert events[1].version == decided and events[2].note == note


def test_a_repeated_note_or_decision_gets_the_same_answer(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    reviews = runtime.reviews
    version = runtime.results.get_version(str(run(runtime, folder, shot).version_id))
    other = runtime.results.get_version(str(run(runtime, folder, shot).version_id))
    approval = Decision(status=ReviewStatus.APPROVED, content_hash=version.content_hash)
    key = f"review-{shot}"
    approved = reviews.add_decision(version.id, approval, key, harness.PRINCIPAL)
    changes = approval.model_copy(update={"status": ReviewStatus.CHANGES_REQUESTED})
    ben = Principal("ben")
    reviews.add_decision(version.id, changes, f"{key}-2", harness.PRINCIPAL)
    since = runtime.events.last_event_id()
    assert reviews.add_decision(version.id, approval, key, harness.PRINCIPAL) == approved
    new = NewNote(text="the left edge")
    # A key of a decision may be used for a note.
    note, is_new = reviews.add_note(version.id, new, key, harness.PRINCIPAL)
    assert is_new
    assert reviews.add_note(version.id, new, key, harness.PRINCIPAL) == (note, False)
    for reuse in (
        lambda: reviews.add_decision(version.id, changes, key, harness.PRINCIPAL),
        lambda: reviews.add_decision(other.id, approval, key, harness.PRINCIPAL),
        lambda: reviews.add_decision(version.id, approval, key, ben),
        lambda: reviews.add_note(
            version.id, new.model_copy(update={"text": "x"}), key, harness.PRINCIPAL
        ),
        lambda: reviews.add_note(other.id, new, key, harness.PRINCIPAL),
        lambda: reviews.add_note(version.id, new, key, ben),
    ):
        with pytest.raises(IdempotencyKeyReused) as caught:
            reuse()
        assert caught.value.status == 409 and caught.value.next_step
    assert len(runtime.results.get_version(version.id).decisions) == 2
    assert reviews.list_notes(version.id) == [note] and reviews.list_notes(other.id) == []
    assert [found.note for found in runtime.events.list_events(after=since)] == [note]


def test_events_are_complete_and_can_be_resumed(
    runtime: JobRuntime, folder: Path, shot: str
) -> None:
    since = runtime.events.last_event_id()
    pattern = harness.write_plate(folder, shot)
    job = submit(runtime, held_submission(folder, pattern, shot))
    events, after = [], since
    deadline = time.monotonic() + DEADLINE
    while not events or events[-1].job is None or not events[-1].job.state.ended:
        assert time.monotonic() < deadline
        for found in runtime.events.list_events(after=after, job=job.id, limit=2):
            assert found.id > after
            events.append(found)
            after = found.id
            if found.job is not None and found.job.state is JobState.RUNNING:
                harness.resume_file(folder).touch()
        time.sleep(0.02)
    states = [found.job.state for found in events if found.job]
    assert states[0] is JobState.QUEUED and states[-1] is JobState.SUCCEEDED
    assert JobState.RUNNING in states
    assert all((found.update is not None) == (found.kind == "progress") for found in events)
    assert events[-1].job == runtime.jobs.get_job(job.id)
    assert [e.version.id for e in events if e.version] == [runtime.jobs.get_job(job.id).version_id]
    # At most five a second while it ran, and deleted once it has ended.
    assert sum(event.kind == "job" for event in events) < 20
    assert [event.kind for event in runtime.events.list_events(after=since, job=job.id)] == [
        "version",
        "job",
    ]
    assert runtime.events.list_events(after=runtime.events.last_event_id()) == []


def test_quoted_times_come_from_earlier_jobs(folder: Path, runtime: JobRuntime, shot: str) -> None:
    pattern = harness.write_plate(folder, shot)
    request = harness.submission(pattern, shot=shot, parameters={"seconds": 0.2}).request
    run(runtime, folder, shot, parameters={"seconds": 0.2})
    (quote,) = runtime.jobs.quote([request])
    assert quote.frames == 6 and quote.cost == Cost()
    assert quote.seconds is not None and 0 < quote.seconds < 60
    assert (quote.provider, quote.data_locality) == ("copier", "local")
    double = request.model_dump(mode="json")
    double["shot"]["plate"]["width"] *= 2
    (twice,) = runtime.jobs.quote([type(request).model_validate(double)])
    assert twice.seconds == pytest.approx(2 * quote.seconds)


def test_any_number_of_quotes_takes_the_same_queries(
    folder: Path, runtime: JobRuntime, shot: str
) -> None:
    run(runtime, folder, shot)
    request = harness.submission(harness.write_plate(folder, shot), shot=shot).request
    absent = request.model_copy(update={"service": "absent"})
    unknown = request.model_copy(update={"service": "nothing"})
    statements: list[str] = []

    def count(*args: Any) -> None:
        statements.append(args[2])

    counts = []
    engine = runtime.gateway.database.engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        for number in (1, 200):
            statements.clear()
            quotes = runtime.jobs.quote([request, absent, unknown] * number)
            counts.append(len([one for one in statements if "seconds_per_frame" in one]))
            assert [one.allowed for one in quotes] == [True, False, False] * number
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert counts == [2, 2]  # one for each service that is offered
    assert quotes[0].seconds and quotes[0] == quotes[3]
    assert quotes[1].reason == "install its weights" and quotes[1].problem is not None
    assert (quotes[1].problem.code, quotes[1].cost) == ("model_missing", Cost())
    assert quotes[2].problem is not None and quotes[2].problem.code == "unknown_service"
    assert (quotes[2].cost, quotes[2].data_locality, quotes[2].provider) == (None, None, "")


def test_an_error_in_one_quote_fails_no_other(
    folder: Path,
    runtime: JobRuntime,
    shot: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider = runtime.gateway.providers.get_provider("copier")
    real_quote = provider.quote

    def quote(service: Service, facts: RequestFacts) -> Cost:
        if facts.parameters["seconds"]:
            raise KeyError("no such rate")
        return real_quote(service, facts)

    monkeypatch.setattr(provider, "quote", quote)
    request = harness.submission(harness.write_plate(folder, shot), shot=shot).request
    broken = request.model_copy(update={"parameters": {"seconds": 1.0}})
    with caplog.at_level(logging.ERROR):
        first, failed, last = runtime.jobs.quote([request, broken, request])
    assert first.allowed and last.allowed and first.cost == last.cost == Cost()
    assert (failed.allowed, failed.cost, failed.provider) == (False, None, "copier")
    assert failed.problem is not None and failed.problem.code == "gateway_fault"
    assert "KeyError" in failed.reason and failed.problem.next_step
    (record,) = [one for one in caplog.records if one.exc_info]
    assert record.getMessage().split()[1].rstrip(":") in failed.problem.where
    assert record.exc_info is not None and record.exc_info[0] is KeyError


def test_jobs_are_listed_in_pages(runtime: JobRuntime, folder: Path, shot: str) -> None:
    jobs = [run(runtime, folder, shot) for _ in range(3)]
    first = runtime.jobs.list_jobs(show="show", limit=2)
    assert [job.id for job in first] == [jobs[2].id, jobs[1].id]
    assert runtime.jobs.list_jobs(before=first[-1].id, limit=1)[0].id == jobs[0].id
    assert runtime.jobs.list_jobs(show="another") == []
    assert {job.state for job in runtime.jobs.list_jobs(state=JobState.SUCCEEDED)} == {
        JobState.SUCCEEDED
    }
    with pytest.raises(NotFound):
        runtime.jobs.list_jobs(before="nobody")


def test_health_reports_what_is_wrong(runtime: JobRuntime) -> None:
    checks = {check.name: check for check in runtime.check_health()}
    assert checks["queue"].ok and checks["service copy"].ok
    assert "OpenColorIO" in checks["colour"].message
    assert not checks["service absent"].ok
    assert checks["service absent"].next_step == "install its weights"


def test_health_reports_a_provider_that_cannot_be_used_once(tmp_path: Path) -> None:
    providers = ProviderRegistry(GatewaySettings(providers=("elsewhere",)))
    with running_runtime(tmp_path, providers=providers) as runtime:
        failed = [check for check in runtime.check_health() if "elsewhere" in check.name]
    assert [check.name for check in failed] == ["provider elsewhere"]
    assert not failed[0].ok and "not installed" in failed[0].next_step
