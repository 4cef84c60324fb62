"""Proxies of plates, created on demand and cached on disk.

A proxy's name is a hash of everything that affects it: the file (path, size and time of change, or
the hash of its content), the frame, the plate, and the colour and proxy settings. Any change gives
another name, so no outdated proxy is ever shown. The least recently used proxies are removed when
the folder exceeds its limit. A file that ended the process that read it is not read again for a
while.
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
from bridge_core.system import files
from bridge_gateway.media.colour import ColourManager
from bridge_gateway.media.decode_pool import ENDED_BY, DecodePool
from bridge_gateway.media.decode_tasks import DecodeResult, PlateProxyTask, ProbePlateTask
from bridge_gateway.media.plate_info import PlateInfo

#: Bytes; about 20,000 proxies of 960 pixels.
DEFAULT_LIMIT_BYTES = 2_000_000_000
#: Share of the limit that is kept when proxies are removed.
_TRIM_RATIO = 0.9
#: Increase it whenever files are read, or their colour is resolved, differently.
_CACHE_VERSION = 2
#: Plate frames that are read at once: proxies must leave capacity for jobs.
PROXY_PROCESSES = 2
#: How long, in seconds, a file that ended its process is not read again, as a slow share or low
#: memory may be temporary; and how many such files are remembered.
_FAILURE_TTL_SECONDS, _MAX_FAILURES = 600.0, 1000
#: Requests for the same frame wait for each other; few others do.
_LOCK_COUNT = 64


@dataclass(frozen=True)
class PlateFile:
    """A plate's file. ``fingerprint`` differs whenever its content may have changed."""

    path: Path
    fingerprint: str


class PlateProxyCache:
    """Proxies in ``folder``. Thread-safe; files are read by ``decoder``."""

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
        :raises UnreadableMedia: damaged, truncated, not a picture, or too large.
        :raises UnknownColourSpace: the plate's colour space is unknown.
        :raises StorageError: the proxy cannot be written.
        """
        path = self._proxy_path(plate, source, frame)
        with self._frame_locks[hash(path) % _LOCK_COUNT]:
            with suppress(FileNotFoundError):
                os.utime(path)
                return path
            with files.storage_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
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
        """The properties of the file of a plate's frame, or of the movie.

        :raises UnreadableMedia: as :meth:`proxy`.
        """
        key = self._proxy_path(plate, source, frame)
        with self._frame_locks[hash(key) % _LOCK_COUNT]:
            task = ProbePlateTask(plate=plate, path=source.path, frame=frame)
            info = self._run_task(task, key).info
        assert info is not None  # a probe always returns it
        return info

    def close(self) -> None:
        """End the decoding processes."""
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
            # Includes the client's path, which the config's file rules match.
            plate.model_dump(mode="json", exclude={"range"}),
            plate.range.first,
            colour.describe_config(),
            [colour.display, colour.view, self._colour_settings.default_colour_space],
            [self._proxies.width, self._proxies.quality],
        ]
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.jpg"

    def _run_task(self, task: PlateProxyTask | ProbePlateTask, key: Path) -> DecodeResult:
        """Run a task, unless it recently ended its process."""
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
            proxies = sorted(self._scan_files())
            self._used_bytes = sum(size for _, size, _ in proxies)
            for _, size, path in proxies:
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
