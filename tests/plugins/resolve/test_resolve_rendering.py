"""Rendering camera files: exact frames, and restored user settings."""

from __future__ import annotations

from pathlib import Path

import OpenImageIO as oiio
import pytest
from resolve_render import CODECS
from resolve_sample_project import camera_file, render_state

from bridge_core.errors import HostError
from bridge_core.models.frames import frame_to_timecode, timecode_to_frame
from bridge_gateway.media.picture_samples import read_timecode
from bridge_resolve import rendering
from bridge_resolve.rendering import RENDER_NAME


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "rendered"
    target.mkdir()
    return target


def brightness(path: str) -> int:
    return round(oiio.ImageBuf(path).getpixel(0, 0)[0] * 1000)


def test_every_file_has_the_frame_of_its_number(sample, folder: Path) -> None:
    shot = sample.shot(2)
    before = render_state(sample.app)
    *_, last = sample.host.render(shot.item_id, folder)
    made = last.shot
    assert made.plate.range == shot.shot.work_range
    assert made.cut_range == shot.shot.cut_range
    for frame in made.work_range.frames():
        # The camera file starts at 01:00:00:00, which is frame 90000 at 25.
        assert brightness(made.plate.path_at(frame)) == frame - 90000
    assert "Ä" not in made.plate.path.rpartition("/")[2]
    assert render_state(sample.app) == before
    spec = oiio.ImageBuf(made.plate.path_at(made.cut_range.first)).spec()
    assert spec.format == oiio.HALF
    assert read_timecode(spec) == frame_to_timecode(made.cut_range.first, 25) == "01:00:01:15"


def test_single_frames_with_gaps(sample, folder: Path) -> None:
    shot = sample.shot(2)
    wanted = [90047, 90039, 90040]
    *_, last = sample.host.render(shot.item_id, folder, wanted)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"A001_C003_{frame}.exr".replace("_9", "_0009") for frame in sorted(wanted)]
    for frame in wanted:
        assert brightness(last.shot.plate.path_at(frame)) == frame - 90000


REFUSALS = [
    *("Project.SaveAsNewRenderPreset", "MediaPool.CreateEmptyTimeline", "Timeline.SetSetting"),
    *("MediaPool.AppendToTimeline", "Project.SetRenderSettings", "Project.AddRenderJob"),
    *("Project.StartRendering", "Project.GetRenderJobStatus"),
]


@pytest.mark.parametrize("call", REFUSALS)
def test_the_users_settings_are_restored_after_a_failure(sample, folder: Path, call: str) -> None:
    shot = sample.shot(2)
    before = render_state(sample.app)
    sample.app._refused.add(call)
    with pytest.raises(HostError) as excinfo:
        list(sample.host.render(shot.item_id, folder))
    assert excinfo.value.next_step
    if call == "Project.GetRenderJobStatus":
        assert "the GPU is full" in excinfo.value.message
    assert render_state(sample.app) == before
    assert list(folder.iterdir()) == []


def test_a_job_that_is_stopped_in_resolve(sample, folder: Path) -> None:
    shot = sample.shot(2)
    before = render_state(sample.app)
    steps = sample.host.render(shot.item_id, folder)
    next(steps)
    sample.project.StopRendering()
    with pytest.raises(HostError, match="stopped in Resolve"):
        list(steps)
    assert render_state(sample.app) == before
    assert list(folder.iterdir()) == []


def test_settings_are_restored_after_a_crash(sample, folder: Path) -> None:
    """The process was killed: the preset still has the user's settings."""
    before, shot, project = render_state(sample.app), sample.shot(2), sample.project
    users = project._current
    assert project.SaveAsNewRenderPreset(RENDER_NAME)
    assert project.SetRenderSettings({"TargetDir": "/gone", "CustomName": "plate."})
    assert project.SetCurrentRenderFormatAndCodec("exr", "RGBHalfZIP")
    assert project._pool.CreateEmptyTimeline(RENDER_NAME)
    assert project.AddRenderJob()
    project._current = users
    assert render_state(sample.app) != before
    *_, last = sample.host.render(shot.item_id, folder)
    assert last.shot is not None
    assert render_state(sample.app) == before


def test_the_user_can_use_the_deliver_page_meanwhile(sample, folder: Path) -> None:
    """Settings and jobs that the user adds meanwhile are kept."""
    project, before = sample.project, dict(sample.project._render_settings)
    steps = sample.host.render(sample.shot(2).item_id, folder)
    next(steps)
    assert project.IsRenderingInProgress()
    assert project._render_settings == before
    assert project._format == {"format": "mov", "codec": "H264"}
    assert project.GetRenderPresetList() == []
    assert project.SetRenderSettings({"TargetDir": "/tonight", "CustomName": "reel 2"})
    *_, last = steps
    assert last.shot is not None
    assert project._render_settings == {**before, "TargetDir": "/tonight", "CustomName": "reel 2"}


