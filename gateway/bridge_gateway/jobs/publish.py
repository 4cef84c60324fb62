"""Publishing: a result gets its number, its names, its lineage and its place in the library.

The order is what makes it safe to be killed anywhere, cancelled at any time and run again:

1. the number is taken, in one transaction that a cancellation cannot pass: before it a
   cancellation ends the job without a version, after it the job succeeds. The row keeps the
   number for this job, so a repeat gets the same one;
2. files get their final names in ``result/``, the lineage is written beside them, all are made
   read-only, and the folder becomes the result's by one rename;
3. the row becomes visible, with its event.

A number is never given twice. One gateway gives them without holes; where several share a
database, a failure between 1 and 2 may leave one out. Where several with databases of their own
share a library, the rename decides who has a number: it never goes over a folder with something in
it. Who comes second takes the files back and tries the next number.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

import bridge_core
from bridge_core.errors import CheckFailed, JobCancelled, NotWritable, ShotbridgeError
from bridge_core.models.base import canonical, now
from bridge_core.models.jobs import JobState
from bridge_core.models.versions import (
    InputFile,
    Lineage,
    Output,
    ResultFile,
    StepTiming,
    Try,
    Version,
    content_hash,
)
from bridge_gateway.jobs import feed
from bridge_gateway.jobs.bench import Admitted, Bench, Sealed, Staged
from bridge_gateway.jobs.naming import LINEAGE, output_pattern, pattern_files
from bridge_gateway.media.atomic import storage_error, write_bytes
from bridge_gateway.providers.contract import Made
from bridge_gateway.store import records
from bridge_gateway.store.database import Database
from bridge_gateway.store.tables import JobRow, ResultRow, TimingRow

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def publish(bench: Bench, admitted: Admitted, staged: Staged, made: Made, sealed: Sealed) -> None:
    """Make the job's pictures a version, or a try.

    :raises JobCancelled: somebody was faster; nothing is published.
    :raises StorageError: the library does not take the folder; nothing is published.
    """
    with bench.tools.numbering:
        row = _reserve(bench)
        if row.published is not None:
            return
        try:
            while not _stands(Path(row.folder), bench.job):
                names = _names(bench, row, made)
                _assemble(bench, names, sealed)
                _write_lineage(bench, row, names, admitted, staged, made, sealed)
                if _place(bench.folder.result, Path(row.folder)):
                    break
                # A network share may report a rename as failed that it has done.
                if not _stands(Path(row.folder), bench.job):
                    _disassemble(bench, names, sealed)
                    row = _renumber(bench, row)
        except (ShotbridgeError, OSError):
            # Still under the lock: nobody has taken the next number, so this leaves no hole.
            _release(bench.tools.database, row.id)
            raise
        names = _names(bench, row, made)
        _show(bench, _result(bench, row, names, admitted, made, sealed))


def _reserve(bench: Bench) -> ResultRow:
    """The result's row with its number and folder: the one from before, or a new one."""
    naming, request = bench.tools.naming, bench.request
    shot, service = request.shot.id, request.service
    with bench.tools.database.writing() as session:
        job = records.job_row(session, bench.job, lock=True)
        known = session.scalar(select(ResultRow).where(ResultRow.job == bench.job))
        if known is not None:
            return known
        if job.state != JobState.RUNNING:
            raise JobCancelled("the job was cancelled", where=f"job {bench.job}")
        if request.is_try:
            number, folder = None, naming.tried(shot, service, bench.job)
        else:
            number = _next_number(session, bench)
            folder = naming.version(shot, service, number)
        row = ResultRow(
            id=records.new_id(),
            job=bench.job,
            show=shot.show,
            sequence=shot.sequence,
            shot=shot.shot,
            service=service,
            number=number,
            folder=str(folder),
            created=now(),
        )
        session.add(row)
        session.flush()
        return row


def _next_number(session: Session, bench: Bench) -> int:
    shot, service = bench.request.shot.id, bench.request.service
    last = session.scalar(
        select(func.max(ResultRow.number)).where(
            ResultRow.show == shot.show,
            ResultRow.sequence == shot.sequence,
            ResultRow.shot == shot.shot,
            ResultRow.service == service,
        )
    )
    number = (last or 0) + 1
    # A folder that the database does not know: of another gateway, or of a library that is older
    # than the database.
    while os.path.lexists(bench.tools.naming.version(shot, service, number)):
        number += 1
    return number


def _renumber(bench: Bench, row: ResultRow) -> ResultRow:
    """The result's row with the next number: its folder is another gateway's.

    :raises NotWritable: a try has no other folder to go to.
    """
    if row.number is None:
        raise NotWritable(
            "something stands where the test frames belong; nothing is ever overwritten",
            where=row.folder,
            next_step="find out who put it there, move it away, and send the job again",
        )
    with bench.tools.database.writing() as session:
        row = session.get_one(ResultRow, row.id)
        row.number = _next_number(session, bench)
        row.folder = str(bench.tools.naming.version(bench.request.shot.id, row.service, row.number))
        return row


def _release(database: Database, result_id: str) -> None:
    with database.writing() as session:
        session.execute(
            delete(ResultRow).where(ResultRow.id == result_id, ResultRow.published.is_(None))
        )


