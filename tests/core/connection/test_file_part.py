"""Parts of files as bodies: sent by the kernel, or through TLS."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_core.connection.file_part import FilePart


class Tunnel:
    """Stands for a socket as TLS does: its bytes have to pass through this process."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def sendall(self, data: memoryview) -> None:
        self._sock.sendall(data)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


@pytest.mark.parametrize("tunnel", [False, True])
@pytest.mark.parametrize(
    ("offset", "size", "sent"),
    [(0, 3_000_000, 3_000_000), (1_000_001, 500_000, 500_000), (2_999_999, 10, 1), (9**9, 10, 0)],
)
def test_a_part_is_sent(
    tmp_path: Path,
    pair: tuple[socket.socket, socket.socket],
    tunnel: bool,
    offset: int,
    size: int,
    sent: int,
) -> None:
    content = bytes(range(250)) * 12_000
    (tmp_path / "file").write_bytes(content)
    received = bytearray()

    def receive() -> None:
        while data := pair[1].recv(65536):
            received.extend(data)

    receiver = threading.Thread(target=receive)
    receiver.start()
    with (tmp_path / "file").open("rb", buffering=0) as stream:
        part = FilePart(stream, offset, size)
        part.send_to(Tunnel(pair[0]) if tunnel else pair[0])
    pair[0].close()
    receiver.join()
    assert part.sent == sent
    assert received == content[offset : offset + size]


def test_a_receiver_that_does_not_read_is_an_error(
    tmp_path: Path, pair: tuple[socket.socket, socket.socket]
) -> None:
    (tmp_path / "file").write_bytes(bytes(10_000_000))
    pair[0].settimeout(0.1)
    with (tmp_path / "file").open("rb", buffering=0) as stream, pytest.raises(TimeoutError):
        FilePart(stream, 0, 10_000_000).send_to(pair[0])
