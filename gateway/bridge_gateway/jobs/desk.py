"""The desk: everything that can be asked of the gateway about jobs and their results.

The API calls this and nothing behind it. Calls read and write databases and files: not from a
thread that runs an event loop. Everything may be called from any other thread.
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
from bridge_core.locks import FileLock
from bridge_core.models.gateway import Event, HealthLine
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
    Try,
    Version,
)
from bridge_gateway.jobs import estimates, feed, health, recovery, shelf, states
from bridge_gateway.jobs.engine import Engine
from bridge_gateway.jobs.naming import Naming
from bridge_gateway.jobs.tools import Tools
from bridge_gateway.jobs.work import WorkFolder
from bridge_gateway.jobs.workflow import Workflow
from bridge_gateway.media.atomic import storage_error, write_bytes
from bridge_gateway.media.colour import Colour
from bridge_gateway.media.decoder import Decoder
from bridge_gateway.providers.contract import PROXY_PATTERN, Provider
from bridge_gateway.store import records
from bridge_gateway.store.content import ContentStore
from bridge_gateway.store.database import Database, sqlite_url
from bridge_gateway.store.disks import Disk
from bridge_gateway.store.roots import Roots

T = TypeVar("T")

_INSTANCE = re.compile(r"[0-9a-f]{32}")


class Desk:
    """Opens with :meth:`start`, closes with :meth:`stop`; one for each data folder.

    :raises ConfigError: the settings' templates cannot be filled, or its OCIO config not be read.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        providers: Sequence[Provider],
        contents: ContentStore,
        roots: Roots,
    ) -> None:
        self._settings = settings
        self._providers = providers
        self._contents = contents
        self._roots = roots
        self._naming = Naming(settings)
        self._colour = Colour(settings.colour)
        self._lock = FileLock(settings.data_dir / "gateway.lock")
        self._open: _Open | None = None

    def start(self) -> None:
        """Open the databases, take up what was interrupted, and begin to work.

        :raises ConfigError: another gateway works on the same data folder.
        :raises IncompatibleVersion: a newer Shotbridge has written the database.
        :raises StorageError: the library cannot be made.
        """
        if not self._lock.acquire():
            raise ConfigError(
                "another gateway is working on this data folder",
                where=str(self._settings.data_dir),
                next_step="use that one, stop it, or set gateway.data_dir to another folder",
            )
        try:
            self._open = self._opened()
        except BaseException:
            self._lock.release()
            raise

    def stop(self, drain_seconds: float = 0) -> None:
        """Take up no more jobs, wait for those that run, then interrupt what still runs.

        An interrupted job goes on after the next start.
        """
        if self._open is None:
            return
        opened, self._open = self._open, None
        opened.reconciler.stop()
        opened.workflow.drain(drain_seconds, opened.engine)
        opened.tools.decoder.close()
        opened.tools.database.close()
        self._lock.release()

    # --- services

    def services(self) -> list[Service]:
        return self._tools.services()

    def estimate(self, request: Request) -> Estimate:
        """
        :raises InvalidRequest: no such service, or parameters that it does not take.
        """
        service = self._tools.order(request).service
        with self._tools.database.reading() as session:
            seconds = estimates.seconds(session, request)
        return Estimate(
            frames=len(request.frames),
            seconds=seconds,
            cost=Cost(),
            reach=service.reach,
            provider=service.provider,
            allowed=service.available,
            reason=service.unavailable_because,
        )

    # --- jobs

    def submit(self, submission: Submission, key: str) -> tuple[Job, bool]:
        """The job of this key, and whether it is new.

        :raises InvalidRequest: the service is unknown or does not take these parameters.
        :raises ModelMissing: the service cannot run now; what to do about it is said.
        :raises KeyReused: the key has been used with another request.
        """
        service = self._tools.order(submission.request).service
        if not service.available:
            raise ModelMissing(
                f"{service.title} cannot run here now",
                where=f"service {service.id}",
                next_step=service.unavailable_because,
            )
        opened = self._opened_desk
        job, new = states.submit(opened.tools.database, submission, key)
        if job.state is JobState.QUEUED:
            recovery.pin(opened.tools, job.id, submission)
            # With its row written, the job is certain to be begun.
            opened.reconciler.enqueue(job.id)
        return job, new

    def job(self, job_id: str) -> Job:
        """
        :raises NotFound: there is no such job.
        """
        with self._tools.database.reading() as session:
            return records.job(session, records.job_row(session, job_id))

    def jobs(
        self,
        *,
        show: str | None = None,
        state: JobState | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[Job]:
        """Newest first; ``before`` is the id of the last job of the page before."""
        with self._tools.database.reading() as session:
            return records.jobs(session, show=show, state=state, before=before, limit=limit)

    def cancel(self, job_id: str) -> Job:
        """End a job. One that has ended stays as it is; so does one whose version has its number
        already and is about to be there.

        :raises NotFound: there is no such job.
        """
        opened = self._opened_desk
        job, cancelled = states.cancel(opened.tools.database, job_id)
        if cancelled and not opened.workflow.cancel(job_id):
            recovery.unpin(
                opened.tools, job_id
            )  # the engine finds that the row has ended, and skips it
        return job

    def frames(self, job_id: str) -> list[JobFrame]:
        """Finished frames, ascending; while a job runs they become more."""
        finished = self._tools.library.run(functools.partial(self._proxies, self.job(job_id)))
        return [
            JobFrame(frame=frame, proxy=f"/v1/jobs/{job_id}/proxies/{frame}")
            for frame in sorted(finished)
        ]

    def job_proxy(self, job_id: str, frame: int) -> Path:
        """
        :raises NotFound: there is no such job, or the frame is not finished.
        """
        job = self.job(job_id)
        path = self._tools.library.run(lambda: self._proxies(job).get(frame))
        if path is None:
            raise NotFound(
                f"frame {frame} is not finished",
                where=f"job {job_id}",
                next_step="ask for the job's frames to see which ones are",
            )
        return path

    # --- results

    def versions(
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
        the page before."""
        with self._tools.database.reading() as session:
            return records.versions(
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

    def version(self, version_id: str) -> Version:
        """
        :raises NotFound: there is no such version.
        """
        with self._tools.database.reading() as session:
            return records.version(session, records.version_row(session, version_id))

    def tried(self, try_id: str) -> Try:
        """
        :raises NotFound: there is no such try.
        """
        with self._tools.database.reading() as session:
            return records.tried(session, try_id)

    def lineage(self, result_id: str) -> Lineage:
        return self._read(result_id, shelf.lineage)

    def files(self, result_id: str) -> list[ResultFile]:
        return self._read(result_id, shelf.files)

    def file(self, result_id: str, path: str) -> Path:
        """
        :raises NotFound: no such version or try, or no such file in it.
        :raises OutsideRoots: the path leads out of the result's folder.
        """
        return self._read(result_id, lambda result: shelf.file(result, path))

    def proxy(self, result_id: str, frame: int) -> Path:
        return self._read(result_id, lambda result: shelf.proxy(result, frame))

    def thumbnail(self, result_id: str) -> Path:
        return self._read(result_id, shelf.thumbnail)

    # --- review

    def decide(self, version_id: str, decision: Decision) -> Version:
        """
        :raises NotFound: there is no such version.
        :raises ContentMismatch: the decision is about other content than the version's.
        """
        with self._tools.database.writing() as session:
            version = records.add_decision(session, version_id, decision)
            feed.tell_version(session, version)
            return version

    def notes(self, version_id: str) -> list[Note]:
        with self._tools.database.reading() as session:
            return records.notes(session, version_id)

    def add_note(self, version_id: str, new: NewNote) -> Note:
        """
        :raises NotFound: there is no such version.
        """
        with self._tools.database.writing() as session:
            note = records.add_note(session, version_id, new)
            feed.tell_note(session, note, job=records.version_row(session, version_id).job)
            return note

    # --- what goes on

    def events(self, *, after: int, job: str | None = None, limit: int = 500) -> list[Event]:
        """Events with ids greater than ``after``, oldest first."""
        with self._tools.database.reading() as session:
            return feed.after(session, after, job=job, limit=limit)

    def last_event(self) -> int:
        with self._tools.database.reading() as session:
            return feed.last(session)

    def changes(self) -> int:
        """A number that differs once this process has made an event. Costs nothing to ask."""
        return self._tools.database.state

    def busy(self) -> bool:
        """Whether a job is queued or running."""
        with self._tools.database.reading() as session:
            return any(records.count_open(session).values())

    def health(self) -> list[HealthLine]:
        opened = self._opened_desk
        return health.lines(opened.tools, opened.reconciler)

    # --- inside

    def _opened(self) -> _Open:
        settings = self._settings
        try:
            settings.library_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, settings.library_dir) from error
        tools = Tools(
            settings=settings,
            instance=self._instance(),
            database=Database(
                settings.database_url or sqlite_url(settings.data_dir / "gateway.sqlite")
            ),
            providers=self._providers,
            contents=self._contents,
            roots=self._roots,
            naming=self._naming,
            colour=self._colour,
            library=Disk(settings.library_dir),
            decoder=Decoder(
                processes=settings.workers,
                idle_seconds=settings.model_idle_seconds,
                retry_killed=True,
            ),
        )
        workflow = Workflow(tools)
        engine = Engine(
            settings.database_url or sqlite_url(settings.data_dir / "engine.sqlite"),
            # Under this name the engine finds after a restart what it worked on before. An
            # embedded database has one gateway; a shared one has several.
            executor=tools.instance if settings.database_url else "local",
            workers=settings.workers,
            work=workflow.work,
            replaceable=settings.database_url is None,
        )
        recovery.pin_all(tools)
        engine.start()
        reconciler = recovery.Reconciler(tools, engine)
        reconciler.start()
        return _Open(tools, workflow, engine, reconciler)

    def _instance(self) -> str:
        """The name that this gateway keeps with its data.

        :raises ConfigError: the file of the name holds something else.
        """
        path = self._settings.data_dir / "executor"
        if not path.exists():
            write_bytes(path, records.new_id().encode())
        name = path.read_text(errors="replace")
        if not _INSTANCE.fullmatch(name):
            raise ConfigError(
                "this file should hold the gateway's name, and its content is not one",
                where=str(path),
                next_step="restore it, or remove it: jobs in progress then make their frames again",
            )
        return name

    @property
    def _opened_desk(self) -> _Open:
        if self._open is None:
            raise RuntimeError("the desk is not open; call start() first")
        return self._open

    @property
    def _tools(self) -> Tools:
        return self._opened_desk.tools

    def _result(self, result_id: str) -> Result:
        with self._tools.database.reading() as session:
            row = records.result_row(session, result_id)
            kind = Version if row.number is not None else Try
            return kind.model_validate_json(row.content or "")

    def _read(self, result_id: str, look: Callable[[Result], T]) -> T:
        """Read something of a result in the library.

        :raises StorageUnavailable: its disk does not answer.
        """
        result = self._result(result_id)
        return self._tools.library.run(lambda: look(result))

    def _proxies(self, job: Job) -> dict[int, Path]:
        """The proxies of finished frames, listed at once: there may be thousands, and clients ask
        again and again."""
        made = job.version or job.tried
        if made is not None:
            result = self._result(made)
            places, frames, pattern = [Path(result.folder)], result.frames, result.proxies.pattern
        else:
            work = WorkFolder(self._settings.library_dir, job.id, self._tools.instance)
            places, frames = [work.pictures, work.result], job.request.frames
            pattern = PROXY_PATTERN
        folder = PurePosixPath(pattern).parent
        there: dict[str, Path] = {}
        for place in places:
            with suppress(FileNotFoundError), os.scandir(place / folder) as found:
                there |= {entry.name: Path(entry.path) for entry in found if entry.is_file()}
        paths = zip(frames, frame_paths(pattern, frames), strict=True)
        named = {frame: PurePosixPath(path).name for frame, path in paths}
        return {frame: there[name] for frame, name in named.items() if name in there}


class _Open:
    """What is there while the desk is open."""

    def __init__(
        self, tools: Tools, workflow: Workflow, engine: Engine, reconciler: recovery.Reconciler
    ) -> None:
        self.tools = tools
        self.workflow = workflow
        self.engine = engine
        self.reconciler = reconciler
