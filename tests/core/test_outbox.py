"""The outbox: an accepted request is never lost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import bridge_core.outbox
from bridge_core.errors import (
    DiskFull,
    IdempotencyKeyReused,
    InvalidRequest,
    MissingFrames,
    NotWritable,
)
from bridge_core.models.outbox import OutboxEntry
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request
from bridge_core.outbox import Outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "state" / "outbox")


def others(outbox: Outbox) -> list[str]:
    return [p.name for p in outbox.folder.iterdir() if p.is_file() and p.suffix != ".json"]


def damaged(outbox: Outbox) -> list[Path]:
    return sorted((outbox.folder / "damaged").glob("*"))


def test_entries_are_kept_until_they_are_removed(outbox: Outbox, request_of: Request) -> None:
    first = outbox.add(request_of, requested_by="Ada")
    second = outbox.add(
        request_of.model_copy(update={"note": "closer"}), key="my-own-key", requested_by="Ada"
    )
    assert second.key == "my-own-key"
    assert Outbox(outbox.folder).entries() == (first, second)
    outbox.remove(first.key)
    outbox.remove(first.key)
    assert outbox.entries() == (second,)
    assert others(outbox) == []


def test_an_empty_outbox_creates_no_folder(outbox: Outbox) -> None:
    assert (outbox.entries(), outbox.refused()) == ((), ())
    outbox.remove("a-key-that-is-not-there")
    assert not outbox.folder.exists()


def test_the_same_request_twice_is_accepted_once(outbox: Outbox, request_of: Request) -> None:
    first = outbox.add(request_of, "key-12345", requested_by="Ada")
    assert outbox.add(request_of, "key-12345", requested_by="Ada") == first
    with pytest.raises(IdempotencyKeyReused):
        outbox.add(request_of.model_copy(update={"note": "other"}), "key-12345", requested_by="Ada")
    assert outbox.entries() == (first,)
    assert others(outbox) == []


def test_an_entry_keeps_who_asked_for_it(outbox: Outbox, request_of: Request) -> None:
    entry = outbox.add(request_of, "key-12345", requested_by="Ada")
    with pytest.raises(IdempotencyKeyReused, match="another person"):
        outbox.add(request_of, "key-12345", requested_by="Eve")
    outbox.add(request_of, "key-67890", requested_by="Eve")
    assert [one.requested_by for one in Outbox(outbox.folder).entries()] == ["Ada", "Eve"]
    outbox.mark_refused(entry.key, Problem.from_error(MissingFrames.of([1004], where="x")))
    assert [one.requested_by for one in outbox.refused()] == ["Ada"]


@pytest.mark.parametrize("key", ["../../../etc/passwd", "a/b/c/d/e/f", "short", "with space 1", ""])
def test_a_key_cannot_be_a_path(key: str, outbox: Outbox, request_of: Request) -> None:
    if key == "":
        assert outbox.add(request_of, key, requested_by="Ada").key != ""
        return
    with pytest.raises(InvalidRequest):
        outbox.add(request_of, key, requested_by="Ada")


def test_a_refused_entry_is_kept_with_the_reason(outbox: Outbox, request_of: Request) -> None:
    entry = outbox.add(request_of, requested_by="Ada")
    outbox.mark_refused(entry.key, Problem.from_error(MissingFrames.of([1004], where="x")))
    assert outbox.entries() == ()
    [refused] = outbox.refused()
    assert refused.request == request_of
    assert refused.problem is not None
    assert refused.problem.details["frames"] == [1004]
    outbox.discard_refused(refused.key)
    outbox.discard_refused(refused.key)
    assert outbox.refused() == ()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"key": 1}', b"\xff\xfe\x00"])
def test_damaged_files_are_moved_away(content: bytes, outbox: Outbox, request_of: Request) -> None:
    entry = outbox.add(request_of, requested_by="Ada")
    (outbox.folder / "damaged-1.json").write_bytes(content)
    assert outbox.entries() == (entry,)
    [aside] = damaged(outbox)
    assert aside.read_bytes() == content
    assert outbox.entries() == (entry,)


def test_an_entry_of_a_newer_shotbridge_is_left_alone(outbox: Outbox, request_of: Request) -> None:
    entry = outbox.add(request_of, requested_by="Ada")
    path = outbox.folder / f"{entry.key}.json"
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 99', 1))
    assert outbox.entries() == ()
    assert damaged(outbox) == []
    assert path.exists()


def test_unfinished_files_are_removed_after_a_while(outbox: Outbox, request_of: Request) -> None:
    entry = outbox.add(request_of, requested_by="Ada")
    fresh, stale = outbox.folder / "k.1.new", outbox.folder / "k.2.new"
    fresh.touch()
    stale.touch()
    os.utime(stale, (time.time() - 100_000,) * 2)
    assert outbox.entries() == (entry,)
    assert others(outbox) == ["k.1.new"]


def test_an_entry_can_be_sent_while_it_is_read(
    outbox: Outbox,
    request_of: Request,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gone = outbox.add(request_of, requested_by="Ada")
    stays = outbox.add(request_of.model_copy(update={"note": "closer"}), requested_by="Ada")
    read = bridge_core.outbox.read_own_file

    def read_and_send(path: Path, limit: int) -> bytes | None:
        text = read(path, limit)
        if path.stem == gone.key:
            Outbox(outbox.folder).remove(gone.key)
        return text

    monkeypatch.setattr(bridge_core.outbox, "read_own_file", read_and_send)
    assert outbox.entries() == (stays,)
    assert damaged(outbox) == []
    assert not caplog.records


def test_a_file_can_become_an_entry_while_the_folder_is_read(
    outbox: Outbox, request_of: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = outbox.add(request_of, "key-12345", requested_by="Ada")
    fresh = outbox.folder / "key-00000.1.new"
    fresh.touch()
    age = bridge_core.outbox._is_stale

    def gone_when_looked_at(path: Path) -> bool:
        fresh.unlink()
        return age(path)

    monkeypatch.setattr(bridge_core.outbox, "_is_stale", gone_when_looked_at)
    assert outbox.entries() == (entry,)


@pytest.mark.parametrize(
    ("number", "error"), [(errno.ENOSPC, DiskFull), (errno.EROFS, NotWritable)]
)
def test_a_request_that_cannot_be_written_is_not_accepted(
    number: int,
    error: type[Exception],
    outbox: Outbox,
    request_of: Request,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(error):
        outbox.add(request_of, requested_by="Ada")
    monkeypatch.undo()
    assert outbox.entries() == ()


def test_only_one_process_sends_an_entry(outbox: Outbox, request_of: Request) -> None:
    entry = outbox.add(request_of, requested_by="Ada")
    with (
        outbox.lock_for_sending(entry.key) as mine,
        Outbox(outbox.folder).lock_for_sending(entry.key) as theirs,
    ):
        assert mine
        assert not theirs
    with outbox.lock_for_sending(entry.key) as mine:
        assert mine
        outbox.remove(entry.key)
    with outbox.lock_for_sending(entry.key) as mine:
        assert not mine


WRITER = """
import sys
from pathlib import Path
from bridge_core.models.requests import Request
from bridge_core.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]))
request = Request.model_validate_json(sys.argv[2])
for number in range(20):
    key = None if number % 2 else f"shared-{number:04d}"
    entry = outbox.add(request, key, requested_by="Ada")
    print(entry.key, flush=True)
    outbox.entries()
