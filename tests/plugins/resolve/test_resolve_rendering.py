"""Plates out of camera files: every frame exact, and the user's settings as they were."""

from __future__ import annotations

from pathlib import Path

import OpenImageIO as oiio
import pytest
from resolve_render import CODECS
from resolve_worlds import camera_file, state_of

from bridge_core.errors import HostError
from bridge_core.models.frames import frame_of, timecode
from bridge_gateway.media.parts import read_timecode
from bridge_resolve import rendering
from bridge_resolve.rendering import NAME


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "rendered"
    made.mkdir()
    return made


def brightness(path: str) -> int:
    return round(oiio.ImageBuf(path).getpixel(0, 0)[0] * 1000)


def test_every_frame_is_the_one_that_its_number_says(world, folder: Path) -> None:
    shot = world.shot(2)
    before = state_of(world.app)
    *_, last = world.host.render(shot.handle, folder)
    made = last.shot
    assert made.plate.range == shot.shot.work_range
    assert made.cut_range == shot.shot.cut_range
    for frame in made.work_range.frames():
        # The camera file starts at 01:00:00:00, which is frame 90000 at 25.
        assert brightness(made.plate.file(frame)) == frame - 90000
    assert "Ä" not in made.plate.path.rpartition("/")[2]
    assert state_of(world.app) == before
    spec = oiio.ImageBuf(made.plate.file(made.cut_range.first)).spec()
    assert spec.format == oiio.HALF
    assert read_timecode(spec) == timecode(made.cut_range.first, 25) == "01:00:01:15"


def test_single_frames_with_holes_between_them(world, folder: Path) -> None:
    shot = world.shot(2)
    wanted = [90047, 90039, 90040]
    *_, last = world.host.render(shot.handle, folder, wanted)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"A001_C003_{frame}.exr".replace("_9", "_0009") for frame in sorted(wanted)]
    for frame in wanted:
        assert brightness(last.shot.plate.file(frame)) == frame - 90000


REFUSALS = [
    *("Project.SaveAsNewRenderPreset", "MediaPool.CreateEmptyTimeline", "Timeline.SetSetting"),
    *("MediaPool.AppendToTimeline", "Project.SetRenderSettings", "Project.AddRenderJob"),
    *("Project.StartRendering", "Project.GetRenderJobStatus"),
]


@pytest.mark.parametrize("call", REFUSALS)
def test_after_any_failure_the_users_settings_are_back(world, folder: Path, call: str) -> None:
    shot = world.shot(2)
    before = state_of(world.app)
    world.app._refused.add(call)
    with pytest.raises(HostError) as told:
        list(world.host.render(shot.handle, folder))
    assert told.value.next_step
    if call == "Project.GetRenderJobStatus":
        assert "the GPU is full" in told.value.what
    assert state_of(world.app) == before
    assert list(folder.iterdir()) == []


def test_a_job_that_is_stopped_in_resolve(world, folder: Path) -> None:
    shot = world.shot(2)
    before = state_of(world.app)
    steps = world.host.render(shot.handle, folder)
    next(steps)
    world.project.StopRendering()
    with pytest.raises(HostError, match="stopped in Resolve"):
        list(steps)
    assert state_of(world.app) == before
    assert list(folder.iterdir()) == []


def test_what_a_kill_left_behind_is_put_back_first(world, folder: Path) -> None:
    """The process died in the middle: the preset still holds what the user had."""
    before, shot, project = state_of(world.app), world.shot(2), world.project
    users = project._current
    assert project.SaveAsNewRenderPreset(NAME)
    assert project.SetRenderSettings({"TargetDir": "/gone", "CustomName": "plate."})
    assert project.SetCurrentRenderFormatAndCodec("exr", "RGBHalfZIP")
    assert project._pool.CreateEmptyTimeline(NAME)
    assert project.AddRenderJob()
    project._current = users
    assert state_of(world.app) != before
    *_, last = world.host.render(shot.handle, folder)
    assert last.shot is not None
    assert state_of(world.app) == before


