"""Downloads the files of a version or test frame, completely or not at all."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from bridge_core.connection.transport import BLOCK_SIZE, Transport, quote_id
from bridge_core.errors import GatewayFault, GatewayUnreachable, StorageError, TransferError
from bridge_core.models.shots import sanitise_name
from bridge_core.models.versions import Result, ResultFile, Version
from bridge_core.system.files import hash_file, storage_errors
from bridge_core.system.locks import FileLock
from bridge_core.text.control_characters import CONTROLS
from bridge_core.transfer.transfer_pool import ProgressCallback, TransferPool

_UNSAFE_CHARACTERS = re.compile(rf'[{CONTROLS}<>:"\\|?*]')


def fetch(
    result: Result,
    folder: Path,
    transport: Transport,
    progress: ProgressCallback | None = None,
    *,
    cancel: threading.Event | None = None,
) -> Path:
    """Make a result's files available on this machine and return their folder.

    If the gateway's own folder is accessible, it is used and nothing is copied. Otherwise the files
    are downloaded to ``folder/show/sequence/shot/service/v001`` (test frames:
    ``.../test_frames/ID``), which appears once every file is complete and its SHA-256 is correct.
    An interrupted download is resumed.

    :raises GatewayFault: a name from the gateway would lead out of the folder.
    :raises TransferError: a file was corrupted twice.
    :raises StorageError: there is another folder in its place; nothing is overwritten.
    :raises DiskFull: or NotWritable: the files cannot be written to ``folder``.
    :raises UnreadableMedia: a downloaded file cannot be read again.
    :raises JobCancelled: ``cancel`` was set.
    """
    relative_folder = _relative_folder(result)
    path = f"/v1/results/{quote_id(result.id)}/files"
    files = transport.request_json(list[ResultFile], "GET", path)
    for file in files:
        _validate_path(file)
    if _is_complete(Path(result.folder), files):
        return Path(result.folder)
    target = folder.absolute() / relative_folder
    if _is_downloaded(target, files):
        return target
    partial_folder = target.with_name(f".{target.name}.part")
    total = sum(file.size for file in files)
    pool = TransferPool(transport.settings.parallel_transfers, total, progress, cancel)
    with (
        storage_errors(target, "then download again, which resumes it"),
        _exclusive_access(target.with_name(f".{target.name}.lock"), pool),
    ):
        if _is_downloaded(target, files):  # another process was faster
            return target
        partial_folder.mkdir(parents=True, exist_ok=True)
        download = partial(
            _download_file, result, folder=partial_folder, transport=transport, pool=pool
        )
        pool.run([partial(download, file) for file in files])
        pool.report_progress()
        partial_folder.rename(target)
    return target


def _relative_folder(result: Result) -> Path:
    """The folder of a result, relative to the download folder."""
    shot = result.shot
    parts = [shot.show, shot.sequence, shot.shot, result.service]
    parts += [result.label] if isinstance(result, Version) else ["test_frames", result.id]
    for part in parts:
        if not part or sanitise_name(part, default="") != part:
            message = f"the gateway gives a name that is not valid for a folder: {part!r}"
            raise GatewayFault(message, next_step="check the gateway; nothing was written")
    return Path(*parts)


def _validate_path(file: ResultFile) -> None:
    """Check that the path of a file stays inside the result's folder."""
    parts = file.path.split("/")
    if _UNSAFE_CHARACTERS.search(file.path) or any(part in ("", ".", "..") for part in parts):
        message = f"the gateway lists a file that is not inside the result's folder: {file.path!r}"
        raise GatewayFault(message, next_step="check the gateway; nothing was written")


def _is_complete(folder: Path, files: list[ResultFile]) -> bool:
    """Whether every file is in a folder with its full size."""
    try:
        return folder.is_absolute() and all(
            (folder / file.path).stat().st_size == file.size for file in files
        )
    except OSError:
        return False


def _is_downloaded(target: Path, files: list[ResultFile]) -> bool:
    if not target.exists():
        return False
    if _is_complete(target, files):
        return True
    message = "this folder was changed since the download; nothing is overwritten"
    raise StorageError(message, where=str(target), next_step="move it away and download again")


def _download_file(
    result: Result, file: ResultFile, folder: Path, transport: Transport, pool: TransferPool
) -> None:
    """Download one file, resuming an earlier attempt, until its SHA-256 is correct."""
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    failures, was_corrupted = 0, False
    while True:
        before = path.stat().st_size
        try:
            if before < file.size:
                _download_remainder(result, file, path, transport, pool)
        except GatewayUnreachable as error:
            failures = 1 if path.stat().st_size > before else failures + 1
            if failures > transport.settings.retries:
                raise
            transport.wait_before_retry(failures, error)
            continue
        size = path.stat().st_size
        if size == file.size and hash_file(path, pool.raise_if_cancelled) == file.sha256:
            pool.set_done(file.path, file.size)
            return
        path.write_bytes(b"")
        if was_corrupted:
            message = (
                "the file was corrupted twice: its SHA-256 is not the one that the gateway lists"
            )
            next_step = "check the gateway's disk and the network, then download again"
            raise TransferError(message, where=f"{result.id}/{file.path}", next_step=next_step)
        was_corrupted = True


def _download_remainder(
    result: Result, file: ResultFile, path: Path, transport: Transport, pool: TransferPool
) -> None:
    import requests

    offset = path.stat().st_size
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    url_path = f"/v1/results/{quote_id(result.id)}/files/{quote(file.path)}"
    response = transport.request("GET", url_path, headers=headers, stream=True)
    resumed = response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")
    with response, path.open("ab" if resumed else "wb") as stream:
        done = offset if resumed else 0
        try:
            for block in response.iter_content(BLOCK_SIZE):
                stream.write(block)
                done += len(block)
                pool.set_done(file.path, done)
        except requests.exceptions.RequestException as error:
            message = "the connection to the gateway was lost in the middle of a file"
            next_step = "download again, which resumes it"
            raise GatewayUnreachable(message, where=response.url, next_step=next_step) from error


@contextmanager
def _exclusive_access(path: Path, pool: TransferPool) -> Iterator[None]:
    """Let only one process at a time download a result; the others wait for it."""
    lock = FileLock(path)
    while not lock.acquire():
        pool.raise_if_cancelled()
        time.sleep(0.1)
    try:
        yield
        path.unlink(missing_ok=True)
    finally:
        lock.release()
