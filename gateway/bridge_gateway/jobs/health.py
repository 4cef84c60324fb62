"""The gateway's health, line by line. What is wrong is a line, never an error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bridge_core.errors import ShotbridgeError
from bridge_core.models.gateway import HealthLine
from bridge_core.models.jobs import JobState
from bridge_gateway.jobs.recovery import Reconciler
from bridge_gateway.jobs.tools import Tools
from bridge_gateway.media.atomic import new_file, storage_error
from bridge_gateway.store import records
from bridge_gateway.store.disks import Disk

#: Free space, in bytes, below which the folder's line warns.
_LOW_SPACE = 5_000_000_000


def lines(tools: Tools, reconciler: Reconciler) -> list[HealthLine]:
    """Engine and database, folders, media roots, colour configuration and services."""
    colour = tools.colour
    found = [
        _line("engine", lambda: _engine(tools, reconciler)),
        _line(
            "library", lambda: tools.library.run(lambda: _folder("library", "library_dir", tools))
        ),
        _line("data", partial(_folder, "data", "data_dir", tools)),
    ]
    found += [_line(_root_name(disk), partial(_root, disk)) for disk in tools.roots.disks]
    # A config that cannot be read, or lacks the display or view, ends the start already.
    says = f"{colour.describe_config()}; shown on {colour.display}, {colour.view}"
    found.append(HealthLine(name="colour", ok=True, says=says))
    found += [
        HealthLine(
            name=f"service {service.id}",
            ok=service.available,
            says="can run" if service.available else "cannot run",
            next_step=service.unavailable_because,
        )
        for service in tools.services()
    ]
    return found


def _line(name: str, look: Callable[[], HealthLine]) -> HealthLine:
    """What ``look`` finds, or the reason why it cannot look."""
    try:
        return look()
    except ShotbridgeError as error:
        says = f"{error.what} ({error.where})"
        return HealthLine(name=name, ok=False, says=says, next_step=error.next_step)


def _engine(tools: Tools, reconciler: Reconciler) -> HealthLine:
    with tools.database.reading() as session:
        count = records.count_open(session)
    says = (
        f"{count[JobState.RUNNING]} running, {count[JobState.QUEUED]} queued, "
        f"{tools.settings.workers} at once"
    )
    if reconciler.trouble:
        return HealthLine(
            name="engine",
            ok=False,
            says=f"{says}; jobs cannot be begun now: {reconciler.trouble}",
            next_step="check the disk of gateway.data_dir; jobs go on by themselves then, or see "
            "'A damaged database' in docs/admin.md",
        )
    return HealthLine(name="engine", ok=True, says=says)


def _folder(name: str, setting: str, tools: Tools) -> HealthLine:
    """A folder that the gateway writes to, checked by writing to it.

    :raises StorageError: it does not exist or cannot be written.
    """
    folder: Path = getattr(tools.settings, setting)
    probe = folder / f".health-{tools.instance}"
    try:
        with new_file(probe):
            pass
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise storage_error(error, folder) from error
    enough = free >= _LOW_SPACE
    return HealthLine(
        name=name,
        ok=enough,
        says=f"{free / 1e9:.1f} GB free in {folder}",
        next_step="" if enough else f"make room there or set gateway.{setting}",
    )


def _root_name(disk: Disk) -> str:
    return f"media root {disk.folder}"


def _root(disk: Disk) -> HealthLine:
    """A media root, which is only read.

    :raises StorageUnavailable: it does not answer.
    """
    there = disk.run(lambda: disk.folder.is_dir() and os.access(disk.folder, os.R_OK | os.X_OK))
    return HealthLine(
        name=_root_name(disk),
        ok=there,
        says="can be read" if there else "is not there, or may not be read",
        next_step="" if there else "mount it, correct its rights or gateway.media_roots",
    )
