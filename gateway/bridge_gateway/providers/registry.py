"""The enabled providers and their services.

A provider is an entry point of the group :data:`ENTRY_POINT_GROUP`: its name is the provider's id,
and it is a function that takes the :class:`~bridge_core.models.settings.GatewaySettings` and
returns the provider. ``gateway.providers`` says which are enabled. One that cannot be loaded is
reported by :meth:`ProviderRegistry.problems` and as a service that is not available; the gateway
and its other providers run all the same.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Self

from bridge_core.errors import ConfigError, ShotbridgeError, UnknownService
from bridge_core.models.services import DataLocality, Service
from bridge_core.models.settings import GatewaySettings
from bridge_gateway.providers.base import FrameProvider, Provider, ProviderQueue, RemoteProvider
from bridge_gateway.threads import run_in_thread

_log = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "bridge_gateway.providers"

_LOCAL = "bridge_gateway.providers.local.provider:LocalProvider"
#: Providers of this package. They need no metadata, which hosts that copy folders do not have, and
#: no other package can take their names.
BUILT_IN = {"local": EntryPoint("local", _LOCAL, ENTRY_POINT_GROUP)}

#: Seconds that a list of services is used for: while all are available, and otherwise. A list that
#: failed is not asked for again within the second time, however many requests need it.
_FRESH_SECONDS, _UNAVAILABLE_FRESH_SECONDS = 60.0, 1.0
#: Seconds after which no caller waits any more for a provider's first list, and for a later one
#: while they have the list before it. They count from the request for the list.
_FIRST_LIST_SECONDS, _NEXT_LIST_SECONDS = 20.0, 2.0

ProviderFactory = Callable[[GatewaySettings], Any]


class ProviderRegistry:
    """Loads providers when they are first used. Its methods may be called from any thread."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._entries = {
            name: _Entry(name, lambda name=name: load_provider(name, settings))  # type: ignore[misc]
            for name in dict.fromkeys(settings.providers)
        }

    @classmethod
    def of(cls, providers: Iterable[Provider]) -> Self:
        """A registry of these objects, for tests and for gateways inside another program.

        :raises ConfigError: an object that is not a provider.
        """
        registry = cls.__new__(cls)
        registry._entries = {}
        for provider in providers:
            loaded = require_provider(provider, getattr(provider, "id", repr(provider)))
            registry._entries[loaded.id] = _Entry(loaded.id, lambda loaded=loaded: loaded)  # type: ignore[misc]
        return registry

    def get_provider(self, provider_id: str) -> Provider:
        """
        :raises UnknownService: it is not enabled, or cannot be loaded.
        """
        entry = self._entries.get(provider_id)
        loaded = entry.load() if entry is not None else None
        if loaded is None:
            raise UnknownService(
                f"the provider {provider_id!r} is not available"
                + (f": {entry.problem}" if entry is not None else ""),
                where="gateway.providers",
                next_step="start the gateway with it, or send the job again to another service",
            )
        return loaded

    def list_services(self) -> list[Service]:
        """The services of all providers, in the order of the setting. A provider that cannot be
        used is one service that is not available."""
        return [service for service, _ in self._services()]

    def find_service(self, service_id: str) -> tuple[Service, Provider]:
        """
        :raises UnknownService: no provider offers it.
        """
        for entry in self._entries.values():
            for service in entry.services():
                if service.id == service_id and entry.provider is not None:
                    return service, entry.provider
        offered = ", ".join(sorted(service.id for service, loaded in self._services() if loaded))
        raise UnknownService(
            f"no provider offers the service {service_id!r}",
            where="service",
            next_step=f"request one of: {offered or 'none is installed'}",
        )

    def list_providers(self) -> list[Provider]:
        """The providers that can be loaded, in the order of the setting."""
        loaded = (entry.load() for entry in self._entries.values())
        return [provider for provider in loaded if provider is not None]

    def problems(self) -> dict[str, str]:
        """What is wrong with each provider, by its name; empty where it works."""
        return self.check_services()[1]

    def check_services(self) -> tuple[list[Service], dict[str, str]]:
        """The services that are offered, and :meth:`problems`, from one reading of the lists."""
        offered = [service for service, provider in self._services() if provider is not None]
        return offered, {name: entry.problem for name, entry in self._entries.items()}

    def close(self) -> None:
        """Close the providers that were loaded; an error is logged."""
        for entry in self._entries.values():
            entry.close()

    def _services(self) -> list[tuple[Service, Provider | None]]:
        services: list[tuple[Service, Provider | None]] = []
        taken: dict[str, str] = {}
        for entry in self._entries.values():
            entry_services = entry.services()
            for service in entry_services:
                if service.id in taken:
                    entry.problem = (
                        f"its service {service.id!r} has the id of one of {taken[service.id]!r}, "
                        "and is not offered"
                    )
                    continue
                taken[service.id] = entry.name
                services.append((service, entry.provider))
            if entry.problem and not entry_services:
                services.append((_unavailable_service(entry.name, entry.problem), None))
        return services


