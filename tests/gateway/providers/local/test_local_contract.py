"""The local provider with all formats, with damaged plates, and with processes that die; the rest
of its contract is tested by ``tests/contracts/test_provider_contract.py``."""

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
    UnreadableMedia,
)
from bridge_core.models.media import MOVIE_EXTENSIONS, frame_path
from bridge_core.models.requests import OutputFormat
from bridge_gateway.media.output_checks import check_output
from bridge_gateway.providers.base import PROXY_FILENAME, ProviderTask, TaskResult

FOOTAGE = ("exr", "dpx", "png", "mov")


def _check_whole_result(task: ProviderTask, result: TaskResult) -> None:
    """Everything requested exists and matches its description, and nothing else exists."""
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
def test_every_service_processes_every_frame_once(
    kind: str,
    contract_provider: Any,
    make_footage: Any,
    make_task: Any,
    make_monitor: Any,
    tmp_path: Path,
) -> None:
    footage = make_footage(kind)
    before = _all_files(tmp_path)
    for service in contract_provider.list_services():
        assert service.available, service.unavailable_reason
        task, monitor = make_task(contract_provider, service.id, footage), make_monitor()
        result = contract_provider.run(task, monitor)
        _check_whole_result(task, result)
        assert monitor.frames == list(task.frames)
        assert {model.id for model in result.models} <= set(service.model_ids)
        assert result.software and result.colour_conversions
        shutil.rmtree(task.folder)
    # The plate is unchanged, and nothing was written outside the tasks' folders.
    assert _all_files(tmp_path) == before


@pytest.mark.parametrize("kind", FOOTAGE)
def test_results_in_the_plates_own_format(
    kind: str, contract_provider: Any, make_footage: Any, make_task: Any, make_monitor: Any
) -> None:
    footage = make_footage(kind)
    for service in contract_provider.list_services():
        task = make_task(contract_provider, service.id, footage, output_format=OutputFormat.PLATE)
        try:
            result = contract_provider.run(task, make_monitor())
        except InvalidRequest as refused:
            # A format that cannot hold the result is refused, not written in part.
            assert refused.next_step
            assert not list(task.folder.glob("main.*"))
            continue
        _check_whole_result(task, result)
        assert {Path(output.pattern).suffix for output in result.outputs} == {f".{kind}"}


@pytest.mark.parametrize(("first", "count"), [(-2, 4), (9_999, 2), (1_000_000, 1)])
def test_any_frame_number_is_valid(
    first: int,
    count: int,
    contract_provider: Any,
    candidate: Any,
    make_footage: Any,
    make_task: Any,
    make_monitor: Any,
) -> None:
    footage = make_footage("exr", first=first, count=count)
    task = make_task(contract_provider, candidate.slowest_service, footage)
    _check_whole_result(task, contract_provider.run(task, make_monitor()))


def test_a_test_frame_request_processes_only_its_frames(
    contract_provider: Any, candidate: Any, make_footage: Any, make_task: Any, make_monitor: Any
) -> None:
    for kind in ("exr", "mov"):
        task = make_task(
            contract_provider,
            candidate.slowest_service,
            make_footage(kind, count=6),
            frames=(1002, 1005),
        )
        _check_whole_result(task, contract_provider.run(task, make_monitor()))
        shutil.rmtree(task.folder)


def test_gaps_between_frames_of_a_movie_are_kept(
    contract_provider: Any, make_footage: Any, make_task: Any, make_monitor: Any
) -> None:
    service = contract_provider.list_services()[0].id
    footage = make_footage("mov", count=6)
    task = make_task(
        contract_provider, service, footage, output_format=OutputFormat.PLATE, frames=(1002, 1005)
    )
    result = contract_provider.run(task, make_monitor())
    assert all(Path(output.pattern).suffix == ".exr" for output in result.outputs)
    _check_whole_result(task, result)