def _names(bench: Bench, row: ResultRow, made: Made) -> dict[str, str]:
    """Final name of each of the outputs' files; the others keep theirs."""
    stem = bench.tools.naming.stem(bench.request.shot.id, row.service, row.number)
    names: dict[str, str] = {}
    for output in made.outputs:
        final = output_pattern(stem, output.name, output.pattern)
        names |= zip(
            pattern_files(output.pattern, bench.request.frames),
            pattern_files(final, bench.request.frames),
            strict=True,
        )
    return names


def _stands(final: Path, job: str) -> bool:
    """Whether an attempt before has come as far as to put the folder into its place."""
    try:
        lineage = Lineage.load((final / LINEAGE).read_bytes(), where=str(final / LINEAGE))
    except FileNotFoundError:
        return False
    return lineage.job == job


def _assemble(bench: Bench, names: dict[str, str], sealed: Sealed) -> None:
    result = bench.folder.result
    for file in sealed.files:
        old = bench.folder.pictures / file.path
        new = result / names.get(file.path, file.path)
        if old.exists():
            new.parent.mkdir(parents=True, exist_ok=True)
            old.rename(new)
            _protect(new)
        elif not new.exists():
            raise CheckFailed(
                "a finished file has gone from the work folder",
                where=str(old),
                next_step="find out who removes files under .work in the library, and send the "
                "job again",
            )


def _disassemble(bench: Bench, names: dict[str, str], sealed: Sealed) -> None:
    """Undo :func:`_assemble`."""
    for file in sealed.files:
        new = bench.folder.result / names.get(file.path, file.path)
        if new.exists():
            old = bench.folder.pictures / file.path
            old.parent.mkdir(parents=True, exist_ok=True)
            new.rename(old)


def _write_lineage(
    bench: Bench,
    row: ResultRow,
    names: dict[str, str],
    admitted: Admitted,
    staged: Staged,
    made: Made,
    sealed: Sealed,
) -> None:
    with bench.tools.database.reading() as session:
        key = session.scalar(select(JobRow.key).where(JobRow.id == bench.job))
        timings = session.scalars(
            select(TimingRow).where(TimingRow.job == bench.job).order_by(TimingRow.number)
        ).all()
    lineage = Lineage(
        result=row.id,
        job=bench.job,
        key=key or "",
        request=bench.request,
        parameters=dict(admitted.parameters),
        asked_by=bench.request.asked_by,
        created=row.created,
        provider=admitted.provider,
        models=made.models,
        runtime=made.runtime,
        software={"shotbridge": bridge_core.__version__, **made.software},
        colour=made.colour,
        timings=tuple(
            StepTiming(step=one.step, seconds=round(one.seconds, 3), attempt=one.attempt)
            for one in timings
        ),
        inputs=tuple(
            InputFile(path=file.source, frame=file.frame, size=file.size, sha256=file.sha256)
            for file in staged.files
        ),
        outputs=_files(sealed, names),
        warnings=admitted.warnings,
    )
    path = bench.folder.result / LINEAGE
    write_bytes(path, lineage.model_dump_json(indent=1).encode())
    _protect(path)


def _files(sealed: Sealed, names: dict[str, str]) -> tuple[ResultFile, ...]:
    """Under their final names."""
    return tuple(
        ResultFile(path=names.get(file.path, file.path), size=file.size, sha256=file.sha256)
        for file in sealed.files
    )


def _place(result: Path, final: Path) -> bool:
    """Give the finished folder its place; False where somebody else has it.

    :raises StorageError: the folder above takes nothing.
    """
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(final):
            return False
        # Of two that come this far at once, one fails: a folder goes over an empty one at most.
        result.rename(final)
    except OSError as error:
        if os.path.lexists(final):
            return False
        raise storage_error(error, final) from error
    return True


def _result(
    bench: Bench,
    row: ResultRow,
    names: dict[str, str],
    admitted: Admitted,
    made: Made,
    sealed: Sealed,
) -> Version | Try:
    stem = bench.tools.naming.stem(bench.request.shot.id, row.service, row.number)
    outputs: tuple[Output, ...] = tuple(
        output.model_copy(update={"pattern": output_pattern(stem, output.name, output.pattern)})
        for output in made.outputs
    )
    facts = {
        "id": row.id,
        "shot": bench.request.shot.id,
        "service": row.service,
        "job": bench.job,
        "folder": row.folder,
        "frames": bench.request.frames,
        "outputs": outputs,
        "proxies": sealed.proxies,
        "created": row.created,
        "asked_by": bench.request.asked_by,
        "warnings": admitted.warnings,
    }
    if row.number is None:
        return Try.model_validate(facts)
    files = _files(sealed, names)
    return Version.model_validate(
        {**facts, "number": row.number, "content_hash": content_hash(files)}
    )


def _show(bench: Bench, result: Version | Try) -> None:
    with bench.tools.database.writing() as session:
        row = session.get_one(ResultRow, result.id)
        row.published = now()
        row.ordinal = 1 + (session.scalar(select(func.max(ResultRow.ordinal))) or 0)
        row.content = canonical(result)
        session.flush()
        if isinstance(result, Version):
            feed.tell_version(session, result)


def _protect(path: Path) -> None:
    path.chmod(path.stat().st_mode & ~_WRITABLE)
