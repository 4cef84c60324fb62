"""Parts of files in the bodies of calls, without copies in this process."""

from __future__ import annotations

import io
import os
import socket
from typing import Any

_BLOCK_BYTES = 1 << 18


class FilePart:
    """``size`` bytes of an open file from ``offset`` on. ``sent`` bytes of them were sent: fewer
    than ``size`` if the file has become shorter."""

    def __init__(self, stream: io.FileIO, offset: int, size: int) -> None:
        self.size = size
        self.sent = 0
        self._stream = stream
        self._offset = offset

    def send_to(self, sock: Any) -> None:
        """Send it through a connected socket, or what stands for one.

        :raises OSError: the connection was lost, or nothing could be sent in the socket's timeout.
        """
        if hasattr(os, "sendfile") and type(sock) is socket.socket:
            self.sent = sock.sendfile(self._stream, self._offset, self.size)
            return
        # TLS encrypts in this process.
        self._stream.seek(self._offset)
        block = memoryview(bytearray(min(_BLOCK_BYTES, self.size)))
        while self.sent < self.size:
            count = self._stream.readinto(block[: self.size - self.sent])
            if not count:
                return
            sock.sendall(block[:count])
            self.sent += count