def test_files_without_a_suffix_are_read(
    contract_provider: Any, make_footage: Any, make_task: Any, make_monitor: Any, tmp_path: Path
) -> None:
    """Uploaded files are stored under their hash."""
    for kind in FOOTAGE:
        footage = make_footage(kind)
        store = tmp_path / "store" / kind
        store.mkdir(parents=True)
        files = {}
        for frame, path in footage.files.items():
            files[frame] = store / f"{hash(path.name) & 0xFFFFFFFF:x}"
            shutil.copyfile(path, files[frame])
        sent = type(footage)(footage.plate, files, footage.colour_space)
        for output_format in OutputFormat:
            folder = tmp_path / f"{kind} {output_format}"
            task = make_task(
                contract_provider,
                contract_provider.list_services()[0].id,
                sent,
                output_format=output_format,
                folder=folder,
            )
            _check_whole_result(task, contract_provider.run(task, make_monitor()))


def test_finished_frames_are_kept(
    contract_provider: Any,
    candidate: Any,
    make_footage: Any,
    make_task: Any,
    make_monitor: Any,
    finished: Any,
) -> None:
    task = make_task(contract_provider, candidate.slowest_service, make_footage("exr", count=6))
    monitor = make_monitor()
    monitor.on_frame = lambda frame: monitor.stop.set() if frame == 1002 else None
    with pytest.raises(JobCancelled):
        contract_provider.run(task, monitor)
    kept = finished(task)
    assert {1001, 1002} <= set(kept) < set(task.frames)
    before = _all_files(task.folder)
    partial = task.folder / ".partial-0a1b2c3d.exr"  # as a kill leaves it
    partial.write_bytes(b"half a picture")

    again = make_monitor()
    _check_whole_result(task, contract_provider.run(task, again))
    assert {frame: finished(task)[frame] for frame in kept} == kept
    after = _all_files(task.folder)
    for path, status in before.items():
        if any(f".{frame}." in path or f"/{frame}." in path for frame in kept):
            assert after[path] == status
    assert sorted(again.frames) == list(task.frames)


def test_a_finished_task_is_described_and_not_repeated(
    contract_provider: Any, make_footage: Any, make_task: Any, make_monitor: Any
) -> None:
    for kind in ("exr", "mov"):
        for service in contract_provider.list_services():
            task = make_task(
                contract_provider,
                service.id,
                make_footage(kind),
                output_format=OutputFormat.EXR if kind == "exr" else OutputFormat.PLATE,
            )
            try:
                result = contract_provider.run(task, make_monitor())
            except InvalidRequest:
                continue
            before = _all_files(task.folder)
            assert contract_provider.run(task, make_monitor()) == result
            assert _all_files(task.folder) == before
            shutil.rmtree(task.folder)


def test_cancelling_leaves_nothing_running(
    candidate: Any,
    models_dir: Path,
    make_footage: Any,
    make_task: Any,
    make_monitor: Any,
    children: Any,
) -> None:
    provider = candidate.make(models_dir)
    others = children()
    durations: list[float] = []
    # Other work on this machine may delay it once; a fault delays it every time.
    while len(durations) < 4 and not any(seconds < 2.0 for seconds in durations):
        task, monitor = (
            make_task(provider, candidate.slowest_service, make_footage("exr", count=40)),
            make_monitor(),
        )
        at = []

        def stop(frame: int, at: list[float] = at, monitor: Any = monitor) -> None:
            if not at:
                at.append(time.monotonic())
                monitor.stop.set()

        monitor.on_frame = stop
        with pytest.raises(JobCancelled):
            provider.run(task, monitor)
        durations.append(time.monotonic() - at[0])
        assert children() == others
        shutil.rmtree(task.folder)
    assert min(durations) < 2.0  # the contract's limit
    provider.close()


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_that_dies_is_replaced_and_the_task_continues(
    sent: signal.Signals,
    candidate: Any,
    models_dir: Path,
    make_footage: Any,
    make_task: Any,
    make_monitor: Any,
    finished: Any,
    children: Any,
) -> None:
    provider = candidate.make(models_dir)
    others = set(children())
    task, monitor = (
        make_task(provider, candidate.slowest_service, make_footage("exr", count=6)),
        make_monitor(),
    )
    kept: dict[int, int] = {}

    def kill(frame: int) -> None:
        # The proxy comes last, so that a kill never leaves it without its pictures.
        for finished_frame in finished(task):
            assert list(task.folder.glob(f"main.{finished_frame:04d}.*"))
        if frame == 1002:
            kept.update(finished(task))
            for child in set(children()) - others:
                os.kill(child.pid, sent)

    monitor.on_frame = kill
    _check_whole_result(task, provider.run(task, monitor))
    assert {1001, 1002} <= set(kept) < set(task.frames)
    assert {frame: finished(task)[frame] for frame in kept} == kept
    assert sorted(monitor.frames) == list(task.frames)
    provider.close()
    assert set(children()) == others


