"""Everything that the API can ask about jobs and their results.

The methods read and write databases and files. They may be called from any thread that does not
run an event loop.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TypeVar

from bridge_core.errors import ConfigError, ModelMissing, NotFound
from bridge_core.models.gateway import Event, HealthCheck
from bridge_core.models.jobs import Cost, Estimate, Job, JobFrame, JobState
from bridge_core.models.media import frame_paths
from bridge_core.models.notes import NewNote, Note
from bridge_core.models.requests import Request, Submission
from bridge_core.models.services import Service
from bridge_core.models.settings import GatewaySettings
from bridge_core.models.versions import (
    Decision,
    Lineage,
    Result,
    ResultFile,
    ReviewStatus,
    TestFrame,
    Version,
)
from bridge_core.system.locks import FileLock
from bridge_gateway.db import queries
from bridge_gateway.db.engine import Database, sqlite_url
from bridge_gateway.jobs import estimates, events, health, recovery, transitions
from bridge_gateway.jobs.gateway_context import GatewayContext
from bridge_gateway.jobs.queue import JobQueue
from bridge_gateway.jobs.workflow import Workflow
from bridge_gateway.library import reader
from bridge_gateway.library.naming import LibraryNaming
from bridge_gateway.library.work_dir import WorkDir
from bridge_gateway.media.colour import ColourManager
from bridge_gateway.media.decode_pool import DecodePool
from bridge_gateway.providers.base import PROXY_PATTERN, Provider
from bridge_gateway.storage.atomic_files import atomic_write_bytes, storage_error
from bridge_gateway.storage.content_store import ContentStore
from bridge_gateway.storage.disks import Disk
from bridge_gateway.storage.media_roots import MediaRoots

T = TypeVar("T")

_INSTANCE_ID = re.compile(r"[0-9a-f]{32}")


class JobService:
    """Opened by :meth:`start` and closed by :meth:`stop`; one for each data folder.

    :raises ConfigError: the settings have an invalid template, or an OCIO config that cannot be
        read.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        providers: Sequence[Provider],
        content_store: ContentStore,
        media_roots: MediaRoots,
    ) -> None:
        self._settings = settings
        self._providers = providers
        self._content_store = content_store
        self._media_roots = media_roots
        self._naming = LibraryNaming(settings)
        self._colour = ColourManager(settings.colour)
        self._lock = FileLock(settings.data_dir / "gateway.lock")
        self._runtime: _Runtime | None = None

    def start(self) -> None:
        """Open the databases, resume interrupted jobs, and run the queue.

        :raises ConfigError: another gateway uses the same data folder.
        :raises IncompatibleVersion: a newer Shotbridge has written the database.
        :raises StorageError: the library cannot be created.
        """
        if not self._lock.acquire():
            raise ConfigError(
                "another gateway is working on this data folder",
                where=str(self._settings.data_dir),
                next_step="use that one, stop it, or set gateway.data_dir to another folder",
            )
        try:
            self._runtime = self._open_runtime()
        except BaseException:
            self._lock.release()
            raise

    def stop(self, drain_seconds: float = 0) -> None:
        """Start no more jobs, wait ``drain_seconds`` for the running ones, then interrupt them.

        An interrupted job is resumed at the next start.
        """
        if self._runtime is None:
            return
        runtime, self._runtime = self._runtime, None
        runtime.reconciler.stop()
        runtime.workflow.drain(drain_seconds, runtime.queue)
        runtime.gateway.decoder.close()
        runtime.gateway.database.close()
        self._lock.release()

    # --- services

    def list_services(self) -> list[Service]:
        return self._gateway.list_services()

    def estimate_request(self, request: Request) -> Estimate:
        """
        :raises InvalidRequest: no such service, or parameters that it does not accept.
        """
        service = self._gateway.resolve_request(request).service
        with self._gateway.database.begin_read() as session:
            seconds = estimates.estimate_seconds(session, request)
        return Estimate(
            frames=len(request.frames),
            seconds=seconds,
            cost=Cost(),
            data_locality=service.data_locality,
            provider=service.provider,
            allowed=service.available,
            reason=service.unavailable_reason,
        )

    # --- jobs

    def submit(self, submission: Submission, key: str) -> tuple[Job, bool]:
        """The job of this key, and whether it is new.

        :raises InvalidRequest: the service is unknown or does not accept these parameters.
        :raises ModelMissing: the service is not available; ``next_step`` says what to do.
        :raises IdempotencyKeyReused: the key has been used with another request.
        """
        service = self._gateway.resolve_request(submission.request).service
        if not service.available:
            raise ModelMissing(
                f"{service.title} cannot run here now",
                where=f"service {service.id}",
                next_step=service.unavailable_reason,
            )
        runtime = self._require_runtime()
        job, created = transitions.create_job(runtime.gateway.database, submission, key)
        if job.state is JobState.QUEUED:
            recovery.pin_inputs(runtime.gateway, job.id, submission)
            # The row is written, so the job is certain to run.
            runtime.reconciler.enqueue(job.id)
        return job, created

    def get_job(self, job_id: str) -> Job:
        """
        :raises NotFound: there is no such job.
        """
        with self._gateway.database.begin_read() as session:
            return queries.load_job(session, queries.get_job_row(session, job_id))

    def list_jobs(
        self,
        *,
        show: str | None = None,
        state: JobState | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[Job]:
        """Newest first; ``before`` is the id of the last job of the previous page."""
        with self._gateway.database.begin_read() as session:
            return queries.list_jobs(session, show=show, state=state, before=before, limit=limit)

    def cancel(self, job_id: str) -> Job:
        """Cancel a job. A job that has ended, or whose version already has a number, does not
        change.

        :raises NotFound: there is no such job.
        """
        runtime = self._require_runtime()
        job, cancelled = transitions.cancel_job(runtime.gateway.database, job_id)
        if cancelled and not runtime.workflow.cancel(job_id):
            # The workflow finds that the row has ended, and skips the job.
            recovery.unpin_inputs(runtime.gateway, job_id)
        return job

    def list_frames(self, job_id: str) -> list[JobFrame]:
        """The frames finished so far, ascending."""
        finished = self._gateway.library_disk.run(
            functools.partial(self._finished_proxies, self.get_job(job_id))
        )
        return [
            JobFrame(frame=frame, proxy_path=f"/v1/jobs/{job_id}/proxies/{frame}")
            for frame in sorted(finished)
        ]

    def find_job_proxy(self, job_id: str, frame: int) -> Path:
        """
        :raises NotFound: there is no such job, or the frame is not finished.
        """
        job = self.get_job(job_id)
        path = self._gateway.library_disk.run(lambda: self._finished_proxies(job).get(frame))
        if path is None:
            raise NotFound(
                f"frame {frame} is not finished",
                where=f"job {job_id}",
                next_step="ask for the job's frames to see which ones are",
            )
        return path

    # --- results

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
        the previous page."""
        with self._gateway.database.begin_read() as session:
            return queries.list_versions(
                session,
                show=show,
                sequence=sequence,
                shot=shot,
                service=service,
                status=status,
                newest=newest,
                after=after,
                limit=limit,
            )

    def get_version(self, version_id: str) -> Version:
        """
        :raises NotFound: there is no such version.
        """
        with self._gateway.database.begin_read() as session:
            return queries.load_version(session, queries.get_version_row(session, version_id))

    def get_test_frame(self, test_frame_id: str) -> TestFrame:
        """
        :raises NotFound: there is no such test frame.
        """
        with self._gateway.database.begin_read() as session:
            return queries.get_test_frame(session, test_frame_id)

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
        return self._read_result(result_id, reader.find_thumbnail)

    # --- review

    def add_decision(self, version_id: str, decision: Decision) -> Version:
        """
        :raises NotFound: there is no such version.
        :raises ContentMismatch: the decision names another content hash than the version's.
        """
        with self._gateway.database.begin_write() as session:
            version = queries.add_decision(session, version_id, decision)
            events.add_version_event(session, version)
            return version

    def list_notes(self, version_id: str) -> list[Note]:
        with self._gateway.database.begin_read() as session:
            return queries.list_notes(session, version_id)

    def add_note(self, version_id: str, new: NewNote) -> Note:
        """
        :raises NotFound: there is no such version.
        """
        with self._gateway.database.begin_write() as session:
            note = queries.add_note(session, version_id, new)
            events.add_note_event(
                session, note, job=queries.get_version_row(session, version_id).job_id
            )
            return note

    # --- events

    def list_events(self, *, after: int, job: str | None = None, limit: int = 500) -> list[Event]:
        """Events with ids greater than ``after``, oldest first; of one job where it is named."""
        with self._gateway.database.begin_read() as session:
            return events.events_after(session, after, job=job, limit=limit)

    def last_event_id(self) -> int:
        with self._gateway.database.begin_read() as session:
            return events.last_event_id(session)

    def change_count(self) -> int:
        """Changes with every transaction that this process commits. Reads no database."""
        return self._gateway.database.change_count

    def has_open_jobs(self) -> bool:
        """Whether a job is queued or running."""
        with self._gateway.database.begin_read() as session:
            return any(queries.count_open_jobs(session).values())

    def check_health(self) -> list[HealthCheck]:
        runtime = self._require_runtime()
        return health.check_health(runtime.gateway, runtime.reconciler)

    # --- private

    def _open_runtime(self) -> _Runtime:
        settings = self._settings
        try:
            settings.library_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, settings.library_dir) from error
        gateway = GatewayContext(
            settings=settings,
            instance_id=self._load_instance_id(),
            database=Database(
                settings.database_url or sqlite_url(settings.data_dir / "gateway.sqlite")
            ),
            providers=self._providers,
            content_store=self._content_store,
            media_roots=self._media_roots,
            naming=self._naming,
            colour=self._colour,
            library_disk=Disk(settings.library_dir),
            decoder=DecodePool(
                processes=settings.workers,
                idle_seconds=settings.model_idle_seconds,
                retry_killed=True,
            ),
        )
        workflow = Workflow(gateway)
        queue = JobQueue(
            settings.database_url or sqlite_url(settings.data_dir / "queue.sqlite"),
            # By this id DBOS finds its interrupted workflows after a restart. An embedded database
            # has one gateway, a shared one several.
            executor_id=gateway.instance_id if settings.database_url else "local",
            workers=settings.workers,
            run_job=workflow.run_job,
            replaceable=settings.database_url is None,
        )
        recovery.pin_all_inputs(gateway)
        queue.start()
        reconciler = recovery.Reconciler(gateway, queue)
        reconciler.start()
        return _Runtime(gateway, workflow, queue, reconciler)

    def _load_instance_id(self) -> str:
        """The id that this gateway keeps in its data folder.

        :raises ConfigError: the file holds something else.
        """
        path = self._settings.data_dir / "instance_id"
        if not path.exists():
            atomic_write_bytes(path, queries.new_id().encode())
        instance_id = path.read_text(errors="replace")
        if not _INSTANCE_ID.fullmatch(instance_id):
            raise ConfigError(
                "this file should hold the gateway's instance id, and holds something else",
                where=str(path),
                next_step="restore it, or remove it: running jobs then make their frames again",
            )
        return instance_id

    def _require_runtime(self) -> _Runtime:
        if self._runtime is None:
            raise RuntimeError("the service is not open; call start() first")
        return self._runtime

    @property
    def _gateway(self) -> GatewayContext:
        return self._require_runtime().gateway

    def _get_result(self, result_id: str) -> Result:
        with self._gateway.database.begin_read() as session:
            row = queries.get_result_row(session, result_id)
            kind = Version if row.number is not None else TestFrame
            return kind.model_validate_json(row.content or "")

    def _read_result(self, result_id: str, read: Callable[[Result], T]) -> T:
        """Call ``read`` with a result, on the library's disk.

        :raises StorageUnavailable: its disk does not answer.
        """
        result = self._get_result(result_id)
        return self._gateway.library_disk.run(lambda: read(result))

    def _finished_proxies(self, job: Job) -> dict[int, Path]:
        """The proxies of finished frames, from one directory listing: there may be thousands, and
        clients ask often."""
        result_id = job.version_id or job.test_frame_id
        if result_id is not None:
            result = self._get_result(result_id)
            folders, frames, pattern = [Path(result.folder)], result.frames, result.proxies.pattern
        else:
            work_dir = WorkDir(self._settings.library_dir, job.id, self._gateway.instance_id)
            folders, frames = [work_dir.pictures, work_dir.result], job.request.frames
            pattern = PROXY_PATTERN
        folder = PurePosixPath(pattern).parent
        existing: dict[str, Path] = {}
        for parent in folders:
            with suppress(FileNotFoundError), os.scandir(parent / folder) as entries:
                existing |= {entry.name: Path(entry.path) for entry in entries if entry.is_file()}
        paths = zip(frames, frame_paths(pattern, frames), strict=True)
        names = {frame: PurePosixPath(path).name for frame, path in paths}
        return {frame: existing[name] for frame, name in names.items() if name in existing}


class _Runtime:
    """What exists while the service is open."""

    def __init__(
        self,
        gateway: GatewayContext,
        workflow: Workflow,
        queue: JobQueue,
        reconciler: recovery.Reconciler,
    ) -> None:
        self.gateway = gateway
        self.workflow = workflow
        self.queue = queue
        self.reconciler = reconciler
