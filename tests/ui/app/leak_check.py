"""Detects leaked widgets, threads, open files and temporary files, and collects Qt's warnings,
exceptions in slots and threads, and logged errors."""

from __future__ import annotations

import gc
import logging
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from PySide6.QtCore import QCoreApplication, QEvent, QMessageLogContext, QtMsgType
from PySide6.QtCore import qInstallMessageHandler as install
from PySide6.QtWidgets import QApplication

#: Messages of Qt's offscreen platform.
_PLATFORM = ("This plugin does not support",)


def settle(seconds: float = 10.0) -> None:
    """Wait for deferred deletions, threads and garbage collection."""
    deadline = time.monotonic() + seconds
    while True:
        for _ in range(3):
            QCoreApplication.processEvents()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
            gc.collect()
        if not _threads() or time.monotonic() > deadline:
            return
        time.sleep(0.02)


def _threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("shotbridge")]


@dataclass(frozen=True)
class ResourceSnapshot:
    """Resources of this process."""

    widgets: int
    windows: int
    threads: tuple[str, ...]
    files: tuple[str, ...]
    """Open files as named by the kernel; empty if unknown."""
    temporary: tuple[str, ...]
    """Names in the temporary folder."""

    @classmethod
    def take(cls) -> ResourceSnapshot:
        settle()
        return cls(
            widgets=len(QApplication.allWidgets()),
            windows=len(QApplication.topLevelWidgets()),
            threads=tuple(sorted(t.name for t in threading.enumerate())),
            files=_open_files(),
            temporary=tuple(path.name for path in Path(tempfile.gettempdir()).iterdir()),
        )

    def growth_since(self, before: ResourceSnapshot) -> dict[str, object]:
        """Resources that were added."""
        growth: dict[str, object] = {}
        for name, now in asdict(self).items():
            was = getattr(before, name)
            if isinstance(now, tuple):
                more = list((Counter(now) - Counter(was)).elements())
                growth |= {name: more} if more else {}
            elif now > was:
                growth[name] = f"{now}, was {was}"
        return growth


def _open_files() -> tuple[str, ...]:
    """Without those of Qt's own worker threads, which live for 30 s."""
    folder = Path("/proc/self/fd")
    names = []
    for entry in folder.iterdir() if folder.exists() else ():
        with suppress(OSError):  # the descriptor of the folder itself
            names.append(str(entry.readlink()))
    return tuple(sorted(name for name in names if name != "anon_inode:[eventfd]"))


class MessageCollector:
    """Collects warnings and errors, as a context manager."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self._handler = _CollectingHandler(self.messages)

    def __enter__(self) -> Self:
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = lambda kind, error, _: self.messages.append(f"in a slot: {error!r}")
        threading.excepthook = lambda one: self.messages.append(f"in a thread: {one.exc_value!r}")
        sys.unraisablehook = lambda one: self.messages.append(f"unraisable: {one.exc_value!r}")
        logging.getLogger().addHandler(self._handler)
        self._qt = install(self._from_qt)
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        install(self._qt)
        logging.getLogger().removeHandler(self._handler)
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before

    def _from_qt(self, kind: QtMsgType, _: QMessageLogContext, text: str | None) -> None:
        if kind is not QtMsgType.QtDebugMsg and not (text or "").startswith(_PLATFORM):
            self.messages.append(f"Qt: {text}")


class _CollectingHandler(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._messages = messages

    def emit(self, record: Any) -> None:
        if record.name.startswith("bridge"):
            self._messages.append(f"log: {self.format(record)}")
