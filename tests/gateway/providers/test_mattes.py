"""Mattes: their way to a provider, and what is refused. The provider records its task."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from job_helpers import harness, running_runtime, wait_for_job, wait_until

from bridge_core.models.frames import FrameRange
from bridge_core.models.jobs import Job, JobState
from bridge_core.models.media import SourceFile
from bridge_core.models.requests import MatteRegion, ShapeRegion, Submission
from bridge_gateway.db import queries
from bridge_gateway.jobs.runtime import JobRuntime
from bridge_gateway.jobs.steps import outputs, stage

remote = harness.load_remote()

SIZE = (harness.WIDTH, harness.HEIGHT)
SOME_FRAMES = FrameRange.of(1002, 1004, 24)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[JobRuntime]:
    (tmp_path / "remote").mkdir()
    with running_runtime(tmp_path) as opened:
        yield opened


def write_matte(path: Path, size: tuple[int, int] = SIZE, channel: str = "A") -> None:
    spec = oiio.ImageSpec(*size, 1, oiio.HALF)
    spec.channelnames = [channel]
    buffer = oiio.ImageBuf(spec)
    value = int(hashlib.sha256(path.name.encode()).hexdigest()[:2], 16) / 256
    assert buffer.set_pixels(oiio.ROI(), np.full((size[1], size[0], 1), value, np.float32))
    assert buffer.write(str(path))


def write_mattes(folder: Path, frames: Sequence[int] = (1002, 1003, 1004), **how: Any) -> str:
    (folder / "plates").mkdir(exist_ok=True)
    pattern = str(folder / "plates" / "matte.%04d.exr")
    for frame in frames:
        write_matte(Path(pattern % frame), **how)
    return pattern


def source(path: str | Path, frame: int | None = None) -> SourceFile:
    status = Path(path).stat()
    return SourceFile(path=str(path), frame=frame, size=status.st_size, mtime_ns=status.st_mtime_ns)


def submission(
    folder: Path,
    *mattes: tuple[MatteRegion, tuple[SourceFile, ...]],
    behaviour: str = "work",
    **request: Any,
) -> Submission:
    given: Submission = harness.submission(
        harness.write_plate(folder),
        service=remote.DESCRIBE,
        parameters={"behaviour": behaviour},
        regions=tuple(region for region, _ in mattes),
        matte_files=tuple(files for _, files in mattes),
        **request,
    )
    return given


def sequence_matte(folder: Path, **changes: Any) -> tuple[MatteRegion, tuple[SourceFile, ...]]:
    pattern = write_mattes(folder)
    region = MatteRegion(path=pattern, **{"frames": SOME_FRAMES, **changes})
    return region, tuple(source(pattern % frame, frame) for frame in SOME_FRAMES.frames())


def submit(runtime: JobRuntime, given: Submission) -> Job:
    return runtime.jobs.submit(given, f"key-{time.time_ns()}", harness.PRINCIPAL)[0]


def run(runtime: JobRuntime, given: Submission) -> Job:
    return wait_for_job(runtime, submit(runtime, given))


def described(runtime: JobRuntime, job: Job) -> Any:
    assert job.state is JobState.SUCCEEDED, job.problem
    path = runtime.results.find_file(str(job.version_id), "texts/description.json")
    return json.loads(path.read_text())


def test_a_provider_gets_the_mattes_file_of_each_frame(runtime: JobRuntime, tmp_path: Path) -> None:
    region, files = sequence_matte(tmp_path, channel="A", feather=2.5)
    triangle = ShapeRegion(points=((0, 0), (1, 0), (1, 1)))
    still = tmp_path / "plates" / "still.exr"
    write_matte(still)
    given = submission(
        tmp_path, (region, files), (MatteRegion(path=str(still)), (source(still, 1001),))
    )
    request = given.request.model_copy(update={"regions": (triangle, *given.request.regions)})
    job = run(runtime, given.model_copy(update={"request": request}))
    facts = described(runtime, job)
    assert facts["regions"] == 3
    sequence, single = facts["mattes"]
    assert sequence == {
        "feather": 2.5,
        "files": {str(frame): region.path % frame for frame in (1002, 1003, 1004)},
    }
    assert single["files"] == dict.fromkeys(map(str, range(1001, 1007)), str(still))
    inputs = runtime.results.get_lineage(str(job.version_id)).inputs
    assert [(one.path, one.frame, one.sha256) for one in inputs[-4:]] == [
        *((region.path % f, f, harness.sha256(Path(region.path % f))) for f in (1002, 1003, 1004)),
        (str(still), 1001, harness.sha256(still)),
    ]


def test_a_test_frame_gets_its_own_file_only(runtime: JobRuntime, tmp_path: Path) -> None:
    region, files = sequence_matte(tmp_path)
    outside = MatteRegion(path=region.path, frames=FrameRange.of(1005, 1006, 24))
    given = submission(tmp_path, (region, files[1:2]), (outside, ()), test_frames=(1003,))
    job = run(runtime, given)
    assert job.state is JobState.SUCCEEDED, job.problem
    path = runtime.results.find_file(str(job.test_frame_id), "texts/description.json")
    first, second = json.loads(path.read_text())["mattes"]
    assert first["files"] == {"1003": region.path % 1003}
    assert second["files"] == {}


def test_mattes_may_be_uploaded_and_are_kept_for_the_job(
    runtime: JobRuntime, tmp_path: Path
) -> None:
    region, files = sequence_matte(tmp_path)
    uploaded = []
    for file in files:
        data = Path(file.path).read_bytes()
        digest = hashlib.sha256(data).hexdigest()

        async def chunks(data: bytes = data) -> AsyncIterator[bytes]:
            yield data

        store = runtime.gateway.storage.blobs
        asyncio.run(store.append(digest, 0, len(data), chunks()))
        path = f"/client/{file.frame}.exr"
        uploaded.append(file.model_copy(update={"path": path, "sha256": digest}))
    region = region.model_copy(update={"path": "/client/%04d.exr"})
    given = submission(tmp_path, (region, tuple(uploaded)), behaviour="hang")
    job = submit(runtime, given)
    assert {file.sha256 for file in uploaded} <= queries.list_pinned(runtime.gateway.database)
    wait_until(lambda: runtime.jobs.get_job(job.id).progress.fraction == 0.5, "a poll")
    runtime.jobs.cancel(job.id)
    assert queries.list_pinned(runtime.gateway.database) == set()

    job = run(runtime, submission(tmp_path, (region, tuple(uploaded))))
    (matte,) = described(runtime, job)["mattes"]
    assert [Path(path).name for path in matte["files"].values()] == [f.sha256 for f in uploaded]
    inputs = runtime.results.get_lineage(str(job.version_id)).inputs
    assert inputs[-1].path == "/client/1004.exr"


@pytest.mark.parametrize(
    ("how", "channel", "message"),
    [
        ({"size": (24, 16)}, "", "the matte has 24x16 pixels at frame 1002, and the plate 48x32"),
        ({"channel": "mask.R"}, "A", "the matte has no channel 'A' at frame 1002"),
    ],
)
def test_a_matte_that_does_not_fit_its_plate_is_refused(
    runtime: JobRuntime, tmp_path: Path, how: dict[str, Any], channel: str, message: str
) -> None:
    pattern = write_mattes(tmp_path, **how)
    region = MatteRegion(path=pattern, frames=SOME_FRAMES, channel=channel)
    files = tuple(source(pattern % frame, frame) for frame in SOME_FRAMES.frames())
    job = run(runtime, submission(tmp_path, (region, files)))
    assert job.problem is not None and job.problem.code == "invalid_request"
    assert job.problem.message == message
    assert job.problem.where == pattern % 1002
    assert remote.CountingRemoteProvider(tmp_path / "remote").charges() == []


def test_each_frame_of_a_matte_is_checked(runtime: JobRuntime, tmp_path: Path) -> None:
    pattern = write_mattes(tmp_path)
    write_matte(Path(pattern % 1004), (24, 16))
    region = MatteRegion(path=pattern, frames=SOME_FRAMES)
    files = tuple(source(pattern % frame, frame) for frame in SOME_FRAMES.frames())
    job = run(runtime, submission(tmp_path, (region, files)))
    assert job.problem is not None
    assert "at frame 1004" in job.problem.message and job.problem.where == pattern % 1004


def test_missing_frames_of_a_matte_are_named(runtime: JobRuntime, tmp_path: Path) -> None:
    region, files = sequence_matte(tmp_path)
    for frame in (1002, 1004):
        Path(region.path % frame).unlink()
    job = run(runtime, submission(tmp_path, (region, files)))
    assert job.problem is not None and job.problem.code == "missing_frames"
    assert job.problem.details["frames"] == [1002, 1004]
    assert job.problem.where == region.path


def test_a_matte_that_is_no_picture_is_refused(runtime: JobRuntime, tmp_path: Path) -> None:
    region, _ = sequence_matte(tmp_path)
    Path(region.path % 1003).write_bytes(b"not a picture")
    files = tuple(source(region.path % frame, frame) for frame in SOME_FRAMES.frames())
    job = run(runtime, submission(tmp_path, (region, files)))
    assert job.problem is not None and job.problem.code == "unreadable_media"
    assert "matte.1003.exr" in job.problem.message


@pytest.mark.parametrize(
    ("module", "step", "when"),
    [
        (stage, "stage_inputs", "since it was sent"),
        (outputs, "check_outputs", "while the job worked on it"),
    ],
)
def test_a_matte_that_changes_is_refused_by_its_name(
    runtime: JobRuntime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    step: str,
    when: str,
) -> None:
    """After it was admitted, and after it was staged."""
    region, files = sequence_matte(tmp_path)
    real = getattr(module, step)

    def changed(*args: Any) -> Any:
        Path(region.path % 1003).write_bytes(b"another matte")
        return real(*args)

    monkeypatch.setattr(module, step, changed)
    job = run(runtime, submission(tmp_path, (region, files)))
    assert job.problem is not None and job.problem.code == "plate_changed"
    assert job.problem.message == f"a file of a matte changed {when}"
    assert job.problem.where == region.path % 1003
