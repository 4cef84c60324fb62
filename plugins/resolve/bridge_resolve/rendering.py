"""Plates out of camera files, by Resolve's own render queue.

A clip is rendered from a timeline of its own, which holds its media and nothing else: without the
cut's grade, transitions and retime, at the media's own rate and size, with handles. It goes the way
that the project's colour management goes, to what :mod:`bridge_resolve.colour` says is rendered.

Resolve has no call that reads its render settings. A render preset keeps them for as long as it
takes to queue the job, which has its own from then on; one that is left over from a crash still
holds the user's, and is put back before anything else.
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
from bridge_core.host import Rendered
from bridge_core.models.shots import Shot
from bridge_resolve.answers import ensure
from bridge_resolve.clips import Clip, cut_in, stands
from bridge_resolve.colour import ProjectColour
from bridge_resolve.media import first_number, rate_text
from bridge_resolve.open_timeline import DIGITS

if TYPE_CHECKING:
    from fusionscript import MediaPool, Project, RenderSettings, Timeline

#: Of the preset and of the timelines; whatever carries this name is ours to remove.
NAME = "Shotbridge rendering"
#: Seconds that a rendering gets to stop.
_STOP_SECONDS = 10.0
#: Seconds that a rendering gets to begin.
_START_SECONDS = 10.0
_PULSE = 0.1
_NUMBER = re.compile(r"(\d+)$")


def render(
    project: Project,
    colour: ProjectColour,
    clip: Clip,
    shot: Shot,
    folder: Path,
    wanted: Sequence[int],
) -> Generator[Rendered, None, None]:
    """Write frames of a clip's media (in the plate's numbering) into ``folder``; see
    :meth:`bridge_core.host.Host.render`. ``colour`` is the project's own.

    :raises HostError: Resolve refuses something, or the rendering fails.
    """
    frames = sorted(set(wanted)) or list(shot.work_range.frames())
    pool = ensure(project.GetMediaPool(), "open the project's media pool")
    if project.IsRenderingInProgress():
        raise HostError(
            "Resolve is rendering something else",
            where=str(project.GetName()),
            next_step="wait until its render queue has ended, then send again",
        )
    recover(project)
    done = False
    try:
        with _queued(project, pool, colour, clip, frames, folder) as job:
            ensure(project.StartRendering([job], False), "start to render", where=clip.plate.name)
            yield Rendered(0, len(frames))
            started = time.monotonic()
            while (written := _progress(project, job, len(frames), started)) < len(frames):
                yield Rendered(written, len(frames))
            plate = _collected(folder, clip, shot, frames)
            done = True
        yield Rendered(len(frames), len(frames), plate)
    finally:
        if not done:
            for path in folder.iterdir():
                path.unlink()


def recover(project: Project) -> None:
    """Put back what a rendering that was killed has left behind: the user's settings first."""
    if NAME in _presets(project):
        ensure(project.LoadRenderPreset(NAME), "put the user's render settings back")
        ensure(project.DeleteRenderPreset(NAME), f"remove the render preset {NAME}")
    jobs: list[Any] = list(project.GetRenderJobList() or [])
    for job in jobs:
        if str(job.get("TimelineName", "")).startswith(NAME):
            _take_away(project, str(job.get("JobId")))
    left = [one for one in _timelines(project) if str(one.GetName()).startswith(NAME)]
    if left:
        pool = ensure(project.GetMediaPool(), "open the project's media pool")
        ensure(pool.DeleteTimelines(left), "remove a timeline of ours")


@contextlib.contextmanager
def _users_settings(project: Project) -> Iterator[None]:
    """Whatever happens within, the Deliver page is afterwards as the user had set it up."""
    chosen = ensure(project.GetCurrentRenderFormatAndCodec(), "tell its render format")
    mode = project.GetCurrentRenderMode()
    ensure(
        project.SaveAsNewRenderPreset(NAME),
        "keep the user's render settings as a preset",
        next_step="open the Deliver page once, then try again",
    )
    try:
        yield
    finally:
        ensure(project.LoadRenderPreset(NAME), "put the user's render settings back")
        ensure(project.DeleteRenderPreset(NAME), f"remove the render preset {NAME}")
        if chosen.get("format") and chosen.get("codec"):
            project.SetCurrentRenderFormatAndCodec(chosen["format"], chosen["codec"])
        project.SetCurrentRenderMode(mode)


@contextlib.contextmanager
def _queued(
    project: Project,
    pool: MediaPool,
    colour: ProjectColour,
    clip: Clip,
    frames: list[int],
    folder: Path,
) -> Iterator[str]:
    """A job in the queue, with a timeline of its own; both are gone afterwards. As soon as the job
    stands, the user has the open timeline and the Deliver page as they were."""
    with contextlib.ExitStack() as undo:
        with _users_settings(project):
            users = project.GetCurrentTimeline()
            timeline = ensure(pool.CreateEmptyTimeline(NAME), "make a timeline to render from")
            undo.callback(pool.DeleteTimelines, [timeline])
            try:
                _fill(project, pool, timeline, colour, clip, frames)
                _settings(project, clip, folder)
                job = ensure(
                    project.AddRenderJob(),
                    "queue the rendering",
                    where=clip.plate.name,
                    next_step="see whether the folder can be written, then open the Deliver page "
                    "once",
                )
                undo.callback(_take_away, project, job)
            finally:
                if users is not None:
                    ensure(project.SetCurrentTimeline(users), "open the user's timeline again")
        yield job


