"""Uploading files: only what is missing, and never corrupted."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from bridge_core.connection.transport import Transport
from bridge_core.errors import (
    GatewayUnreachable,
    JobCancelled,
    MissingFrames,
    PlateChanged,
    TransferError,
    UnreadableMedia,
)
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.requests import MatteRegion, Reference, Request, ShapeRegion
from bridge_core.transfer import prepare_submission

PATCH = r"/v1/content/.*"


def sizes(plate: Plate) -> list[int]:
    return [Path(plate.path_at(frame)).stat().st_size for frame in plate.range.frames()]


def contents(plate: Plate) -> set[bytes]:
    return {Path(plate.path_at(frame)).read_bytes() for frame in plate.range.frames()}


def biggest(plate: Plate) -> Path:
    return max(
        (Path(plate.path_at(f)) for f in plate.range.frames()), key=lambda p: p.stat().st_size
    )


def test_readable_files_are_sent_by_path(
    gateway: Any, transport: Transport, request_of: Request, tmp_path: Path
) -> None:
    gateway.roots = [tmp_path / "plates"]
    submission = prepare_submission(request_of, transport)
    assert [file.frame for file in submission.plate_files] == list(range(1001, 1007))
    assert all(file.sha256 is None for file in submission.plate_files)
    assert gateway.count("POST", "/v1/content/states") == 0
    assert gateway.received == 0


def test_other_files_are_uploaded_once(
    gateway: Any, transport: Transport, request_of: Request, plate: Plate
) -> None:
    submission = prepare_submission(request_of, transport)
    assert set(gateway.contents.values()) == contents(plate)
    assert gateway.received == sum(map(len, contents(plate)))
    for file, frame in zip(submission.plate_files, plate.range.frames(), strict=True):
        assert file.sha256 is not None
        assert gateway.contents[file.sha256] == Path(plate.path_at(frame)).read_bytes()


def test_existing_content_is_not_uploaded_again(
    gateway: Any, transport: Transport, request_of: Request, plate: Plate
) -> None:
    prepare_submission(request_of, transport)
    received = gateway.received
    biggest(plate).write_bytes(b"a new take")
    prepare_submission(request_of, transport)
    assert gateway.received == received + len(b"a new take")


def test_references_are_uploaded(
    gateway: Any, transport: Transport, request_of: Request, tmp_path: Path
) -> None:
    look = tmp_path / "look.png"
    look.write_bytes(b"a look")
    request = request_of.model_copy(update={"references": (Reference(path=str(look)),)})
    submission = prepare_submission(request, transport)
    [file] = submission.reference_files
    assert gateway.contents[file.sha256] == b"a look"


def test_mattes_are_uploaded_with_their_frames(
    gateway: Any, transport: Transport, request_of: Request, tmp_path: Path
) -> None:
    gateway.roots = [tmp_path / "plates"]
    still = tmp_path / "still.png"
    still.write_bytes(b"a still")
    for frame in (1002, 1003, 1004):
        (tmp_path / f"matte.{frame}.png").write_bytes(b"matte %d" % frame)
    regions = (
        MatteRegion(path=str(tmp_path / "matte.####.png"), frames=FrameRange.of(1002, 1004)),
        ShapeRegion(points=((0, 0), (1, 0), (1, 1))),
        MatteRegion(path=str(still)),
    )
    look = Reference(path=str(still))
    request = request_of.model_copy(update={"regions": regions, "references": (look,)})
    submission = prepare_submission(request, transport)
    assert all(file.sha256 is None for file in submission.plate_files)
    sequence, single = submission.matte_files
    assert [file.frame for file in sequence] == [1002, 1003, 1004]
    assert [gateway.contents[file.sha256] for file in sequence] == [
        b"matte 1002",
        b"matte 1003",
        b"matte 1004",
    ]
    assert [gateway.contents[file.sha256] for file in single] == [b"a still"]
    (reference,) = submission.reference_files
    assert (reference.sha256, reference.frame) == (single[0].sha256, None)

    (tmp_path / "matte.1003.png").unlink()
    with pytest.raises(MissingFrames) as caught:
        prepare_submission(request, transport)
    assert caught.value.details["frames"] == [1003]
    assert caught.value.where == str(tmp_path / "matte.%04d.png")


@pytest.mark.parametrize("cuts", [[0], [1], [65536], [900_000, 300_000], [1_000_000, 1, 0]])
def test_an_interrupted_upload_is_resumed(
    cuts: list[int], gateway: Any, transport: Transport, request_of: Request, plate: Plate
) -> None:
    file = biggest(plate)
    for frame in plate.range.frames():
        if Path(plate.path_at(frame)) != file:
            Path(plate.path_at(frame)).write_bytes(b"")
    gateway.contents["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"] = b""
    for cut in cuts:
        gateway.fault("PATCH", PATCH, cut_body=cut)
    prepare_submission(request_of, transport)
    assert file.read_bytes() in gateway.contents.values()
    assert gateway.received == file.stat().st_size  # no byte was received twice


@given(
    st.lists(st.integers(0, 1_400_000), max_size=3),
    st.lists(st.sampled_from(["drop_answer", "cut_answer", "refuse"]), max_size=3),
)
@examples(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_interrupted_uploads_arrive_intact(
    gateway: Any,
    transport: Transport,
    request_of: Request,
    plate: Plate,
    cuts: list[int],
    others: list[str],
) -> None:
    gateway.contents.clear()
    gateway.partial.clear()
    gateway.faults.clear()
    for cut in cuts:
        gateway.fault("PATCH", PATCH, cut_body=cut)
    for other in others:
        gateway.fault("PATCH", PATCH, **{other: True})
    prepare_submission(request_of, transport)
    assert set(gateway.contents.values()) == contents(plate)


def test_an_upload_survives_a_restart_of_the_gateway(
    gateway: Any, transport: Transport, request_of: Request, plate: Plate
) -> None:
    fault = gateway.fault("PATCH", PATCH, cut_body=100_000)
    restarting = threading.Thread(target=lambda: (fault.triggered.wait(30), gateway.restart()))
    restarting.start()
    prepare_submission(request_of, transport)
    restarting.join()
    assert set(gateway.contents.values()) == contents(plate)


def test_after_the_last_retry_the_upload_can_be_resumed(
    gateway: Any, transport: Transport, request_of: Request
) -> None:
    for _ in range(50):
        gateway.fault("PATCH", PATCH, refuse=True)
    with pytest.raises(GatewayUnreachable):
        prepare_submission(request_of, transport)


def test_progress_resets_the_retries(
    gateway: Any, transport: Transport, request_of: Request, plate: Plate
) -> None:
    for _ in range(3 * transport.settings.retries):
        gateway.fault("PATCH", PATCH, cut_body=60_000)
    prepare_submission(request_of, transport)
    assert set(gateway.contents.values()) == contents(plate)


def test_corrupted_content_is_uploaded_again(
    gateway: Any, transport: Transport, request_of: Request, plate: Plate
) -> None:
    gateway.corruptions["upload"] = 1
    prepare_submission(request_of, transport)
    assert set(gateway.contents.values()) == contents(plate)


def test_content_that_stays_corrupted_is_an_error(
    gateway: Any, transport: Transport, request_of: Request
) -> None:
    gateway.corruptions["upload"] = 100
    with pytest.raises(TransferError):
        prepare_submission(request_of, transport)


@pytest.mark.parametrize("how", ["grown", "shrunk", "same size", "gone", "same time"])
def test_a_plate_that_changes_before_the_upload_is_refused(
    how: str, gateway: Any, transport: Transport, request_of: Request, plate: Plate
) -> None:
    file = biggest(plate)
    before = file.stat()

    def change() -> None:
        if how == "gone":
            file.unlink()
        elif how == "grown":
            file.write_bytes(file.read_bytes() + b"more")
        elif how == "shrunk":
            file.write_bytes(file.read_bytes()[:1000])
        else:
            file.write_bytes(bytes(before.st_size))
        if how == "same time":
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    gateway.fault("POST", "/v1/content/states", before=change)
    with pytest.raises(PlateChanged) as caught:
        prepare_submission(request_of, transport)
    assert caught.value.where == str(file)
    assert caught.value.details["frame"] == 1003
    assert bytes(before.st_size) not in gateway.contents.values()


def test_a_plate_that_changes_during_the_upload_is_refused(
    gateway: Any, transport: Transport, request_of: Request, plate: Plate
) -> None:
    file = biggest(plate)
    for frame in plate.range.frames():
        if Path(plate.path_at(frame)) != file:
            Path(plate.path_at(frame)).write_bytes(file.read_bytes())

    def truncate() -> None:
        for frame in plate.range.frames():
            os.truncate(plate.path_at(frame), 10)

    gateway.fault("PATCH", PATCH, cut_body=200_000)
    gateway.fault("POST", "/v1/content/states")  # the first query, before any upload
    gateway.fault("POST", "/v1/content/states", before=truncate)
    with pytest.raises(PlateChanged):
        prepare_submission(request_of, transport)
    assert gateway.contents == {}


def test_missing_frames_are_reported_before_any_upload(
    gateway: Any, transport: Transport, request_of: Request, plate: Plate
) -> None:
    Path(plate.path_at(1004)).unlink()
    with pytest.raises(MissingFrames, match="1004"):
        prepare_submission(request_of, transport)
    assert gateway.calls == []


def test_an_unreadable_file_is_an_error(
    gateway: Any,
    transport: Transport,
    request_of: Request,
    plate: Plate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Path.open

    def closed(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == Path(plate.path_at(1002)):
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(UnreadableMedia, match="Permission denied") as caught:
        prepare_submission(request_of, transport)
    assert caught.value.where == plate.path_at(1002)


def test_progress_is_reported_in_the_callers_thread(
    gateway: Any, transport: Transport, request_of: Request, plate: Plate
) -> None:
    received: list[tuple[int, int]] = []
    threads = set()

    def progress(done: int, total: int) -> None:
        received.append((done, total))
        threads.add(threading.current_thread())

    prepare_submission(request_of, transport, progress)
    total = sum(sizes(plate))
    assert threads == {threading.current_thread()}
    assert received[-1] == (total, total)
    assert all(0 <= done <= total for done, _ in received)


def test_an_exception_in_progress_ends_the_transfer(
    gateway: Any, transport: Transport, request_of: Request
) -> None:
    class Enough(Exception):
        pass

    def progress(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        prepare_submission(request_of, transport, progress)
    assert gateway.count("POST", "/v1/jobs") == 0


def test_cancelling_ends_the_transfer(
    gateway: Any, transport: Transport, request_of: Request
) -> None:
    cancel = threading.Event()
    gateway.fault("PATCH", PATCH, before=cancel.set)
    gateway.fault("PATCH", PATCH, cut_body=10)
    with pytest.raises(JobCancelled):
        prepare_submission(request_of, transport, cancel=cancel)


def test_many_files_are_queried_in_batches(
    gateway: Any, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge_core.transfer import upload

    monkeypatch.setattr(upload, "_BATCH_SIZE", 4)
    gateway.roots = [tmp_path / "half"]
    plate = _plate_of_ten(tmp_path / "whole")
    prepare_submission(plate, transport)
    assert gateway.count("POST", "/v1/media/readable") == 3
    assert len(gateway.contents) == 10


def _plate_of_ten(folder: Path) -> Request:
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.shots import Shot, ShotId

    folder.mkdir()
    for frame in range(10):
        (folder / f"a.{frame}.exr").write_bytes(b"%d" % frame)
    frames = FrameRange.of(0, 9)
    plate = Plate(path=str(folder / "a.%d.exr"), range=frames)
    shot = Shot(id=ShotId(show="s", sequence="q", shot="h"), plate=plate, cut_range=frames)
    return Request(shot=shot, service="upscale")
