"""Checks of folders: permissions, free space, file systems."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from bridge_core.hosts.check_result import CheckResult, CheckStatus
from bridge_core.models.settings import Settings

SECTION = "Storage"
#: Free bytes below which space is low, as in the gateway.
LOW_SPACE_BYTES = 5_000_000_000
#: Network file systems, as named in /proc/mounts on Linux.
_NETWORK_FILE_SYSTEM = re.compile(
    r"nfs4?|cifs|smb3|smbfs|9p|fuse\.(sshfs|rclone)|(fuse\.)?(ceph|glusterfs)"
    r"|beegfs|lustre|gpfs|panfs|wekafs|gfs2|ocfs2"
)


def check(settings: Settings, files: tuple[Path, ...]) -> Iterator[CheckResult]:
    """Check the folders of the client and of a local gateway, and the configuration ``files``."""
    client, gateway = settings.client, settings.gateway
    yield _check_folder("client.state_dir", client.state_dir, "outbox and logs", min_free_bytes=0)
    if client.state_dir.is_dir():
        yield _check_private("client.state_dir", client.state_dir)
    if settings.work.download_dir is not None:
        yield _check_folder("work.download_dir", settings.work.download_dir, "downloaded versions")
    if client.url is None:
        yield _check_folder("gateway.library_dir", gateway.library_dir, "versions")
        yield _check_database("gateway.data_dir", gateway.data_dir)
    for file in files:
        if os.name == "posix" and file.stat().st_mode & stat.S_IWOTH:
            yield _error("configuration", f"everybody can change {file}", f"chmod o-w {file}")
        else:
            yield CheckResult.ok(SECTION, "configuration", str(file))


def _check_folder(
    key: str, folder: Path, contents: str, min_free_bytes: int = LOW_SPACE_BYTES
) -> CheckResult:
    """Check that a folder can be written or created, and has free space."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        return _error(key, f"{existing} is not a folder", f"move it away, or set {key}")
    if not os.access(existing, os.W_OK | os.X_OK):
        return _error(key, f"{existing} cannot be written", f"change its permissions, or set {key}")
    try:
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return _error(key, f"{existing}: {error.strerror}", f"check the disk, or set {key}")
    message = f"{folder}: {contents}, {free / 1e9:.1f} GB free"
    if free < min_free_bytes:
        return _error(key, message, f"free disk space, or set {key}")
    return CheckResult.ok(SECTION, key, message)


def _check_private(key: str, folder: Path) -> CheckResult:
    """Check that others cannot change or read the token of the local gateway."""
    mode = folder.stat().st_mode
    name = f"{key} permissions"
    if os.name == "posix" and mode & (stat.S_IWGRP | stat.S_IWOTH):
        step = f"chmod 700 {folder}"
        return _error(name, f"others can write to it: mode {stat.S_IMODE(mode):03o}", step)
    token = folder / "gateway.token"
    if os.name == "posix" and token.exists() and token.stat().st_mode & 0o077:
        step = f"chmod 600 {token}, then `shotbridge stop` and remove it: a new one is created"
        return _error(name, "others can read the token of the local gateway", step)
    return CheckResult.ok(SECTION, name, "only this user can write to it")


def _check_database(key: str, folder: Path) -> CheckResult:
    result = _check_folder(key, folder, "databases and work in progress")
    kind = _file_system(folder)
    if result.status is CheckStatus.OK and _NETWORK_FILE_SYSTEM.fullmatch(kind):
        # SQLite's locks are not reliable there: https://www.sqlite.org/faq.html#q5
        message = f"{folder} is on a network file system ({kind}), which damages databases"
        return _error(key, message, f"set {key} to a folder on a local disk")
    return result


def _file_system(folder: Path) -> str:
    """The type of a folder's file system; empty if unknown."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    longest, kind = -1, ""
    path = folder.resolve()
    for _, mount_point, mount_type, *_ in (line.split(" ") for line in mounts.split("\n") if line):
        # Spaces and similar characters are escaped as octal: \040.
        mount_path = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), mount_point))
        if path.is_relative_to(mount_path) and len(mount_path.parts) >= longest:
            longest, kind = len(mount_path.parts), mount_type
    return kind


def _error(name: str, message: str, next_step: str) -> CheckResult:
    return CheckResult.error(SECTION, name, message, next_step)