def _fill(
    project: Project,
    pool: MediaPool,
    timeline: Timeline,
    colour: ProjectColour,
    clip: Clip,
    frames: list[int],
) -> None:
    """The wanted frames one after another, at the media's rate and size, with its timecode."""
    plate = clip.plate
    settings = {
        "useCustomSettings": "1",
        "timelineFrameRate": rate_text(plate.rate, drop=plate.drop),
        "timelineResolutionWidth": str(plate.width),
        "timelineResolutionHeight": str(plate.height),
    }
    for key, value in settings.items():
        ensure(timeline.SetSetting(key, value), f"set {key} of its timeline to {value}")
    colour.prepare(timeline)
    # The files carry the timeline's timecode, and with it the media's own.
    begins = plate.timecode(frames[0])
    ensure(timeline.SetStartTimecode(begins), f"have its timeline start at {begins}")
    ensure(project.SetCurrentTimeline(timeline), "open the timeline to render from")
    at, first = int(timeline.GetStartFrame()), first_number(plate)
    for start, end in _runs(frames):
        item = ensure(
            cut_in(pool, clip.plate_item, (start - first, end - first), 1, at),
            f"cut frames {start}-{end - 1} of {plate.name} in",
        )
        if stands(item) != (at, end - start):
            raise HostError(
                f"Resolve cut {stands(item)[1]} frames of {plate.name} in, not {end - start}",
                next_step="set the clip's own frame rate in Clip Attributes, then try again",
            )
        at += end - start


def _runs(frames: list[int]) -> Iterator[tuple[int, int]]:
    """First frame, and the one after the last, of each stretch without holes."""
    for _, group in groupby(enumerate(frames), key=lambda pair: pair[1] - pair[0]):
        run = [frame for _, frame in group]
        yield run[0], run[-1] + 1


def _settings(project: Project, clip: Clip, folder: Path) -> None:
    codec = _codec(project)
    ensure(project.SetCurrentRenderFormatAndCodec("exr", codec), f"render EXR with {codec}")
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
    partial: RenderSettings = settings  # type: ignore[assignment]  # any of the keys will do
    ensure(project.SetRenderSettings(partial), "take the settings of the rendering")


def _codec(project: Project) -> str:
    """Half-float RGB EXR, zipped where it is offered."""
    offered = project.GetRenderCodecs("exr") or {}
    half = [name for told, name in offered.items() if "half" in f"{told} {name}".lower()]
    zipped = [name for name in half if "zip" in name.lower()]
    if not half:
        raise HostError(
            "this Resolve renders no half-float EXR",
            where=", ".join(map(str, offered)),
            next_step="use DaVinci Resolve Studio, or transcode the clip by hand",
        )
    return (zipped or half)[0]


def _progress(project: Project, job: str, total: int, started: float) -> int:
    """Frames that are written.

    :raises HostError: the job has failed or was stopped.
    """
    told: Any = ensure(project.GetRenderJobStatus(job), "tell how far the rendering is")
    status, percent = str(told.get("JobStatus")), int(told.get("CompletionPercentage") or 0)
    ended = status in ("Complete", "Failed", "Cancelled")
    if not ended and time.monotonic() > started + _START_SECONDS:
        # In other languages a job may end with other words.
        ended = not project.IsRenderingInProgress()
    if not ended:
        return min(total - 1, total * percent // 100)
    if status == "Complete" or (percent >= 100 and status != "Failed"):
        return total
    why = f": {told['Error']}" if told.get("Error") else ""
    words = {"Failed": "failed", "Cancelled": "was stopped in Resolve"}
    raise HostError(
        f"the rendering {words.get(status, f'ended with {status}')}{why}",
        next_step="look at the render queue in Resolve, then try again",
    )


def _collected(folder: Path, clip: Clip, shot: Shot, frames: list[int]) -> Shot:
    """The shot with its rendered files, named by the plate's numbers in place of the timeline's.

    :raises HostError: there are not as many files as frames.
    """
    files = sorted(folder.glob("*.exr"), key=_number_of)
    if len(files) != len(frames):
        raise HostError(
            f"Resolve says that it rendered {len(frames)} frames, and wrote {len(files)} files",
            where=str(folder),
            next_step="see whether the disk is full, then try again",
        )
    stem = clip.plate.name.removesuffix(Path(clip.plate.name).suffix)
    stem = re.sub(r"[^\w.-]+", "_", stem).strip(".") or "plate"
    for path, frame in zip(files, frames, strict=True):
        path.rename(folder / f"{stem}_{frame:0{DIGITS}d}.exr")
    plate = shot.plate.model_copy(
        update={"path": str(folder / f"{stem}_%0{DIGITS}d.exr"), "range": shot.work_range}
    )
    return shot.model_copy(update={"plate": plate})


def _number_of(path: Path) -> int:
    found = _NUMBER.search(path.stem)
    return int(found[1]) if found else -1


def _take_away(project: Project, job: str) -> None:
    """Stop a job if it runs, and remove it from the queue."""
    if project.IsRenderingInProgress():
        project.StopRendering()
        deadline = time.monotonic() + _STOP_SECONDS
        while project.IsRenderingInProgress() and time.monotonic() < deadline:
            time.sleep(_PULSE)
    jobs: list[Any] = list(project.GetRenderJobList() or [])
    if any(one.get("JobId") == job for one in jobs):  # else somebody was faster
        ensure(project.DeleteRenderJob(job), "remove the render job")


def _presets(project: Project) -> list[str]:
    """Names of the render presets, which some versions give as dictionaries."""
    found: list[Any] = list(project.GetRenderPresetList() or [])
    return [
        str(one.get("RenderPresetName")) if isinstance(one, dict) else str(one) for one in found
    ]


def _timelines(project: Project) -> Iterator[Timeline]:
    for index in range(1, int(project.GetTimelineCount() or 0) + 1):
        found = project.GetTimelineByIndex(index)
        if found is not None:
            yield found
