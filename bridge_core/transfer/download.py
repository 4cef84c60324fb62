"""Downloads the files of a version or test frame, completely or not at all."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from bridge_core.connection.transport import BLOCK_SIZE, Transport, quote_id
from bridge_core.errors import GatewayFault, GatewayUnreachable, StorageError, TransferError
from bridge_core.models.shots import sanitise_name
from bridge_core.models.versions import Result, ResultFile, Version
from bridge_core.system.files import hash_stream, storage_errors
from bridge_core.system.locks import FileLock
from bridge_core.text.control_characters import CONTROLS
from bridge_core.transfer.transfer_pool import ProgressCallback, TransferPool

if TYPE_CHECKING:
    import requests

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
            sha256 = _download_remainder(result, file, path, transport, pool)
        except GatewayUnreachable as error:
            failures = 1 if path.stat().st_size > before else failures + 1
            if failures > transport.settings.retries:
                raise
            transport.wait_before_retry(failures, error)
            continue
        if sha256 == file.sha256:
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
) -> str:
    """Download what is missing of a file, and return the SHA-256 of all of it. What is there is
    read, and what arrives is hashed on its way to the disk."""
    digest = hashlib.sha256()
    with path.open("rb+") as stream:
        done = hash_stream(stream, digest, lambda _: pool.raise_if_cancelled())
        if done >= file.size:
            return digest.hexdigest()
        response, is_rest = _request_from(done, result, file, transport)
        with response:
            if not is_rest:
                stream.truncate(0)
                stream.seek(0)
                digest, done = hashlib.sha256(), 0
            for block in _received_blocks(response):
                stream.write(block)
                digest.update(block)
                done += len(block)
                pool.set_done(file.path, done)
    return digest.hexdigest()


def _request_from(
    offset: int, result: Result, file: ResultFile, transport: Transport
) -> tuple[requests.Response, bool]:
    """Request a file from ``offset`` on. False: the response is the whole file."""
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    response = transport.request(
        "GET",
        f"/v1/results/{quote_id(result.id)}/files/{quote(file.path)}",
        headers=headers,
        stream=True,
    )
    is_rest = response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")
    return response, is_rest


def _received_blocks(response: requests.Response) -> Iterator[bytes]:
    import requests

    try:
        yield from response.iter_content(BLOCK_SIZE)
    except requests.exceptions.RequestException as error:
        raise GatewayUnreachable(
            "the connection to the gateway was lost in the middle of a file",
            where=response.url,
            next_step="download again, which resumes it",
        ) from error


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
