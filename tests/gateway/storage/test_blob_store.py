"""The blob store: resumable, verified and limited uploads, never outside its folder."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge_core.errors import (
    DiskFull,
    InvalidRequest,
    NotWritable,
    StorageError,
    TransferError,
    WrongOffset,
)
from bridge_core.models.media import ContentAddress, ContentState
from bridge_gateway.storage import blob_store
from bridge_gateway.storage.blob_store import BlobStore


def make_content(size: int, seed: int = 0) -> tuple[bytes, str]:
    data = hashlib.shake_128(str(seed).encode()).digest(size)
    return data, hashlib.sha256(data).hexdigest()


async def split(data: bytes, *, size: int = 100_000, then: Exception | None = None):  # type: ignore[no-untyped-def]
    for start in range(0, len(data), size):
        yield data[start : start + size]
    if then is not None:
        raise then


def send(
    store: BlobStore,
    sha256: str,
    data: bytes,
    *,
    offset: int = 0,
    length: int | None = None,
    then: Exception | None = None,
) -> ContentState:
    whole = offset + len(data) if length is None else length
    return asyncio.run(store.append(sha256, offset, whole, split(data, then=then)))


def state(store: BlobStore, sha256: str) -> ContentState:
    return store.states([ContentAddress(sha256=sha256, size=0)])[0]


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "content", 50_000_000)


def all_files(store: BlobStore) -> list[Path]:
    return [path for path in store.folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "size", [0, 1, 99_999, blob_store.BLOCK_BYTES, 3 * blob_store.BLOCK_BYTES + 7]
)
def test_an_uploaded_file_is_stored(store: BlobStore, size: int) -> None:
    data, sha256 = make_content(size)
    assert state(store, sha256) == ContentState(sha256=sha256, offset=0, complete=False)
    assert store.find(sha256) is None
    assert send(store, sha256, data).complete
    path = store.find(sha256)
    assert path is not None
    assert path.read_bytes() == data
    assert state(store, sha256) == ContentState(sha256=sha256, offset=size, complete=True)


def test_pictures_are_private(store: BlobStore) -> None:
    data, sha256 = make_content(10)
    send(store, sha256, data)
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in all_files(store))


def test_an_upload_is_resumed_where_it_stopped(store: BlobStore) -> None:
    data, sha256 = make_content(2_500_000)
    with pytest.raises(ConnectionError):
        send(store, sha256, data[:1_700_000], length=len(data), then=ConnectionError("cut"))
    # Another process, as after a kill.
    again = BlobStore(store.folder, store.limit_bytes)
    assert state(again, sha256) == ContentState(sha256=sha256, offset=1_700_000, complete=False)
    assert again.find(sha256) is None
    assert send(again, sha256, data[1_700_000:], offset=1_700_000).complete
    path = again.find(sha256)
    assert path is not None
    assert path.read_bytes() == data


def test_an_upload_in_parts(store: BlobStore) -> None:
    data, sha256 = make_content(300_000)
    first = send(store, sha256, data[:100_000], length=len(data))
    assert first == ContentState(sha256=sha256, offset=100_000, complete=False)
    assert send(store, sha256, data[100_000:], offset=100_000).complete


def test_a_kill_between_the_last_byte_and_the_rename(store: BlobStore) -> None:
    data, sha256 = make_content(300_000)
    (store.folder / "partial" / sha256).write_bytes(data)
    assert state(store, sha256) == ContentState(sha256=sha256, offset=len(data), complete=False)
    assert send(store, sha256, b"", offset=len(data)).complete


@pytest.mark.parametrize("offset", [0, 99_999, 100_001])
def test_a_wrong_offset_is_refused_with_the_right_one(store: BlobStore, offset: int) -> None:
    data, sha256 = make_content(300_000)
    send(store, sha256, data[:100_000], length=len(data))
    with pytest.raises(WrongOffset) as excinfo:
        send(store, sha256, data[offset:], offset=offset)
    assert excinfo.value.status == 409
    assert excinfo.value.details["offset"] == 100_000
    assert send(store, sha256, data[100_000:], offset=100_000).complete


def test_sending_again_what_is_complete(store: BlobStore) -> None:
    data, sha256 = make_content(300_000)
    send(store, sha256, data)
    with pytest.raises(WrongOffset) as excinfo:
        send(store, sha256, data)
    assert excinfo.value.details["offset"] == len(data)
    assert send(store, sha256, b"", offset=len(data)).complete


def test_bytes_that_do_not_match_the_address_are_discarded(store: BlobStore) -> None:
    data, sha256 = make_content(300_000)
    with pytest.raises(TransferError, match="SHA-256"):
        send(store, sha256, b"x" + data[1:])
    assert all_files(store) == []
    assert send(store, sha256, data).complete


def test_damage_in_the_first_part_is_found(store: BlobStore) -> None:
    data, sha256 = make_content(300_000)
    send(store, sha256, data[:100_000], length=len(data))
    with (store.folder / "partial" / sha256).open("r+b") as file:
        file.write(b"\0\0\0\0")
    with pytest.raises(TransferError, match="SHA-256"):
        send(store, sha256, data[100_000:], offset=100_000)
    assert all_files(store) == []


def test_more_bytes_than_announced_are_discarded(store: BlobStore) -> None:
    data, sha256 = make_content(300_000)
    with pytest.raises(TransferError, match="received more"):
        send(store, sha256, data, length=200_000)
    assert all_files(store) == []


def test_a_length_below_the_stored_bytes_is_refused(store: BlobStore) -> None:
    data, sha256 = make_content(300_000)
    send(store, sha256, data[:100_000], length=len(data))
    with pytest.raises(InvalidRequest):
        send(store, sha256, b"", offset=100_000, length=50_000)


@pytest.mark.parametrize(
    "sha256",
    ["", "..", "../../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n", "a" * 64 + "\0", "é"],
)
def test_no_address_leads_outside(store: BlobStore, sha256: str) -> None:
    for call in (lambda: store.find(sha256), lambda: send(store, sha256, b"x")):
        with pytest.raises(InvalidRequest):
            call()
    assert all_files(store) == []


def test_two_uploads_at_once_write_one_file(store: BlobStore) -> None:
    data, sha256 = make_content(2_000_000)

    async def slowly() -> AsyncIterator[bytes]:
        async for piece in split(data):
            await asyncio.sleep(0.005)
            yield piece

    async def both() -> list[ContentState | BaseException]:
        return await asyncio.gather(
            *(store.append(sha256, 0, len(data), slowly()) for _ in range(2)),
            return_exceptions=True,
        )

    first, second = sorted(asyncio.run(both()), key=lambda it: isinstance(it, Exception))
    assert isinstance(first, ContentState)
    assert first.complete
    assert isinstance(second, WrongOffset)
    assert second.details["offset"] == len(data)
    assert [path.read_bytes() for path in all_files(store)] == [data]


def test_a_silent_upload_frees_the_content(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_store, "IDLE_TIMEOUT_SECONDS", 0.2)
    data, sha256 = make_content(300_000)

    async def dies_away() -> AsyncIterator[bytes]:
        yield data[:100_000]
        await asyncio.sleep(60)

    async def one_then_other() -> ContentState:
        silent = asyncio.create_task(store.append(sha256, 0, len(data), dies_away()))
        await asyncio.sleep(0.05)
        with pytest.raises(WrongOffset) as excinfo:
            await store.append(sha256, 0, len(data), split(data))
        with pytest.raises(TransferError, match="nothing arrived"):
            await silent
        offset: int = excinfo.value.details["offset"]
        return await store.append(sha256, offset, len(data), split(data[offset:]))

    assert asyncio.run(one_then_other()).complete


def make_old(store: BlobStore, sha256: str, hours: float) -> None:
    path = store.find(sha256)
    assert path is not None
    then = path.stat().st_mtime - hours * 3600
    os.utime(path, (then, then))


def test_the_limit_evicts_the_least_recently_used(tmp_path: Path) -> None:
    pinned: list[str] = []
    store = BlobStore(tmp_path, 1000, list_pinned=lambda: pinned)
    shas = []
    for seed in range(4):
        data, sha256 = make_content(250, seed)
        send(store, sha256, data)
        shas.append(sha256)
    for hours, sha256 in zip((9, 10, 11, 12), shas, strict=True):
        make_old(store, sha256, hours)
    pinned.append(shas[3])
    store.find(shas[2])  # used just now
    data, sha256 = make_content(250, 9)
    assert send(store, sha256, data).complete
    there = [store.find(sha256) is not None for sha256 in shas]
    assert there == [False, False, True, True]
    assert sum(path.stat().st_size for path in all_files(store)) <= 1000


def test_the_limit_refuses_when_all_is_in_use(tmp_path: Path) -> None:
    pinned: list[str] = []
    store = BlobStore(tmp_path, 1000, list_pinned=lambda: pinned)
    data, sha256 = make_content(800)
    send(store, sha256, data)
    other, other_sha256 = make_content(300, 1)
    with pytest.raises(StorageError, match="do not fit") as excinfo:
        send(store, other_sha256, other)
    assert excinfo.value.status == 507
    assert store.find(sha256) is not None
    make_old(store, sha256, 7)
    pinned.append(sha256)
    with pytest.raises(StorageError):
        send(store, other_sha256, other)
    make_old(store, sha256, 7)
    pinned.clear()
    assert send(store, other_sha256, other).complete
    assert store.find(sha256) is None


def test_the_limit_counts_uploads_by_their_full_length(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, 1000)

    async def both() -> list[ContentState | BaseException]:
        calls = []
        for seed in range(2):
            data, sha256 = make_content(600, seed)

            async def slowly(data: bytes = data) -> AsyncIterator[bytes]:
                yield data[:10]
                await asyncio.sleep(0.2)
                yield data[10:]

            calls.append(store.append(sha256, 0, 600, slowly()))
        return await asyncio.gather(*calls, return_exceptions=True)

    kinds = sorted(type(it).__name__ for it in asyncio.run(both()))
    assert kinds == ["ContentState", "StorageError"]


def test_a_failed_upload_frees_its_space(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, 1000)
    data, sha256 = make_content(900)
    for _ in range(3):
        with pytest.raises(TransferError):
            send(store, sha256, b"x" * 900)
    assert send(store, sha256, data).complete


def test_a_full_disk_keeps_what_arrived(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    data, sha256 = make_content(2 * blob_store.BLOCK_BYTES)
    real = blob_store.BlobUpload.write
    written = 0

    def write(self: blob_store.BlobUpload, block: bytes) -> None:
        nonlocal written
        if written:
            raise DiskFull("the gateway's disk is full")
        written += 1
        real(self, block)

    monkeypatch.setattr(blob_store.BlobUpload, "write", write)
    with pytest.raises(DiskFull):
        send(store, sha256, data)
    monkeypatch.undo()
    offset = state(store, sha256).offset
    assert offset >= blob_store.BLOCK_BYTES
    assert send(store, sha256, data[offset:], offset=offset).complete


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EROFS, NotWritable),
        (errno.EIO, StorageError),
    ],
)
def test_errors_of_the_disk_are_translated(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[StorageError]
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    data, sha256 = make_content(1000)
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(kind) as excinfo:
        send(store, sha256, data)
    assert type(excinfo.value) is kind
    assert excinfo.value.next_step


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(NotWritable):
        BlobStore(tmp_path / "content", 1000)


def test_foreign_files_in_the_folder_are_kept(tmp_path: Path) -> None:
    """Foreign files and folders are neither counted nor evicted."""
    folder = tmp_path / "content"
    for odd in ("ab/thumbs.db", "cd/notes/x", "partial/.nfs0001", "ef/" + "0" * 63):
        (folder / odd).parent.mkdir(parents=True, exist_ok=True)
        (folder / odd).write_bytes(bytes(600))
    store = BlobStore(folder, 1000, retention_seconds=0)
    for seed in range(3):
        data, sha256 = make_content(600, seed)
        assert send(store, sha256, data).complete
    assert (folder / "ab/thumbs.db").exists() and (folder / "cd/notes/x").exists()


def test_a_folder_with_the_name_of_an_uploaded_file_is_not_one(store: BlobStore) -> None:
    address = "0" * 64
    (store.folder / "00" / address).mkdir(parents=True)
    assert store.find(address) is None
