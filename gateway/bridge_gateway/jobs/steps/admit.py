"""The step ``admit``: checks that the job can be done."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from bridge_core.errors import UnreadableMedia
from bridge_core.models.requests import MAX_SEED
from bridge_core.models.services import Service
from bridge_gateway.db import queries
from bridge_gateway.jobs import transitions
from bridge_gateway.jobs.context import JobContext
from bridge_gateway.jobs.steps.stage import (
    MATTE_FILE,
    PLATE_FILE,
    LocatedFile,
    locate_inputs,
    stage_files,
)
from bridge_gateway.jobs.steps.step_results import AdmittedJob
from bridge_gateway.library.work_dir import require_disk_space
from bridge_gateway.media.decode_tasks import CheckMatteTask, DecodeResult, ProbePlateTask
from bridge_gateway.media.plate_info import check_against_plate
from bridge_gateway.providers.limits import require_no_problems, size_problems


def admit_job(context: JobContext) -> AdmittedJob:
    """Check that the job can be done, by its request and by the first file of its plate.

    :raises InvalidRequest: unknown service, wrong parameters, something that the service does not
        accept or that exceeds its limits, a movie whose rate is not the one of its frame range, or
        a matte of another size than the plate or without its channel.
    :raises OutsideMediaRoots: a plate that this gateway may not read.
    :raises MissingFrames: missing files of the plate or a matte, or a movie that ends before its
        range does.
    :raises UnreadableMedia: the first file, or a matte, cannot be read.
    :raises TransferError: the first file's content is not what was sent; it is discarded.
    :raises PlateChanged: the first file is not the one that the client saw.
    :raises UnknownColourSpace: the plate's colour space is not in the OCIO config, or is unknown.
    :raises DiskFull: the library has too little space.
    :raises StorageUnavailable: the disk of the library or of a plate does not answer.
    :raises NotFound: the version that the request revises does not exist.
    """
    gateway, request = context.gateway, context.request
    resolved = gateway.resolve_request(request)
    located = locate_inputs(context)
    context.work_dir.create()
    require_disk_space(context.work_dir, request, sum(file.size for file, _ in located.plate))
    plate = request.shot.plate
    probe = ProbePlateTask(plate=plate, path=located.plate[0][1], frame=request.frames[0])
    info = _decode(context, probe, located.plate[:1], PLATE_FILE).info
    assert info is not None  # a ProbePlateTask always returns it
    # The request may not state the size, and the file's own word counts.
    require_no_problems(resolved.service, size_problems(resolved.service, info.width, info.height))
    for matte, files in zip(request.mattes, located.mattes, strict=True):
        check = CheckMatteTask(
            plate=matte.as_plate(plate.range),
            files={plate.range.first if f.frame is None else f.frame: path for f, path in files},
            channel=matte.channel,
            width=info.width,
            height=info.height,
        )
        if files:  # none where it applies to no frame of a test frame
            _decode(context, check, files, MATTE_FILE)
    sized = request.shot.model_copy(
        update={"plate": plate.model_copy(update={"width": info.width, "height": info.height})}
    )
    colour = gateway.colour.resolve_space(plate, info.colour_tag)
    warnings = check_against_plate(plate, info, request.frames) + colour.warnings + info.notes
    if warnings:
        transitions.record_warnings(gateway.database, context.job_id, warnings)
    quote = resolved.quote(request.model_copy(update={"shot": sized}))
    transitions.correct_quote(gateway.database, context.job_id, quote)
    return AdmittedJob(
        parameters=resolved.parameters,
        provider=resolved.provider.id,
        colour_space=colour.space,
        produces=resolved.service.produces,
        capabilities=resolved.service.capabilities,
        seed=_choose_seed(context, resolved.service),
        source_version_id=_source_version_id(context, resolved.service),
        warnings=warnings,
    )


def _decode(
    context: JobContext,
    task: ProbePlateTask | CheckMatteTask,
    files: Sequence[LocatedFile],
    subject: str,
) -> DecodeResult:
    try:
        return context.gateway.decoder.run(task, check_cancelled=context.monitor.raise_if_cancelled)
    except UnreadableMedia:
        # Raises the right error where the gateway's copy is damaged and not the artist's file.
        stage_files(context, files, subject)
        raise


def _choose_seed(context: JobContext, service: Service) -> int | None:
    """The request's seed, or one made from the job's id, so that all attempts have the same."""
    if context.request.seed is not None or not service.accepts.seed:
        return context.request.seed
    digest = hashlib.sha256(context.job_id.encode()).digest()
    return int.from_bytes(digest[:8]) % (MAX_SEED + 1)


def _source_version_id(context: JobContext, service: Service) -> str | None:
    version_id = context.request.source_version_id
    if version_id is None or not service.accepts.source_version:
        return None
    with context.gateway.database.begin_read() as session:
        return queries.get_version_row(session, version_id).id
