"""Bringing the jobs' rows and the engine together again after a kill.

Rows and engine live in two databases. A kill between a write in the one and in the other leaves
them apart; at start each open row is looked at and the one that is behind is moved on.
"""

from __future__ import annotations

import logging

from sqlalchemy import select

from bridge_core.errors import GatewayFault
from bridge_core.models.jobs import Cost
from bridge_core.models.requests import Submission
from bridge_gateway.jobs import states
from bridge_gateway.jobs.engine import ATTEMPTS, Course, Engine
from bridge_gateway.jobs.tools import Tools
from bridge_gateway.jobs.work import WorkFolder
from bridge_gateway.store import records
from bridge_gateway.store.tables import ResultRow

_log = logging.getLogger(__name__)


def reconcile(tools: Tools, engine: Engine) -> None:
    """Enqueue open jobs that the engine does not work on; end those that it has given up.

    Jobs may be worked on meanwhile. The engine is asked before the rows are looked at: a
    workflow ends after its row has, so a row that is still open then stays so for ever.
    """
    ids = _open_ids(tools)
    courses = engine.courses(ids)
    still_open = set(_open_ids(tools))
    for job_id in ids:
        if job_id not in still_open:
            continue
        match courses.get(job_id):
            case None:
                _log.warning("job %s had not reached the engine; it does now", job_id)
                engine.enqueue(job_id)
            case Course.STRANDED:
                _log.warning("job %s was begun by another version and begins anew", job_id)
                engine.renew(job_id)
            case Course.ALIVE:
                pass
            case Course.CANCELLED:
                states.cancel(tools.database, job_id)
                _clear(tools, job_id)
            case Course.ENDED | Course.BROKEN:
                _end(tools, job_id)


def pin(tools: Tools, job_id: str, submission: Submission) -> None:
    """Keep the pictures that the job was sent with until it ends."""
    files = (*submission.plate_files, *submission.reference_files)
    tools.contents.pin(job_id, [file.sha256 for file in files if file.sha256 is not None])


def unpin(tools: Tools, job_id: str) -> None:
    tools.contents.unpin(job_id)


def pin_all(tools: Tools) -> None:
    """Pins do not outlive the process; the jobs do."""
    with tools.database.reading() as session:
        for row in records.open_jobs(session):
            pin(tools, row.id, records.submission(row))


def _open_ids(tools: Tools) -> list[str]:
    with tools.database.reading() as session:
        return [row.id for row in records.open_jobs(session)]


def _end(tools: Tools, job_id: str) -> None:
    with tools.database.reading() as session:
        published = session.scalar(select(ResultRow.published).where(ResultRow.job == job_id))
    if published is not None:
        states.succeed(tools.database, job_id, Cost())
    else:
        _log.error("job %s was given up by the engine", job_id)
        states.fail(
            tools.database,
            job_id,
            GatewayFault(
                f"the gateway gave this job up; it was begun up to {ATTEMPTS} times",
                where=f"job {job_id}",
                next_step="look for the job's id in the gateway's log, then send it again",
            ),
        )
    _clear(tools, job_id)


def _clear(tools: Tools, job_id: str) -> None:
    WorkFolder(tools.settings.library_dir, job_id).remove()
    unpin(tools, job_id)
