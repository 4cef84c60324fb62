"""The steps ``check``, ``proxies`` and ``hash``: what happens to a provider's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from bridge_core.errors import CheckFailed
from bridge_core.models.media import frame_path
from bridge_core.models.services import OutputKind
from bridge_core.models.versions import Proxies, ResultFile
from bridge_core.system.files import hash_file
from bridge_gateway.jobs.context import JobContext
from bridge_gateway.jobs.progress import JobMonitor
from bridge_gateway.jobs.steps.stage import (
    MATTE_FILE,
    PLATE_FILE,
    REFERENCE,
    files_by_frame,
    require_unchanged,
)
from bridge_gateway.jobs.steps.step_results import (
    AdmittedJob,
    HashedOutputs,
    StagedInputs,
    StepName,
)
from bridge_gateway.library.paths import FINDINGS_NAME, THUMBNAIL_NAME, text_path
from bridge_gateway.media.decode_tasks import CheckOutputTask, OutputProxiesTask, ThumbnailTask
from bridge_gateway.providers.base import PROXY_PATTERN, TaskResult

#: A service that makes these has an output ``main``.
_MAIN_KINDS = frozenset({OutputKind.PICTURES, OutputKind.MOVIE})


def check_outputs(
    context: JobContext, admitted: AdmittedJob, staged: StagedInputs, task_result: TaskResult
) -> None:
    """Check that all requested frames were made, complete, from the plate that was sent.

    :raises CheckFailed: an output is missing or fails its checks.
    :raises PlateChanged: the plate, a reference or a matte is no longer the one that was staged.
    """
    frames, monitor = context.request.frames, context.monitor
    has_main = any(output.name == "main" for output in task_result.outputs)
    has_something = task_result.outputs or task_result.texts or task_result.findings
    if not has_something or (not has_main and _MAIN_KINDS.intersection(admitted.produces)):
        raise CheckFailed(
            "the provider made no output 'main', which is the one for the cut"
            if has_something
            else "the provider made nothing",
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
            files=files_by_frame(context, staged),
            values_checked=task_result.values_checked,
        )
        context.gateway.decoder.run(
            task, check_cancelled=monitor.raise_if_cancelled, frame_done=monitor.frame_done
        )
    require_unchanged(staged.files, monitor.raise_if_cancelled, PLATE_FILE)
    require_unchanged(staged.references, monitor.raise_if_cancelled, REFERENCE)
    require_unchanged(chain(*staged.mattes), monitor.raise_if_cancelled, MATTE_FILE)


def make_proxies(context: JobContext, task_result: TaskResult) -> Proxies | None:
    """Make the proxies that the provider left out, and the thumbnail; None without pictures."""
    if not task_result.outputs:
        return None
    gateway, frames, folder = context.gateway, context.request.frames, context.work_dir.pictures
    missing = [frame for frame in frames if not context.work_dir.proxy(frame).exists()]
    context.monitor.begin_step(StepName.PROXIES, len(missing))
    if missing:
        _render_missing_proxies(context, task_result, missing)
    settings = gateway.settings.proxies
    # From a proxy: what proxies show (a matte over its plate, say) is the provider's choice.
    middle = frames[len(frames) // 2]
    thumbnail = gateway.decoder.run(
        ThumbnailTask(
            proxy=context.work_dir.proxy(middle),
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


def hash_outputs(
    context: JobContext, task_result: TaskResult, proxies: Proxies | None
) -> HashedOutputs:
    """Hash every file that is going to be published."""
    folder, frames = context.work_dir.pictures, context.request.frames
    patterns = [output.pattern for output in task_result.outputs]
    documents = [text_path(text.name) for text in task_result.texts]
    if task_result.findings:
        documents.append(FINDINGS_NAME)
    if proxies is not None:
        patterns.insert(0, proxies.pattern)
        documents.insert(0, THUMBNAIL_NAME)
    context.monitor.begin_step(StepName.HASH, len(frames))
    files = {name: _hash_output(folder, name, context.monitor) for name in documents}
    for frame in frames:
        for name in (frame_path(pattern, frame) for pattern in patterns):
            # A movie is one file for all frames.
            if name not in files:
                files[name] = _hash_output(folder, name, context.monitor)
        context.monitor.frame_done(frame)
    return HashedOutputs(files=tuple(files.values()), proxies=proxies)


def _render_missing_proxies(
    context: JobContext, task_result: TaskResult, frames: Sequence[int]
) -> None:
    gateway, outputs = context.gateway, task_result.outputs
    context.work_dir.proxy(frames[0]).parent.mkdir(exist_ok=True)
    task = OutputProxiesTask(
        folder=context.work_dir.pictures,
        output=next((output for output in outputs if output.name == "main"), outputs[0]),
        targets={frame: context.work_dir.proxy(frame) for frame in frames},
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
