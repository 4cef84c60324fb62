"""The step ``run``: has a provider do the work.

Local providers convert to the model's colour space, run the model and convert back, frame by frame:
see docs/decisions/0003-steps-of-a-job.md. Remote ones are submitted and polled: see
docs/decisions/0015-provider-contract.md.
"""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path, PurePosixPath

from bridge_core.errors import CheckFailed, GatewayFault, StorageUnavailable, UnknownService
from bridge_core.models.findings import Findings
from bridge_core.models.requests import MatteRegion, ShapeRegion
from bridge_core.system.files import atomic_write_bytes, storage_errors
from bridge_gateway.db import queries
from bridge_gateway.jobs import transitions
from bridge_gateway.jobs.context import JobContext
from bridge_gateway.jobs.steps.stage import files_by_frame, matte_files_by_frame
from bridge_gateway.jobs.steps.step_results import AdmittedJob, StagedInputs, StepName
from bridge_gateway.library.paths import FINDINGS_NAME, text_path
from bridge_gateway.providers.base import (
    FrameProvider,
    Provider,
    ProviderTask,
    RemoteProvider,
    TaskMatte,
    TaskReference,
    TaskResult,
    TaskSource,
)
from bridge_gateway.providers.remote import RemoteRun
from bridge_gateway.providers.remote_table import load_row

_TEXT_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
#: Bytes of a text; a provider that writes more has a fault.
_MAX_TEXT_BYTES = 4_000_000


def run_provider(context: JobContext, admitted: AdmittedJob, staged: StagedInputs) -> TaskResult:
    """Have the provider do the work; frames of an earlier attempt are kept, and remote work that
    was submitted is not submitted again.

    :raises JobCancelled: the job was cancelled, or the gateway stops.
    :raises UnknownService: the provider is no longer available.
    :raises StorageUnavailable: so it is, and it may have work of this job.
    :raises OutcomeUnknown: whether a remote provider did the work is not known.
    """
    frames = context.request.frames
    context.work_dir.create()
    context.monitor.begin_step(
        StepName.RUN, len(frames), [f for f in frames if context.work_dir.proxy(f).exists()]
    )
    provider = _get_provider(context, admitted.provider)
    task = _provider_task(context, admitted, staged)
    started = time.monotonic()
    if isinstance(provider, FrameProvider):
        task_result = provider.run(task, context.monitor)
    elif isinstance(provider, RemoteProvider):
        task_result = RemoteRun(
            context.gateway.database,
            provider,
            task,
            context.monitor,
            capabilities=admitted.capabilities,
            on_cancellation=partial(transitions.set_job_cancellation, context.job_id),
        ).run()
    else:
        raise GatewayFault(
            f"the provider {provider.id!r} is of no known kind",
            where=f"job {context.job_id}",
            next_step="report this to the maintainer of the provider",
        )
    new_frames = context.monitor.new_frame_count()
    if new_frames:
        transitions.record_frame_time(
            context.gateway.database, context.job_id, (time.monotonic() - started) / new_frames
        )
    _write_documents(context, task_result)
    return task_result


def _get_provider(context: JobContext, provider_id: str) -> Provider:
    try:
        return context.gateway.providers.get_provider(provider_id)
    except UnknownService as error:
        if load_row(context.gateway.database, context.job_id) is None:
            raise
        # Work that was submitted is paid for, so the job waits until it can be followed again.
        message = f"waiting for the provider {provider_id!r}: {error.message}"
        context.monitor.progress(None, message)
        raise StorageUnavailable(
            message,
            where=f"job {context.job_id}",
            next_step="start the gateway with this provider, or cancel the job",
        ) from error


def _provider_task(
    context: JobContext, admitted: AdmittedJob, staged: StagedInputs
) -> ProviderTask:
    request = context.request
    return ProviderTask(
        job_id=context.job_id,
        service=request.service,
        parameters=admitted.parameters,
        plate=request.shot.plate,
        files=files_by_frame(context, staged),
        frames=request.frames,
        colour_space=admitted.colour_space,
        output_format=request.output_format,
        folder=context.work_dir.pictures,
        note=request.note,
        references=tuple(
            TaskReference(
                path=Path(file.path),
                role=reference.role,
                title=PurePosixPath(reference.path.replace("\\", "/")).name,
            )
            for reference, file in zip(request.references, staged.references, strict=True)
        ),
        regions=_task_regions(context, staged),
        seed=admitted.seed,
        source=_task_source(context, admitted.source_version_id),
    )


def _task_regions(context: JobContext, staged: StagedInputs) -> tuple[ShapeRegion | TaskMatte, ...]:
    """The request's regions in their order, mattes with their files."""
    mattes = iter(staged.mattes)
    return tuple(
        TaskMatte(region, matte_files_by_frame(context, region, next(mattes)))
        if isinstance(region, MatteRegion)
        else region
        for region in context.request.regions
    )


def _task_source(context: JobContext, version_id: str | None) -> TaskSource | None:
    if version_id is None:
        return None
    with context.gateway.database.begin_read() as session:
        version = queries.load_version(session, queries.get_version_row(session, version_id))
    return TaskSource(
        version_id=version.id,
        folder=Path(version.folder),
        outputs=version.outputs,
        frames=version.frames,
    )


def _write_documents(context: JobContext, task_result: TaskResult) -> None:
    """Write texts and findings to the work folder, to be published with the pictures.

    :raises CheckFailed: a text has an invalid name, or is too large.
    """
    folder = context.work_dir.pictures
    names = [text.name for text in task_result.texts]
    for text in task_result.texts:
        data = text.text.encode()
        is_unique = names.count(text.name) == 1
        if not (_TEXT_NAME.fullmatch(text.name) and is_unique and len(data) <= _MAX_TEXT_BYTES):
            raise CheckFailed(
                f"the provider made a text {text.name!r} of {len(data)} bytes; names are unique, "
                f"have letters, digits, '.', '-' and '_', and texts have at most {_MAX_TEXT_BYTES}",
                where=f"service {context.request.service}",
                next_step="report this to the maintainer of the provider",
            )
        path = folder / text_path(text.name)
        with storage_errors(path.parent):
            path.parent.mkdir(exist_ok=True)
        atomic_write_bytes(path, data)
    if task_result.findings:
        findings = Findings(findings=task_result.findings)
        atomic_write_bytes(
            folder / FINDINGS_NAME, findings.model_dump_json(indent=1).encode() + b"\n"
        )
