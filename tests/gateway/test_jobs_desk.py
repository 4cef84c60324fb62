"""Jobs through the desk: what they make, what they refuse, how they end."""

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
from running_jobs import DEADLINE, killable, wait

from bridge_core.errors import (
    InvalidRequest,
    KeyReused,
    ModelMissing,
    NotFound,
    OutsideRoots,
    UnknownService,
)
from bridge_core.models.frames import FrameRange
from bridge_core.models.jobs import Job, JobState
from bridge_core.models.media import SourceFile
from bridge_core.models.notes import NewNote, Stroke, StrokeTool
from bridge_core.models.requests import Region, Submission
from bridge_core.models.versions import Decision, ReviewStatus
from bridge_gateway.jobs import publish, steps
from bridge_gateway.jobs.desk import Desk
from bridge_gateway.store.content import ContentStore


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Spaces and letters beyond ASCII, as studios have them.
    return tmp_path_factory.mktemp("Größe und Maß")


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[Desk]:
    desk = killable.open_desk(folder, workers=8)
    desk.start()
    yield desk
    desk.stop()


@pytest.fixture
def shot(request: pytest.FixtureRequest) -> str:
    """A shot of the test's own."""
    return request.node.name[5:60]


_keys = iter(range(10**6))


def submit(desk: Desk, submission: Submission) -> Job:
    job, new = desk.submit(submission, f"key-{next(_keys):08d}")
    assert new
    return job


def held(folder: Path, pattern: str, shot: str) -> Submission:
    """Of it two frames are made, and the others once ``killable.go_on`` exists."""
    killable.go_on(folder).unlink(missing_ok=True)
    return killable.submission(pattern, shot=shot, parameters={"mood": "hold"})


