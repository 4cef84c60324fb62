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
from bridge_core.models.media import MOVIES, frame_path
from bridge_core.models.requests import Delivery
from bridge_gateway.media.checks import check_output
from bridge_gateway.providers.contract import PROXY, Made, Task

FOOTAGE = ("exr", "dpx", "png", "mov")


def _whole(task: Task, made: Made) -> None:
    """All that was asked for stands there, is what it is said to be, and nothing else does."""
    assert made.outputs[0].name == "main"
    expected = {PROXY.format(frame=frame) for frame in task.frames}
    for output in made.outputs:
        assert (output.range.first, output.range.last) == (task.frames[0], task.frames[-1])
        assert output.range.rate == task.plate.range.rate
        check_output(task.folder, output, task.frames)
        expected |= {frame_path(output.pattern, frame) for frame in task.frames}
        if Path(output.pattern).suffix not in MOVIES:
            for frame in task.frames:
                path = task.folder / frame_path(output.pattern, frame)
                spec = oiio.ImageBuf(str(path)).spec()
                assert (spec.full_width, spec.full_height) == (output.width, output.height)
    found = {str(p.relative_to(task.folder)) for p in task.folder.rglob("*") if p.is_file()}
    assert found == expected
    for frame in task.frames:
        proxy = (task.folder / PROXY.format(frame=frame)).read_bytes()
        assert proxy.startswith(b"\xff\xd8") and proxy.endswith(b"\xff\xd9")