def load_provider(name: str, settings: GatewaySettings) -> Provider:
    """A new provider by its name.

    :raises ConfigError: no package has it, more than one has it, or what it returns is not a
        provider.
    :raises Exception: whatever the provider's own package raises.
    """
    factory = _find_factory(name)
    provider = require_provider(factory(settings), name)
    if provider.id != name:
        raise ConfigError(
            f"the entry point {name!r} makes a provider with the id {provider.id!r}",
            where=f"provider {name}",
            next_step="give the entry point and the provider the same name",
        )
    return provider


def installed_providers() -> dict[str, str]:
    """The names that ``gateway.providers`` may list, each with the package that has it."""
    packages = {
        point.name: point.dist.name if point.dist is not None else point.value
        for point in _entry_points()
    }
    return dict(sorted((packages | dict.fromkeys(BUILT_IN, "shotbridge")).items()))


def require_provider(candidate: object, name: str) -> FrameProvider | RemoteProvider:
    """``candidate``, if it is a provider of one of the two kinds.

    :raises ConfigError: it is not; the error names all that is missing.
    """
    wrong = []
    identity = getattr(candidate, "id", None)
    if not isinstance(identity, str) or not identity:
        wrong.append("'id' must be a text")
    if not isinstance(getattr(candidate, "queue", None), ProviderQueue):
        wrong.append("'queue' must be a ProviderQueue")

    def has(method: str) -> bool:
        return callable(getattr(candidate, method, None))

    methods = ["list_services", "quote", "close"]
    remote = ["submit", "poll", "fetch", "cancel", "find"]
    has_remote = any(map(has, remote))
    if has("run") and has_remote:
        wrong.append("it must have either 'run' or 'submit', 'poll', 'fetch' and 'cancel'")
    elif has_remote:
        methods += remote
    elif not has("run"):
        wrong.append("it needs 'run', or 'submit', 'poll', 'fetch', 'cancel' and 'find'")
    wrong += [f"the method {method!r} is missing" for method in methods if not has(method)]
    if not wrong and isinstance(candidate, FrameProvider | RemoteProvider):
        return candidate
    raise ConfigError(
        f"{type(candidate).__name__} is not a provider: {'; '.join(wrong)}",
        where=f"provider {name}",
        next_step="inherit from FrameProvider or RemoteProvider; see docs/providers.md",
    )


def _find_factory(name: str) -> ProviderFactory:
    points = [point for point in _entry_points() if point.name == name]
    if len(points) == 1:
        factory: ProviderFactory = points[0].load()
        return factory
    known = ", ".join(installed_providers())
    raise ConfigError(
        f"{len(points)} packages have a provider {name!r}" if points else "it is not installed",
        where=f"gateway.providers, {name}",
        next_step=(
            "uninstall all but one: " + ", ".join(point.dist.name for point in points if point.dist)
            if points
            else f"install its package where the gateway runs; installed are: {known}"
        ),
    )


