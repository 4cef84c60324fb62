"""What the API asks about jobs and results. :mod:`.reviews` has notes and decisions.

The methods read and write databases and files. They may be called from any thread that does not
run an event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy import ColumnElement, func, select, tuple_

from bridge_core.errors import NotFound
from bridge_core.models.costs import Quote, ShowCosts
from bridge_core.models.jobs import Job, JobFrame, JobState, Resolution
from bridge_core.models.requests import Request, Submission
from bridge_core.models.services import Service
from bridge_core.models.versions import (
    Lineage,
    Result,
    ResultFile,
    ReviewStatus,
    TestFrame,
    Version,
)
from bridge_gateway.db import queries
from bridge_gateway.db.tables import DecisionRow, JobRow, ResultRow
from bridge_gateway.jobs import quotes, transitions
from bridge_gateway.jobs.context import GatewayContext
from bridge_gateway.jobs.reconciler import Reconciler
from bridge_gateway.jobs.workflow import Workflow
from bridge_gateway.library import reader
from bridge_gateway.library.paths import THUMBNAIL_NAME
from bridge_gateway.policy import ledger
from bridge_gateway.policy.principal import Principal
from bridge_gateway.providers.base import queue_name

T = TypeVar("T")


class JobOperations:
    """Services that can be asked for, and jobs."""

    def __init__(
        self,
        gateway: GatewayContext,
        workflow: Workflow,
        reconciler: Reconciler,
        results: ResultOperations,
    ) -> None:
        self._gateway = gateway
        self._database = gateway.database
        self._workflow = workflow
        self._reconciler = reconciler
        self._results = results

    def list_services(self) -> list[Service]:
        return self._gateway.providers.list_services()

    def quote(self, requests: Sequence[Request]) -> list[Quote]:
        """What each request would take, in order. One that is not possible has a quote that says
        why."""
        return quotes.quote_requests(self._gateway, requests)

    def list_show_costs(self, show: str | None = None) -> list[ShowCosts]:
        """What each show, or this one, has reserved and spent, by currency."""
        with self._database.begin_read() as session:
            return ledger.sum_by_show(session, show)

    def submit(self, submission: Submission, key: str, principal: Principal) -> tuple[Job, bool]:
        """The job of this key, and whether it is new.

        A known key is answered whatever has become of the provider and its prices: its job runs,
        and a refusal would have the request sent again under another key.

        :raises InvalidRequest: the service is unknown or does not accept these parameters, or has
            no price for what the request says.
        :raises ModelMissing: the service is not available; ``next_step`` says what to do.
        :raises IdempotencyKeyReused: the key has been used with another request, or by another
            principal.
        """
        with self._database.begin_read() as session:
            known = queries.find_job(session, submission.request, key, by=principal.name)
        if known is not None:
            return known, False
        resolved = self._gateway.resolve_request(submission.request)
        quotes.require_available(resolved.service)
        provider = resolved.provider
        queue = queue_name(provider.id, provider.queue)
        reservation = ledger.Reservation(
            resolved.quote(submission.request), provider.id, provider.queue.account
        )
        job, created = transitions.create_job(
            self._database, submission, key, principal, reservation, queue=queue
        )
        if job.state is JobState.QUEUED:
            # The row is written, so the job is certain to run.
            self._reconciler.enqueue(job.id, queue)
        return job, created

    def get_job(self, job_id: str) -> Job:
        """
        :raises NotFound: there is no such job.
        """
        with self._database.begin_read() as session:
            return queries.load_job(session, queries.get_job_row(session, job_id))

    def list_jobs(
        self,
        *,
        show: str | None = None,
        state: JobState | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[Job]:
        """Newest first; ``before`` is the id of the last job of the previous page.

        :raises NotFound: ``before`` is not the id of a job.
        """
        query = select(JobRow).order_by(JobRow.number.desc()).limit(limit)
        if show is not None:
            query = query.where(JobRow.show == show)
        if state is not None:
            query = query.where(JobRow.state == state)
        with self._database.begin_read() as session:
            if before is not None:
                query = query.where(JobRow.number < queries.get_job_row(session, before).number)
            return queries.load_jobs(session, session.scalars(query).all())

    def cancel(self, job_id: str) -> Job:
        """Cancel a job. A job that has ended, or whose version already has a number, does not
        change.

        :raises NotFound: there is no such job.
        """
        job, cancelled = transitions.cancel_job(self._database, job_id)
        if cancelled:
            # A workflow that starts later finds that the row has ended, and skips the job.
            self._workflow.cancel(job_id)
        return job

    def resolve(self, job_id: str, resolution: Resolution, principal: Principal) -> Job:
        """End the question about a job whose outcome was unknown; the job has failed then. A
        cancelled job whose work may have gone on at its provider stays cancelled. Nothing is sent
        again.

        :raises NotFound: there is no such job.
        :raises JobFailed: its outcome is known, or somebody has said it already.
        """
        return transitions.resolve_job(self._database, job_id, resolution, principal)

    def list_frames(self, job_id: str) -> list[JobFrame]:
        """The frames finished so far, ascending.

        :raises NotFound: there is no such job.
        """
        return [
            JobFrame(frame=frame, proxy_path=f"/v1/jobs/{job_id}/proxies/{frame}")
            for frame in sorted(self._finished_proxies(job_id))
        ]

    def find_job_proxy(self, job_id: str, frame: int) -> Path:
        """
        :raises NotFound: there is no such job, or the frame is not finished.
        """
        path = self._finished_proxies(job_id).get(frame)
        if path is None:
            raise NotFound(
                f"frame {frame} is not finished",
                where=f"job {job_id}",
                next_step="ask for the job's frames to see which ones are",
            )
        return path

    def _finished_proxies(self, job_id: str) -> dict[int, Path]:
        """
        :raises StorageUnavailable: the library's disk does not answer.
        """
        job = self.get_job(job_id)
        result_id = job.version_id or job.test_frame_id
        library = self._gateway.storage.library
        if result_id is None:
            return library.list_job_proxies(job.id, job.request.frames)
        return library.list_result_proxies(self._results.get_result(result_id))


class ResultOperations:
    """Versions, test frames and their files."""

    def __init__(self, gateway: GatewayContext) -> None:
        self._gateway = gateway
        self._database = gateway.database

    def list_versions(
        self,
        *,
        show: str | None = None,
        sequence: str | None = None,
        shot: str | None = None,
        service: str | None = None,
        status: ReviewStatus | None = None,
        newest: bool = False,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Version]:
        """By shot, service and number; with ``status`` only those with this review status, with
        ``newest`` of each shot only the one made last. ``after`` is the id of the last version of
        the previous page.

        :raises NotFound: ``after`` is not the id of a version.
        """
        filters = {
            ResultRow.show: show,
            ResultRow.sequence: sequence,
            ResultRow.shot: shot,
            ResultRow.service: service,
        }
        conditions: list[ColumnElement[bool]] = [
            ResultRow.published.is_not(None),
            ResultRow.number.is_not(None),
        ]
        conditions += [column == value for column, value in filters.items() if value is not None]
        if status is not None:
            decided = select(DecisionRow.status).where(DecisionRow.result_id == ResultRow.id)
            last_decided = decided.order_by(DecisionRow.number.desc()).limit(1).scalar_subquery()
            conditions.append(func.coalesce(last_decided, ReviewStatus.PENDING) == status)
        order = (*filters, ResultRow.number)
        query = select(ResultRow).where(*conditions).order_by(*order).limit(limit)
        if newest:
            last = func.row_number().over(
                partition_by=(ResultRow.show, ResultRow.sequence, ResultRow.shot),
                order_by=(column.desc() for column in (ResultRow.ordinal, ResultRow.created)),
            )
            ranked = select(ResultRow.id, last.label("rank")).where(*conditions).subquery()
            query = query.join(ranked, ranked.c.id == ResultRow.id).where(ranked.c.rank == 1)
        with self._database.begin_read() as session:
            if after is not None:
                row = queries.get_version_row(session, after)
                position = (row.show, row.sequence, row.shot, row.service, row.number)
                query = query.where(tuple_(*order) > tuple_(*position))
            return queries.load_versions(session, session.scalars(query).all())

    def get_version(self, version_id: str) -> Version:
        """
        :raises NotFound: there is no such version.
        """
        with self._database.begin_read() as session:
            return queries.load_version(session, queries.get_version_row(session, version_id))

    def get_test_frame(self, test_frame_id: str) -> TestFrame:
        """
        :raises NotFound: there is no such test frame, or it is a version.
        """
        with self._database.begin_read() as session:
            row = queries.get_result_row(session, test_frame_id, TestFrame)
        return TestFrame.model_validate_json(row.content or "")

    def get_result(self, result_id: str) -> Result:
        """A version as it was published, without the decisions since, or a test frame.

        :raises NotFound: there is no such version or test frame.
        """
        with self._database.begin_read() as session:
            return queries.load_result(queries.get_result_row(session, result_id))

    def get_lineage(self, result_id: str) -> Lineage:
        return self._read_result(result_id, reader.read_lineage)

    def list_files(self, result_id: str) -> list[ResultFile]:
        return self._read_result(result_id, reader.list_files)

    def find_file(self, result_id: str, path: str) -> Path:
        """
        :raises NotFound: no such version or test frame, or no such file in it.
        :raises OutsideMediaRoots: the path leads out of the result's folder.
        """
        return self._read_result(result_id, lambda result: reader.find_file(result, path))

    def find_proxy(self, result_id: str, frame: int) -> Path:
        return self._read_result(result_id, lambda result: reader.find_proxy(result, frame))

    def find_thumbnail(self, result_id: str) -> Path:
        return self.find_file(result_id, THUMBNAIL_NAME)

    def _read_result(self, result_id: str, read: Callable[[Result], T]) -> T:
        """Call ``read`` with a result, on the library's disk.

        :raises StorageUnavailable: its disk does not answer.
        """
        result = self.get_result(result_id)
        return self._gateway.storage.library.disk.run(lambda: read(result))
