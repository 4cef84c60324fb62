"""The gateway's log: of limited size, without repetition, one line for each record."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

from bridge_core.text.control_characters import escape_controls

#: Bytes after which the log moves to ``FILE.1``, replacing the previous one.
MAX_LOG_BYTES = 5_000_000
#: Seconds within which the same record is written once.
REPEAT_SECONDS = 60.0
#: Records that are remembered for that.
_MAX_REMEMBERED = 256


def configure(file: Path | None) -> None:
    """Log to standard error. ``file``: the file that standard error is redirected to, if any; above
    :data:`MAX_LOG_BYTES` its content moves to ``FILE.1``."""
    handler = _RotatingStderrHandler(file)
    handler.setFormatter(SingleLineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RepeatFilter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Its messages at every start are of no use here.
    logging.getLogger("alembic").setLevel(logging.WARNING)


class SingleLineFormatter(logging.Formatter):
    """Keeps a message on one line, and indents tracebacks so that they cannot pass for records."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        record.message = escape_controls(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:  # noqa: N802
        return _indent(super().formatException(ei))  # type: ignore[arg-type]

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return _indent(super().formatStack(stack_info))


class RepeatFilter(logging.Filter):
    """Passes a record once within :data:`REPEAT_SECONDS`, and later logs how often it repeated."""

    def __init__(self) -> None:
        super().__init__()
        self._recent: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        key = record.name, record.levelno, text
        at, repeated = self._recent.get(key, (0.0, 0))
        now = time.monotonic()
        if at and now - at < REPEAT_SECONDS:
            self._recent[key] = at, repeated + 1
            return False
        if repeated:
            record.msg, record.args = f"{text} (and {repeated} times before)", ()
        self._recent.pop(key, None)
        self._recent[key] = now, 0
        if len(self._recent) > _MAX_REMEMBERED:
            del self._recent[next(iter(self._recent))]
        return True


class _RotatingStderrHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Standard error, which model processes share: its file is copied and truncated rather than
    moved, so that all of them keep writing to it. It has to be open for appending."""

    def __init__(self, file: Path | None) -> None:
        super().__init__(sys.stderr)
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        if self._file is not None:
            with suppress(OSError, ValueError):  # a full disk must not stop logging
                self._rotate_if_full(self._file, self.stream.fileno())

    @staticmethod
    def _rotate_if_full(file: Path, handle: int) -> None:
        stat_result = os.fstat(handle)
        if stat_result.st_size <= MAX_LOG_BYTES or not os.path.samestat(stat_result, file.stat()):
            return
        rotated = file.with_name(f"{file.name}.1")
        partial = file.with_name(f".{file.name}.1")
        shutil.copyfile(file, partial)
        partial.chmod(0o600)
        partial.replace(rotated)
        os.ftruncate(handle, 0)


def _indent(text: str) -> str:
    return "\n".join(
        f"  {line}" for line in escape_controls(text, keep_line_breaks=True).split("\n")
    )