def wait_for_step(desk: Desk, job: Job, step: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while desk.job(job.id).progress.step != step:
        assert time.monotonic() < deadline, desk.job(job.id)
        time.sleep(0.02)


def run(desk: Desk, folder: Path, shot: str, **request: Any) -> Job:
    pattern = killable.write_plate(folder, shot)
    return wait(desk, submit(desk, killable.submission(pattern, shot=shot, **request)))


def work_is_swept(folder: Path, job: Job, seconds: float = DEADLINE) -> bool:
    deadline = time.monotonic() + seconds
    work = folder / "library" / ".work"
    while any(path.name.startswith(job.id) for path in work.iterdir()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def nothing_published(desk: Desk, folder: Path, shot: str) -> bool:
    return desk.versions(shot=shot) == [] and not (folder / "library/show/sq" / shot).exists()


# --- what a job makes


def test_a_shot_becomes_a_version(desk: Desk, folder: Path, shot: str) -> None:
    job = run(desk, folder, shot, parameters={"seconds": 0.0})
    assert job.state is JobState.SUCCEEDED, job.problem
    assert job.started is not None and job.finished is not None and job.queue_position is None
    assert job.tried is None and job.version is not None
    version = desk.version(job.version)
    assert version.frames == tuple(range(1001, 1007))
    assert (version.number, version.label, version.asked_by) == (1, "v001", "ann")
    place = folder / "library" / "show" / "sq" / shot / "copy" / "v001"
    assert version.folder == str(place)
    assert version.outputs[0].pattern == f"{shot}_copy_v001.%04d.exr"
    lineage = desk.lineage(version.id)
    assert (lineage.result, lineage.job, lineage.key) == (version.id, job.id, job.key)
    assert lineage.parameters == {"seconds": 0.0, "mood": "work"}
    assert [one.step for one in lineage.timings] == list(killable.STEPS[:6])
    assert [one.frame for one in lineage.inputs] == list(version.frames)
    assert all(one.sha256 == killable.sha256(Path(one.path)) for one in lineage.inputs)
    files = desk.files(version.id)
    assert {one.path for one in files} == {
        *(f"{shot}_copy_v001.{frame}.exr" for frame in version.frames),
        *(f"proxies/{frame}.jpg" for frame in version.frames),
        "thumbnail.jpg",
        "lineage.json",
    }
    for one in files:
        path = desk.file(version.id, one.path)
        assert (path.stat().st_size, killable.sha256(path)) == (one.size, one.sha256)
        assert path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) == 0
    assert desk.proxy(version.id, 1003).name == "1003.jpg"
    assert desk.thumbnail(version.id).read_bytes().startswith(b"\xff\xd8")
    assert work_is_swept(folder, job)


def test_a_try_is_no_version(desk: Desk, folder: Path, shot: str) -> None:
    job = run(desk, folder, shot, try_frames=(1004, 1002))
    assert job.state is JobState.SUCCEEDED, job.problem
    assert job.version is None and job.tried is not None
    tried = desk.tried(job.tried)
    assert tried.frames == (1002, 1004)
    assert tried.folder == str(folder / "library/show/sq" / shot / "copy" / "tries" / job.id)
    assert desk.file(tried.id, f"{shot}_copy_try.1004.exr").is_file()
    assert desk.versions(shot=shot) == []
    with pytest.raises(NotFound):
        desk.version(tried.id)
    # A version of the shot still gets the first number.
    after = run(desk, folder, shot)
    assert desk.version(str(after.version)).number == 1
    with pytest.raises(NotFound):
        desk.tried(str(after.version))


def test_proxies_that_the_provider_left_out_are_made(desk: Desk, folder: Path, shot: str) -> None:
    job = run(desk, folder, shot, parameters={"mood": "no proxies"})
    assert job.state is JobState.SUCCEEDED, job.problem
    for frame in range(1001, 1007):
        assert desk.proxy(str(job.version), frame).read_bytes().startswith(b"\xff\xd8")


def test_a_still_is_one_file_and_one_frame(desk: Desk, folder: Path, shot: str) -> None:
    still = Path(killable.write_plate(folder, shot, frames=1) % 1001).with_name("still.exr")
    still.with_name("plate.1001.exr").rename(still)
    job = wait(desk, submit(desk, killable.submission(str(still), shot=shot, frames=1)))
    assert job.state is JobState.SUCCEEDED, job.problem
    assert desk.version(str(job.version)).frames == (1001,)


def test_pictures_may_come_by_content(desk: Desk, folder: Path, shot: str) -> None:
    pattern = killable.write_plate(folder, shot, frames=2)
    submission = killable.submission(pattern, shot=shot, frames=2)
    store = ContentStore(folder / "data" / "content", 1_000_000_000)
    sent: list[SourceFile] = []
    for file in submission.plate_files:
        data = Path(file.path).read_bytes()
        digest = killable.sha256(Path(file.path))

        async def chunks(data: bytes = data) -> AsyncIterator[bytes]:
            yield data

        asyncio.run(store.append(digest, 0, len(data), chunks()))
        # On the client's machine, where the gateway finds nothing.
        sent.append(file.model_copy(update={"path": f"/client/{file.frame}", "sha256": digest}))
    by_content = submission.model_copy(update={"plate_files": tuple(sent)})
    job = wait(desk, submit(desk, by_content))
    assert job.state is JobState.SUCCEEDED, job.problem
    inputs = desk.lineage(str(job.version)).inputs
    assert [one.path for one in inputs] == ["/client/1001", "/client/1002"]
    unsent = [file.model_copy(update={"sha256": "0" * 64}) for file in sent]
    job = wait(desk, submit(desk, by_content.model_copy(update={"plate_files": tuple(unsent)})))
    assert job.problem is not None and job.problem.code == "transfer"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_contents_that_were_swapped_on_disk_are_noticed(
    desk: Desk, folder: Path, shot: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before they are read, and while the job works on them."""
    pattern = killable.write_plate(folder, shot, frames=2)
    # A content of this test's own: it is going to be damaged.
    with Path(pattern % 1001).open("ab") as file:
        file.write(moment.encode())
    submission = killable.submission(pattern, shot=shot, frames=2)
    store: ContentStore = desk._contents  # type: ignore[attr-defined]
    digest = killable.sha256(Path(pattern % 1001))
    data = Path(pattern % 1001).read_bytes()

    async def chunks() -> AsyncIterator[bytes]:
        yield data

    asyncio.run(store.append(digest, 0, len(data), chunks()))
    content = store.path(digest)
    assert content is not None
    first = submission.plate_files[0].model_copy(update={"sha256": digest})
    files = (first, *submission.plate_files[1:])
    submission = submission.model_copy(update={"plate_files": files})

    def swap() -> None:
        content.write_bytes(data[::-1])

    if moment == "before":
        swap()
    else:
        real = steps.check

        def check(*args: Any) -> None:
            swap()
            real(*args)

        monkeypatch.setattr(steps, "check", check)
    job = wait(desk, submit(desk, submission))
    assert job.problem is not None and job.problem.next_step
    assert job.problem.code == ("transfer" if moment == "before" else "plate_changed")
    assert nothing_published(desk, folder, shot)
    if moment == "before":
        assert store.path(digest) is None, "it can be sent anew"


# --- keys


def test_a_key_makes_one_job_however_often_it_comes(desk: Desk, folder: Path, shot: str) -> None:
    submission = killable.submission(killable.write_plate(folder, shot), shot=shot)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: desk.submit(submission, "one-key-8-times"), range(8)))
    assert len({job.id for job, _ in answers}) == 1
    assert sum(new for _, new in answers) == 1
    wait(desk, answers[0][0])
    assert [version.number for version in desk.versions(shot=shot)] == [1]


def test_a_key_with_another_request_is_refused(desk: Desk, folder: Path, shot: str) -> None:
    submission = killable.submission(killable.write_plate(folder, shot), shot=shot)
    job, _ = desk.submit(submission, "used-key-01")
    other = submission.request.model_copy(update={"note": "softer"})
    with pytest.raises(KeyReused) as caught:
        desk.submit(submission.model_copy(update={"request": other}), "used-key-01")
    assert caught.value.details == {"job": job.id}
    # The same request with its pictures elsewhere is a repeat.
    moved = [file.model_copy(update={"mtime_ns": 1}) for file in submission.plate_files]
    again = submission.model_copy(update={"plate_files": tuple(moved)})
    repeat, new = desk.submit(again, "used-key-01")
    assert (repeat.id, new) == (job.id, False)
    wait(desk, job)


# --- what is refused


def test_what_cannot_be_asked_for_is_refused_at_once(desk: Desk, folder: Path, shot: str) -> None:
    pattern = killable.write_plate(folder, shot)
    before = desk.jobs()
    for wrong, error in (
        ({"service": "beautify"}, UnknownService),
        ({"service": "absent"}, ModelMissing),
        ({"parameters": {"seconds": 61}}, InvalidRequest),
        ({"parameters": {"speed": 1}}, InvalidRequest),
        ({"regions": (Region(points=((0, 0), (1, 0), (1, 1))),)}, InvalidRequest),
    ):
        submission = killable.submission(pattern, shot=shot, **wrong)
        with pytest.raises(error) as caught:
            desk.submit(submission, "refused-key")
        assert caught.value.next_step
    assert desk.jobs() == before


def test_all_missing_frames_are_named(desk: Desk, folder: Path, shot: str) -> None:
    pattern = killable.write_plate(folder, shot)
    submission = killable.submission(pattern, shot=shot)
    for frame in (1002, 1003, 1005):
        Path(pattern % frame).unlink()
    job = wait(desk, submit(desk, submission))
    assert job.state is JobState.FAILED and job.problem is not None
    assert job.problem.code == "missing_frames"
    assert job.problem.details == {"frames": [1002, 1003, 1005]}
    assert "1002-1003, 1005" in job.problem.what and job.problem.where == pattern
    assert work_is_swept(folder, job) and nothing_published(desk, folder, shot)


def test_a_movie_that_ends_before_its_range(desk: Desk, folder: Path, shot: str) -> None:
    movie = folder / "plates" / shot / "plate.mp4"
    movie.parent.mkdir(parents=True)
    with av.open(str(movie), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = killable.WIDTH, killable.HEIGHT, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(killable.WIDTH, killable.HEIGHT, "yuv420p")))
        container.mux(stream.encode(None))
    job = wait(desk, submit(desk, killable.submission(str(movie), shot=shot, frames=8)))
    assert job.problem is not None and job.problem.code == "missing_frames"
    assert job.problem.details == {"frames": [1006, 1007, 1008]}


def test_plates_elsewhere_are_not_read(desk: Desk, folder: Path, shot: str, tmp_path: Path) -> None:
    job = wait(desk, submit(desk, killable.submission(killable.write_plate(tmp_path), shot=shot)))
    assert job.problem is not None and job.problem.code == "outside_roots"
    assert nothing_published(desk, folder, shot)


def test_an_unknown_colour_space_is_refused(desk: Desk, folder: Path, shot: str) -> None:
    submission = killable.submission(killable.write_plate(folder, shot), shot=shot)
    given = submission.model_dump(mode="json")
    given["request"]["shot"]["plate"]["colour_space"] = "Octarine"
    job = wait(desk, submit(desk, Submission.model_validate(given)))
    assert job.problem is not None and job.problem.code == "unknown_colour_space"
    assert "Octarine" in job.problem.what


def test_a_first_frame_that_is_written_again_is_changed_not_unreadable(
    desk: Desk, folder: Path, shot: str
) -> None:
    pattern = killable.write_plate(folder, shot)
    submission = killable.submission(pattern, shot=shot)
    Path(pattern % 1001).write_bytes(b"half of a frame")
    job = wait(desk, submit(desk, submission))
    assert job.problem is not None and job.problem.code == "plate_changed"
    assert job.problem.where == pattern % 1001


def test_a_plate_that_is_not_what_the_client_saw(desk: Desk, folder: Path, shot: str) -> None:
    pattern = killable.write_plate(folder, shot)
    submission = killable.submission(pattern, shot=shot)
    os.utime(pattern % 1004, ns=(1, 1))
    job = wait(desk, submit(desk, submission))
    assert job.problem is not None and job.problem.code == "plate_changed"
    assert job.problem.where == pattern % 1004
    assert nothing_published(desk, folder, shot)


def test_a_plate_that_changes_while_it_is_worked_on(desk: Desk, folder: Path, shot: str) -> None:
    pattern = killable.write_plate(folder, shot)
    job = submit(desk, held(folder, pattern, shot))
    # A frame that has been worked on already: only the last look finds this.
    deadline = time.monotonic() + DEADLINE
    while not desk.frames(job.id):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    Path(pattern % 1001).write_bytes(Path(pattern % 1002).read_bytes())
    killable.go_on(folder).touch()
    job = wait(desk, job)
    assert job.problem is not None and job.problem.code == "plate_changed"
    assert work_is_swept(folder, job) and nothing_published(desk, folder, shot)


# --- what goes wrong


def test_a_failing_provider_says_why(desk: Desk, folder: Path, shot: str) -> None:
    job = run(desk, folder, shot, parameters={"mood": "fail"})
    assert job.state is JobState.FAILED and job.problem is not None
    assert (job.problem.code, job.problem.what) == ("job_failed", "it cannot be done")
    assert work_is_swept(folder, job) and nothing_published(desk, folder, shot)


@pytest.mark.parametrize(
    ("mood", "frames"), [("lose", {"1003"}), ("NaN", {"1001", "1003", "1005"})]
)
def test_what_does_not_pass_its_checks_is_not_published(
    desk: Desk, folder: Path, shot: str, mood: str, frames: set[str]
) -> None:
    shot = f"{shot[:20]} {mood}"
    job = run(desk, folder, shot, parameters={"mood": mood})
    assert job.state is JobState.FAILED and job.problem is not None
    assert job.problem.code == "check_failed"
    assert set(job.problem.details["frames"]) == frames  # type: ignore[arg-type]
    assert work_is_swept(folder, job) and nothing_published(desk, folder, shot)


def test_a_mistake_of_ours_is_found_in_the_log(
    desk: Desk, folder: Path, shot: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        job = run(desk, folder, shot, parameters={"mood": "crash"})
    assert job.problem is not None and job.problem.code == "gateway_fault"
    reference = job.problem.where.rpartition(" ")[2]
    record = next(one for one in caplog.records if reference in one.getMessage())
    assert record.exc_info is not None and record.exc_info[0] is ZeroDivisionError
    assert "nobody foresaw" not in job.problem.what


def test_names_that_do_not_fit_are_refused_before_a_frame_is_made(
    desk: Desk, folder: Path, shot: str
) -> None:
    """Disks count bytes: 255 for a name, whatever the letters."""
    submission = killable.submission(killable.write_plate(folder, shot), shot=shot)

    def named(**names: str) -> Submission:
        given = submission.model_dump(mode="json")
        given["request"]["shot"]["id"] |= names
        return Submission.model_validate(given)

    before = desk.jobs()
    for names in ({"shot": "\u754c" * 86}, {"show": "\u754c" * 86}, {"shot": "\u754c" * 70}):
        # The last one fits as a folder, but not with what a file's name has beside it.
        for call in (
            lambda given: desk.submit(given, "too-long-01"),
            lambda given: desk.estimate(given.request),
        ):
            with pytest.raises(InvalidRequest, match="bytes") as caught:
                call(named(**names))
            assert next(iter(names.values())) in caught.value.where and caught.value.next_step
    assert desk.jobs() == before
    # As long in letters, and short enough in bytes.
    job = wait(desk, submit(desk, named(shot="a" * 128)))
    assert job.state is JobState.SUCCEEDED, job.problem


# --- cancelling


def test_cancelling_a_running_job(desk: Desk, folder: Path, shot: str) -> None:
    pattern = killable.write_plate(folder, shot)
    job = submit(desk, killable.submission(pattern, shot=shot, parameters={"seconds": 30}))
    wait_for_step(desk, job, "run")
    assert desk.cancel(job.id).state is JobState.CANCELLED
    assert work_is_swept(folder, job, seconds=2)
    job = desk.job(job.id)
    assert job.state is JobState.CANCELLED and job.finished is not None and job.problem is None
    assert nothing_published(desk, folder, shot)
    assert desk.cancel(job.id) == job


def test_a_provider_that_does_not_end_is_left_behind(
    desk: Desk, folder: Path, shot: str, caplog: pytest.LogCaptureFixture
) -> None:
    pattern = killable.write_plate(folder, shot)
    job = submit(desk, killable.submission(pattern, shot=shot, parameters={"mood": "hang"}))
    wait_for_step(desk, job, "run")
    assert desk.cancel(job.id).state is JobState.CANCELLED
    assert work_is_swept(folder, job)
    # A look at all jobs may sweep the folder before the provider's time is over.
    deadline = time.monotonic() + DEADLINE
    while "left behind" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_cancelling_at_any_moment_leaves_no_half_version(
    desk: Desk, folder: Path, shot: str
) -> None:
    pattern = killable.write_plate(folder, shot)
    submission = killable.submission(pattern, shot=shot)

    def race(delay: float) -> Job:
        job = submit(desk, submission)
        time.sleep(delay)
        desk.cancel(job.id)
        return wait(desk, job)

    with ThreadPoolExecutor(6) as pool:
        jobs = list(pool.map(race, [n * 0.02 for n in range(30)]))
    assert all(work_is_swept(folder, job) for job in jobs)
    assert {job.state for job in jobs} <= {JobState.CANCELLED, JobState.SUCCEEDED}
    made = {job.version for job in jobs if job.state is JobState.SUCCEEDED}
    assert all(job.version is None for job in jobs if job.state is JobState.CANCELLED)
    versions = desk.versions(shot=shot)
    assert {version.id for version in versions} == made
    # No holes, and nothing in the library that nobody knows of.
    assert [version.number for version in versions] == list(range(1, len(versions) + 1))
    place = folder / "library" / "show" / "sq" / shot / "copy"
    found = {str(path) for path in place.iterdir()} if place.exists() else set()
    assert found == {version.folder for version in versions}


def test_cancelling_just_before_the_number_is_taken(
    desk: Desk, folder: Path, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = publish._reserve

    def cancelled(bench: Any) -> Any:
        assert desk.cancel(bench.job).state is JobState.CANCELLED
        return real(bench)

    monkeypatch.setattr(publish, "_reserve", cancelled)
    job = run(desk, folder, shot)
    assert job.state is JobState.CANCELLED and job.version is None and job.problem is None
    assert work_is_swept(folder, job) and nothing_published(desk, folder, shot)


def test_cancelling_just_after_the_number_is_taken(
    desk: Desk, folder: Path, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = publish._reserve

    def cancelled(bench: Any) -> Any:
        row = real(bench)
        assert desk.cancel(bench.job).state is JobState.RUNNING
        return row

    monkeypatch.setattr(publish, "_reserve", cancelled)
    job = run(desk, folder, shot)
    assert job.state is JobState.SUCCEEDED
    assert [version.id for version in desk.versions(shot=shot)] == [job.version]
    assert work_is_swept(folder, job)


# --- numbers


def test_a_failure_in_publishing_leaves_no_hole(
    desk: Desk, folder: Path, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of two jobs fails with its number taken, while the second waits for its own."""
    arrived: list[str] = []
    real_publish, real_write = publish.publish, publish.write_bytes

    def arrive(bench: Any, *rest: Any) -> None:
        arrived.append(bench.job)
        real_publish(bench, *rest)

    def write(path: Path, data: bytes) -> None:
        if arrived[0] not in str(path):
            real_write(path, data)
            return
        deadline = time.monotonic() + DEADLINE
        while len(arrived) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(publish, "publish", arrive)
    monkeypatch.setattr(publish, "write_bytes", write)
    submission = killable.submission(killable.write_plate(folder, shot), shot=shot)
    jobs = [wait(desk, job) for job in [submit(desk, submission) for _ in range(2)]]
    failed, succeeded = sorted(jobs, key=lambda job: arrived.index(job.id))
    assert failed.problem is not None and failed.problem.code == "disk_full"
    assert all(work_is_swept(folder, job) for job in jobs)
    versions = desk.versions(shot=shot)
    assert [(version.id, version.number) for version in versions] == [(succeeded.version, 1)]


def test_parallel_jobs_get_consecutive_numbers(desk: Desk, folder: Path, shot: str) -> None:
    submission = killable.submission(killable.write_plate(folder, shot), shot=shot)
    jobs = [submit(desk, submission) for _ in range(8)]
    ended = [wait(desk, job) for job in jobs]
    assert {job.state for job in ended} == {JobState.SUCCEEDED}
    versions = desk.versions(show="show", sequence="sq", shot=shot, service="copy")
    assert [version.number for version in versions] == list(range(1, 9))
    assert {version.job for version in versions} == {job.id for job in jobs}
    for version in versions:
        assert Path(version.folder).name == version.label
        assert desk.lineage(version.id).job == version.job


def test_a_folder_that_nobody_knows_is_never_touched(desk: Desk, folder: Path, shot: str) -> None:
    strange = folder / "library" / "show" / "sq" / shot / "copy" / "v001"
    strange.mkdir(parents=True)
    (strange / "older.exr").write_bytes(b"of a library older than the database")
    job = run(desk, folder, shot)
    assert desk.version(str(job.version)).number == 2
    assert [path.name for path in strange.iterdir()] == ["older.exr"]


# --- looking, and reviewing


def test_finished_frames_can_be_seen_while_the_rest_is_made(
    desk: Desk, folder: Path, shot: str
) -> None:
    pattern = killable.write_plate(folder, shot)
    job = submit(desk, held(folder, pattern, shot))
    deadline = time.monotonic() + DEADLINE
    while not desk.frames(job.id):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert desk.job(job.id).state is JobState.RUNNING
    first = desk.frames(job.id)[0]
    assert (first.frame, first.proxy) == (1001, f"/v1/jobs/{job.id}/proxies/1001")
    assert desk.job_proxy(job.id, 1001).read_bytes().startswith(b"\xff\xd8")
    for frame in (1006, 1007):
        with pytest.raises(NotFound):
            desk.job_proxy(job.id, frame)
    killable.go_on(folder).touch()
    job = wait(desk, job)
    assert [frame.frame for frame in desk.frames(job.id)] == list(range(1001, 1007))
    assert desk.job_proxy(job.id, 1006) == desk.proxy(str(job.version), 1006)


def test_frames_of_a_long_job_are_found_by_one_look(
    desk: Desk, folder: Path, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = run(desk, folder, shot)
    looks: list[Any] = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (looks.append(path), real(path))[1])
    assert [one.frame for one in desk.frames(job.id)] == list(range(1001, 1007))
    assert len([path for path in looks if shot in str(path)]) == 1
    (Path(desk.version(str(job.version)).folder) / "proxies" / "1003.jpg").unlink()
    assert [one.frame for one in desk.frames(job.id)] == [1001, 1002, 1004, 1005, 1006]


def test_progress_counts_frames_and_tells_the_time(desk: Desk, folder: Path, shot: str) -> None:
    pattern = killable.write_plate(folder, shot)
    job = submit(desk, held(folder, pattern, shot))
    seen, deadline = [desk.job(job.id).progress], time.monotonic() + DEADLINE
    while seen[-1].step != "run" or seen[-1].seconds_left is None:
        assert time.monotonic() < deadline, seen[-1]
        seen.append(desk.job(job.id).progress)
        time.sleep(0.02)
    assert (seen[-1].done, seen[-1].total) == (2, 6)
    killable.go_on(folder).touch()
    while not desk.job(job.id).state.ended:
        seen.append(desk.job(job.id).progress)
        time.sleep(0.02)
    running = [progress for progress in seen if progress.step == "run"]
    assert {progress.total for progress in running} == {6}
    assert [p.done for p in running] == sorted(p.done for p in running)
    left = [progress.seconds_left for progress in running if progress.seconds_left is not None]
    assert left and all(seconds >= 0 for seconds in left)
    assert desk.job(job.id).progress.done == 6


def test_files_outside_a_result_are_out_of_reach(desk: Desk, folder: Path, shot: str) -> None:
    version = desk.version(str(run(desk, folder, shot).version))
    secret = folder / "secret"
    secret.write_text("secret")
    (Path(version.folder) / "link").symlink_to(secret)
    (Path(version.folder) / "round").symlink_to("round")
    for path in ("../../../../../../../secret", str(secret), "link", "proxies/../../v001/../x"):
        with pytest.raises(OutsideRoots):
            desk.file(version.id, path)
    for path in ("", ".", "proxies", "nothing.exr", "a\0b", "x" * 5000, "round", "\udcff"):
        with pytest.raises((NotFound, OutsideRoots)):
            desk.file(version.id, path)
    for frame in (1000, 1007, -1):
        with pytest.raises(NotFound):
            desk.proxy(version.id, frame)
    for identity in ("", "nobody", "x" * 5000, "%00"):
        for call in (desk.job, desk.version, desk.tried, desk.lineage, desk.files, desk.notes):
            with pytest.raises(NotFound):
                call(identity)


def test_review_adds_and_changes_nothing(desk: Desk, folder: Path, shot: str) -> None:
    version = desk.version(str(run(desk, folder, shot).version))
    since = desk.last_event()
    seen = version.content_hash
    changes = Decision(
        status=ReviewStatus.CHANGES_REQUESTED, by="ben", comment="no", content_hash=seen
    )
    desk.decide(version.id, changes)
    decided = desk.decide(
        version.id, Decision(status=ReviewStatus.APPROVED, by="cleo", content_hash=seen)
    )
    assert decided.status is ReviewStatus.APPROVED
    assert [(one.by, one.comment) for one in decided.decisions] == [("ben", "no"), ("cleo", "")]
    assert {one.content_hash for one in decided.decisions} == {seen}
    unreviewed = {"status", "decisions"}
    assert decided.model_dump(exclude=unreviewed) == version.model_dump(exclude=unreviewed)
    assert desk.versions(shot=shot) == [decided] == [desk.version(version.id)]
    stroke = Stroke(tool=StrokeTool.BOX, points=((0.1, 0.2), (0.4, 0.8)))
    said = NewNote(
        frames=FrameRange.of(1001, 1002, 24),
        text="the left edge",
        strokes=(stroke,),
        drawn_on=1002,
        by="ben",
    )
    note = desk.add_note(version.id, said)
    assert note.model_dump(include=set(NewNote.model_fields)) == said.model_dump()
    assert desk.notes(version.id) == [note] and note.version == version.id
    events = desk.events(after=since, job=version.job)
    assert [event.kind for event in events] == ["version", "version", "note"]
    assert events[1].version == decided and events[2].note == note


def test_events_tell_the_whole_story_and_can_be_gone_on_with(
    desk: Desk, folder: Path, shot: str
) -> None:
    since = desk.last_event()
    pattern = killable.write_plate(folder, shot)
    job = submit(desk, held(folder, pattern, shot))
    told, after = [], since
    deadline = time.monotonic() + DEADLINE
    while not told or told[-1].job is None or not told[-1].job.state.ended:
        assert time.monotonic() < deadline
        for event in desk.events(after=after, job=job.id, limit=2):
            assert event.id > after
            told.append(event)
            after = event.id
            if event.job is not None and event.job.state is JobState.RUNNING:
                killable.go_on(folder).touch()
        time.sleep(0.02)
    states = [event.job.state for event in told if event.job]
    assert states[0] is JobState.QUEUED and states[-1] is JobState.SUCCEEDED
    assert JobState.RUNNING in states
    assert told[-1].job == desk.job(job.id)
    assert [e.version.id for e in told if e.version] == [desk.job(job.id).version]
    # At most five a second while it ran, and gone once it has ended.
    assert sum(event.kind == "job" for event in told) < 20
    assert [event.kind for event in desk.events(after=since, job=job.id)] == ["version", "job"]
    assert desk.events(after=desk.last_event()) == []


def test_estimates_come_from_earlier_jobs(folder: Path, desk: Desk, shot: str) -> None:
    pattern = killable.write_plate(folder, shot)
    request = killable.submission(pattern, shot=shot, parameters={"seconds": 0.2}).request
    run(desk, folder, shot, parameters={"seconds": 0.2})
    estimate = desk.estimate(request)
    assert estimate.frames == 6 and estimate.cost.amount == 0
    assert estimate.seconds is not None and 0 < estimate.seconds < 60
    assert (estimate.provider, estimate.reach) == ("copier", "this machine")
    double = request.model_dump(mode="json")
    double["shot"]["plate"]["width"] *= 2
    twice = desk.estimate(type(request).model_validate(double))
    assert twice.seconds == pytest.approx(2 * estimate.seconds)


def test_lists_of_jobs_go_page_by_page(desk: Desk, folder: Path, shot: str) -> None:
    jobs = [run(desk, folder, shot) for _ in range(3)]
    first = desk.jobs(show="show", limit=2)
    assert [job.id for job in first] == [jobs[2].id, jobs[1].id]
    assert desk.jobs(before=first[-1].id, limit=1)[0].id == jobs[0].id
    assert desk.jobs(show="another") == []
    assert {job.state for job in desk.jobs(state=JobState.SUCCEEDED)} == {JobState.SUCCEEDED}
    with pytest.raises(NotFound):
        desk.jobs(before="nobody")


def test_health_says_what_is_wrong(desk: Desk) -> None:
    lines = {line.name: line for line in desk.health()}
    assert lines["engine"].ok and lines["service copy"].ok
    assert "OpenColorIO" in lines["colour"].says
    assert not lines["service absent"].ok
    assert lines["service absent"].next_step == "install its weights"