def test_all_missing_frames_are_listed_before_any_work(
    contract_provider: Any,
    candidate: Any,
    make_footage: Any,
    make_task: Any,
    make_monitor: Any,
    finished: Any,
) -> None:
    footage = make_footage("exr", count=6)
    for frame in (1003, 1006):
        footage.files[frame].unlink()
    task = make_task(contract_provider, candidate.slowest_service, footage)
    with pytest.raises(MissingFrames) as excinfo:
        contract_provider.run(task, make_monitor())
    assert excinfo.value.details["frames"] == [1003, 1006]
    assert excinfo.value.next_step
    assert not finished(task)


def test_frames_beyond_a_movies_end_are_missing(
    contract_provider: Any, make_footage: Any, make_task: Any, make_monitor: Any
) -> None:
    footage = make_footage("mov", count=3)
    longer = footage.plate.range.with_handles(0, 2)
    plate = footage.plate.model_copy(update={"range": longer})
    files = dict.fromkeys(longer.frames(), footage.files[1001])
    beyond = type(footage)(plate, files, footage.colour_space)
    with pytest.raises(MissingFrames) as excinfo:
        contract_provider.run(
            make_task(contract_provider, contract_provider.list_services()[0].id, beyond),
            make_monitor(),
        )
    assert excinfo.value.details["frames"] == [1004, 1005]


@pytest.mark.parametrize("kind", FOOTAGE)
def test_the_error_names_a_truncated_file_and_earlier_frames_are_kept(
    kind: str, contract_provider: Any, make_footage: Any, make_task: Any, make_monitor: Any
) -> None:
    footage = make_footage(kind)
    broken = footage.files[1003]
    os.truncate(broken, broken.stat().st_size // 2)
    task, monitor = (
        make_task(contract_provider, contract_provider.list_services()[0].id, footage),
        make_monitor(),
    )
    with pytest.raises((UnreadableMedia, MissingFrames)) as excinfo:
        contract_provider.run(task, monitor)
    assert broken.name in str(excinfo.value)
    assert excinfo.value.next_step
    assert not (task.folder / PROXY_FILENAME.format(frame=1003)).exists()
    if kind != "mov":
        assert monitor.frames == [1001, 1002]


def test_an_error_does_not_affect_the_next_task(
    contract_provider: Any, make_footage: Any, make_task: Any, make_monitor: Any
) -> None:
    service = contract_provider.list_services()[0].id
    bad, good = make_footage("exr"), make_footage("png")
    bad.files[1002].write_bytes(b"not a picture")
    with pytest.raises(UnreadableMedia):
        contract_provider.run(make_task(contract_provider, service, bad), make_monitor())
    task = make_task(contract_provider, service, good, folder=bad.files[1001].parents[2] / "good")
    _check_whole_result(task, contract_provider.run(task, make_monitor()))


def test_closing_twice_is_allowed(
    candidate: Any,
    models_dir: Path,
    make_footage: Any,
    make_task: Any,
    make_monitor: Any,
    children: Any,
) -> None:
    provider = candidate.make(models_dir)
    others = children()
    provider.run(
        make_task(provider, provider.list_services()[0].id, make_footage("png")), make_monitor()
    )
    provider.close()
    provider.close()
    assert children() == others