def _everything(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("kind", FOOTAGE)
def test_every_service_makes_every_frame_once(
    kind: str, provider: Any, shoot: Any, task_of: Any, watching: Any, tmp_path: Path
) -> None:
    footage = shoot(kind)
    before = _everything(tmp_path)
    for service in provider.services():
        assert service.available, service.unavailable_because
        task, watch = task_of(provider, service.id, footage), watching()
        made = provider.run(task, watch)
        _whole(task, made)
        assert watch.frames == list(task.frames)
        assert {model.id for model in made.models} <= set(service.models)
        assert made.software and made.colour
        shutil.rmtree(task.folder)
    # The plate is as it was, and nothing was written anywhere beside the tasks' folders.
    assert _everything(tmp_path) == before


@pytest.mark.parametrize("kind", FOOTAGE)
def test_the_plates_own_format_comes_back(
    kind: str, provider: Any, shoot: Any, task_of: Any, watching: Any
) -> None:
    footage = shoot(kind)
    for service in provider.services():
        task = task_of(provider, service.id, footage, delivery=Delivery.PLATE)
        try:
            made = provider.run(task, watching())
        except InvalidRequest as refused:
            # A format that cannot hold what the service makes is refused, not filled in part.
            assert refused.next_step
            assert not list(task.folder.glob("main.*"))
            continue
        _whole(task, made)
        assert {Path(output.pattern).suffix for output in made.outputs} == {f".{kind}"}


@pytest.mark.parametrize(("first", "count"), [(-2, 4), (9_999, 2), (1_000_000, 1)])
def test_any_frame_number_is_one(
    first: int, count: int, provider: Any, candidate: Any, shoot: Any, task_of: Any, watching: Any
) -> None:
    footage = shoot("exr", first=first, count=count)
    task = task_of(provider, candidate.slow, footage)
    _whole(task, provider.run(task, watching()))


def test_a_try_makes_its_frames_only(
    provider: Any, candidate: Any, shoot: Any, task_of: Any, watching: Any
) -> None:
    for kind in ("exr", "mov"):
        task = task_of(provider, candidate.slow, shoot(kind, count=6), frames=(1002, 1005))
        _whole(task, provider.run(task, watching()))
        shutil.rmtree(task.folder)


def test_a_movies_gaps_are_not_closed(
    provider: Any, shoot: Any, task_of: Any, watching: Any
) -> None:
    service = provider.services()[0].id
    footage = shoot("mov", count=6)
    task = task_of(provider, service, footage, delivery=Delivery.PLATE, frames=(1002, 1005))
    made = provider.run(task, watching())
    assert all(Path(output.pattern).suffix == ".exr" for output in made.outputs)
    _whole(task, made)


def test_contents_without_an_ending_are_read(
    provider: Any, shoot: Any, task_of: Any, watching: Any, tmp_path: Path
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
        for delivery in Delivery:
            folder = tmp_path / f"{kind} {delivery}"
            task = task_of(
                provider, provider.services()[0].id, sent, delivery=delivery, folder=folder
            )
            _whole(task, provider.run(task, watching()))


def test_paths_hold_spaces_and_letters_of_any_script(
    provider: Any, candidate: Any, shoot: Any, task_of: Any, watching: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "Größe 東京 %d" / "work"
    task = task_of(provider, candidate.slow, shoot("exr"), folder=folder)
    _whole(task, provider.run(task, watching()))


def test_finished_frames_are_kept(
    provider: Any, candidate: Any, shoot: Any, task_of: Any, watching: Any, finished: Any
) -> None:
    task = task_of(provider, candidate.slow, shoot("exr", count=6))
    watch = watching()
    watch.on_frame = lambda frame: watch.stop.set() if frame == 1002 else None
    with pytest.raises(JobCancelled):
        provider.run(task, watch)
    kept = finished(task)
    assert {1001, 1002} <= set(kept) < set(task.frames)
    before = _everything(task.folder)
    left_by_a_kill = task.folder / ".partial-0a1b2c3d.exr"
    left_by_a_kill.write_bytes(b"half a picture")

    again = watching()
    _whole(task, provider.run(task, again))
    assert {frame: finished(task)[frame] for frame in kept} == kept
    after = _everything(task.folder)
    for path, facts in before.items():
        if any(f".{frame}." in path or f"/{frame}." in path for frame in kept):
            assert after[path] == facts
    assert sorted(again.frames) == list(task.frames)


def test_a_task_that_is_finished_is_described_and_not_made_again(
    provider: Any, shoot: Any, task_of: Any, watching: Any
) -> None:
    for kind in ("exr", "mov"):
        for service in provider.services():
            task = task_of(
                provider,
                service.id,
                shoot(kind),
                delivery=Delivery.EXR if kind == "exr" else Delivery.PLATE,
            )
            try:
                made = provider.run(task, watching())
            except InvalidRequest:
                continue
            before = _everything(task.folder)
            assert provider.run(task, watching()) == made
            assert _everything(task.folder) == before
            shutil.rmtree(task.folder)


def test_cancelling_leaves_nothing_running(
    candidate: Any, models_dir: Path, shoot: Any, task_of: Any, watching: Any, children: Any
) -> None:
    provider = candidate.make(models_dir)
    others = children()
    taken: list[float] = []
    # Late because of other work on this machine it is once; of itself it is each time.
    while len(taken) < 4 and not any(seconds < 2.0 for seconds in taken):
        task, watch = task_of(provider, candidate.slow, shoot("exr", count=40)), watching()
        at = []

        def stop(frame: int, at: list[float] = at, watch: Any = watch) -> None:
            if not at:
                at.append(time.monotonic())
                watch.stop.set()

        watch.on_frame = stop
        with pytest.raises(JobCancelled):
            provider.run(task, watch)
        taken.append(time.monotonic() - at[0])
        assert children() == others
        shutil.rmtree(task.folder)
    assert min(taken) < 2.0  # what the contract promises
    provider.close()


def test_a_cancelled_task_is_not_begun(
    provider: Any, candidate: Any, shoot: Any, task_of: Any, watching: Any, finished: Any
) -> None:
    task, watch = task_of(provider, candidate.slow, shoot("exr")), watching()
    watch.stop.set()
    with pytest.raises(JobCancelled):
        provider.run(task, watch)
    assert not finished(task)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_that_dies_is_replaced_and_the_work_goes_on(
    how: signal.Signals,
    candidate: Any,
    models_dir: Path,
    shoot: Any,
    task_of: Any,
    watching: Any,
    finished: Any,
    children: Any,
) -> None:
    provider = candidate.make(models_dir)
    others = set(children())
    task, watch = task_of(provider, candidate.slow, shoot("exr", count=6)), watching()
    kept: dict[int, int] = {}

    def kill(frame: int) -> None:
        # The proxy comes last, so that a kill never leaves it without its pictures.
        for stands in finished(task):
            assert list(task.folder.glob(f"main.{stands:04d}.*"))
        if frame == 1002:
            kept.update(finished(task))
            for child in set(children()) - others:
                os.kill(child.pid, how)

    watch.on_frame = kill
    _whole(task, provider.run(task, watch))
    assert {1001, 1002} <= set(kept) < set(task.frames)
    assert {frame: finished(task)[frame] for frame in kept} == kept
    assert sorted(watch.frames) == list(task.frames)
    provider.close()
    assert set(children()) == others


def test_missing_frames_are_all_named_before_any_work(
    provider: Any, candidate: Any, shoot: Any, task_of: Any, watching: Any, finished: Any
) -> None:
    footage = shoot("exr", count=6)
    for frame in (1003, 1006):
        footage.files[frame].unlink()
    task = task_of(provider, candidate.slow, footage)
    with pytest.raises(MissingFrames) as told:
        provider.run(task, watching())
    assert told.value.details["frames"] == [1003, 1006]
    assert told.value.next_step
    assert not finished(task)


def test_frames_beyond_a_movies_end_are_missing(
    provider: Any, shoot: Any, task_of: Any, watching: Any
) -> None:
    footage = shoot("mov", count=3)
    longer = footage.plate.range.with_handles(0, 2)
    plate = footage.plate.model_copy(update={"range": longer})
    files = dict.fromkeys(longer.frames(), footage.files[1001])
    beyond = type(footage)(plate, files, footage.colour_space)
    with pytest.raises(MissingFrames) as told:
        provider.run(task_of(provider, provider.services()[0].id, beyond), watching())
    assert told.value.details["frames"] == [1004, 1005]


@pytest.mark.parametrize("kind", FOOTAGE)
def test_a_truncated_file_is_named_and_the_frames_before_it_are_kept(
    kind: str, provider: Any, shoot: Any, task_of: Any, watching: Any
) -> None:
    footage = shoot(kind)
    broken = footage.files[1003]
    os.truncate(broken, broken.stat().st_size // 2)
    task, watch = task_of(provider, provider.services()[0].id, footage), watching()
    with pytest.raises((UnreadableMedia, MissingFrames)) as told:
        provider.run(task, watch)
    assert broken.name in str(told.value)
    assert told.value.next_step
    assert not (task.folder / PROXY.format(frame=1003)).exists()
    if kind != "mov":
        assert watch.frames == [1001, 1002]


def test_a_service_that_it_does_not_have(
    provider: Any, shoot: Any, task_of: Any, watching: Any
) -> None:
    task = task_of(provider, provider.services()[0].id, shoot("exr"))
    other = type(task)(**{**vars(task), "service": "set_extension"})
    with pytest.raises(UnknownService):
        provider.run(other, watching())


def test_a_folder_that_cannot_be_written(
    provider: Any, shoot: Any, task_of: Any, watching: Any, tmp_path: Path
) -> None:
    task = task_of(provider, provider.services()[0].id, shoot("exr"))
    (tmp_path / "a file").touch()
    nowhere = type(task)(**{**vars(task), "folder": tmp_path / "a file" / "work"})
    with pytest.raises(NotWritable):
        provider.run(nowhere, watching())


def test_an_error_does_not_spoil_the_next_task(
    provider: Any, shoot: Any, task_of: Any, watching: Any
) -> None:
    service = provider.services()[0].id
    bad, good = shoot("exr"), shoot("png")
    bad.files[1002].write_bytes(b"not a picture")
    with pytest.raises(UnreadableMedia):
        provider.run(task_of(provider, service, bad), watching())
    task = task_of(provider, service, good, folder=bad.files[1001].parents[2] / "good")
    _whole(task, provider.run(task, watching()))


def test_closing_twice_is_closing(
    candidate: Any, models_dir: Path, shoot: Any, task_of: Any, watching: Any, children: Any
) -> None:
    provider = candidate.make(models_dir)
    others = children()
    provider.run(task_of(provider, provider.services()[0].id, shoot("png")), watching())
    provider.close()
    provider.close()
    assert children() == others
