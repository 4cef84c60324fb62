"""What jobs work with: for as long as the process runs, and for one attempt at a job."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import uuid4

from bridge_core.errors import GatewayFault
from bridge_core.models.jobs import Cost
from bridge_core.models.requests import Request, Submission
from bridge_core.models.services import Service, resolve_parameters
from bridge_core.models.settings import GatewaySettings
from bridge_gateway.db.engine import Database
from bridge_gateway.jobs.progress import JobMonitor
from bridge_gateway.library.paths import LibraryPaths
from bridge_gateway.library.work_dir import WorkDir
from bridge_gateway.media.colour import ColourManager
from bridge_gateway.media.decode_pool import DecodePool
from bridge_gateway.providers import limits
from bridge_gateway.providers.base import Provider
from bridge_gateway.providers.pricing import RequestFacts
from bridge_gateway.providers.registry import ProviderRegistry
from bridge_gateway.storage.storage import Storage

_log = logging.getLogger(__name__)


class ResolvedRequest(NamedTuple):
    service: Service
    provider: Provider
    parameters: dict[str, float | int | str | bool]
    """All of them, defaults filled in."""

    def quote(self, request: Request) -> Cost:
        """What the request should cost.

        :raises InvalidRequest: the price depends on something that the request does not say.
        :raises GatewayFault: the provider's price is below 0, which would lower what is reserved.
        """
        cost = self.provider.quote(self.service, RequestFacts.of(request, self.parameters))
        if cost.amount < 0:
            raise GatewayFault(
                f"the price of {self.service.title} cannot be used: {cost} is below 0",
                where=f"service {self.service.id}, provider {self.provider.id}",
                next_step="report this to the maintainer of the provider",
            )
        return cost


def unexpected_fault(error: Exception, subject: str, when: str, next_step: str) -> GatewayFault:
    """Log an unexpected error of a job or service (``subject``) under a reference, and make the
    error that names it."""
    reference = uuid4().hex[:12]
    _log.error("reference %s: %s, %s", reference, subject, when, exc_info=error)
    return GatewayFault(
        f"an unexpected error occurred {when}: {type(error).__name__}",
        where=f"gateway log, reference {reference}",
        next_step=next_step,
    )


@dataclass(frozen=True)
class GatewayContext:
    """What the gateway's parts share for as long as the process runs."""

    settings: GatewaySettings
    instance_id: str
    """Identifies this gateway among those that share a library or a database. Kept over
    restarts."""
    database: Database
    providers: ProviderRegistry
    storage: Storage
    colour: ColourManager
    decoder: DecodePool
    """Reads pictures and movies in other processes."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the gateway stops; steps end unfinished and run again after the next start."""
    numbering_lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while a result gets its number and its folder."""

    def resolve_request(self, request: Request) -> ResolvedRequest:
        """The service, provider and parameters of a request.

        :raises UnknownService: no provider offers the service.
        :raises InvalidRequest: something that the service does not accept, an exceeded limit, or
            names that are too long for the library.
        """
        service, provider = self.providers.find_service(request.service)
        limits.check_request(service, request)
        self.storage.library.paths.check_name_lengths(request.shot.id, service.id)
        return ResolvedRequest(service, provider, resolve_parameters(service, request.parameters))


@dataclass(frozen=True)
class JobContext:
    """Everything that the steps of one attempt at a job work with."""

    gateway: GatewayContext
    job_id: str
    submission: Submission
    requested_by: str
    work_dir: WorkDir
    monitor: JobMonitor

    @property
    def request(self) -> Request:
        return self.submission.request

    @property
    def paths(self) -> LibraryPaths:
        return self.gateway.storage.library.paths
