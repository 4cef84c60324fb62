"""The gateway's log: bounded, without repetition, one record per line whatever callers send."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

from bridge_core.printable import printable

#: Bytes after which the log moves to ``FILE.1``, replacing the one before.
LIMIT = 5_000_000
#: Seconds within which the same record is written once.
REPEAT_SECONDS = 60.0
#: Records that are remembered for that.
_REMEMBERED = 256


def configure(file: Path | None) -> None:
    """Log to standard error. ``file``: the file that standard error is redirected to, if any; above
    :data:`LIMIT` its text moves to ``FILE.1``."""
    handler = _Stderr(file)
    handler.setFormatter(Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(Once())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Its notes on every start are of use to its developers only.
    logging.getLogger("alembic").setLevel(logging.WARNING)


class Formatter(logging.Formatter):
    """Keeps a message on one line, and indents tracebacks so that they cannot pass for records."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:  # noqa: N802
        return _indented(super().formatException(ei))  # type: ignore[arg-type]

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return _indented(super().formatStack(stack_info))


class Once(logging.Filter):
    """Passes a record once within :data:`REPEAT_SECONDS`, and then says how often it repeated."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        key = record.name, record.levelno, text
        at, repeated = self._seen.get(key, (0.0, 0))
        now = time.monotonic()
        if at and now - at < REPEAT_SECONDS:
            self._seen[key] = at, repeated + 1
            return False
        if repeated:
            record.msg, record.args = f"{text} (and {repeated} times before)", ()
        self._seen.pop(key, None)
        self._seen[key] = now, 0
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Standard error, which model processes share: its file is copied and truncated rather than
    moved, so that all of them keep writing to it. It has to be open for appending."""

    def __init__(self, file: Path | None) -> None:
        super().__init__(sys.stderr)
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        if self._file is not None:
            with suppress(OSError, ValueError):  # a full disk does not stop logging
                self._bound(self._file, self.stream.fileno())

    @staticmethod
    def _bound(file: Path, handle: int) -> None:
        there = os.fstat(handle)
        if there.st_size <= LIMIT or not os.path.samestat(there, file.stat()):
            return
        before = file.with_name(f"{file.name}.1")
        half = file.with_name(f".{file.name}.1")
        shutil.copyfile(file, half)
        half.chmod(0o600)
        half.replace(before)
        os.ftruncate(handle, 0)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in printable(text, lines=True).split("\n"))
