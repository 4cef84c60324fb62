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
    checks = [
        _run_check("queue", lambda: _check_queue(gateway, reconciler)),
        _run_check(
            "library",
            lambda: library.run(partial(_check_folder, "library", library.folder, gateway)),
        ),
        _run_check("data", partial(_check_folder, "data", gateway.settings.data_dir, gateway)),
    ]
    checks += [
        _run_check(_media_root_name(disk), partial(_check_media_root, disk))
        for disk in gateway.storage.media.disks
    ]
    # The gateway does not start with a config that cannot be read or lacks the display or view.
    message = f"{colour.describe_config()}; shown on {colour.display}, {colour.view}"
    checks.append(HealthCheck(name="colour", ok=True, message=message))
    services, problems = gateway.providers.check_services()
    checks += [
        HealthCheck(name=f"provider {name}", ok=False, message="cannot be used", next_step=problem)
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


def _run_check(name: str, check: Callable[[], HealthCheck]) -> HealthCheck:
    """The result of ``check``, or a failed check with the error that it raised."""
    try:
        return check()
    except ShotbridgeError as error:
        message = f"{error.message} ({error.where})"
        return HealthCheck(name=name, ok=False, message=message, next_step=error.next_step)


def _check_queue(gateway: GatewayContext, reconciler: Reconciler) -> HealthCheck:
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
    if reconciler.last_error:
        return HealthCheck(
            name="queue",
            ok=False,
            message=f"{message}; jobs cannot be started now: {reconciler.last_error}",
            next_step="check the disk of gateway.data_dir; jobs then resume by themselves, or see "
            "'A damaged database' in docs/admin.md",
        )
    return HealthCheck(name="queue", ok=True, message=message)


def _check_folder(name: str, folder: Path, gateway: GatewayContext) -> HealthCheck:
    """Check a folder of the gateway, set by ``gateway.NAME_dir``, by writing to it.

    :raises StorageError: it does not exist or cannot be written.
    """
    probe = folder / f".health-{gateway.instance_id}"
    with storage_errors(folder):
        with atomic_write(probe):
            pass
        probe.unlink()
        free = shutil.disk_usage(folder).free
    has_space = free >= _LOW_SPACE
    return HealthCheck(
        name=name,
        ok=has_space,
        message=f"{free / 1e9:.1f} GB free in {folder}",
        next_step="" if has_space else f"free space there, or set gateway.{name}_dir",
    )


def _media_root_name(disk: Disk) -> str:
    return f"media root {disk.folder}"


def _check_media_root(disk: Disk) -> HealthCheck:
    """Check a media root, which is only read.

    :raises StorageUnavailable: it does not answer.
    """
    is_readable = disk.run(
        lambda: disk.folder.is_dir() and os.access(disk.folder, os.R_OK | os.X_OK)
    )
    return HealthCheck(
        name=_media_root_name(disk),
        ok=is_readable,
        message="can be read" if is_readable else "does not exist, or may not be read",
        next_step=""
        if is_readable
        else "mount it, or correct its permissions or gateway.media_roots",
    )