def _entry_points() -> list[EntryPoint]:
    """The built-in providers, and the entry points of the group under other names; one that is
    found twice on the path is listed once."""
    unique = {
        (point.name, point.value, point.dist.name if point.dist is not None else ""): point
        for point in entry_points(group=ENTRY_POINT_GROUP)
        if point.name not in BUILT_IN
    }
    return [*BUILT_IN.values(), *unique.values()]


@dataclass
class _Entry:
    """A provider, loaded on first use, and its last list of services."""

    name: str
    factory: Callable[[], Provider]
    provider: Provider | None = None
    problem: str = ""
    """Why it, or its list, cannot be used; empty where it can."""
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _is_loaded: bool = False
    _services: tuple[Service, ...] | None = None
    _fresh_until: float = 0.0
    """No list is asked for before this time."""
    _reading: Future[tuple[Service, ...]] | None = None
    _asked_at: float = 0.0
    """When :attr:`_reading` was created."""

    def load(self) -> Provider | None:
        """The provider; None where it cannot be loaded, which :attr:`problem` explains."""
        with self._lock:
            if not self._is_loaded:
                self._is_loaded = True
                try:
                    self.provider = self.factory()
                except ShotbridgeError as error:
                    self.problem = f"{error.message}; {error.next_step}"
                    _log.error("the provider %s cannot be loaded: %s", self.name, error)
                except Exception as error:
                    self.problem = f"{type(error).__name__}: {error}"
                    _log.exception("the provider %s cannot be loaded", self.name)
            return self.provider

    def services(self) -> tuple[Service, ...]:
        """Its services, from the last list where that is fresh or no newer one can be had."""
        provider = self.load()
        if provider is None:
            return ()
        with self._lock:
            if time.monotonic() < self._fresh_until:
                return self._services or ()
            if self._reading is None:
                self._reading = run_in_thread(
                    lambda: _checked_services(provider), f"services of {self.name}"
                )
                self._asked_at = time.monotonic()
            limit = _FIRST_LIST_SECONDS if self._services is None else _NEXT_LIST_SECONDS
            reading, deadline = self._reading, self._asked_at + limit
        wait([reading], timeout=max(0.0, deadline - time.monotonic()))
        if not reading.done():
            return self._keep_last("it does not answer", None)
        try:
            services = reading.result()
        except Exception as error:
            return self._keep_last(f"it cannot list its services: {error}", reading)
        with self._lock:
            if self._reading is reading:
                all_available = all(service.available for service in services)
                lifetime = _FRESH_SECONDS if all_available else _UNAVAILABLE_FRESH_SECONDS
                self._reading, self._fresh_until = None, time.monotonic() + lifetime
                self._services, self.problem = services, ""
            return services

    def close(self) -> None:
        with self._lock:
            provider = self.provider
        if provider is not None:
            try:
                provider.close()
            except Exception:
                _log.exception("the provider %s could not be closed", self.name)

    def _keep_last(
        self, problem: str, ended: Future[tuple[Service, ...]] | None
    ) -> tuple[Service, ...]:
        with self._lock:
            if self.problem != problem:
                _log.warning("provider %s: %s", self.name, problem)
            self.problem = problem
            if ended is not None and self._reading is ended:
                self._reading = None
                self._fresh_until = time.monotonic() + _UNAVAILABLE_FRESH_SECONDS
            return self._services or ()


def _checked_services(provider: Provider) -> tuple[Service, ...]:
    services = tuple(provider.list_services())
    for service in services:
        if service.provider != provider.id:
            raise ValueError(f"the service {service.id!r} names the provider {service.provider!r}")
    return services


def _unavailable_service(name: str, problem: str) -> Service:
    return Service(
        id=f"unavailable_{re.sub('[^a-z0-9]', '_', name)}",
        title=name,
        summary="A provider that cannot be used.",
        provider=name,
        data_locality=DataLocality.LOCAL,
        available=False,
        unavailable_reason=problem,
    )
