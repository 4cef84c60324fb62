"""Folders: whether they can be written, how much space they have, who may look into them."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from bridge_core.doctor.line import Line, State
from bridge_core.models.settings import Settings

SECTION = "Storage"
#: Bytes below which there is soon no room for versions; the gateway's own limit.
LOW = 5_000_000_000
#: File systems over a network, as Linux names them in /proc/mounts.
_REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "fuse.rclone"} | {
    *("ceph", "fuse.ceph", "glusterfs", "fuse.glusterfs", "beegfs", "lustre", "gpfs", "panfs"),
    *("wekafs", "gfs2", "ocfs2"),
}


def lines(settings: Settings, files: tuple[Path, ...]) -> Iterator[Line]:
    """Of the client, and of a gateway of one's own; ``files`` are the configuration's."""
    client, gateway = settings.client, settings.gateway
    yield _folder("client.state_dir", client.state_dir, "outbox and logs", low=0)
    if client.state_dir.is_dir():
        yield _private("client.state_dir", client.state_dir)
    if settings.work.download_dir is not None:
        yield _folder("work.download_dir", settings.work.download_dir, "versions fetched")
    if client.url is None:
        yield _folder("gateway.library_dir", gateway.library_dir, "versions")
        yield _database("gateway.data_dir", gateway.data_dir)
    for file in files:
        yield _file("configuration", file)


def _folder(key: str, folder: Path, what: str, low: int = LOW) -> Line:
    """Whether it can be written, or made, and whether there is room."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return _wrong(key, f"{there} is not a folder", f"move it away, or set {key}")
    if not os.access(there, os.W_OK | os.X_OK):
        return _wrong(key, f"{there} cannot be written", f"have its rights changed, or set {key}")
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return _wrong(key, f"{there}: {error.strerror}", f"mend the disk, or set {key}")
    says = f"{folder}: {what}, {free / 1e9:.1f} GB free"
    if free < low:
        return _wrong(key, says, f"make room there, or set {key}")
    return Line(SECTION, key, State.OK, says)


def _private(key: str, folder: Path) -> Line:
    """The folder holds the token of one's own gateway: others may not exchange its files."""
    mode = folder.stat().st_mode
    name = f"{key}'s rights"
    if os.name == "posix" and mode & (stat.S_IWGRP | stat.S_IWOTH):
        step = f"chmod 700 {folder}"
        return _wrong(name, f"others may write there: mode {stat.S_IMODE(mode):03o}", step)
    token = folder / "gateway.token"
    if os.name == "posix" and token.exists() and token.stat().st_mode & 0o077:
        step = f"chmod 600 {token}, then `shotbridge stop` and remove it: a new one is made"
        return _wrong(name, "others may read the token of this user's gateway", step)
    return Line(SECTION, name, State.OK, "only this user's to write")


def _database(key: str, folder: Path) -> Line:
    found = _folder(key, folder, "databases and work in progress")
    kind = _file_system(folder)
    if found.state is State.OK and kind in _REMOTE:
        # SQLite's locks do not hold there: https://www.sqlite.org/faq.html#q5
        step = f"set {key} to a folder on a disk of this machine"
        return _wrong(key, f"{folder} is on a network ({kind}), where databases break", step)
    return found


def _file(name: str, file: Path) -> Line:
    if os.name == "posix" and file.stat().st_mode & stat.S_IWOTH:
        return _wrong(name, f"anybody may change {file}", f"chmod o-w {file}")
    return Line(SECTION, name, State.OK, str(file))


def _file_system(folder: Path) -> str:
    """The kind of file system that a folder is on; empty where Linux does not tell."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    best, kind = -1, ""
    path = folder.resolve()
    for _, place, told, *_ in (line.split(" ") for line in mounts.split("\n") if line):
        # A space stands as \040, and whatever else would end a word likewise.
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), place))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), told
    return kind


def _wrong(name: str, says: str, next_step: str) -> Line:
    return Line(SECTION, name, State.WRONG, says, next_step)