def test_the_deliver_page_is_the_users_while_it_renders(world, folder: Path) -> None:
    """What he sets up or queues meanwhile is his, and stays."""
    project, before = world.project, dict(world.project._render_settings)
    steps = world.host.render(world.shot(2).handle, folder)
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
def test_the_files_keep_the_medias_own_timecode(
    world, folder: Path, tmp_path: Path, rate: str, drop: bool
) -> None:
    start = frame_of("01:00:00;00" if drop else "01:00:00:00", rate)
    raw = camera_file(world.app, tmp_path / "more", "B.braw", start=start, rate=rate, drop=drop)
    clip = world.app._cut_in(world.timeline, raw, 92000, 5, 10)
    (shot,) = [one for one in world.host.scene().shots if one.handle == clip._id]
    assert shot.shot.plate.start_timecode == ("01:00:00;00" if drop else "01:00:00:00")
    assert shot.shot.plate.range.first == start + 8, "with its handles"
    *_, last = world.host.render(shot.handle, folder)
    made = last.shot
    for frame in made.work_range.frames():
        spec = oiio.ImageBuf(made.plate.file(frame)).spec()
        assert read_timecode(spec) == timecode(frame, rate, drop_frame=drop)
        assert brightness(made.plate.file(frame)) == frame - start


def test_what_needs_no_rendering_is_told(world, folder: Path) -> None:
    with pytest.raises(HostError, match="needs no rendering"):
        list(world.host.render(world.shot(0).handle, folder))


def test_lost_frames_are_noticed(world, folder: Path) -> None:
    shot = world.shot(2)
    steps = world.host.render(shot.handle, folder)
    with pytest.raises(HostError, match="and wrote 9 files"):
        for step in steps:
            if step.frames:
                next(folder.glob("*.exr")).unlink()
                break
        list(steps)
    assert list(folder.iterdir()) == []


def test_a_clip_that_resolve_cuts_in_short(world, folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(type(world.items[0]), "GetDuration", lambda self: 1)
    before = state_of(world.app)
    shots = [shot for shot in world.host.scene().shots if shot.to_render]
    with pytest.raises(HostError, match="cut 1 frames"):
        list(world.host.render(shots[0].handle, folder))
    assert state_of(world.app) == before


def test_a_resolve_without_half_float_says_so(world, folder: Path, monkeypatch) -> None:
    monkeypatch.setitem(CODECS, "exr", {"RGB float": "RGBFloat"})
    before = state_of(world.app)
    with pytest.raises(HostError, match="half-float"):
        list(world.host.render(world.shot(2).handle, folder))
    assert state_of(world.app) == before


def test_a_window_that_is_closed_stops_the_rendering(world, folder: Path) -> None:
    before = state_of(world.app)
    steps = world.host.render(world.shot(2).handle, folder)
    next(steps)
    world.host.close()
    assert state_of(world.app) == before
    assert list(folder.iterdir()) == []
    with pytest.raises(HostError, match="closed"):
        next(steps)


def test_a_rendering_of_somebody_else_is_left_alone(world, folder: Path) -> None:
    project = world.project
    assert project.SetCurrentRenderFormatAndCodec("exr", "RGBHalf")
    assert project.SetRenderSettings({"TargetDir": str(folder.parent), "CustomName": "theirs"})
    job = project.AddRenderJob()
    assert project.StartRendering([job])
    before = state_of(world.app)
    with pytest.raises(HostError, match="rendering something else"):
        list(world.host.render(world.shot(2).handle, folder))
    assert state_of(world.app) == before
    assert project.IsRenderingInProgress()


@pytest.mark.parametrize(("language", "seen"), [({"Complete": "完了"}, 9), ({"Failed": "失敗"}, 0)])
def test_a_resolve_in_another_language(
    world, folder: Path, monkeypatch, language: dict[str, str], seen: int
) -> None:
    """Its words for the end of a job are not known; that nothing runs any more is."""
    kind = type(world.project)
    told = kind.GetRenderJobStatus

    def translated(self, job: str) -> dict[str, object]:
        status = told(self, job)
        return {**status, "JobStatus": language.get(status["JobStatus"], status["JobStatus"])}

    monkeypatch.setattr(kind, "GetRenderJobStatus", translated)
    monkeypatch.setattr(rendering, "_START_SECONDS", 0)
    if not seen:
        world.app._refused.add("Project.GetRenderJobStatus")
        with pytest.raises(HostError, match="ended with 失敗: the GPU is full"):
            list(world.host.render(world.shot(2).handle, folder))
    else:
        *_, last = world.host.render(world.shot(2).handle, folder)
        assert last.frames == seen + 1
    assert len(list(folder.iterdir())) == (seen + 1 if seen else 0)


def test_a_job_that_is_gone(world, folder: Path) -> None:
    steps = world.host.render(world.shot(2).handle, folder)
    next(steps)
    world.project._jobs.clear()
    with pytest.raises(HostError, match="how far the rendering is"):
        list(steps)
