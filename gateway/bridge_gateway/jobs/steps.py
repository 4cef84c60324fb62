"""The steps of a job, but for publishing. Each may be killed anywhere and then runs again whole.

Colour in, model, colour out happen inside ``run``, frame by frame: see
docs/decisions/0003-steps-of-a-job.md.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from bridge_core.errors import CheckFailed, UnreadableMedia
from bridge_core.models.jobs import Cost
from bridge_core.models.media import PlateKind, frame_path
from bridge_core.models.versions import Proxies, ResultFile
from bridge_gateway.jobs import inputs, transitions
from bridge_gateway.jobs.context import AdmittedJob, HashedOutputs, JobContext, StagedInputs
from bridge_gateway.jobs.progress import JobMonitor
from bridge_gateway.library import disk_space
from bridge_gateway.library.naming import THUMBNAIL_NAME
from bridge_gateway.media.decode_tasks import (
    CheckOutputTask,
    CheckPlateTask,
    OutputProxiesTask,
    ProbePlateTask,
    ThumbnailTask,
)
from bridge_gateway.media.plate_info import check_against_plate
from bridge_gateway.providers.base import PROXY_FILENAME, PROXY_PATTERN, ProviderTask, TaskResult


def admit_job(context: JobContext) -> AdmittedJob:
    """Whether the job can be done at all, by the request and by what its first file says.

    :raises InvalidRequest: unknown service, wrong parameters, something that no service takes, or
        a movie that does not run at the rate that its frames are counted at.
    :raises OutsideRoots: a plate that this gateway may not read.
    :raises MissingFrames: files that are not there, or a movie that ends before its range does.
    :raises UnreadableMedia: the first file cannot be read.
    :raises TransferError: nor is it what was sent; it is thrown away.
    :raises PlateChanged: nor is it what the client saw.
    :raises UnknownColourSpace: the plate's is not in the OCIO config, or nothing tells it.
    :raises DiskFull: the library has too little space.
    :raises StorageUnavailable: the disk of the library or of a plate does not answer.
    """
    gateway, request = context.gateway, context.request
    resolved = gateway.resolve_request(request)
    located = inputs.locate_files(context.submission, gateway.blob_store, gateway.media_roots)
    context.work_dir.create()
    disk_space.require_disk_space(context.work_dir, request, sum(file.size for file, _ in located))
    plate = request.shot.plate
    first, path = located[0]
    try:
        probed = gateway.decoder.run(
            ProbePlateTask(plate=plate, path=path, frame=request.frames[0]),
            check_cancelled=context.monitor.raise_if_cancelled,
        )
    except UnreadableMedia:
        # Where the gateway's copy was damaged, the artist's file is not at fault.
        inputs.stage_files(
            [(first, path)],
            gateway.blob_store,
            check_cancelled=context.monitor.raise_if_cancelled,
            file_done=lambda _: None,
        )
        raise
    facts = probed.info
    assert facts is not None  # it was asked for
    colour = gateway.colour.resolve_space(plate, facts.colour_tag)
    warnings = check_against_plate(plate, facts, request.frames) + colour.warnings + facts.notes
    if warnings:
        transitions.record_warnings(gateway.database, context.job_id, warnings)
    return AdmittedJob(
        parameters=resolved.parameters,
        provider=resolved.provider.id,
        colour_space=colour.space,
        warnings=warnings,
    )


def stage_inputs(context: JobContext) -> StagedInputs:
    """Find, read and identify every file; see :func:`bridge_gateway.jobs.inputs.stage`.

    :raises MissingFrames: also where a movie ends before its range does.
    :raises UnreadableMedia: a frame that is no picture, or one that cannot be worked on.
    """
    located = inputs.locate_files(
        context.submission, context.gateway.blob_store, context.gateway.media_roots
    )
    context.monitor.begin_step("stage", len(located))
    files = inputs.stage_files(
        located,
        context.gateway.blob_store,
        check_cancelled=context.monitor.raise_if_cancelled,
        file_done=context.monitor.frame_done,
    )
    staged = StagedInputs(files=files)
    # A movie may end before the range that somebody wrote down for it, and a frame be no picture.
    context.gateway.decoder.run(
        CheckPlateTask(
            plate=context.request.shot.plate,
            files=_files_by_frame(context, staged),
            frames=context.request.frames,
        ),
        check_cancelled=context.monitor.raise_if_cancelled,
    )
    return staged


def run_provider(context: JobContext, admitted: AdmittedJob, staged: StagedInputs) -> TaskResult:
    """Have the provider make the frames; those that an earlier attempt finished are kept.

    :raises JobCancelled: somebody cancelled, or the gateway stops.
    :raises UnknownService: the provider that was chosen is no longer there.
    """
    frames = context.request.frames
    context.work_dir.create()
    context.monitor.begin_step(
        "run", len(frames), [f for f in frames if _proxy_path(context, f).exists()]
    )
    provider = context.gateway.get_provider(admitted.provider)
    started = time.monotonic()
    task_result = provider.run(_provider_task(context, admitted, staged), context.monitor)
    new_frames = context.monitor.new_frame_count()
    if new_frames:
        transitions.record_frame_time(
            context.gateway.database, context.job_id, (time.monotonic() - started) / new_frames
        )
    return task_result


def check_outputs(context: JobContext, staged: StagedInputs, task_result: TaskResult) -> None:
    """Whether everything that was asked for was made, whole, from the plate that was sent.

    :raises CheckFailed: what was made does not pass.
    :raises PlateChanged: the plate is no longer the one that was staged.
    """
    frames, monitor = context.request.frames, context.monitor
    if not any(output.name == "main" for output in task_result.outputs):
        raise CheckFailed(
            "the provider made no output 'main', which is what goes into the cut",
            where=f"service {context.request.service}",
            next_step="report this to whoever looks after the provider",
        )

    monitor.begin_step("check", len(frames))
    for output in task_result.outputs:
        task = CheckOutputTask(
            folder=context.work_dir.pictures,
            output=output,
            frames=frames,
            plate=context.request.shot.plate,
            files=_files_by_frame(context, staged),
        )
        context.gateway.decoder.run(
            task, check_cancelled=monitor.raise_if_cancelled, frame_done=monitor.frame_done
        )
    inputs.require_unchanged(staged.files, monitor.raise_if_cancelled)


def make_proxies(context: JobContext, task_result: TaskResult) -> Proxies:
    """A proxy for each frame, and the thumbnail; proxies that are missing are made."""
    gateway, frames, folder = context.gateway, context.request.frames, context.work_dir.pictures
    missing = [frame for frame in frames if not _proxy_path(context, frame).exists()]
    context.monitor.begin_step("proxy", len(missing))
    if missing:
        _render_missing_proxies(context, task_result, missing)
    settings = gateway.settings.proxies
    # Of the proxies: what they show (a matte over its plate, say) is the provider's choice.
    middle = frames[len(frames) // 2]
    thumbnail = gateway.decoder.run(
        ThumbnailTask(
            proxy=_proxy_path(context, middle),
            frame=middle,
            target=folder / THUMBNAIL_NAME,
            colour=gateway.settings.colour,
            width=settings.thumbnail_width,
        ),
        check_cancelled=context.monitor.raise_if_cancelled,
    )
    width, height = thumbnail.proxy_size
    return Proxies(
        pattern=PROXY_PATTERN,
        width=width,
        height=height,
        display=gateway.colour.display,
        view=gateway.colour.view,
    )


def hash_outputs(context: JobContext, task_result: TaskResult, proxies: Proxies) -> HashedOutputs:
    """Read and hash every file that is going to be published."""
    folder, frames = context.work_dir.pictures, context.request.frames
    patterns = [proxies.pattern, *(output.pattern for output in task_result.outputs)]
    context.monitor.begin_step("seal", len(frames))
    files = {THUMBNAIL_NAME: _hash_output(folder, THUMBNAIL_NAME, context.monitor)}
    for frame in frames:
        for name in (frame_path(pattern, frame) for pattern in patterns):
            # A movie is one file for all frames.
            if name not in files:
                files[name] = _hash_output(folder, name, context.monitor)
        context.monitor.frame_done(frame)
    return HashedOutputs(files=tuple(files.values()), proxies=proxies)


def settle_charge(context: JobContext) -> None:
    """Close the account: what runs on this machine costs nothing."""
    transitions.complete_job(context.gateway.database, context.job_id, Cost())


def _provider_task(
    context: JobContext, admitted: AdmittedJob, staged: StagedInputs
) -> ProviderTask:
    request = context.request
    return ProviderTask(
        job_id=context.job_id,
        service=request.service,
        parameters=admitted.parameters,
        plate=request.shot.plate,
        files=_files_by_frame(context, staged),
        frames=request.frames,
        colour_space=admitted.colour_space,
        output_format=request.output_format,
        folder=context.work_dir.pictures,
        note=request.note,
    )


def _files_by_frame(context: JobContext, staged: StagedInputs) -> dict[int, Path]:
    """The file of each frame; of a movie or a still, the same for all."""
    if context.request.shot.plate.kind is PlateKind.SEQUENCE:
        return {file.frame: Path(file.path) for file in staged.files if file.frame is not None}
    return dict.fromkeys(context.request.frames, Path(staged.files[0].path))


def _render_missing_proxies(
    context: JobContext, task_result: TaskResult, frames: Sequence[int]
) -> None:
    gateway = context.gateway
    _proxy_path(context, frames[0]).parent.mkdir(exist_ok=True)
    task = OutputProxiesTask(
        folder=context.work_dir.pictures,
        output=next(output for output in task_result.outputs if output.name == "main"),
        targets={frame: _proxy_path(context, frame) for frame in frames},
        colour=gateway.settings.colour,
        proxies=gateway.settings.proxies,
    )
    gateway.decoder.run(
        task,
        check_cancelled=context.monitor.raise_if_cancelled,
        frame_done=context.monitor.frame_done,
    )


def _hash_output(folder: Path, name: str, monitor: JobMonitor) -> ResultFile:
    path = folder / name
    sha256 = inputs.hash_file(path, monitor.raise_if_cancelled)
    return ResultFile(path=name, size=path.stat().st_size, sha256=sha256)


def _proxy_path(context: JobContext, frame: int) -> Path:
    return context.work_dir.pictures / PROXY_FILENAME.format(frame=frame)
