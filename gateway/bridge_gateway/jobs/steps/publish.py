"""The step ``publish``: gives a result its number, file names, lineage and library folder. And
``settle``, which ends the job.

Its order makes it safe to kill anywhere, to cancel at any time and to run again:

1. the number is reserved in a transaction. A cancellation before it ends the job without a version;
   after it the job can no longer be cancelled. The row keeps the number for this job, so that a
   repeated run gets the same one;
2. the folder is completed and moved into the library, see
   :mod:`bridge_gateway.library.result_folder`;
3. the row is marked as published, with its event.

A number is never used twice. A single gateway uses them without gaps; where several share a
database, a failure between 1 and 2 may leave a gap. Where several gateways with databases of their
own share a library, the rename decides who gets a number, because it never replaces a folder that
is not empty. The one that loses moves its files back and takes the next number.
"""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

import bridge_core
from bridge_core.errors import JobCancelled, NotWritable, ShotbridgeError
from bridge_core.models.base import canonical_json, now
from bridge_core.models.jobs import JobState
from bridge_core.models.versions import (
    InputFile,
    Lineage,
    ResultFile,
    ResultOutput,
    StepTiming,
    TestFrame,
    Version,
    content_hash,
)
from bridge_gateway.db import queries
from bridge_gateway.db.tables import JobRow, ResultRow, TimingRow
from bridge_gateway.jobs import events, transitions
from bridge_gateway.jobs.context import JobContext
from bridge_gateway.jobs.steps.step_results import AdmittedJob, HashedOutputs, StagedInputs
from bridge_gateway.library import result_folder
from bridge_gateway.library.paths import final_pattern, pattern_files
from bridge_gateway.providers.base import TaskResult


def publish_result(
    context: JobContext,
    admitted: AdmittedJob,
    staged: StagedInputs,
    task_result: TaskResult,
    hashed: HashedOutputs,
) -> None:
    """Publish the job's pictures as a version or a test frame.

    :raises JobCancelled: the job was cancelled before; nothing is published.
    :raises StorageError: the library cannot be written; nothing is published.
    """
    with context.gateway.numbering_lock:
        row = _claim_result(context)
        if row.published is not None:
            return
        try:
            while not result_folder.is_in_place(Path(row.folder), context.job_id):
                names = _final_names(context, row, task_result)
                result_folder.move_into_result(context.work_dir, names, hashed.files)
                lineage = _build_lineage(context, row, names, admitted, staged, task_result, hashed)
                result_folder.write_lineage(context.work_dir, lineage)
                if result_folder.rename_into_library(context.work_dir.result, Path(row.folder)):
                    break
                # A network share may report a failure for a rename that succeeded.
                if not result_folder.is_in_place(Path(row.folder), context.job_id):
                    result_folder.move_back(context.work_dir, names, hashed.files)
                    row = _assign_next_number(context, row)
        except (ShotbridgeError, OSError):
            # Still under the lock: no other job has the next number, so this leaves no gap.
            claim = delete(ResultRow).where(ResultRow.id == row.id, ResultRow.published.is_(None))
            with context.gateway.database.begin_write() as session:
                session.execute(claim)
            raise
        names = _final_names(context, row, task_result)
        _mark_published(context, _build_result(context, row, names, admitted, task_result, hashed))


def settle_job(context: JobContext) -> None:
    """End the job and record its cost in the ledger."""
    transitions.complete_job(context.gateway.database, context.job_id)


def _claim_result(context: JobContext) -> ResultRow:
    """The result's row with its number and folder: the existing one, or a new one."""
    paths, request = context.paths, context.request
    shot, service = request.shot.id, request.service
    with context.gateway.database.begin_write() as session:
        job = queries.get_job_row(session, context.job_id, lock=True)
        reserved = session.scalar(select(ResultRow).where(ResultRow.job_id == context.job_id))
        if reserved is not None:
            return reserved
        if job.state != JobState.RUNNING:
            raise JobCancelled("the job was cancelled", where=f"job {context.job_id}")
        if request.is_test_frame:
            number, folder = None, paths.test_frame_folder(shot, service, context.job_id)
        else:
            number = _next_version_number(session, context)
            folder = paths.version_folder(shot, service, number)
        row = ResultRow(
            id=queries.new_id(),
            job_id=context.job_id,
            **shot.model_dump(),
            service=service,
            number=number,
            folder=str(folder),
            created=now(),
        )
        session.add(row)
        session.flush()
        return row


def _next_version_number(session: Session, context: JobContext) -> int:
    shot, service = context.request.shot.id, context.request.service
    last = session.scalar(
        select(func.max(ResultRow.number)).where(
            ResultRow.show == shot.show,
            ResultRow.sequence == shot.sequence,
            ResultRow.shot == shot.shot,
            ResultRow.service == service,
        )
    )
    number = (last or 0) + 1
    # A folder that is not in the database: of another gateway, or older than the database.
    while os.path.lexists(context.paths.version_folder(shot, service, number)):
        number += 1
    return number


