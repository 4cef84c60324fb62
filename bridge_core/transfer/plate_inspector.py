"""Proxies and metadata of plates from the gateway, without a job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from bridge_core.connection.transport import Transport
from bridge_core.errors import OutsideMediaRoots, PlateChanged, TransferError
from bridge_core.models.gateway import MediaInfo, PlateFrameQuery
from bridge_core.models.media import Plate, PlateKind, SourceFile
from bridge_core.plate_file_search import source_files
from bridge_core.transfer.upload import upload_files

T = TypeVar("T")


class PlateInspector:
    """Gets proxies and metadata of plates. Remembers which files the gateway can read, so that a
    second query for a file takes one call.

    Thread-safe.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        #: By the file on disk: the same file as the gateway can read it.
        self._available: dict[SourceFile, SourceFile] = {}
        #: A movie is one file for all frames: it is uploaded once, while other threads wait.
        self._sending_movie = threading.Lock()

    def proxy(self, plate: Plate, frame: int) -> bytes:
        """JPEG of a frame of ``plate.range``, with the display view baked in.

        :raises MissingFrames: there is no such frame.
        :raises UnreadableMedia: the client or the gateway cannot read the file.
        :raises UnknownColourSpace: the plate's colour space is not known.
        """

        def request_proxy(file: SourceFile) -> bytes:
            query, path = PlateFrameQuery(plate=plate, file=file, frame=frame), "/v1/media/proxy"
            return self._transport.request("POST", path, body=query, retry_once=True).content

        return self._query_file(plate, frame, request_proxy)

    def media_info(self, plate: Plate) -> MediaInfo:
        """Metadata of the plate's first file.

        :raises MissingFrames: the file does not exist.
        :raises UnreadableMedia: the client or the gateway cannot read the file.
        """

        def request_info(file: SourceFile) -> MediaInfo:
            path, transport = "/v1/media/info", self._transport
            return transport.request_json(MediaInfo, "POST", path, body=file, retry_once=True)

        return self._query_file(plate, plate.range.first, request_info)

    def _query_file(self, plate: Plate, frame: int, request: Callable[[SourceFile], T]) -> T:
        """Make a frame's file available to the gateway, then make a request about it."""
        (file,) = source_files(plate, [frame])
        try:
            return request(self._make_available(plate, file))
        except (TransferError, OutsideMediaRoots, PlateChanged):
            # The content was evicted, or the gateway's media roots have changed.
            self._available.pop(file, None)
            return request(self._make_available(plate, file))

    def _make_available(self, plate: Plate, file: SourceFile) -> SourceFile:
        with self._sending_movie if plate.kind is PlateKind.MOVIE else nullcontext():
            available = self._available.get(file)
            if available is None:
                (available,) = upload_files((file,), self._transport, None, None)
                self._available[file] = available
            return available
