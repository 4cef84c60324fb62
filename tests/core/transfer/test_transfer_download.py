"""Downloading versions, completely or not at all."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bridge_core.connection.transport import Transport
from bridge_core.errors import (
    GatewayFault,
    GatewayUnreachable,
    JobCancelled,
    NotWritable,
    StorageError,
    TransferError,
)
from bridge_core.models.base import now
from bridge_core.models.shots import ShotId
from bridge_core.models.versions import Proxies, Result, TestFrame, Version
from bridge_core.system.files import hash_stream
from bridge_core.transfer import download, fetch

FILE = r"/v1/results/ver-1/files/.*"


@pytest.fixture
def files(gateway: Any) -> dict[str, bytes]:
    chance = random.Random(1)
    contents = {f"main/größe v001.{n}.exr": chance.randbytes(700_000) for n in range(1001, 1004)}
    contents |= {"lineage.json": b"{}", "empty.txt": b""}
    gateway.results["ver-1"] = contents
    return contents


def result(kind: type[Result] = Version, folder: str = "/not/on/this/machine", **more: Any) -> Any:
    if kind is Version:
        more.setdefault("number", 1)
    return kind(
        id="ver-1",
        shot=ShotId(show="bunny", sequence="010", shot="0010"),
        service="upscale",
        job_id="job-1",
        folder=folder,
        frames=(1001, 1002, 1003),
        outputs=(),
        proxies=Proxies(pattern="p.%04d.jpg", width=1, height=1, display="d", view="v"),
        created=now(),
        requested_by="Ada",
        **more,
    )


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_exactly_the_files_of_the_version_are_downloaded(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    folder = fetch(result(), tmp_path / "out", transport)
    assert folder == tmp_path / "out/bunny/010/0010/upscale/v001"
    assert files_in(folder) == files
    assert [path.name for path in folder.parent.iterdir()] == ["v001"]


def test_test_frames_have_a_folder_of_their_own(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    folder = fetch(result(TestFrame), tmp_path, transport)
    assert folder == tmp_path / "bunny/010/0010/upscale/test_frames/ver-1"
    assert files_in(folder) == files


def test_an_accessible_folder_is_used_without_a_download(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    for path, content in files.items():
        (tmp_path / "library" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "library" / path).write_bytes(content)
    library = str(tmp_path / "library")
    assert fetch(result(folder=library), tmp_path / "out", transport) == tmp_path / "library"
    assert not (tmp_path / "out").exists()
    assert gateway.count("GET", FILE) == 0


def test_a_folder_with_other_files_is_not_used(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "lineage.json").write_bytes(b"{}")
    library = str(tmp_path / "library")
    assert files_in(fetch(result(folder=library), tmp_path / "out", transport)) == files


@pytest.mark.parametrize("fault", [{"cut_answer": True}, {"drop_answer": True}, {"refuse": True}])
def test_an_interrupted_download_is_resumed(
    fault: dict[str, Any],
    gateway: Any,
    transport: Transport,
    files: dict[str, bytes],
    tmp_path: Path,
) -> None:
    for _ in range(4):
        gateway.fault("GET", FILE, **fault)
    assert files_in(fetch(result(), tmp_path, transport)) == files


def test_a_failed_download_can_be_resumed_later(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    last = r".*1003\.exr"
    for _ in range(20):
        gateway.fault("GET", last, refuse=True)
    with pytest.raises(GatewayUnreachable):
        fetch(result(), tmp_path, transport)
    assert not (tmp_path / "bunny/010/0010/upscale/v001").exists()
    gateway.faults.clear()
    gateway.calls.clear()
    assert files_in(fetch(result(), tmp_path, transport)) == files
    assert gateway.count("GET", r".*1001\.exr") == 0


def test_a_corrupted_file_is_downloaded_again(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    gateway.corruptions = {"lineage.json": 1, "main/größe v001.1002.exr": 1}
    assert files_in(fetch(result(), tmp_path, transport)) == files


def test_a_file_that_stays_corrupted_is_an_error(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    gateway.corruptions = {"lineage.json": 100}
    with pytest.raises(TransferError, match="corrupted twice"):
        fetch(result(), tmp_path, transport)
    assert not (tmp_path / "bunny/010/0010/upscale/v001").exists()


def test_a_second_fetch_downloads_nothing(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    fetch(result(), tmp_path, transport)
    before = gateway.count("GET", FILE)
    fetch(result(), tmp_path, transport)
    assert gateway.count("GET", FILE) == before


def test_existing_files_are_not_overwritten(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    folder = fetch(result(), tmp_path, transport)
    (folder / "lineage.json").write_bytes(b"changed by hand")
    with pytest.raises(StorageError, match="nothing is overwritten"):
        fetch(result(), tmp_path, transport)
    assert (folder / "lineage.json").read_bytes() == b"changed by hand"


@pytest.mark.parametrize(
    "path", ["../evil", "/etc/evil", "a/../../evil", "C:\\evil", "a//b", "a\\..\\b", "", "a/\0b"]
)
def test_file_paths_cannot_leave_the_folder(
    path: str, gateway: Any, transport: Transport, tmp_path: Path
) -> None:
    gateway.results["ver-1"] = {path: b"evil", "good": b"good"}
    with pytest.raises(GatewayFault, match="not inside the result's folder"):
        fetch(result(), tmp_path / "out", transport)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name", ["../../evil", "..", "/etc", "a/b", "C:evil", ".hidden", "", "a\x1bb", "a\\b", "con:"]
)
@pytest.mark.parametrize("field", ["service", "id"])
def test_names_cannot_leave_the_folder(
    field: str, name: str, gateway: Any, transport: Transport, tmp_path: Path
) -> None:
    given = result().model_copy(update={field: name})
    if field == "id":
        given = TestFrame.model_validate({**given.model_dump(), "id": name})
    gateway.canned_answers[f"GET /v1/results/{quote(given.id, safe='')}/files"] = []
    with pytest.raises(GatewayFault, match="not valid for a folder"):
        fetch(given, tmp_path / "out", transport)
    assert [one.name for one in tmp_path.iterdir()] in (["token"], ["token", "state"])


def test_a_downloaded_file_is_not_read_again(
    gateway: Any,
    transport: Transport,
    files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What arrives is hashed as it arrives; only the part of an earlier attempt is read."""
    read: list[int] = []

    def count_read(*args: Any) -> int:
        read.append(hash_stream(*args))
        return read[-1]

    monkeypatch.setattr(download, "hash_stream", count_read)
    first = tmp_path / "bunny/010/0010/upscale/.v001.part/main/größe v001.1001.exr"
    first.parent.mkdir(parents=True)
    first.write_bytes(files["main/größe v001.1001.exr"][:100_000])
    assert files_in(fetch(result(), tmp_path, transport)) == files
    assert sorted(read) == [0, 0, 0, 0, 100_000]


