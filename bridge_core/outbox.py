"""Requests that were accepted here and that the gateway has not got yet, on the disk.

::

    outbox/KEY.json           waits to be sent
    outbox/refused/KEY.json   the gateway will never take it; the reason stands in it
    outbox/damaged/NAME       no entry, or not the one that its name says; set aside for a person
                              to look at
    outbox/locks/KEY          held while a process sends it

A file appears under its name only when all of it is on the disk, and goes only when the gateway
has the job. Several processes of one user may use one outbox; folders have mode 0700, files 0600.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import (
    DiskFull,
    IdempotencyKeyReused,
    IncompatibleVersion,
    InvalidRequest,
    NotWritable,
    StorageError,
)
from bridge_core.system.locks import FileLock
from bridge_core.system.private_files import (
    make_private_folder,
    open_private,
    read_own_file,
    restrict_mode,
)

if TYPE_CHECKING:
    from bridge_core.models.outbox import OutboxEntry
    from bridge_core.models.problems import Problem
    from bridge_core.models.requests import Request

_log = logging.getLogger(__name__)

#: Seconds after which a file that was never finished belongs to a process that died.
_STALE_SECONDS = 86_400.0
#: Bytes of an entry; one with 100,000 frames of a try has less than one.
_MAX_ENTRY_BYTES = 16_000_000


class Outbox:
    """The outbox in ``folder``, which is made when something is first put there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, request: Request, key: str | None = None) -> OutboxEntry:
        """Accept a request: once this returns, no crash and no power cut loses it.

        ``key`` is its idempotency key; None: a new one. The same request under the same key is
        accepted once.

        :raises InvalidRequest: this cannot be a key.
        :raises KeyReused: another request stands under this key.
        :raises StorageError: it cannot be written, and so is not accepted.
        """
        from pydantic import ValidationError

        from bridge_core.models.base import fingerprint, now, validation_error
        from bridge_core.models.outbox import OutboxEntry

        try:
            entry = OutboxEntry(key=key or str(uuid.uuid4()), request=request, created=now())
        except ValidationError as error:
            raise validation_error(error, label="key") from error
        with _storage_errors(self.folder):
            make_private_folder(self.folder.parent)
            make_private_folder(self.folder)
            temporary = self._write(entry)
            try:
                # A link, unlike a rename, never takes the place of what is there.
                os.link(temporary, self._path(entry.key))
            except FileExistsError:
                existing = self._read(self._path(entry.key))
                if existing is None and not self._path(entry.key).exists():
                    return self.add(request, key)  # it has just gone
                if existing is None or fingerprint(existing.request) != fingerprint(request):
                    raise IdempotencyKeyReused(
                        "another request waits under this key",
                        where=str(self._path(entry.key)),
                        next_step="give every request a key of its own",
                    ) from None
                return existing
            finally:
                temporary.unlink()
            _fsync_folder(self.folder)
        return entry

    def entries(self) -> tuple[OutboxEntry, ...]:
        """What waits to be sent, oldest first. Files that cannot be read are set aside; those of
        a newer Shotbridge are left for it."""
        entries = [self._read(path) for path in self._files(self.folder)]
        return tuple(
            sorted((e for e in entries if e is not None), key=lambda e: (e.created, e.key))
        )

    def refused(self) -> tuple[OutboxEntry, ...]:
        """What the gateway will never take, each with its ``problem``, oldest first."""
        entries = [self._read(path) for path in self._files(self.folder / "refused")]
        return tuple(
            sorted((e for e in entries if e is not None), key=lambda e: (e.created, e.key))
        )

    def damaged(self) -> tuple[Path, ...]:
        """Files that were set aside because they cannot be read."""
        return tuple(self._files(self.folder / "damaged"))

    def remove(self, key: str) -> None:
        """The gateway has it, or a person took it back."""
        with _storage_errors(self.folder):
            self._path(key).unlink(missing_ok=True)
            self._lock_path(key).unlink(missing_ok=True)
            if self.folder.exists():
                _fsync_folder(self.folder)

    def mark_refused(self, key: str, problem: Problem) -> None:
        """The gateway will never take it: keep it with the reason, and do not send it again."""
        entry = self._read(self._path(key))
        if entry is None:
            return
        with _storage_errors(self.folder):
            target = self.folder / "refused" / f"{key}.json"
            make_private_folder(target.parent)
            self._write(entry.model_copy(update={"problem": problem})).replace(target)
            _fsync_folder(target.parent)
        self.remove(key)

    def discard_refused(self, key: str) -> None:
        """A person has read why it was refused, and does not want it any more."""
        with _storage_errors(self.folder):
            (self.folder / "refused" / f"{key}.json").unlink(missing_ok=True)

    @contextmanager
    def lock_for_sending(self, key: str) -> Iterator[bool]:
        """Whether this process may send an entry now: no other is about to, and it is still
        there. Two that send the same make one job, by its key, but send its pictures twice."""
        lock = FileLock(self._lock_path(key))
        with _storage_errors(self.folder):
            make_private_folder(self.folder / "locks")
            acquired = lock.acquire()
        try:
            yield acquired and self._path(key).exists()
        finally:
            lock.release()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _lock_path(self, key: str) -> Path:
        return self.folder / "locks" / key

    def _files(self, folder: Path) -> Iterator[Path]:
        """JSON files by name; what a killed process left half written is removed in time."""
        with _storage_errors(folder), suppress(FileNotFoundError):
            for path in sorted(folder.iterdir()):
                if path.suffix == ".json":
                    yield path
                elif path.suffix == ".new":
                    with suppress(FileNotFoundError):  # it became an entry meanwhile
                        if _is_stale(path):
                            path.unlink()

    def _read(self, path: Path) -> OutboxEntry | None:
        """The entry; None where the file has gone, is none, or belongs to a newer version."""
        from bridge_core.models.outbox import OutboxEntry

        try:
            text = read_own_file(path, _MAX_ENTRY_BYTES)
            if text is None:
                raise InvalidRequest("it is no file of this user's, or too large for a request")
            entry = OutboxEntry.parse(text, where=str(path))
            if entry.key != path.stem:
                # Sent under its key, and then looked for under it, it would be sent for ever.
                raise InvalidRequest(f"it is a copy: its key is {entry.key}")
            restrict_mode(path, 0o600)
            return entry
        except IncompatibleVersion as error:
            _log.warning("left for a newer Shotbridge: %s", error)
        except InvalidRequest as error:
            self._quarantine(path, error)
        except FileNotFoundError:
            pass  # it was sent or taken back since the folder was listed
        except OSError as error:
            # The disk may be better later; until then the others go on.
            _log.warning("a request cannot be read: %s: %s", path, error.strerror or error)
        return None

    def _quarantine(self, path: Path, reason: InvalidRequest) -> None:
        target = self.folder / "damaged" / path.name
        with (
            _storage_errors(target),
            suppress(FileNotFoundError),
        ):  # it has gone, or another was quicker
            path.lstat()
            make_private_folder(target.parent)
            while os.path.lexists(target):
                target = target.with_name(f"{path.stem}.{secrets.token_hex(4)}{path.suffix}")
            path.rename(target)
            _log.warning("a damaged request was set aside at %s: %s", target, reason)

    def _write(self, entry: OutboxEntry) -> Path:
        """A file with the entry, on the disk for certain, that nobody takes for an entry yet."""
        temporary = self.folder / f"{entry.key}.{secrets.token_hex(4)}.new"
        with open_private(temporary, "xb") as stream:
            stream.write(entry.model_dump_json(indent=1).encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
        return temporary


def _is_stale(path: Path) -> bool:
    file_stat = path.lstat()
    return stat.S_ISREG(file_stat.st_mode) and file_stat.st_mtime < time.time() - _STALE_SECONDS


def _fsync_folder(folder: Path) -> None:
    """Put a folder's names on the disk; Windows does so by itself and cannot open folders."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _storage_errors(where: Path) -> Iterator[None]:
    """The disk's errors in the words of the tree; a file that is not there stays what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        kind: type[StorageError] = NotWritable
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            kind = DiskFull
        raise kind(
            f"the outbox cannot be used: {error.strerror or error}",
            where=str(where),
            next_step="make room or have the permissions changed, or move client.state_dir",
        ) from error
