"""Plates that are sent again: not read, unless they may have changed."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from bridge_core.connection.transport import Transport
from bridge_core.errors import PlateChanged, UnreadableMedia
from bridge_core.models.media import Plate
from bridge_core.models.requests import Request
from bridge_core.transfer import hash_cache, prepare_submission, upload
from bridge_core.transfer.hash_cache import HashCache

READ_LATER = time.time_ns() + 3600 * 10**9
SHA256 = "ab" * 32


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are hashed from now on."""
    names: list[str] = []
    real = upload.hash_stream

    def hash_stream(stream: Any, *args: Any) -> int:
        names.append(Path(stream.name).name)
        return real(stream, *args)

    monkeypatch.setattr(upload, "hash_stream", hash_stream)
    return names


@pytest.fixture
def old_plate(plate: Plate, monkeypatch: pytest.MonkeyPatch) -> Plate:
    """A plate that is old enough for its hashes to be kept."""
    monkeypatch.setattr(hash_cache, "_MIN_AGE_NS", -(10**12))
    return plate


def test_an_unchanged_plate_is_not_read_again(
    gateway: Any,
    transport: Transport,
    request_of: Request,
    old_plate: Plate,
    read_files: list[str],
) -> None:
    first = prepare_submission(request_of, transport)
    assert len(read_files) == 6
    read_files.clear()
    gateway.calls.clear()
    assert prepare_submission(request_of, transport) == first
    assert read_files == []
    assert gateway.calls == [("POST", "/v1/media/readable"), ("POST", "/v1/content/states")]


def test_what_the_gateway_has_evicted_is_sent_again_without_hashing(
    gateway: Any,
    transport: Transport,
    request_of: Request,
    old_plate: Plate,
    read_files: list[str],
) -> None:
    prepare_submission(request_of, transport)
    before = dict(gateway.contents)
    gateway.contents.clear()
    read_files.clear()
    prepare_submission(request_of, transport)
    assert gateway.contents == before
    assert read_files == []


@pytest.mark.parametrize("how", ["content", "content and time", "replaced"])
def test_a_changed_file_is_read_again(
    how: str,
    gateway: Any,
    transport: Transport,
    request_of: Request,
    old_plate: Plate,
    read_files: list[str],
) -> None:
    prepare_submission(request_of, transport)
    read_files.clear()
    path = Path(old_plate.path_at(1003))
    before = path.stat()
    content = bytes(before.st_size)
    if how == "replaced":
        path.with_suffix(".new").write_bytes(content)
        path.with_suffix(".new").replace(path)
    else:
        path.write_bytes(content)
    if how != "content":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    prepare_submission(request_of, transport)
    assert read_files == [path.name]
    assert content in gateway.contents.values()


def test_a_file_that_was_just_written_is_read_again(
    gateway: Any, transport: Transport, request_of: Request, plate: Plate, read_files: list[str]
) -> None:
    """It could be written again without a new timestamp."""
    prepare_submission(request_of, transport)
    read_files.clear()
    prepare_submission(request_of, transport)
    assert len(read_files) == 6


def test_a_wrong_hash_is_forgotten(
    gateway: Any,
    transport: Transport,
    request_of: Request,
    old_plate: Plate,
    read_files: list[str],
) -> None:
    prepare_submission(request_of, transport)
    (stored,) = (transport.settings.state_dir / "hashes").iterdir()
    content = json.loads(stored.read_text())
    content["files"]["sc.1003.exr"][-1] = SHA256
    stored.write_text(json.dumps(content))
    with pytest.raises(PlateChanged, match="frame 1003"):
        prepare_submission(request_of, transport)
    submission = prepare_submission(request_of, transport)
    assert SHA256 not in [file.sha256 for file in submission.plate_files]