@pytest.mark.parametrize(("rate", "drop"), [("30000/1001", True), ("24000/1001", False)])
def test_the_files_have_the_medias_timecode(
    sample, folder: Path, tmp_path: Path, rate: str, drop: bool
) -> None:
    start = timecode_to_frame("01:00:00;00" if drop else "01:00:00:00", rate)
    raw = camera_file(sample.app, tmp_path / "more", "B.braw", start=start, rate=rate, drop=drop)
    clip = sample.app._cut_in(sample.timeline, raw, 92000, 5, 10)
    (shot,) = [one for one in sample.host.scene().shots if one.item_id == clip._id]
    assert shot.shot.plate.start_timecode == ("01:00:00;00" if drop else "01:00:00:00")
    assert shot.shot.plate.range.first == start + 8, "with its handles"
    *_, last = sample.host.render(shot.item_id, folder)
    made = last.shot
    for frame in made.work_range.frames():
        spec = oiio.ImageBuf(made.plate.path_at(frame)).spec()
        assert read_timecode(spec) == frame_to_timecode(frame, rate, drop_frame=drop)
        assert brightness(made.plate.path_at(frame)) == frame - start


def test_readable_media_is_not_rendered(sample, folder: Path) -> None:
    with pytest.raises(HostError, match="needs no rendering"):
        list(sample.host.render(sample.shot(0).item_id, folder))


def test_missing_frames_are_detected(sample, folder: Path) -> None:
    shot = sample.shot(2)
    steps = sample.host.render(shot.item_id, folder)
    with pytest.raises(HostError, match="and wrote 9 files"):
        for step in steps:
            if step.completed:
                next(folder.glob("*.exr")).unlink()
                break
        list(steps)
    assert list(folder.iterdir()) == []


def test_a_clip_that_resolve_appends_too_short(sample, folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(type(sample.items[0]), "GetDuration", lambda self: 1)
    before = render_state(sample.app)
    shots = [shot for shot in sample.host.scene().shots if shot.needs_render]
    with pytest.raises(HostError, match="appended 1 frames"):
        list(sample.host.render(shots[0].item_id, folder))
    assert render_state(sample.app) == before


def test_a_resolve_without_half_float_is_reported(sample, folder: Path, monkeypatch) -> None:
    monkeypatch.setitem(CODECS, "exr", {"RGB float": "RGBFloat"})
    before = render_state(sample.app)
    with pytest.raises(HostError, match="half-float"):
        list(sample.host.render(sample.shot(2).item_id, folder))
    assert render_state(sample.app) == before


def test_closing_the_window_stops_the_rendering(sample, folder: Path) -> None:
    before = render_state(sample.app)
    steps = sample.host.render(sample.shot(2).item_id, folder)
    next(steps)
    sample.host.close()
    assert render_state(sample.app) == before
    assert list(folder.iterdir()) == []
    with pytest.raises(HostError, match="closed"):
        next(steps)


def test_another_rendering_is_not_touched(sample, folder: Path) -> None:
    project = sample.project
    assert project.SetCurrentRenderFormatAndCodec("exr", "RGBHalf")
    assert project.SetRenderSettings({"TargetDir": str(folder.parent), "CustomName": "theirs"})
    job = project.AddRenderJob()
    assert project.StartRendering([job])
    before = render_state(sample.app)
    with pytest.raises(HostError, match="rendering something else"):
        list(sample.host.render(sample.shot(2).item_id, folder))
    assert render_state(sample.app) == before
    assert project.IsRenderingInProgress()


@pytest.mark.parametrize(
    ("language", "rendered_frames"), [({"Complete": "完了"}, 9), ({"Failed": "失敗"}, 0)]
)
def test_a_resolve_in_another_language(
    sample, folder: Path, monkeypatch, language: dict[str, str], rendered_frames: int
) -> None:
    """The status texts are not known, but a job that is not running has ended."""
    kind = type(sample.project)
    original = kind.GetRenderJobStatus

    def translated(self, job: str) -> dict[str, object]:
        status = original(self, job)
        return {**status, "JobStatus": language.get(status["JobStatus"], status["JobStatus"])}

    monkeypatch.setattr(kind, "GetRenderJobStatus", translated)
    monkeypatch.setattr(rendering, "_START_SECONDS", 0)
    if not rendered_frames:
        sample.app._refused.add("Project.GetRenderJobStatus")
        with pytest.raises(HostError, match="ended with 失敗: the GPU is full"):
            list(sample.host.render(sample.shot(2).item_id, folder))
    else:
        *_, last = sample.host.render(sample.shot(2).item_id, folder)
        assert last.completed == rendered_frames + 1
    assert len(list(folder.iterdir())) == (rendered_frames + 1 if rendered_frames else 0)


def test_a_job_that_was_removed(sample, folder: Path) -> None:
    steps = sample.host.render(sample.shot(2).item_id, folder)
    next(steps)
    sample.project._jobs.clear()
    with pytest.raises(HostError, match="return the progress"):
        list(steps)
