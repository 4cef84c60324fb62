"""A large cut is read and its rows are prepared in a worker; what changes meanwhile is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from fake_main_thread import FakeMainThread
from sample_versions import version_of

from bridge_core.models.settings import ClientSettings, Settings
from bridge_core.models.shots import Shot
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.core.session import Session
from bridge_ui.shots import row_index
from bridge_ui.shots.controller import ShotsController

CLIPS = 200


def _write_cut(path: Path, plates: Path, first: int = 1001) -> Path:
    plates.mkdir(exist_ok=True)
    for frame in range(1001, 1006):
        (plates / f"plate.{frame}.exr").touch()
    span, at = otio.opentime.TimeRange, otio.opentime.RationalTime
    timeline, track = otio.schema.Timeline("reel"), otio.schema.Track("V1", kind="Video")
    for number in range(CLIPS):
        media = otio.schema.ImageSequenceReference(
            plates.as_uri() + "/",
            "plate.",
            ".exr",
            1001,
            rate=24,
            frame_zero_padding=4,
            available_range=span(at(1001, 24), at(5, 24)),
        )
        source = span(at(first + number % 3, 24), at(2, 24))
        track.append(otio.schema.Clip(f"sh{number:04d}", media, source))
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(path))
    return path


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    return _write_cut(tmp_path / "reel.otio", tmp_path / "plates")


@pytest.fixture
def shots(
    cut: Path, tmp_path: Path, main_thread: FakeMainThread
) -> Iterator[tuple[Session, ShotsController]]:
    settings = Settings(client=ClientSettings(state_dir=tmp_path / "state", user="Ada"))
    session = Session(settings, StandaloneHost(settings, cut), main_thread.post)
    controller = ShotsController(session)
    yield session, controller
    controller.close()
    session.close()


def _is_read(controller: ShotsController) -> bool:
    return not controller.state.value.busy


def test_rows_are_prepared_in_a_worker_and_build_no_models(
    shots: tuple[Session, ShotsController],
    main_thread: FakeMainThread,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, controller = shots
    built: list[Shot] = []
    init, build_rows = Shot.__init__, row_index.build_rows
    threads: list[threading.Thread] = []

    def count(self: Shot, **values: Any) -> None:
        built.append(self)
        init(self, **values)

    def record(scene: Any) -> Any:
        threads.append(threading.current_thread())
        return build_rows(scene)

    monkeypatch.setattr(Shot, "__init__", count)
    monkeypatch.setattr(row_index, "build_rows", record)
    controller.reload()
    main_thread.wait_until(lambda: _is_read(controller), "the cut")
    assert len(controller.rows) == CLIPS
    assert threads and threading.current_thread() not in threads
    assert built == []
    row = controller.rows[7]
    assert row.range_text.startswith("1002–1003")
    assert built == [row.shot]


def test_a_version_that_arrives_while_the_cut_is_read_again_is_kept(
    shots: tuple[Session, ShotsController],
    main_thread: FakeMainThread,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session, controller = shots
    controller.reload()
    main_thread.wait_until(lambda: _is_read(controller), "the cut")
    first, second = controller.rows[0], controller.rows[1]
    assert first.shot is not None and second.shot is not None
    session.store.merge(versions=[version_of(first.shot)])
    version_id = controller.rows[0].newest_version_id
    assert version_id is not None

    is_reading, may_go_on = threading.Event(), threading.Event()
    build_rows = row_index.build_rows

    def wait(scene: Any) -> Any:
        is_reading.set()
        assert may_go_on.wait(30)
        return build_rows(scene)

    monkeypatch.setattr(row_index, "build_rows", wait)
    controller.reload()
    assert is_reading.wait(30)
    session.store.merge(versions=[version_of(second.shot).model_copy(update={"id": "later"})])
    may_go_on.set()
    main_thread.wait_until(lambda: _is_read(controller), "the cut")
    assert controller.rows[0].newest_version_id == version_id
    assert controller.rows[1].newest_version_id == "later"
    assert controller.rows[2].newest_version_id is None


def test_every_shot_of_a_new_cut_gets_the_status_that_is_known(
    shots: tuple[Session, ShotsController], main_thread: FakeMainThread, cut: Path
) -> None:
    """More of them than are computed at once."""
    session, controller = shots
    controller.reload()
    main_thread.wait_until(lambda: _is_read(controller), "the cut")
    versions = [
        version_of(row.shot).model_copy(update={"id": f"version-{number}"})
        for number, row in enumerate(controller.rows)
        if row.shot is not None
    ]
    empty = otio.schema.Timeline("reel")
    otio.adapters.write_to_file(empty, str(cut.with_name("empty.otio")))
    controller.open(cut.with_name("empty.otio"))
    main_thread.wait_until(lambda: _is_read(controller), "the cut")
    assert not len(controller.rows)
    session.store.merge(versions=versions)
    controller.open(cut)
    main_thread.wait_until(
        lambda: len(controller.rows) and all(row.newest_version_id for row in controller.rows),
        "all versions",
    )
    assert [row.newest_version_id for row in controller.rows] == [one.id for one in versions]


def test_changes_since_another_cut_survive_a_reload_and_can_be_removed(
    shots: tuple[Session, ShotsController], main_thread: FakeMainThread, cut: Path, tmp_path: Path
) -> None:
    _, controller = shots
    older = _write_cut(tmp_path / "older.otio", tmp_path / "plates", first=1002)
    controller.reload()
    main_thread.wait_until(lambda: _is_read(controller), "the cut")
    controller.compare_with(older)
    main_thread.wait_until(lambda: _is_read(controller), "the cut")
    changed = [row.key for row in controller.rows if row.is_changed]
    assert len(changed) == controller.state.value.changed_count > 0
    controller.reload()
    main_thread.wait_until(lambda: _is_read(controller), "the cut")
    assert [row.key for row in controller.rows if row.is_changed] == changed
    controller.compare_with(None)
    assert not any(row.change_text for row in controller.rows)