"""


def test_several_processes_use_one_outbox(outbox: Outbox, request_of: Request) -> None:
    command = [sys.executable, "-c", WRITER, str(outbox.folder), request_of.model_dump_json()]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    keys = {key for writer in writers for key in writer.communicate(timeout=60)[0].split()}
    assert [writer.returncode for writer in writers] == [0] * 4
    assert len(keys) == 4 * 10 + 10
    assert {entry.key for entry in outbox.entries()} == keys
    assert damaged(outbox) == []
    assert others(outbox) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from bridge_core.models.requests import Request
from bridge_core.outbox import Outbox

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

where, after = sys.argv[3], sys.argv[4] == "after"
real = getattr(os, where)

def killing(*args, **kwargs):
    if after:
        real(*args, **kwargs)
    die()

setattr(os, where, killing)
entry = Outbox(Path(sys.argv[1])).add(
    Request.model_validate_json(sys.argv[2]), "killed-key", requested_by="Ada"
)
print("accepted", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("where", ["fsync", "link", "unlink"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_while_writing_leaves_all_or_nothing(
    where: str, when: str, outbox: Outbox, request_of: Request
) -> None:
    command = [sys.executable, "-c", KILLED, str(outbox.folder), request_of.model_dump_json()]
    done = subprocess.run([*command, where, when], capture_output=True, timeout=60)
    assert done.returncode == -9
    assert b"accepted" not in done.stdout
    entries = outbox.entries()
    assert damaged(outbox) == []
    assert [entry.request for entry in entries] in ([], [request_of])
    if where == "link" and when == "after":
        assert len(entries) == 1
    # After a restart, the same request is accepted once.
    assert outbox.add(request_of, "killed-key", requested_by="Ada").request == request_of
    assert len(outbox.entries()) == 1


def test_an_entry_is_restored_unchanged(outbox: Outbox, request_of: Request) -> None:
    entry = outbox.add(request_of, requested_by="Ada")
    text = (outbox.folder / f"{entry.key}.json").read_text(encoding="utf-8")
    assert '"schema_version": 1' in text
    assert OutboxEntry.parse(text, where="x") == entry


def test_a_removal_is_flushed_to_disk(
    outbox: Outbox, request_of: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Any] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(fd), real(fd)))
    entry = outbox.add(request_of, requested_by="Ada")
    assert len(synced) == 2  # the file, then its folder
    outbox.remove(entry.key)
    assert len(synced) == 3
