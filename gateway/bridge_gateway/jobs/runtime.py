"""The running gateway without its API: opens its parts in order and closes them again."""

from __future__ import annotations

import re
from functools import partial

from bridge_core.errors import ConfigError
from bridge_core.models.gateway import HealthCheck
from bridge_core.models.settings import GatewaySettings
from bridge_core.system.files import atomic_write_bytes
from bridge_core.system.locks import FileLock
from bridge_gateway.db import queries
from bridge_gateway.db.engine import Database, sqlite_url
from bridge_gateway.jobs import health
from bridge_gateway.jobs.context import GatewayContext
from bridge_gateway.jobs.events import EventLog
from bridge_gateway.jobs.operations import JobOperations, ResultOperations
from bridge_gateway.jobs.queue import (
    POLLING_SECONDS,
    REMOTE_POLLING_SECONDS,
    JobQueue,
    QueueLimits,
)
from bridge_gateway.jobs.reconciler import Reconciler
from bridge_gateway.jobs.reviews import ReviewOperations
from bridge_gateway.jobs.workflow import Workflow
from bridge_gateway.media.colour import ColourManager
from bridge_gateway.media.decode_pool import DecodePool
from bridge_gateway.providers.base import RemoteProvider, queue_name
from bridge_gateway.providers.registry import ProviderRegistry
from bridge_gateway.storage.storage import Storage

_INSTANCE_ID = re.compile(r"[0-9a-f]{32}")


class JobRuntime:
    """Opened by :meth:`start` and closed by :meth:`stop`; one for each data folder. Everything but
    :meth:`start` and :meth:`stop` may be used only between the two.

    :raises ConfigError: the settings have an OCIO config that cannot be read.
    """

    gateway: GatewayContext
    jobs: JobOperations
    results: ResultOperations
    reviews: ReviewOperations
    events: EventLog
    _workflow: Workflow
    _queue: JobQueue
    _reconciler: Reconciler

    def __init__(self, settings: GatewaySettings, providers: ProviderRegistry) -> None:
        self._settings = settings
        self._providers = providers
        self._colour = ColourManager(settings.colour)
        self._lock = FileLock(settings.data_dir / "gateway.lock")
        self._is_open = False

    def start(self) -> None:
        """Open the databases, resume interrupted jobs, and run the queue.

        :raises ConfigError: another gateway uses the same data folder, or the settings have an
            invalid template.
        :raises IncompatibleVersion: a newer Shotbridge has written the database, or one whose jobs
            can no longer be read.
        :raises StorageError: the library cannot be created.
        """
        if not self._lock.acquire():
            raise ConfigError(
                "another gateway is working on this data folder",
                where=str(self._settings.data_dir),
                next_step="use that one, stop it, or set gateway.data_dir to another folder",
            )
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        self._is_open = True

    def stop(self, drain_seconds: float = 0) -> None:
        """Start no more jobs, wait ``drain_seconds`` for the running ones, then interrupt them.

        An interrupted job is resumed at the next start.
        """
        if not self._is_open:
            return
        self._is_open = False
        self._reconciler.stop()
        self._workflow.drain(drain_seconds, self._queue)
        self.gateway.decoder.close()
        self.gateway.database.close()
        self._lock.release()

    def has_open_jobs(self) -> bool:
        """Whether a job is queued or running."""
        with self.gateway.database.begin_read() as session:
            return any(queries.count_open_jobs(session).values())

    def check_health(self) -> list[HealthCheck]:
        return health.check_health(self.gateway, self._reconciler)

    def _open(self) -> None:
        settings = self._settings
        database = Database(
            settings.database_url or sqlite_url(settings.data_dir / "gateway.sqlite")
        )
        instance_id = self._load_instance_id()
        self.gateway = gateway = GatewayContext(
            settings=settings,
            instance_id=instance_id,
            database=database,
            providers=self._providers,
            storage=Storage.open(settings, instance_id, partial(queries.list_pinned, database)),
            colour=self._colour,
            decoder=DecodePool(
                processes=settings.workers,
                idle_seconds=settings.model_idle_seconds,
                retry_killed=True,
            ),
        )
        self._workflow = workflow = Workflow(gateway)
        self._queue = queue = JobQueue(
            settings.database_url or sqlite_url(settings.data_dir / "queue.sqlite"),
            # By this id DBOS finds its interrupted workflows after a restart. An embedded database
            # has one gateway, a shared one several.
            executor_id=gateway.instance_id if settings.database_url else "local",
            queues=self._queue_limits(),
            run_job=workflow.run_job,
            replaceable=settings.database_url is None,
        )
        queue.start()
        self._reconciler = Reconciler(gateway, queue)
        self._reconciler.start()
        self.results = ResultOperations(gateway)
        self.jobs = JobOperations(gateway, workflow, self._reconciler, self.results)
        self.reviews = ReviewOperations(gateway.database)
        self.events = EventLog(gateway.database)

    def _queue_limits(self) -> dict[str, QueueLimits]:
        """A queue for each provider. Jobs of a provider that is no longer enabled still have one:
        they end with an error that says so, or wait for it where it may have their work."""
        with self.gateway.database.begin_read() as session:
            unused = queries.list_open_job_queues(session).values()
        limits = dict.fromkeys(unused, QueueLimits())
        for provider in self._providers.list_providers():
            # A remote job takes minutes, so its start may wait a second.
            is_remote = isinstance(provider, RemoteProvider)
            limits[queue_name(provider.id, provider.queue)] = QueueLimits(
                concurrency=provider.queue.concurrency,
                starts_per_minute=provider.queue.starts_per_minute,
                polling_seconds=REMOTE_POLLING_SECONDS if is_remote else POLLING_SECONDS,
            )
        return limits

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
