"""Uploads over a real connection: lost, resumed, wrong, concurrent."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
from pathlib import Path
from typing import Any

import pytest
from in_process_gateway import TOKEN, InProcessGateway

from bridge_gateway.storage.blob_store import BLOCK_BYTES


def make_content(size: int, seed: str) -> tuple[bytes, str]:
    data = hashlib.shake_128(seed.encode()).digest(size)
    return data, hashlib.sha256(data).hexdigest()


def patch(
    gateway: InProcessGateway,
    sha256: str,
    data: bytes,
    *,
    offset: int = 0,
    length: int | None = None,
) -> Any:
    whole = offset + len(data) if length is None else length
    headers = {
        "Upload-Offset": str(offset),
        "Upload-Length": str(whole),
        "Content-Type": "application/octet-stream",
    }
    return gateway.call("PATCH", f"/v1/content/{sha256}", data, headers=headers)


def state(gateway: InProcessGateway, sha256: str) -> dict[str, Any]:
    states = gateway.call("POST", "/v1/content/states", [{"sha256": sha256, "size": 1}]).json()
    assert len(states) == 1
    first: dict[str, Any] = states[0]
    return first


def send_half_call(
    gateway: InProcessGateway, sha256: str, data: bytes, announced: int
) -> socket.socket:
    """A PATCH of which only the beginning has been sent."""
    connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=30)
    head = (
        f"PATCH /v1/content/{sha256} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {TOKEN}\r\nUpload-Offset: 0\r\nUpload-Length: {announced}\r\n"
        f"Content-Length: {announced}\r\n\r\n"
    )
    connection.sendall(head.encode() + data)
    return connection


def cut_connection(connection: socket.socket) -> None:
    """Reset the connection, as a broken cable does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("sent", [0, 1, 700_000, 2_500_000])
def test_an_upload_is_resumed_after_a_lost_connection(gateway: InProcessGateway, sent: int) -> None:
    data, sha256 = make_content(3_000_000, f"cut {sent}")
    connection = send_half_call(gateway, sha256, data[:sent], len(data))
    if sent:
        # Wait until the server has stored what was sent.
        wait_for_bytes(gateway, sha256, sent)
    cut_connection(connection)
    offset = 0
    for _ in range(100):
        answer = patch(gateway, sha256, data[offset:], offset=offset, length=len(data))
        if answer.status == 200:
            break
        assert answer.status == 409
        offset = answer.json()["details"]["offset"]
    assert answer.json() == {"sha256": sha256, "offset": len(data), "complete": True}
    assert offset <= sent
    path = gateway.blob_store.find(sha256)
    assert path is not None
    assert path.read_bytes() == data


def wait_for_bytes(gateway: InProcessGateway, sha256: str, sent: int) -> None:
    """Until the server has written all whole blocks of what was sent."""
    whole = max(0, (sent // BLOCK_BYTES) * BLOCK_BYTES - BLOCK_BYTES)
    gateway.wait_until(lambda: state(gateway, sha256)["offset"] >= whole)


def test_other_bytes_are_refused_and_can_be_sent_again(gateway: InProcessGateway) -> None:
    data, sha256 = make_content(1_500_000, "wrong")
    answer = patch(gateway, sha256, b"x" + data[1:])
    assert answer.status == 422
    assert answer.json()["code"] == "transfer"
    assert state(gateway, sha256) == {"sha256": sha256, "offset": 0, "complete": False}
    assert patch(gateway, sha256, data).json()["complete"]


def test_a_wrong_offset(gateway: InProcessGateway) -> None:
    data, sha256 = make_content(300_000, "offset")
    assert patch(gateway, sha256, data[:100_000], length=len(data)).json()["offset"] == 100_000
    for offset in (0, 50_000, 200_000):
        answer = patch(gateway, sha256, data[offset:], offset=offset)
        assert answer.status == 409
        assert answer.json()["code"] == "wrong_offset"
        assert answer.json()["details"]["offset"] == 100_000
    assert patch(gateway, sha256, data[100_000:], offset=100_000).json()["complete"]


def test_two_at_once(gateway: InProcessGateway) -> None:
    data, sha256 = make_content(5_000_000, "two")
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(patch(gateway, sha256, data)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answer.status for answer in answers) == [200, 409]
    refused = next(answer for answer in answers if answer.status == 409)
    assert refused.json()["details"]["offset"] == len(data)
    path = gateway.blob_store.find(sha256)
    assert path is not None
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Offset": "0"},
        {"Upload-Offset": "-1", "Upload-Length": "1"},
        {"Upload-Offset": "0", "Upload-Length": "99999999999999999999"},
        {"Upload-Offset": "x", "Upload-Length": "1"},
        {"Upload-Offset": "1e3", "Upload-Length": "1"},
    ],
    ids=repr,
)
def test_invalid_upload_headers(gateway: InProcessGateway, headers: dict[str, str]) -> None:
    answer = gateway.call("PATCH", f"/v1/content/{'0' * 64}", b"x", headers=headers)
    assert answer.status == 422
    assert answer.json()["details"]["fields"]


def test_a_content_larger_than_the_store(gateway: InProcessGateway) -> None:
    answer = patch(gateway, "0" * 64, b"x", length=2**62)
    assert answer.status == 422
    assert "content_limit_mb" in answer.json()["next_step"]
    assert state(gateway, "0" * 64)["offset"] == 0


def test_a_job_from_uploaded_pictures(gateway: InProcessGateway) -> None:
    """Pictures that the gateway cannot read, as in a studio with a central gateway."""
    submission = gateway.submission(show="sent")
    files = []
    for file in submission.plate_files:
        data = Path(file.path).read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        known = gateway.blob_store.find(sha256) is not None
        assert known or patch(gateway, sha256, data).json()["complete"]
        path = f"/Volumes/elsewhere/{Path(file.path).name}"
        files.append(file.model_copy(update={"sha256": sha256, "path": path}))
    job = gateway.send(submission.model_copy(update={"plate_files": tuple(files)})).json()
    ended = gateway.wait_for_job(job["id"])
    assert ended["state"] == "succeeded", ended["problem"]
