"""The gateway's health checks. A failure is reported by its check and never raised."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bridge_core.errors import ShotbridgeError
from bridge_core.models.gateway import HealthCheck
from bridge_core.models.jobs import JobState
from bridge_core.system.files import atomic_write, storage_errors
from bridge_gateway.db import queries
from bridge_gateway.jobs.context import GatewayContext
from bridge_gateway.jobs.reconciler import Reconciler
from bridge_gateway.providers.base import queue_name
from bridge_gateway.storage.disks import Disk

#: Free space, in bytes, below which the check of a folder fails.
_LOW_SPACE = 5_000_000_000


def check_health(gateway: GatewayContext, reconciler: Reconciler) -> list[HealthCheck]:
    """Check the queue and database, folders, media roots, colour configuration, providers and
    services."""
    colour, library = gateway.colour, gateway.storage.library.disk
    check_library = partial(_check_folder, "library", library.folder, gateway)
    checks = [
        _run_check("queue", partial(_check_queue, gateway, reconciler)),
        _run_check("library", lambda: library.run(check_library)),
        _run_check("data", partial(_check_folder, "data", gateway.settings.data_dir, gateway)),
    ]
    checks += [
        _run_check(f"media root {disk.folder}", partial(_check_media_root, disk))
        for disk in gateway.storage.media.disks
    ]
    # The gateway does not start with a config that cannot be read or lacks the display or view.
    shown = f"{colour.describe_config()}; shown on {colour.display}, {colour.view}"
    checks.append(_to_check("colour", shown))
    services, problems = gateway.providers.check_services()
    checks += [
        _to_check(f"provider {name}", "cannot be used", problem)
        for name, problem in problems.items()
        if problem
    ]
    checks += [
        HealthCheck(
            name=f"service {service.id}",
            ok=service.available,
            message="can run" if service.available else "cannot run",
            next_step=service.unavailable_reason,
        )
        for service in services
    ]
    return checks


def _to_check(name: str, message: str, next_step: str = "") -> HealthCheck:
    """The result of a check: it failed where there is a next step."""
    return HealthCheck(name=name, ok=not next_step, message=message, next_step=next_step)


def _run_check(name: str, check: Callable[[], tuple[str, str]]) -> HealthCheck:
    """The result of ``check``, which returns message and next step, or the error that it raised."""
    try:
        return _to_check(name, *check())
    except ShotbridgeError as error:
        message = f"{error.message} ({error.where})"
        return HealthCheck(name=name, ok=False, message=message, next_step=error.next_step)


def _check_queue(gateway: GatewayContext, reconciler: Reconciler) -> tuple[str, str]:
    with gateway.database.begin_read() as session:
        counts = queries.count_open_jobs(session)
    limits = ", ".join(
        f"{queue_name(provider.id, provider.queue)} {provider.queue.concurrency}"
        for provider in gateway.providers.list_providers()
    )
    message = (
        f"{counts[JobState.RUNNING]} running, {counts[JobState.QUEUED]} queued; "
        f"at once: {limits or 'nothing'}"
    )
    if not reconciler.last_error:
        return message, ""
    return (
        f"{message}; jobs cannot be started now: {reconciler.last_error}",
        "check the disk of gateway.data_dir; jobs then resume by themselves, or see "
        "'A damaged database' in docs/admin.md",
    )


def _check_folder(name: str, folder: Path, gateway: GatewayContext) -> tuple[str, str]:
    """Check a folder of the gateway, set by ``gateway.NAME_dir``, by writing to it.

    :raises StorageError: it does not exist or cannot be written.
    """
    probe = folder / f".health-{gateway.instance_id}"
    with storage_errors(folder):
        with atomic_write(probe):
            pass
        probe.unlink()
        free = shutil.disk_usage(folder).free
    next_step = f"free space there, or set gateway.{name}_dir" if free < _LOW_SPACE else ""
    return f"{free / 1e9:.1f} GB free in {folder}", next_step


def _check_media_root(disk: Disk) -> tuple[str, str]:
    """Check a media root, which is only read.

    :raises StorageUnavailable: it does not answer.
    """
    if disk.run(lambda: disk.folder.is_dir() and os.access(disk.folder, os.R_OK | os.X_OK)):
        return "can be read", ""
    return (
        "does not exist, or may not be read",
        "mount it, or correct its permissions or gateway.media_roots",
    )
