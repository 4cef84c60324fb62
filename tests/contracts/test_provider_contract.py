"""What every provider must keep, whatever it runs on. See providers/contract.py."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import OpenImageIO as oiio
import pytest

from bridge_core.errors import (
    InvalidRequest,
    JobCancelled,
    MissingFrames,
    NotWritable,
    UnknownService,
    UnreadableMedia,
)
from bridge_core.models.media import MOVIE_EXTENSIONS, frame_path
from bridge_core.models.requests import OutputFormat
from bridge_gateway.media.output_checks import check_output
from bridge_gateway.providers.base import PROXY_FILENAME, ProviderTask, TaskResult

FOOTAGE = ("exr", "dpx", "png", "mov")


def _check_whole_result(task: ProviderTask, result: TaskResult) -> None:
    """All that was asked for stands there, is what it is said to be, and nothing else does."""
    assert result.outputs[0].name == "main"
    expected = {PROXY_FILENAME.format(frame=frame) for frame in task.frames}
    for output in result.outputs:
        assert (output.range.first, output.range.last) == (task.frames[0], task.frames[-1])
        assert output.range.rate == task.plate.range.rate
        check_output(task.folder, output, task.frames)
        expected |= {frame_path(output.pattern, frame) for frame in task.frames}
        if Path(output.pattern).suffix not in MOVIE_EXTENSIONS:
            for frame in task.frames:
                path = task.folder / frame_path(output.pattern, frame)
                spec = oiio.ImageBuf(str(path)).spec()
                assert (spec.full_width, spec.full_height) == (output.width, output.height)
    written = {str(p.relative_to(task.folder)) for p in task.folder.rglob("*") if p.is_file()}
    assert written == expected
    for frame in task.frames:
        proxy = (task.folder / PROXY_FILENAME.format(frame=frame)).read_bytes()
        assert proxy.startswith(b"\xff\xd8") and proxy.endswith(b"\xff\xd9")


def _all_files(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("kind", FOOTAGE)
def test_every_service_makes_every_frame_once(
    kind: str, provider: Any, shoot: Any, task_of: Any, make_monitor: Any, tmp_path: Path
) -> None:
    footage = shoot(kind)
    before = _all_files(tmp_path)
    for service in provider.services():
        assert service.available, service.unavailable_because
        task, monitor = task_of(provider, service.id, footage), make_monitor()
        result = provider.run(task, monitor)
        _check_whole_result(task, result)
        assert monitor.frames == list(task.frames)
        assert {model.id for model in result.models} <= set(service.models)
        assert result.software and result.colour
        shutil.rmtree(task.folder)
    # The plate is as it was, and nothing was written anywhere beside the tasks' folders.
    assert _all_files(tmp_path) == before


@pytest.mark.parametrize("kind", FOOTAGE)
def test_the_plates_own_format_comes_back(
    kind: str, provider: Any, shoot: Any, task_of: Any, make_monitor: Any
) -> None:
    footage = shoot(kind)
    for service in provider.services():
        task = task_of(provider, service.id, footage, delivery=OutputFormat.PLATE)
        try:
            result = provider.run(task, make_monitor())
        except InvalidRequest as refused:
            # A format that cannot hold what the service makes is refused, not filled in part.
            assert refused.next_step
            assert not list(task.folder.glob("main.*"))
            continue
        _check_whole_result(task, result)
        assert {Path(output.pattern).suffix for output in result.outputs} == {f".{kind}"}


@pytest.mark.parametrize(("first", "count"), [(-2, 4), (9_999, 2), (1_000_000, 1)])
def test_any_frame_number_is_one(
    first: int,
    count: int,
    provider: Any,
    candidate: Any,
    shoot: Any,
    task_of: Any,
    make_monitor: Any,
) -> None:
    footage = shoot("exr", first=first, count=count)
    task = task_of(provider, candidate.slow, footage)
    _check_whole_result(task, provider.run(task, make_monitor()))


def test_a_test_frame_request_makes_its_frames_only(
    provider: Any, candidate: Any, shoot: Any, task_of: Any, make_monitor: Any
) -> None:
    for kind in ("exr", "mov"):
        task = task_of(provider, candidate.slow, shoot(kind, count=6), frames=(1002, 1005))
        _check_whole_result(task, provider.run(task, make_monitor()))
        shutil.rmtree(task.folder)


def test_a_movies_gaps_are_not_closed(
    provider: Any, shoot: Any, task_of: Any, make_monitor: Any
) -> None:
    service = provider.services()[0].id
    footage = shoot("mov", count=6)
    task = task_of(provider, service, footage, delivery=OutputFormat.PLATE, frames=(1002, 1005))
    result = provider.run(task, make_monitor())
    assert all(Path(output.pattern).suffix == ".exr" for output in result.outputs)
    _check_whole_result(task, result)


def test_contents_without_an_ending_are_read(
    provider: Any, shoot: Any, task_of: Any, make_monitor: Any, tmp_path: Path
) -> None:
    """What a client sent lies in the gateway's store under its hash."""
    for kind in FOOTAGE:
        footage = shoot(kind)
        store = tmp_path / "store" / kind
        store.mkdir(parents=True)
        files = {}
        for frame, path in footage.files.items():
            files[frame] = store / f"{hash(path.name) & 0xFFFFFFFF:x}"
            shutil.copyfile(path, files[frame])
        sent = type(footage)(footage.plate, files, footage.colour_space)
        for delivery in OutputFormat:
            folder = tmp_path / f"{kind} {delivery}"
            task = task_of(
                provider, provider.services()[0].id, sent, delivery=delivery, folder=folder
            )
            _check_whole_result(task, provider.run(task, make_monitor()))


