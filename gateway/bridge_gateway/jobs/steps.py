"""The steps of a job except publishing. A step that was killed runs again from its beginning.

The step ``run`` converts to the model's colour space, runs the model and converts back, frame by
frame: see docs/decisions/0003-steps-of-a-job.md.
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
from bridge_gateway.jobs.context import (
    AdmittedJob,
    HashedOutputs,
    JobContext,
    StagedInputs,
    StepName,
)
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
from bridge_gateway.providers.base import (
    PROXY_FILENAME,
    PROXY_PATTERN,
    FrameProvider,
    ProviderTask,
    TaskResult,
)
from bridge_gateway.storage.file_hash import hash_file


def admit_job(context: JobContext) -> AdmittedJob:
    """Check that the job can be done, by its request and by the first file of its plate.

    :raises InvalidRequest: unknown service, wrong parameters, something that the service does not
        accept, or a movie whose rate is not the one of its frame range.
    :raises OutsideMediaRoots: a plate that this gateway may not read.
    :raises MissingFrames: missing files, or a movie that ends before its range does.
    :raises UnreadableMedia: the first file cannot be read.
    :raises TransferError: the first file's content is not what was sent; it is discarded.
    :raises PlateChanged: the first file is not the one that the client saw.
    :raises UnknownColourSpace: the plate's colour space is not in the OCIO config, or is unknown.
    :raises DiskFull: the library has too little space.
    :raises StorageUnavailable: the disk of the library or of a plate does not answer.
    """
    gateway, request = context.gateway, context.request
    resolved = gateway.resolve_request(request)
    located = inputs.locate_files(context.submission, gateway.content_store, gateway.media_roots)
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
        # Raises the right error where the gateway's copy is damaged and not the artist's file.
        inputs.stage_files(
            [(first, path)],
            gateway.content_store,
            check_cancelled=context.monitor.raise_if_cancelled,
            file_done=lambda _: None,
        )
        raise
    info = probed.info
    assert info is not None  # a ProbePlateTask always returns it
    colour = gateway.colour.resolve_space(plate, info.colour_tag)
    warnings = check_against_plate(plate, info, request.frames) + colour.warnings + info.notes
    if warnings:
        transitions.record_warnings(gateway.database, context.job_id, warnings)
    return AdmittedJob(
        parameters=resolved.parameters,
        provider=resolved.provider.id,
        colour_space=colour.space,
        warnings=warnings,
    )


def stage_inputs(context: JobContext) -> StagedInputs:
    """Find, read and hash every file; see :func:`bridge_gateway.jobs.inputs.stage_files`.

    :raises MissingFrames: also where a movie ends before its range does.
    :raises UnreadableMedia: a frame that is not a picture, or one that cannot be processed.
    """
    located = inputs.locate_files(
        context.submission, context.gateway.content_store, context.gateway.media_roots
    )
    context.monitor.begin_step(StepName.STAGE, len(located))
    files = inputs.stage_files(
        located,
        context.gateway.content_store,
        check_cancelled=context.monitor.raise_if_cancelled,
        file_done=context.monitor.frame_done,
    )
    staged = StagedInputs(files=files)
    # A movie may end before its range, and a frame may not be a picture.
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
    """Have the provider make the frames; those of an earlier attempt are kept.

    :raises JobCancelled: the job was cancelled, or the gateway stops.
    :raises UnknownService: the provider is no longer available.
    """
    frames = context.request.frames
    context.work_dir.create()
    context.monitor.begin_step(
        StepName.RUN, len(frames), [f for f in frames if _proxy_path(context, f).exists()]
    )
    provider = context.gateway.get_provider(admitted.provider)
    if not isinstance(provider, FrameProvider):
        raise TypeError(f"the provider {provider.id} makes no frames")
    started = time.monotonic()
    task_result = provider.run(_provider_task(context, admitted, staged), context.monitor)
    new_frames = context.monitor.new_frame_count()
    if new_frames:
        transitions.record_frame_time(
            context.gateway.database, context.job_id, (time.monotonic() - started) / new_frames
        )
    return task_result


def check_outputs(context: JobContext, staged: StagedInputs, task_result: TaskResult) -> None:
    """Check that all requested frames were made, complete, from the plate that was sent.

    :raises CheckFailed: an output fails its checks.
    :raises PlateChanged: the plate is no longer the one that was staged.
    """
    frames, monitor = context.request.frames, context.monitor
    if not any(output.name == "main" for output in task_result.outputs):
        raise CheckFailed(
            "the provider made no output 'main', which is the one for the cut",
            where=f"service {context.request.service}",
            next_step="report this to the maintainer of the provider",
        )

    monitor.begin_step(StepName.CHECK, len(frames))
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
    """Make the proxies that the provider left out, and the thumbnail."""
    gateway, frames, folder = context.gateway, context.request.frames, context.work_dir.pictures
    missing = [frame for frame in frames if not _proxy_path(context, frame).exists()]
    context.monitor.begin_step(StepName.PROXIES, len(missing))
    if missing:
        _render_missing_proxies(context, task_result, missing)
    settings = gateway.settings.proxies
    # From a proxy: what proxies show (a matte over its plate, say) is the provider's choice.
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
    """Hash every file that is going to be published."""
    folder, frames = context.work_dir.pictures, context.request.frames
    patterns = [proxies.pattern, *(output.pattern for output in task_result.outputs)]
    context.monitor.begin_step(StepName.HASH, len(frames))
    files = {THUMBNAIL_NAME: _hash_output(folder, THUMBNAIL_NAME, context.monitor)}
    for frame in frames:
        for name in (frame_path(pattern, frame) for pattern in patterns):
            # A movie is one file for all frames.
            if name not in files:
                files[name] = _hash_output(folder, name, context.monitor)
        context.monitor.frame_done(frame)
    return HashedOutputs(files=tuple(files.values()), proxies=proxies)


def settle_charge(context: JobContext) -> None:
    """End the job and record its cost: services on this machine cost nothing."""
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
    """The file of each frame; a movie or a still is the same file for all."""
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
    sha256 = hash_file(path, monitor.raise_if_cancelled)
    return ResultFile(path=name, size=path.stat().st_size, sha256=sha256)


def _proxy_path(context: JobContext, frame: int) -> Path:
    return context.work_dir.pictures / PROXY_FILENAME.format(frame=frame)
