"""Reading the open timeline: ranges, names, problems, and updates."""

from __future__ import annotations

import queue
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from resolve_api_object import CALL_RECORDER
from resolve_fake import Resolve
from resolve_sample_project import camera_file, import_plate

from bridge_core.errors import HostError
from bridge_core.models.settings import Settings
from bridge_core.timeline.cut_reader import read_cut
from bridge_resolve.api_thread import ApiThread
from bridge_resolve.connection import find_resolve
from bridge_resolve.host import ResolveHost


def test_shots_are_the_clips_of_the_timeline(sample) -> None:
    scene = sample.host.scene()
    assert scene.title == "Reel 1"
    assert scene.show == "Big Buck Bunny"
    first, second, raw = scene.shots
    assert first.item_id == sample.items[0].GetUniqueId()
    assert [shot.shot.id.shot for shot in (first, second)] == ["AB_0010", "AB_0020"]
    assert (first.shot.cut_range.first, first.shot.cut_range.last) == (1003, 1008)
    assert (first.shot.work_range.first, first.shot.work_range.last) == (1001, 1010)
    assert first.shot.record_range.first == sample.items[0].GetStart() == 90000
    assert first.shot.plate.colour_space == "ACEScg"
    assert (first.shot.plate.width, first.shot.plate.height) == (48, 32)
    assert raw.needs_render
    assert raw.shot.plate.colour_space == "Gamma 2.4 Encoded Rec.709"
    assert (raw.shot.cut_range.first, raw.shot.cut_range.last) == (90040, 90045)
    assert raw.shot.plate.range == raw.shot.work_range


def test_its_cut_can_be_read_like_any_file(sample) -> None:
    cut = sample.host.scene().cut
    again = read_cut(cut.path, handles=2)
    assert {item.clip_id for item in cut} <= {item.clip_id for item in again}
    assert cut.rate == 25
    assert not list(cut.path.parent.glob("*_export.otio"))


def test_only_clips_between_in_and_out(sample) -> None:
    sample.timeline._in_out = {"video": {"in": 8, "out": 12}}
    scene = sample.host.scene()
    assert [shot.item_id for shot in scene.shots] == [sample.items[1]._id]
    assert scene.title == "Reel 1, In to Out"
    assert scene.problems == ()


def test_two_clips_of_one_plate_are_two_shots(sample) -> None:
    media = sample.items[0].GetMediaPoolItem()
    twin = sample.app._cut_in(sample.timeline, media, 91000, 3, 4)
    shots = {shot.item_id: shot.shot for shot in sample.host.scene().shots}
    assert shots[twin._id].id.shot == "AB_0010_2"
    assert shots[twin._id].cut_range.first == 1005


def test_prores_raw_in_a_mov_is_a_camera_file_too(sample, tmp_path: Path) -> None:
    media = camera_file(sample.app, tmp_path / "camera", "B001.mov")
    media._properties["Video Codec"] = "Apple ProRes RAW HQ"
    clip = sample.app._cut_in(sample.timeline, media, 92000, 5, 0)
    (shot,) = [one for one in sample.host.scene().shots if one.item_id == clip._id]
    assert shot.needs_render