def test_paths_hold_spaces_and_letters_of_any_script(
    provider: Any, candidate: Any, shoot: Any, task_of: Any, make_monitor: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "Größe 東京 %d" / "work"
    task = task_of(provider, candidate.slow, shoot("exr"), folder=folder)
    _check_whole_result(task, provider.run(task, make_monitor()))


def test_finished_frames_are_kept(
    provider: Any, candidate: Any, shoot: Any, task_of: Any, make_monitor: Any, finished: Any
) -> None:
    task = task_of(provider, candidate.slow, shoot("exr", count=6))
    monitor = make_monitor()
    monitor.on_frame = lambda frame: monitor.stop.set() if frame == 1002 else None
    with pytest.raises(JobCancelled):
        provider.run(task, monitor)
    kept = finished(task)
    assert {1001, 1002} <= set(kept) < set(task.frames)
    before = _all_files(task.folder)
    left_by_a_kill = task.folder / ".partial-0a1b2c3d.exr"
    left_by_a_kill.write_bytes(b"half a picture")

    again = make_monitor()
    _check_whole_result(task, provider.run(task, again))
    assert {frame: finished(task)[frame] for frame in kept} == kept
    after = _all_files(task.folder)
    for path, facts in before.items():
        if any(f".{frame}." in path or f"/{frame}." in path for frame in kept):
            assert after[path] == facts
    assert sorted(again.frames) == list(task.frames)


def test_a_task_that_is_finished_is_described_and_not_made_again(
    provider: Any, shoot: Any, task_of: Any, make_monitor: Any
) -> None:
    for kind in ("exr", "mov"):
        for service in provider.services():
            task = task_of(
                provider,
                service.id,
                shoot(kind),
                delivery=OutputFormat.EXR if kind == "exr" else OutputFormat.PLATE,
            )
            try:
                result = provider.run(task, make_monitor())
            except InvalidRequest:
                continue
            before = _all_files(task.folder)
            assert provider.run(task, make_monitor()) == result
            assert _all_files(task.folder) == before
            shutil.rmtree(task.folder)


def test_cancelling_leaves_nothing_running(
    candidate: Any, models_dir: Path, shoot: Any, task_of: Any, make_monitor: Any, children: Any
) -> None:
    provider = candidate.make(models_dir)
    others = children()
    taken: list[float] = []
    # Late because of other work on this machine it is once; of itself it is each time.
    while len(taken) < 4 and not any(seconds < 2.0 for seconds in taken):
        task, monitor = task_of(provider, candidate.slow, shoot("exr", count=40)), make_monitor()
        at = []

        def stop(frame: int, at: list[float] = at, monitor: Any = monitor) -> None:
            if not at:
                at.append(time.monotonic())
                monitor.stop.set()

        monitor.on_frame = stop
        with pytest.raises(JobCancelled):
            provider.run(task, monitor)
        taken.append(time.monotonic() - at[0])
        assert children() == others
        shutil.rmtree(task.folder)
    assert min(taken) < 2.0  # what the contract promises
    provider.close()


def test_a_cancelled_task_is_not_begun(
    provider: Any, candidate: Any, shoot: Any, task_of: Any, make_monitor: Any, finished: Any
) -> None:
    task, monitor = task_of(provider, candidate.slow, shoot("exr")), make_monitor()
    monitor.stop.set()
    with pytest.raises(JobCancelled):
        provider.run(task, monitor)
    assert not finished(task)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_that_dies_is_replaced_and_the_work_goes_on(
    how: signal.Signals,
    candidate: Any,
    models_dir: Path,
    shoot: Any,
    task_of: Any,
    make_monitor: Any,
    finished: Any,
    children: Any,
) -> None:
    provider = candidate.make(models_dir)
    others = set(children())
    task, monitor = task_of(provider, candidate.slow, shoot("exr", count=6)), make_monitor()
    kept: dict[int, int] = {}

    def kill(frame: int) -> None:
        # The proxy comes last, so that a kill never leaves it without its pictures.
        for finished_frame in finished(task):
            assert list(task.folder.glob(f"main.{finished_frame:04d}.*"))
        if frame == 1002:
            kept.update(finished(task))
            for child in set(children()) - others:
                os.kill(child.pid, how)

    monitor.on_frame = kill
    _check_whole_result(task, provider.run(task, monitor))
    assert {1001, 1002} <= set(kept) < set(task.frames)
    assert {frame: finished(task)[frame] for frame in kept} == kept
    assert sorted(monitor.frames) == list(task.frames)
    provider.close()
    assert set(children()) == others


def test_missing_frames_are_all_named_before_any_work(
    provider: Any, candidate: Any, shoot: Any, task_of: Any, make_monitor: Any, finished: Any
) -> None:
    footage = shoot("exr", count=6)
    for frame in (1003, 1006):
        footage.files[frame].unlink()
    task = task_of(provider, candidate.slow, footage)
    with pytest.raises(MissingFrames) as excinfo:
        provider.run(task, make_monitor())
    assert excinfo.value.details["frames"] == [1003, 1006]
    assert excinfo.value.next_step
    assert not finished(task)


def test_frames_beyond_a_movies_end_are_missing(
    provider: Any, shoot: Any, task_of: Any, make_monitor: Any
) -> None:
    footage = shoot("mov", count=3)
    longer = footage.plate.range.with_handles(0, 2)
    plate = footage.plate.model_copy(update={"range": longer})
    files = dict.fromkeys(longer.frames(), footage.files[1001])
    beyond = type(footage)(plate, files, footage.colour_space)
    with pytest.raises(MissingFrames) as excinfo:
        provider.run(task_of(provider, provider.services()[0].id, beyond), make_monitor())
    assert excinfo.value.details["frames"] == [1004, 1005]


@pytest.mark.parametrize("kind", FOOTAGE)
def test_a_truncated_file_is_named_and_the_frames_before_it_are_kept(
    kind: str, provider: Any, shoot: Any, task_of: Any, make_monitor: Any
) -> None:
    footage = shoot(kind)
    broken = footage.files[1003]
    os.truncate(broken, broken.stat().st_size // 2)
    task, monitor = task_of(provider, provider.services()[0].id, footage), make_monitor()
    with pytest.raises((UnreadableMedia, MissingFrames)) as excinfo:
        provider.run(task, monitor)
    assert broken.name in str(excinfo.value)
    assert excinfo.value.next_step
    assert not (task.folder / PROXY_FILENAME.format(frame=1003)).exists()
    if kind != "mov":
        assert monitor.frames == [1001, 1002]


def test_a_service_that_it_does_not_have(
    provider: Any, shoot: Any, task_of: Any, make_monitor: Any
) -> None:
    task = task_of(provider, provider.services()[0].id, shoot("exr"))
    other = type(task)(**{**vars(task), "service": "set_extension"})
    with pytest.raises(UnknownService):
        provider.run(other, make_monitor())


def test_a_folder_that_cannot_be_written(
    provider: Any, shoot: Any, task_of: Any, make_monitor: Any, tmp_path: Path
) -> None:
    task = task_of(provider, provider.services()[0].id, shoot("exr"))
    (tmp_path / "a file").touch()
    nowhere = type(task)(**{**vars(task), "folder": tmp_path / "a file" / "work"})
    with pytest.raises(NotWritable):
        provider.run(nowhere, make_monitor())


def test_an_error_does_not_spoil_the_next_task(
    provider: Any, shoot: Any, task_of: Any, make_monitor: Any
) -> None:
    service = provider.services()[0].id
    bad, good = shoot("exr"), shoot("png")
    bad.files[1002].write_bytes(b"not a picture")
    with pytest.raises(UnreadableMedia):
        provider.run(task_of(provider, service, bad), make_monitor())
    task = task_of(provider, service, good, folder=bad.files[1001].parents[2] / "good")
    _check_whole_result(task, provider.run(task, make_monitor()))


def test_closing_twice_is_closing(
    candidate: Any, models_dir: Path, shoot: Any, task_of: Any, make_monitor: Any, children: Any
) -> None:
    provider = candidate.make(models_dir)
    others = children()
    provider.run(task_of(provider, provider.services()[0].id, shoot("png")), make_monitor())
    provider.close()
    provider.close()
    assert children() == others