def test_a_download_can_be_cancelled_while_a_file_is_hashed(
    gateway: Any,
    transport: Transport,
    files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cancel = threading.Event()

    def hash_cancelled(*args: Any) -> int:
        cancel.set()
        return hash_stream(*args)

    for path, content in files.items():
        part = tmp_path / "bunny/010/0010/upscale/.v001.part" / path
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
    files.pop("empty.txt")  # has no block to hash
    monkeypatch.setattr(download, "hash_stream", hash_cancelled)
    with pytest.raises(JobCancelled):
        fetch(result(), tmp_path, transport, cancel=cancel)
    assert not (tmp_path / "bunny/010/0010/upscale/v001").exists()


def test_an_unwritable_folder_is_an_error(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "bunny").write_bytes(b"a file, not a folder")
    with pytest.raises(NotWritable, match="cannot be written"):
        fetch(result(), tmp_path, transport)


def test_two_processes_download_it_once(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    folders: list[Path] = []
    threads = [
        threading.Thread(target=lambda: folders.append(fetch(result(), tmp_path, transport)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(folders) == 4
    assert files_in(folders[0]) == files
    assert gateway.count("GET", FILE) == len([c for c in files.values() if c])


def test_progress_ends_at_the_total_and_can_be_cancelled(
    gateway: Any, transport: Transport, files: dict[str, bytes], tmp_path: Path
) -> None:
    received: list[tuple[int, int]] = []
    fetch(result(), tmp_path / "a", transport, lambda *counts: received.append(counts))
    total = sum(map(len, files.values()))
    assert received[-1] == (total, total)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(JobCancelled):
        fetch(result(), tmp_path / "b", transport, cancel=cancel)
