"""Renders plates of camera files with Resolve's render queue.

A clip is rendered from a timeline of its own that holds only its media: without the cut's grade,
transitions and retime, at the media's rate and size, with handles. The project's colour management
applies; :mod:`bridge_resolve.colour_spaces` knows the resulting colour space.

Resolve has no call that reads its render settings. They are saved in a render preset while the job
is queued; the job keeps its own settings from then on. A preset left over from a crash still holds
the user's settings, and is restored first.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Generator, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import HostError
from bridge_core.hosts.base import RenderStep
from bridge_core.hosts.plate_rendering import frames_to_render
from bridge_core.models.shots import Shot
from bridge_resolve.api_checks import require
from bridge_resolve.clips import TimelineClip, append_clip, project_timelines, record_position
from bridge_resolve.colour_spaces import ProjectColour
from bridge_resolve.media import first_frame_number, format_rate
from bridge_resolve.timeline_snapshot import FRAME_PADDING

if TYPE_CHECKING:
    from fusionscript import MediaPool, Project, RenderSettings, Timeline

#: Name of the preset and the timelines; everything with this name may be removed.
RENDER_NAME = "Shotbridge rendering"
#: Seconds for a rendering to stop.
_STOP_SECONDS = 10.0
#: Seconds for a rendering to start.
_START_SECONDS = 10.0
_POLL_INTERVAL = 0.1
_TRAILING_NUMBER = re.compile(r"(\d+)$")


def render(
    project: Project,
    colour: ProjectColour,
    clip: TimelineClip,
    shot: Shot,
    folder: Path,
    requested_frames: Sequence[int],
) -> Generator[RenderStep, None, None]:
    """Write frames of a clip's media, in the plate's numbering, into ``folder``; see
    :meth:`bridge_core.hosts.base.Host.render`. ``colour`` is the project's colour management.

    :raises HostError: a call of Resolve failed, or the rendering failed.
    """
    frames = frames_to_render(shot, requested_frames)
    pool = require(project.GetMediaPool(), "open the project's media pool")
    if project.IsRenderingInProgress():
        message = "Resolve is rendering something else"
        next_step = "wait until its render queue has finished, then send again"
        raise HostError(message, where=str(project.GetName()), next_step=next_step)
    restore_after_crash(project)
    is_complete = False
    try:
        with _queued_job(project, pool, colour, clip, frames, folder) as job:
            require(project.StartRendering([job], False), "start to render", where=clip.plate.name)
            yield RenderStep(0, len(frames))
            started = time.monotonic()
            while (written := _completed_frames(project, job, len(frames), started)) < len(frames):
                yield RenderStep(written, len(frames))
            plate = _collect_frames(folder, clip, shot, frames)
            is_complete = True
        yield RenderStep(len(frames), len(frames), plate)
    finally:
        if not is_complete:
            for path in folder.iterdir():
                path.unlink()


def restore_after_crash(project: Project) -> None:
    """Clean up after a rendering that was killed: restore the user's settings first."""
    if RENDER_NAME in _preset_names(project):
        _restore_render_settings(project)
    jobs: list[Any] = list(project.GetRenderJobList() or [])
    for job in jobs:
        if str(job.get("TimelineName", "")).startswith(RENDER_NAME):
            _remove_job(project, str(job.get("JobId")))
    timelines = project_timelines(project)
    leftovers = [line for line in timelines if str(line.GetName()).startswith(RENDER_NAME)]
    if leftovers:
        pool = require(project.GetMediaPool(), "open the project's media pool")
        require(pool.DeleteTimelines(leftovers), "remove a timeline of ours")


def _restore_render_settings(project: Project) -> None:
    require(project.LoadRenderPreset(RENDER_NAME), "restore the user's render settings")
    require(project.DeleteRenderPreset(RENDER_NAME), f"remove the render preset {RENDER_NAME}")


