"""Proxies of plates, made when somebody looks, and kept for the next look.

A proxy's name is a hash of everything that it shows: the file (path, size, time of change, or its
content's address), the frame, how the plate is to be read, and the settings of colour and proxies.
Whatever changes gives another name, so nothing old is ever shown. The least recently used go when
the folder holds more than its limit. What ended the process that read it is not read again.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bridge_core.errors import UnreadableMedia
from bridge_core.models.media import Plate
from bridge_core.models.problems import Problem
from bridge_core.models.settings import ColourSettings, ProxySettings
from bridge_gateway.media import atomic
from bridge_gateway.media.colour import Colour
from bridge_gateway.media.decode_tasks import Decoded, LookTask, ProbeTask
from bridge_gateway.media.decoder import ENDED_BY, Decoder
from bridge_gateway.media.plate_facts import PlateFacts

#: Bytes; about 20,000 proxies of 960 pixels.
LIMIT = 2_000_000_000
#: What is left after making room.
_AFTER = 0.9
#: Raised whenever files are read, or their colour is settled, in another way than before.
_READING = 2
#: Frames of plates that are read at once: looking must not take the machine from working.
LOOKING = 2
#: How long what ended its reader is not read again, in seconds: a slow share or too little memory
#: may pass. The newest of so many are remembered.
_REMEMBERED_SECONDS, _REMEMBERED = 600.0, 1000
#: Two that ask for the same frame wait for each other, and few others.
_LOCKS = 64


@dataclass(frozen=True)
class Source:
    """A file of a plate, found. ``stamp`` is another one whenever its bytes may be."""

    path: Path
    stamp: str


class PlateProxies:
    """Proxies in ``folder``. Safe to call from several threads; files are read by ``decoder``."""

    def __init__(
        self,
        folder: Path,
        colour: ColourSettings,
        proxies: ProxySettings,
        *,
        limit: int = LIMIT,
        decoder: Decoder | None = None,
    ) -> None:
        self.folder = folder
        self._colour_settings = colour
        self._proxies = proxies
        self._limit = limit
        self._decoder = decoder or Decoder(processes=LOOKING)
        self._lock = threading.Lock()
        self._making = tuple(threading.Lock() for _ in range(_LOCKS))
        self._failures: OrderedDict[Path, tuple[float, Problem]] = OrderedDict()
        self._used: int | None = None

    def proxy(self, plate: Plate, source: Source, frame: int) -> Path:
        """The JPEG of a frame, numbered as in ``plate.range``.

        :raises MissingFrames: the movie has no such frame.
        :raises UnreadableMedia: damaged, truncated, not a picture, or more than can be read.
        :raises UnknownColourSpace: nothing says which one it is.
        :raises StorageError: the proxy cannot be written.
        """
        path = self._place(plate, source, frame)
        with self._making[hash(path) % _LOCKS]:
            with suppress(FileNotFoundError):
                os.utime(path)
                return path
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise atomic.storage_error(error, path) from error
            task = LookTask(
                plate=plate,
                path=source.path,
                stamp=source.stamp,
                frame=frame,
                target=path,
                colour=self._colour_settings,
                proxies=self._proxies,
            )
            self._run(task, path)
        self._count(path)
        return path

    def facts(self, plate: Plate, source: Source, frame: int) -> PlateFacts:
        """What the file of a plate's frame, or the movie, tells.

        :raises UnreadableMedia: as :meth:`proxy`.
        """
        key = self._place(plate, source, frame)
        with self._making[hash(key) % _LOCKS]:
            facts = self._run(ProbeTask(plate=plate, path=source.path, frame=frame), key).facts
        assert facts is not None  # it was asked for
        return facts

    def close(self) -> None:
        """End the processes that read."""
        self._decoder.close()

    @cached_property
    def _colour(self) -> Colour:
        return Colour(self._colour_settings)

    def _place(self, plate: Plate, source: Source, frame: int) -> Path:
        colour = self._colour
        shown = [
            _READING,
            str(source.path),
            source.stamp,
            frame,
            # The path as the client has it, for a config's file rules go by it.
            plate.model_dump(mode="json", exclude={"range"}),
            plate.range.first,
            colour.describe_config(),
            [colour.display, colour.view, self._colour_settings.default_space],
            [self._proxies.width, self._proxies.quality],
        ]
        name = hashlib.sha256(json.dumps(shown).encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.jpg"

    def _run(self, task: LookTask | ProbeTask, key: Path) -> Decoded:
        """Do a task, unless it ended its process the last time."""
        with self._lock:
            until, problem = self._failures.get(key, (0.0, None))
        if problem is not None and time.monotonic() < until:
            raise problem.error()
        try:
            return self._decoder.run(task)
        except UnreadableMedia as error:
            if ENDED_BY in error.details:
                with self._lock:
                    until = time.monotonic() + _REMEMBERED_SECONDS
                    self._failures[key] = (until, Problem.of(error))
                    while len(self._failures) > _REMEMBERED:
                        self._failures.popitem(last=False)
            raise

    def _count(self, made: Path) -> None:
        with self._lock:
            if self._used is None:
                self._used = sum(size for _, size, _ in self._scan())
            else:
                with suppress(FileNotFoundError):
                    self._used += made.stat().st_size
            if self._used <= self._limit:
                return
            files = sorted(self._scan())
            self._used = sum(size for _, size, _ in files)
            for _, size, path in files:
                if self._used <= self._limit * _AFTER or path == made:
                    break
                path.unlink(missing_ok=True)
                self._used -= size

    def _scan(self) -> Iterator[tuple[float, int, Path]]:
        """Time of last use, size, path."""
        for path in self.folder.rglob("*.jpg"):
            with suppress(FileNotFoundError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path
