"""Looks at frames of plates by the gateway's proxies, without a job."""

from __future__ import annotations

import threading

from bridge_core.errors import OutsideRoots, PlateChanged, TransferError
from bridge_core.models.gateway import PlateFrame
from bridge_core.models.media import Plate, PlateKind, SourceFile
from bridge_core.plates import source_files
from bridge_core.transfer.upload import hand_over
from bridge_core.transport import Transport


class Looker:
    """Remembers which files the gateway has, so that the second look at one costs one call.

    May be used from several threads.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        #: By the file as it is on disk: as the gateway can read it.
        self._there: dict[SourceFile, SourceFile] = {}
        #: A movie is one file for all frames: it is sent once, while others wait.
        self._sending_movie = threading.Lock()

    def proxy(self, plate: Plate, frame: int) -> bytes:
        """JPEG of a frame, numbered as in ``plate.range``, display view baked in.

        :raises MissingFrames: there is no such frame.
        :raises UnreadableMedia: the file cannot be read, here or at the gateway.
        :raises UnknownColourSpace: nothing says which one it is.
        """
        (file,) = source_files(plate, [frame])
        try:
            return self._ask(plate, frame, self._handed_over(plate, file))
        except (TransferError, OutsideRoots, PlateChanged):
            # The content has made room for others, or the gateway's roots are other ones by now.
            self._there.pop(file, None)
            return self._ask(plate, frame, self._handed_over(plate, file))

    def _ask(self, plate: Plate, frame: int, file: SourceFile) -> bytes:
        wanted = PlateFrame(plate=plate, file=file, frame=frame)
        return self._transport.send("POST", "/v1/media/proxy", body=wanted, once_more=True).content

    def _handed_over(self, plate: Plate, file: SourceFile) -> SourceFile:
        if plate.kind is not PlateKind.MOVIE:
            return self._once(file)
        with self._sending_movie:
            return self._once(file)

    def _once(self, file: SourceFile) -> SourceFile:
        found = self._there.get(file)
        if found is None:
            (found,) = hand_over((file,), self._transport, None, None)
            self._there[file] = found
        return found