@contextlib.contextmanager
def _preserved_render_settings(project: Project) -> Iterator[None]:
    """Restores the user's settings of the Deliver page afterwards."""
    format_and_codec = require(project.GetCurrentRenderFormatAndCodec(), "return its render format")
    mode = project.GetCurrentRenderMode()
    saved, next_step = project.SaveAsNewRenderPreset(RENDER_NAME), "open the Deliver page once"
    action = "save the user's render settings as a preset"
    require(saved, action, next_step=f"{next_step}, then try again")
    try:
        yield
    finally:
        _restore_render_settings(project)
        file_format, codec = format_and_codec.get("format"), format_and_codec.get("codec")
        if file_format and codec:
            project.SetCurrentRenderFormatAndCodec(file_format, codec)
        project.SetCurrentRenderMode(mode)


@contextlib.contextmanager
def _queued_job(
    project: Project,
    pool: MediaPool,
    colour: ProjectColour,
    clip: TimelineClip,
    frames: list[int],
    folder: Path,
) -> Iterator[str]:
    """A job in the queue with a timeline of its own; both are removed afterwards. Once the job is
    queued, the user's open timeline and Deliver page are restored."""
    with contextlib.ExitStack() as cleanup:
        with _preserved_render_settings(project):
            user_timeline = project.GetCurrentTimeline()
            made = pool.CreateEmptyTimeline(RENDER_NAME)
            timeline = require(made, "create a timeline to render from")
            cleanup.callback(pool.DeleteTimelines, [timeline])
            try:
                _fill_timeline(project, pool, timeline, colour, clip, frames)
                _apply_render_settings(project, clip, folder)
                name, action = clip.plate.name, "queue the rendering"
                next_step = "check that the folder is writable, then open the Deliver page once"
                job = require(project.AddRenderJob(), action, where=name, next_step=next_step)
                cleanup.callback(_remove_job, project, job)
            finally:
                if user_timeline is not None:
                    is_open = project.SetCurrentTimeline(user_timeline)
                    require(is_open, "open the user's timeline again")
        yield job


def _fill_timeline(
    project: Project,
    pool: MediaPool,
    timeline: Timeline,
    colour: ProjectColour,
    clip: TimelineClip,
    frames: list[int],
) -> None:
    """Append the requested frames one after the other, at the media's rate, size and timecode."""
    plate = clip.plate
    settings = {
        "useCustomSettings": "1",
        "timelineFrameRate": format_rate(plate.rate, drop_frame=plate.drop_frame),
        "timelineResolutionWidth": str(plate.width),
        "timelineResolutionHeight": str(plate.height),
    }
    for key, value in settings.items():
        require(timeline.SetSetting(key, value), f"set {key} of its timeline to {value}")
    colour.prepare_timeline(timeline)
    # The files get the timeline's timecode, so it is set to the media's.
    start = plate.timecode(frames[0])
    require(timeline.SetStartTimecode(start), f"set the start of its timeline to {start}")
    require(project.SetCurrentTimeline(timeline), "open the timeline to render from")
    record_frame, first = int(timeline.GetStartFrame()), first_frame_number(plate)
    for begin, end in _contiguous_ranges(frames):
        offsets, count = (begin - first, end - first), end - begin
        appended = append_clip(pool, clip.plate_item, offsets, 1, record_frame)
        item = require(appended, f"append frames {begin}-{end - 1} of {plate.name}")
        if record_position(item) != (record_frame, count):
            appended_count = record_position(item)[1]
            message = f"Resolve appended {appended_count} frames of {plate.name}, not {count}"
            next_step = "set the clip's frame rate in Clip Attributes, then try again"
            raise HostError(message, next_step=next_step)
        record_frame += count


def _contiguous_ranges(frames: list[int]) -> Iterator[tuple[int, int]]:
    """First frame, and the one after the last, of each contiguous range."""
    for _, group in groupby(enumerate(frames), key=lambda pair: pair[1] - pair[0]):
        run = [frame for _, frame in group]
        yield run[0], run[-1] + 1


def _apply_render_settings(project: Project, clip: TimelineClip, folder: Path) -> None:
    codec = _choose_codec(project)
    require(project.SetCurrentRenderFormatAndCodec("exr", codec), f"render EXR with {codec}")
    project.SetCurrentRenderMode(1)
    settings: dict[str, Any] = {
        "SelectAllFrames": True,
        "TargetDir": str(folder),
        "CustomName": "plate.",
        "ExportVideo": True,
        "ExportAudio": False,
        "ExportAlpha": False,
        "FormatWidth": clip.plate.width,
        "FormatHeight": clip.plate.height,
    }
    typed_settings: RenderSettings = settings  # type: ignore[assignment]  # all keys are optional
    require(project.SetRenderSettings(typed_settings), "apply the render settings")


