"""Requests that were accepted but not yet sent to the gateway, stored on disk.

::

    outbox/KEY.json           waiting to be sent
    outbox/refused/KEY.json   permanently refused by the gateway, with the reason
    outbox/damaged/NAME       not a valid entry, or not with the key in its name; kept so that a
                              person can check it
    outbox/locks/KEY          held while a process sends the entry

An entry appears only when all of it is on disk, and is removed only when the gateway has the job.
Several processes of one user can share an outbox; folders have mode 0700, files 0600.
"""

from __future__ import annotations

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

from bridge_core.errors import IdempotencyKeyReused, IncompatibleVersion, InvalidRequest
from bridge_core.system.files import fsync_folder, storage_error
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

#: Seconds after which an unfinished file must be from a process that died.
_STALE_SECONDS = 86_400.0
#: Maximum size of an entry in bytes; with 100,000 test frames it has less than a megabyte.
_MAX_ENTRY_BYTES = 16_000_000


class Outbox:
    """The outbox in ``folder``, which is created with the first entry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, request: Request, key: str | None = None, *, requested_by: str) -> OutboxEntry:
        """Accept a request. Once this returns, it survives a crash and a power failure.

        ``key`` is its idempotency key; None: a new one. The same request with the same key is
        only accepted once. ``requested_by`` is the person who asks: the request is sent in this
        name, also by another process, as another user.

        :raises InvalidRequest: the key or the name is not valid.
        :raises IdempotencyKeyReused: there is another request, or one of another person, with this
            key.
        :raises StorageError: the request cannot be written, so it is not accepted.
        """
        from pydantic import ValidationError

        from bridge_core.models.base import fingerprint, now, validation_error
        from bridge_core.models.outbox import OutboxEntry

        try:
            key = key or str(uuid.uuid4())
            entry = OutboxEntry(key=key, request=request, requested_by=requested_by, created=now())
        except ValidationError as error:
            raise validation_error(error, label="outbox entry") from error
        with _storage_errors(self.folder):
            make_private_folder(self.folder.parent)
            make_private_folder(self.folder)
            temporary = self._write(entry)
            try:
                # A link, unlike a rename, never replaces an existing file.
                os.link(temporary, self._path(entry.key))
            except FileExistsError:
                existing = self._read(self._path(entry.key))
                if existing is None and not self._path(entry.key).exists():
                    # It has just been removed.
                    return self.add(request, key, requested_by=requested_by)
                if (
                    existing is None
                    or existing.requested_by != requested_by
                    or fingerprint(existing.request) != fingerprint(request)
                ):
                    message = "another request, or one of another person, with this key is waiting"
                    where, next_step = str(self._path(key)), "use a different key for each request"
                    raise IdempotencyKeyReused(message, where=where, next_step=next_step) from None
                return existing
            finally:
                temporary.unlink()
            fsync_folder(self.folder)
        return entry

    def entries(self) -> tuple[OutboxEntry, ...]:
        """The entries that are waiting, oldest first. Damaged files are moved away; those of a
        newer Shotbridge are left alone."""
        return self._entries_in(self.folder)

    def refused(self) -> tuple[OutboxEntry, ...]:
        """The entries that were refused, each with its ``problem``, oldest first."""
        return self._entries_in(self.folder / "refused")

    def remove(self, key: str) -> None:
        """Remove an entry that the gateway has, or that a person has withdrawn."""
        with _storage_errors(self.folder):
            self._path(key).unlink(missing_ok=True)
            self._lock_path(key).unlink(missing_ok=True)
            if self.folder.exists():
                fsync_folder(self.folder)

    def mark_refused(self, key: str, problem: Problem) -> None:
        """Keep an entry that the gateway has refused, with the reason; it is not sent again."""
        entry = self._read(self._path(key))
        if entry is None:
            return
        with _storage_errors(self.folder):
            target = self.folder / "refused" / f"{key}.json"
            make_private_folder(target.parent)
            self._write(entry.model_copy(update={"problem": problem})).replace(target)
            fsync_folder(target.parent)
        self.remove(key)

    def discard_refused(self, key: str) -> None:
        """Remove an entry that was refused."""
        with _storage_errors(self.folder):
            (self.folder / "refused" / f"{key}.json").unlink(missing_ok=True)

    @contextmanager
    def lock_for_sending(self, key: str) -> Iterator[bool]:
        """Lock an entry; False if another process is sending it, or it has been removed. Sending it
        twice would make one job, because of its key, but upload its pictures twice."""
        lock = FileLock(self._lock_path(key))
        with _storage_errors(self.folder):
            make_private_folder(self.folder / "locks")
            acquired = lock.acquire()
        try:
            yield acquired and self._path(key).exists()
        finally:
            lock.release()

    def _entries_in(self, folder: Path) -> tuple[OutboxEntry, ...]:
        entries = filter(None, map(self._read, self._files(folder)))
        return tuple(sorted(entries, key=lambda entry: (entry.created, entry.key)))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _lock_path(self, key: str) -> Path:
        return self.folder / "locks" / key

    def _files(self, folder: Path) -> Iterator[Path]:
        """JSON files by name. Removes old, unfinished files of processes that were killed."""
        with _storage_errors(folder), suppress(FileNotFoundError):
            for path in sorted(folder.iterdir()):
                if path.suffix == ".json":
                    yield path
                elif path.suffix == ".new":
                    with suppress(FileNotFoundError):  # it became an entry meanwhile
                        if _is_stale(path):
                            path.unlink()

    def _read(self, path: Path) -> OutboxEntry | None:
        """The entry; None if the file has gone, is damaged, or is of a newer version."""
        from bridge_core.models.outbox import OutboxEntry

        try:
            text = read_own_file(path, _MAX_ENTRY_BYTES)
            if text is None:
                reason = "it is not a regular file of this user, or too large for a request"
                raise InvalidRequest(reason)
            entry = OutboxEntry.parse(text, where=str(path))
            if entry.key != path.stem:
                # Its own file would never be removed, so it would be sent again and again.
                raise InvalidRequest(f"it is a copy: its key is {entry.key}")
            restrict_mode(path, 0o600)
            return entry
        except IncompatibleVersion as error:
            _log.warning("an outbox entry needs a newer Shotbridge: %s", error)
        except InvalidRequest as error:
            self._quarantine(path, error)
        except FileNotFoundError:
            pass  # it was sent or withdrawn since the folder was listed
        except OSError as error:
            # The disk may recover; until then, continue with the others.
            _log.warning("an outbox entry cannot be read: %s: %s", path, error.strerror or error)
        return None

    def _quarantine(self, path: Path, reason: InvalidRequest) -> None:
        target = self.folder / "damaged" / path.name
        # FileNotFoundError: it has gone, or another process was faster.
        with _storage_errors(target), suppress(FileNotFoundError):
            path.lstat()
            make_private_folder(target.parent)
            while os.path.lexists(target):
                target = target.with_name(f"{path.stem}.{secrets.token_hex(4)}{path.suffix}")
            path.rename(target)
            _log.warning("a damaged outbox entry was moved to %s: %s", target, reason)

    def _write(self, entry: OutboxEntry) -> Path:
        """Write the entry to a temporary file and fsync it."""
        temporary = self.folder / f"{entry.key}.{secrets.token_hex(4)}.new"
        with open_private(temporary, "xb") as stream:
            stream.write(entry.model_dump_json(indent=1).encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
        return temporary


def _is_stale(path: Path) -> bool:
    file_stat = path.lstat()
    return stat.S_ISREG(file_stat.st_mode) and file_stat.st_mtime < time.time() - _STALE_SECONDS


@contextmanager
def _storage_errors(where: Path) -> Iterator[None]:
    """Convert errors of the disk to StorageError, except FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise storage_error(error, where, "or set another client.state_dir") from error