def _assign_next_number(context: JobContext, row: ResultRow) -> ResultRow:
    """Give the result's row the next number, because its folder exists already.

    :raises NotWritable: the result is a test frame, which has no number.
    """
    if row.number is None:
        raise NotWritable(
            "the folder of the test frames exists already, and nothing is overwritten",
            where=row.folder,
            next_step="find out what it holds, move it away, and send the job again",
        )
    with context.gateway.database.begin_write() as session:
        row = session.get_one(ResultRow, row.id)
        row.number = _next_version_number(session, context)
        row.folder = str(
            context.paths.version_folder(context.request.shot.id, row.service, row.number)
        )
        return row


def _final_names(context: JobContext, row: ResultRow, task_result: TaskResult) -> dict[str, str]:
    """The final names of the outputs' files; other files keep their names."""
    stem = context.paths.file_stem(context.request.shot.id, row.service, row.number)
    names: dict[str, str] = {}
    for output in task_result.outputs:
        final = final_pattern(stem, output.name, output.pattern)
        names |= zip(
            pattern_files(output.pattern, context.request.frames),
            pattern_files(final, context.request.frames),
            strict=True,
        )
    return names


def _build_lineage(
    context: JobContext,
    row: ResultRow,
    names: dict[str, str],
    admitted: AdmittedJob,
    staged: StagedInputs,
    task_result: TaskResult,
    hashed: HashedOutputs,
) -> Lineage:
    with context.gateway.database.begin_read() as session:
        key = session.scalar(select(JobRow.key).where(JobRow.id == context.job_id))
        timings = session.scalars(
            select(TimingRow).where(TimingRow.job_id == context.job_id).order_by(TimingRow.number)
        ).all()
    return Lineage(
        result_id=row.id,
        job_id=context.job_id,
        key=key or "",
        request=context.request,
        parameters=dict(admitted.parameters),
        seed=admitted.seed,
        requested_by=context.requested_by,
        created=row.created,
        provider=admitted.provider,
        models=task_result.models,
        runtime=task_result.runtime,
        software={"shotbridge": bridge_core.__version__, **task_result.software},
        colour=task_result.colour_conversions,
        timings=tuple(
            StepTiming(step=timing.step, seconds=round(timing.seconds, 3), attempt=timing.attempt)
            for timing in timings
        ),
        inputs=tuple(
            InputFile(path=file.source, frame=file.frame, size=file.size, sha256=file.sha256)
            for file in (*staged.files, *staged.references, *chain(*staged.mattes))
        ),
        outputs=_result_files(hashed, names),
        warnings=admitted.warnings,
    )


def _result_files(hashed: HashedOutputs, names: dict[str, str]) -> tuple[ResultFile, ...]:
    """The files under their final names."""
    return tuple(
        ResultFile(path=names.get(file.path, file.path), size=file.size, sha256=file.sha256)
        for file in hashed.files
    )


def _build_result(
    context: JobContext,
    row: ResultRow,
    names: dict[str, str],
    admitted: AdmittedJob,
    task_result: TaskResult,
    hashed: HashedOutputs,
) -> Version | TestFrame:
    stem = context.paths.file_stem(context.request.shot.id, row.service, row.number)
    outputs: tuple[ResultOutput, ...] = tuple(
        output.model_copy(update={"pattern": final_pattern(stem, output.name, output.pattern)})
        for output in task_result.outputs
    )
    fields = {
        "id": row.id,
        "shot": context.request.shot.id,
        "service": row.service,
        "job_id": context.job_id,
        "folder": row.folder,
        "frames": context.request.frames,
        "outputs": outputs,
        "proxies": hashed.proxies,
        "texts": tuple(text.name for text in task_result.texts),
        "finding_count": len(task_result.findings),
        "created": row.created,
        "requested_by": context.requested_by,
        "warnings": admitted.warnings,
    }
    if row.number is None:
        return TestFrame.model_validate(fields)
    files = _result_files(hashed, names)
    return Version.model_validate(
        {**fields, "number": row.number, "content_hash": content_hash(files)}
    )


def _mark_published(context: JobContext, result: Version | TestFrame) -> None:
    with context.gateway.database.begin_write() as session:
        row = session.get_one(ResultRow, result.id)
        row.published = now()
        row.ordinal = 1 + (session.scalar(select(func.max(ResultRow.ordinal))) or 0)
        row.content = canonical_json(result)
        session.flush()
        if isinstance(result, Version):
            events.add_version_event(session, result)
