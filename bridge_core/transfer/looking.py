"""Looks at plates without a job: the gateway's proxies of frames, and what a file says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from bridge_core.errors import OutsideRoots, PlateChanged, TransferError
from bridge_core.models.gateway import MediaFacts, PlateFrame
from bridge_core.models.media import Plate, PlateKind, SourceFile
from bridge_core.plates import source_files
from bridge_core.transfer.upload import hand_over
from bridge_core.transport import Transport

T = TypeVar("T")


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

        def ask(file: SourceFile) -> bytes:
            wanted = PlateFrame(plate=plate, file=file, frame=frame)
            found = self._transport.send("POST", "/v1/media/proxy", body=wanted, once_more=True)
            return found.content

        return self._ask(plate, frame, ask)

    def facts(self, plate: Plate) -> MediaFacts:
        """What the plate's first file says of itself.

        :raises MissingFrames: it is not there.
        :raises UnreadableMedia: it cannot be read, here or at the gateway.
        """

        def ask(file: SourceFile) -> MediaFacts:
            return self._transport.read(
                MediaFacts, "POST", "/v1/media/facts", body=file, once_more=True
            )

        return self._ask(plate, plate.range.first, ask)

    def _ask(self, plate: Plate, frame: int, ask: Callable[[SourceFile], T]) -> T:
        """The answer about a frame's file, which is handed over to the gateway before."""
        (file,) = source_files(plate, [frame])
        try:
            return ask(self._handed_over(plate, file))
        except (TransferError, OutsideRoots, PlateChanged):
            # The content has made room for others, or the gateway's roots are other ones by now.
            self._there.pop(file, None)
            return ask(self._handed_over(plate, file))

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
