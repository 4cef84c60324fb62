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
from bridge_gateway.media.colour import ColourManager
from bridge_gateway.media.decode_pool import ENDED_BY, DecodePool
from bridge_gateway.media.decode_tasks import DecodeResult, PlateProxyTask, ProbePlateTask
from bridge_gateway.media.plate_info import PlateInfo
from bridge_gateway.storage import atomic_files

#: Bytes; about 20,000 proxies of 960 pixels.
DEFAULT_LIMIT_BYTES = 2_000_000_000
#: What is left after making room.
_TRIM_RATIO = 0.9
#: Raised whenever files are read, or their colour is settled, in another way than before.
_CACHE_VERSION = 2
#: Frames of plates that are read at once: looking must not take the machine from working.
PROXY_PROCESSES = 2
#: How long what ended its reader is not read again, in seconds: a slow share or too little memory
#: may pass. The newest of so many are remembered.
_FAILURE_TTL_SECONDS, _MAX_FAILURES = 600.0, 1000
#: Two that ask for the same frame wait for each other, and few others.
_LOCK_COUNT = 64


@dataclass(frozen=True)
class PlateFile:
    """A file of a plate, found. ``stamp`` is another one whenever its bytes may be."""

    path: Path
    fingerprint: str


class PlateProxyCache:
    """Proxies in ``folder``. Safe to call from several threads; files are read by ``decoder``."""

    def __init__(
        self,
        folder: Path,
        colour: ColourSettings,
        proxies: ProxySettings,
        *,
        limit: int = DEFAULT_LIMIT_BYTES,
        decoder: DecodePool | None = None,
    ) -> None:
        self.folder = folder
        self._colour_settings = colour
        self._proxies = proxies
        self._limit = limit
        self._decoder = decoder or DecodePool(processes=PROXY_PROCESSES)
        self._lock = threading.Lock()
        self._frame_locks = tuple(threading.Lock() for _ in range(_LOCK_COUNT))
        self._failures: OrderedDict[Path, tuple[float, Problem]] = OrderedDict()
        self._used_bytes: int | None = None

    def proxy(self, plate: Plate, source: PlateFile, frame: int) -> Path:
        """The JPEG of a frame, numbered as in ``plate.range``.

        :raises MissingFrames: the movie has no such frame.
        :raises UnreadableMedia: damaged, truncated, not a picture, or more than can be read.
        :raises UnknownColourSpace: nothing says which one it is.
        :raises StorageError: the proxy cannot be written.
        """
        path = self._proxy_path(plate, source, frame)
        with self._frame_locks[hash(path) % _LOCK_COUNT]:
            with suppress(FileNotFoundError):
                os.utime(path)
                return path
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise atomic_files.storage_error(error, path) from error
            task = PlateProxyTask(
                plate=plate,
                path=source.path,
                fingerprint=source.fingerprint,
                frame=frame,
                target=path,
                colour=self._colour_settings,
                proxies=self._proxies,
            )
            self._run_task(task, path)
        self._update_usage(path)
        return path

    def read_info(self, plate: Plate, source: PlateFile, frame: int) -> PlateInfo:
        """What the file of a plate's frame, or the movie, tells.

        :raises UnreadableMedia: as :meth:`proxy`.
        """
        key = self._proxy_path(plate, source, frame)
        with self._frame_locks[hash(key) % _LOCK_COUNT]:
            facts = self._run_task(
                ProbePlateTask(plate=plate, path=source.path, frame=frame), key
            ).info
        assert facts is not None  # it was asked for
        return facts

    def close(self) -> None:
        """End the processes that read."""
        self._decoder.close()

    @cached_property
    def _colour(self) -> ColourManager:
        return ColourManager(self._colour_settings)

    def _proxy_path(self, plate: Plate, source: PlateFile, frame: int) -> Path:
        colour = self._colour
        key = [
            _CACHE_VERSION,
            str(source.path),
            source.fingerprint,
            frame,
            # The path as the client has it, for a config's file rules go by it.
            plate.model_dump(mode="json", exclude={"range"}),
            plate.range.first,
            colour.describe_config(),
            [colour.display, colour.view, self._colour_settings.default_colour_space],
            [self._proxies.width, self._proxies.quality],
        ]
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.jpg"

    def _run_task(self, task: PlateProxyTask | ProbePlateTask, key: Path) -> DecodeResult:
        """Do a task, unless it ended its process the last time."""
        with self._lock:
            until, problem = self._failures.get(key, (0.0, None))
        if problem is not None and time.monotonic() < until:
            raise problem.to_error()
        try:
            return self._decoder.run(task)
        except UnreadableMedia as error:
            if ENDED_BY in error.details:
                with self._lock:
                    until = time.monotonic() + _FAILURE_TTL_SECONDS
                    self._failures[key] = (until, Problem.from_error(error))
                    while len(self._failures) > _MAX_FAILURES:
                        self._failures.popitem(last=False)
            raise

    def _update_usage(self, new_proxy: Path) -> None:
        with self._lock:
            if self._used_bytes is None:
                self._used_bytes = sum(size for _, size, _ in self._scan_files())
            else:
                with suppress(FileNotFoundError):
                    self._used_bytes += new_proxy.stat().st_size
            if self._used_bytes <= self._limit:
                return
            files = sorted(self._scan_files())
            self._used_bytes = sum(size for _, size, _ in files)
            for _, size, path in files:
                if self._used_bytes <= self._limit * _TRIM_RATIO or path == new_proxy:
                    break
                path.unlink(missing_ok=True)
                self._used_bytes -= size

    def _scan_files(self) -> Iterator[tuple[float, int, Path]]:
        """Time of last use, size, path."""
        for path in self.folder.rglob("*.jpg"):
            with suppress(FileNotFoundError):
                status = path.stat()
                yield status.st_mtime, status.st_size, path