def _choose_codec(project: Project) -> str:
    """Half-float RGB EXR, with ZIP compression if it is offered."""
    offered = project.GetRenderCodecs("exr") or {}
    half = [name for text, name in offered.items() if "half" in f"{text} {name}".lower()]
    zipped = [name for name in half if "zip" in name.lower()]
    if not half:
        message = "this Resolve cannot render half-float EXR"
        next_step = "use DaVinci Resolve Studio, or transcode the clip"
        raise HostError(message, where=", ".join(map(str, offered)), next_step=next_step)
    return (zipped or half)[0]


def _completed_frames(project: Project, job: str, total: int, started: float) -> int:
    """The number of frames written.

    :raises HostError: the job failed or was stopped.
    """
    action = "return the progress of the rendering"
    job_status: Any = require(project.GetRenderJobStatus(job), action)
    status = str(job_status.get("JobStatus"))
    percent = int(job_status.get("CompletionPercentage") or 0)
    is_finished = status in ("Complete", "Failed", "Cancelled")
    if not is_finished and time.monotonic() > started + _START_SECONDS:
        # In other languages the status may have another text.
        is_finished = not project.IsRenderingInProgress()
    if not is_finished:
        return min(total - 1, total * percent // 100)
    if status == "Complete" or (percent >= 100 and status != "Failed"):
        return total
    reason = f": {job_status['Error']}" if job_status.get("Error") else ""
    descriptions = {"Failed": "failed", "Cancelled": "was stopped in Resolve"}
    message = f"the rendering {descriptions.get(status, f'ended with {status}')}{reason}"
    raise HostError(message, next_step="check the render queue in Resolve, then try again")


def _collect_frames(folder: Path, clip: TimelineClip, shot: Shot, frames: list[int]) -> Shot:
    """The shot with its rendered files, renamed from the timeline's frame numbers to the plate's.

    :raises HostError: the number of files is not that of the frames.
    """
    files = sorted(folder.glob("*.exr"), key=_trailing_number)
    if len(files) != len(frames):
        message = f"Resolve reports {len(frames)} rendered frames, and wrote {len(files)} files"
        next_step = "check that the disk is not full, then try again"
        raise HostError(message, where=str(folder), next_step=next_step)
    stem = clip.plate.name.removesuffix(Path(clip.plate.name).suffix)
    stem = re.sub(r"[^\w.-]+", "_", stem).strip(".") or "plate"
    for path, frame in zip(files, frames, strict=True):
        path.rename(folder / f"{stem}_{frame:0{FRAME_PADDING}d}.exr")
    pattern = str(folder / f"{stem}_%0{FRAME_PADDING}d.exr")
    plate = shot.plate.model_copy(update={"path": pattern, "range": shot.work_range})
    return shot.model_copy(update={"plate": plate})


def _trailing_number(path: Path) -> int:
    match = _TRAILING_NUMBER.search(path.stem)
    return int(match[1]) if match else -1


def _remove_job(project: Project, job: str) -> None:
    """Stop a job if it is running, and remove it from the queue."""
    if project.IsRenderingInProgress():
        project.StopRendering()
        deadline = time.monotonic() + _STOP_SECONDS
        while project.IsRenderingInProgress() and time.monotonic() < deadline:
            time.sleep(_POLL_INTERVAL)
    jobs: list[Any] = list(project.GetRenderJobList() or [])
    if any(listed.get("JobId") == job for listed in jobs):  # otherwise it was removed already
        require(project.DeleteRenderJob(job), "remove the render job")


def _preset_names(project: Project) -> list[str]:
    """Names of the render presets, which some versions return as dictionaries."""
    presets: list[Any] = list(project.GetRenderPresetList() or [])
    return [str(p.get("RenderPresetName") if isinstance(p, dict) else p) for p in presets]
