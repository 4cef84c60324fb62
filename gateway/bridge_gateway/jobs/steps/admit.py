"""The step ``admit``: checks that the job can be done."""

from __future__ import annotations

from bridge_core.errors import UnreadableMedia
from bridge_gateway.jobs import transitions
from bridge_gateway.jobs.context import JobContext
from bridge_gateway.jobs.steps.models import AdmittedJob
from bridge_gateway.jobs.steps.stage import locate_files, stage_files
from bridge_gateway.library.work_dir import require_disk_space
from bridge_gateway.media.decode_tasks import ProbePlateTask
from bridge_gateway.media.plate_info import check_against_plate


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
    located = locate_files(context.submission, gateway.content_store, gateway.media_roots)
    context.work_dir.create()
    require_disk_space(context.work_dir, request, sum(file.size for file, _ in located))
    plate = request.shot.plate
    first, path = located[0]
    try:
        probed = gateway.decoder.run(
            ProbePlateTask(plate=plate, path=path, frame=request.frames[0]),
            check_cancelled=context.monitor.raise_if_cancelled,
        )
    except UnreadableMedia:
        # Raises the right error where the gateway's copy is damaged and not the artist's file.
        stage_files(
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