def test_a_file_that_may_no_longer_be_read_is_an_error(
    gateway: Any,
    transport: Transport,
    request_of: Request,
    old_plate: Plate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare_submission(request_of, transport)
    real = Path.open

    def closed(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == Path(old_plate.path_at(1002)):
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(UnreadableMedia, match="Permission denied"):
        prepare_submission(request_of, transport)


# --- the cache itself


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    return folder


def add(cache: HashCache, path: Path, sha256: str = SHA256) -> os.stat_result:
    path.touch()
    cache.add(path, path.stat(), sha256, READ_LATER)
    return path.stat()


def test_hashes_are_kept_for_the_next_process(tmp_path: Path, media: Path) -> None:
    cache = HashCache(tmp_path / "hashes", [media])
    file_stat = add(cache, media / "größe\udcff.exr")
    cache.save()
    again = HashCache(tmp_path / "hashes", [media])
    assert again.find(media / "größe\udcff.exr", file_stat) == SHA256
    assert again.find(media / "other.exr", file_stat) is None
    again.forget(media / "größe\udcff.exr")
    again.save()
    assert (
        HashCache(tmp_path / "hashes", [media]).find(media / "größe\udcff.exr", file_stat) is None
    )


@pytest.mark.skipif(os.name == "nt", reason="permissions")
def test_they_are_private(tmp_path: Path, media: Path) -> None:
    cache = HashCache(tmp_path / "state" / "hashes", [media])
    add(cache, media / "a")
    cache.save()
    assert stat.S_IMODE((tmp_path / "state" / "hashes").stat().st_mode) == 0o700
    (stored,) = (tmp_path / "state" / "hashes").iterdir()
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600


@pytest.mark.parametrize("age", [-1.0, 0.0, 9.0])
def test_the_hash_of_a_young_file_is_not_kept(tmp_path: Path, media: Path, age: float) -> None:
    cache = HashCache(tmp_path / "hashes", [media])
    path = media / "a"
    path.touch()
    file_stat = path.stat()
    cache.add(path, file_stat, SHA256, file_stat.st_mtime_ns + int(age * 1e9))
    assert cache.find(path, file_stat) is None
    # A copy has the modification time of the original.
    os.utime(path, ns=(0, 0))
    cache.add(path, path.stat(), SHA256, path.stat().st_ctime_ns + int(age * 1e9))
    assert cache.find(path, path.stat()) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"files": []}',
        b'{"files": {"a": 1}}',
        b'{"files": {"a": [0, 0, 0, 0]}}',
        b'{"files": {"a": [0, 0, 0, 0, "../.."]}}',
        b'{"files": {"a": [0, 0, 0, 0, 1]}}',
        b"[" * 100_000,
    ],
)
def test_damaged_files_are_ignored_and_replaced(
    tmp_path: Path, media: Path, content: bytes
) -> None:
    cache = HashCache(tmp_path / "hashes", [media])
    file_stat = add(cache, media / "a")
    cache.save()
    (stored,) = (tmp_path / "hashes").iterdir()
    stored.write_bytes(content)
    again = HashCache(tmp_path / "hashes", [media])
    assert again.find(media / "a", file_stat) is None
    file_stat = add(again, media / "a")
    again.save()
    assert HashCache(tmp_path / "hashes", [media]).find(media / "a", file_stat) == SHA256


def test_the_cache_stays_small(
    tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hash_cache, "_MAX_FILES", 3)
    monkeypatch.setattr(hash_cache, "_MAX_BYTES", 2_000)
    for number in range(5):
        folder = media / str(number)
        folder.mkdir()
        cache = HashCache(tmp_path / "hashes", [folder])
        stats = [add(cache, folder / f"{index}.exr") for index in range(5)]
        cache.save()
        again = HashCache(tmp_path / "hashes", [folder])
        kept = [again.find(folder / f"{i}.exr", one) is not None for i, one in enumerate(stats)]
        assert kept == [False, False, True, True, True]
    files = list((tmp_path / "hashes").iterdir())
    assert 1 <= len(files) < 5
    assert sum(path.stat().st_size for path in files) <= 2_000


def test_a_disk_that_refuses_is_no_error(
    tmp_path: Path, media: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "hashes").write_bytes(b"a file, not a folder")
    cache = HashCache(tmp_path / "hashes", [media])
    add(cache, media / "a")
    cache.save()
    assert "cannot be kept" in caplog.text
