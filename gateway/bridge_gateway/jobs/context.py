"""What jobs work with: for as long as the process runs, and for one attempt at a job."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge_core.errors import InvalidRequest, UnknownService
from bridge_core.models.requests import Request, Submission
from bridge_core.models.services import Service, resolve_parameters
from bridge_core.models.settings import GatewaySettings
from bridge_gateway.db.engine import Database
from bridge_gateway.jobs.progress import JobMonitor
from bridge_gateway.library.naming import LibraryNaming
from bridge_gateway.library.work_dir import WorkDir
from bridge_gateway.media.colour import ColourManager
from bridge_gateway.media.decode_pool import DecodePool
from bridge_gateway.providers.base import Provider
from bridge_gateway.storage.content_store import ContentStore
from bridge_gateway.storage.disks import Disk
from bridge_gateway.storage.media_roots import MediaRoots


class ResolvedRequest(NamedTuple):
    service: Service
    provider: Provider
    parameters: dict[str, float | int | str | bool]
    """All of them, defaults filled in."""


@dataclass(frozen=True)
class GatewayContext:
    """What the gateway's parts share for as long as the process runs."""

    settings: GatewaySettings
    instance_id: str
    """Identifies this gateway among those that share a library or a database. Kept over
    restarts."""
    database: Database
    providers: Sequence[Provider]
    content_store: ContentStore
    media_roots: MediaRoots
    naming: LibraryNaming
    colour: ColourManager
    library_disk: Disk
    """For reading the library without waiting for a disk that hangs."""
    decoder: DecodePool
    """Reads pictures and movies in other processes."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the gateway stops; steps end unfinished and run again after the next start."""
    numbering_lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while a result gets its number and its folder."""

    def list_services(self) -> list[Service]:
        return [service for provider in self.providers for service in provider.services()]

    def resolve_request(self, request: Request) -> ResolvedRequest:
        """The service, provider and parameters of a request.

        :raises UnknownService: no provider offers the service.
        :raises InvalidRequest: parameters, references or regions that the service does not accept,
            or names that are too long for the library.
        """
        service, provider = self._find_service(request.service)
        for name, requested, is_accepted in (
            ("references", request.references, service.accepts_references),
            ("regions", request.regions, service.accepts_regions),
        ):
            if requested and not is_accepted:
                # A result made without them would not be what was requested.
                raise InvalidRequest(
                    f"{service.title} does not accept {name}",
                    where=f"request.{name}",
                    next_step=f"send the shot without {name}",
                )
        self.naming.check_name_lengths(request.shot.id, service.id)
        return ResolvedRequest(service, provider, resolve_parameters(service, request.parameters))

    def get_provider(self, provider_id: str) -> Provider:
        """
        :raises UnknownService: there is no such provider.
        """
        for provider in self.providers:
            if provider.id == provider_id:
                return provider
        raise UnknownService(
            f"the provider {provider_id!r} is no longer available",
            where="the gateway's providers",
            next_step="start the gateway with it, or send the job again to another service",
        )

    def _find_service(self, service_id: str) -> tuple[Service, Provider]:
        for provider in self.providers:
            for service in provider.services():
                if service.id == service_id:
                    return service, provider
        offered = ", ".join(sorted(service.id for service in self.list_services()))
        raise UnknownService(
            f"no provider offers the service {service_id!r}",
            where="service",
            next_step=f"request one of: {offered or 'none is installed'}",
        )


@dataclass(frozen=True)
class JobContext:
    """Everything that the steps of one attempt at a job work with."""

    gateway: GatewayContext
    job_id: str
    submission: Submission
    work_dir: WorkDir
    monitor: JobMonitor

    @property
    def request(self) -> Request:
        return self.submission.request
