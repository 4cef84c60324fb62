"""The step ``run``: has a provider make the frames.

Local providers convert to the model's colour space, run the model and convert back, frame by frame:
see docs/decisions/0003-steps-of-a-job.md.
"""

from __future__ import annotations

import time

from bridge_gateway.jobs import transitions
from bridge_gateway.jobs.context import JobContext
from bridge_gateway.jobs.steps.models import AdmittedJob, StagedInputs, StepName
from bridge_gateway.jobs.steps.stage import files_by_frame
from bridge_gateway.providers.base import ProviderTask, TaskResult


def run_provider(context: JobContext, admitted: AdmittedJob, staged: StagedInputs) -> TaskResult:
    """Have the provider make the frames; those of an earlier attempt are kept.

    :raises JobCancelled: the job was cancelled, or the gateway stops.
    :raises UnknownService: the provider is no longer available.
    """
    frames = context.request.frames
    context.work_dir.create()
    context.monitor.begin_step(
        StepName.RUN, len(frames), [f for f in frames if context.work_dir.proxy(f).exists()]
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
    )