def test_a_clip_at_another_rate_and_retimed(sample, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    plate = import_plate(sample.app, folder, "CD_0010", range(1, 49))
    assert plate.SetClipProperty("FPS", "24")
    clip = sample.app._cut_in(sample.timeline, plate, 92000, 10, 0, speed=Fraction(2))
    (shot,) = [one.shot for one in sample.host.scene().shots if one.item_id == clip._id]
    assert shot.plate.range.rate == 24
    assert shot.retime.speed == 2
    # 10 frames of 25 a second, twice as fast: at the last, 9/25 s, 17.28 frames have passed.
    assert (shot.cut_range.first, shot.cut_range.last) == (1, 18)
    assert shot.plate_frames() == [1 + k * 2 * 24 // 25 for k in range(10)]


def test_no_timeline_and_another_timeline(sample) -> None:
    sample.project._current = None
    assert sample.host.scene().shots == ()
    assert sample.host.current_frame() is None
    with pytest.raises(HostError, match="open timeline"):
        sample.host.go_to_frame(90000)


def test_resolve_is_closed(sample) -> None:
    sample.app._project = None
    with pytest.raises(HostError) as excinfo:
        sample.host.scene()
    assert "return the open project" in excinfo.value.message
    assert "still open" in excinfo.value.next_step


def test_a_restarted_resolve_is_found_again(tmp_path: Path) -> None:
    running = [Resolve("25")]
    running[0]._new_timeline("Reel 1")

    def find() -> Resolve:
        return find_resolve({"resolve": running[0]})

    settings = Settings.model_validate({"client": {"state_dir": tmp_path}})
    host = ResolveHost(settings, find, ApiThread(idle_interval=0.01))
    changed = threading.Event()
    host.watch(changed.set)
    running[0]._closed = True
    with pytest.raises(HostError) as excinfo:
        host.scene()
    assert "scripting module" in excinfo.value.message, "there is no other Resolve"
    assert not changed.is_set()
    running[0] = Resolve("25")
    running[0]._new_timeline("Reel 2")
    assert changed.wait(5), "the change is reported"
    assert host.scene().title == "Reel 2"
    host.close()


def test_no_call_is_queued_after_the_end() -> None:
    """A call during closing is made or refused; it never waits for a thread that has ended."""
    thread = ApiThread(idle_interval=0.01)
    closing = threading.Thread(target=thread.close)

    class Slow(queue.SimpleQueue[Any]):
        def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
            if threading.current_thread() is calling:
                closing.start()
                thread._thread.join(0.2)
            super().put(item)

    answers: list[object] = []
    calling = threading.Thread(target=lambda: answers.append(thread.call(lambda: 42)), daemon=True)
    thread._calls = Slow()
    calling.start()
    calling.join(10)
    assert answers == [42]
    closing.join(10)
    with pytest.raises(HostError, match="closed"):
        thread.call(lambda: 42)


def test_a_failed_export_is_reported(sample) -> None:
    sample.app._refused.add("Timeline.Export")
    with pytest.raises(HostError, match="export the timeline Reel 1 as OTIO"):
        sample.host.scene()


def test_a_resolve_that_is_too_old_is_reported(sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(sample.items[0]), "GetUniqueId", None)
    with pytest.raises(HostError, match="lacks a function") as excinfo:
        sample.host.scene()
    assert "18.5" in excinfo.value.next_step


def test_everything_is_called_on_one_thread(sample) -> None:
    CALL_RECORDER.clear()
    calls = [sample.host.scene, sample.host.notes, sample.host.current_frame]
    threads = [threading.Thread(target=call) for call in calls * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(CALL_RECORDER.threads) == 1
    assert threading.get_ident() not in CALL_RECORDER.threads


def test_changes_are_reported_while_idle(tmp_path: Path) -> None:
    app = Resolve("25")
    timeline = app._new_timeline("Reel 1")
    settings = Settings.model_validate({"client": {"state_dir": tmp_path}})
    host = ResolveHost(settings, lambda: app, ApiThread(idle_interval=0.01))
    changed = threading.Event()
    end = host.watch(changed.set)
    assert not changed.wait(0.1), "nothing has changed"
    camera = camera_file(app, tmp_path, "A.braw")
    app._cut_in(timeline, camera, 90000, 5, 0)
    assert changed.wait(5)
    end()
    changed.clear()
    app._new_timeline("Reel 2")
    assert not changed.wait(0.1)
    host.close()
    with pytest.raises(HostError, match="closed"):
        host.scene()


def test_drop_frame_without_a_semicolon(sample, monkeypatch: pytest.MonkeyPatch) -> None:
    timeline = sample.app._new_timeline("Reel DF", rate="29.97 DF", start="01:00:00;00")
    monkeypatch.setattr(type(timeline), "GetStartTimecode", lambda self: "01:00:00:00")
    monkeypatch.setattr(type(timeline), "GetCurrentTimecode", lambda self: "01:01:00:02")
    assert sample.host.current_frame() == 107892 + 1800


@pytest.mark.parametrize(
    ("rate", "start", "frame", "timecode"),
    [
        ("25", "01:00:00:00", 90010, "01:00:00:10"),
        ("23.976", "01:00:00:00", 86400 + 24, "01:00:01:00"),
        ("29.97 DF", "01:00:00;00", 107892 + 1800, "01:01:00;02"),
        ("29.97", "01:00:00:00", 108000 + 1800, "01:01:00:00"),
    ],
)
def test_the_playhead_with_every_kind_of_timecode(
    tmp_path: Path, rate: str, start: str, frame: int, timecode: str
) -> None:
    app = Resolve(rate)
    timeline = app._new_timeline("Reel 1", start=start)
    camera = camera_file(app, tmp_path, "A.braw", frames=9000, rate="25")
    app._cut_in(timeline, camera, timeline.GetStartFrame(), 7000, 0)
    settings = Settings.model_validate({"client": {"state_dir": tmp_path}})
    host = ResolveHost(settings, lambda: app)
    host.go_to_frame(frame)
    assert timeline.GetCurrentTimecode() == timecode
    assert host.current_frame() == frame
    with pytest.raises(HostError, match="go to"):
        host.go_to_frame(1)
    host.close()
