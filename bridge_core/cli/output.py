"""Output of ``shotbridge``: text for people, JSON for scripts.

Results go to standard output, progress and errors to standard error, so that
``shotbridge ... --json | jq`` sees JSON only.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from bridge_core.errors import ShotbridgeError
from bridge_core.text.control_characters import escape_controls, escape_controls_in_json

if TYPE_CHECKING:
    from pydantic import BaseModel


class CommandOutput:
    """Prints a command's results, messages and errors."""

    def __init__(
        self, *, as_json: bool, stdout: TextIO | None = None, stderr: TextIO | None = None
    ) -> None:
        self.as_json = as_json
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        for stream in (self.stdout, self.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # File names that are not UTF-8 hold lone surrogates, which cannot be encoded.
                stream.reconfigure(errors="backslashreplace")

    def print_result(self, data: Any, text: str) -> None:
        """Print the command's result: ``data`` as JSON, or ``text``."""
        if self.as_json:
            print(_to_json_text(data, indent=2), file=self.stdout)
        elif text:
            print(escape_controls(text, keep_line_breaks=True), file=self.stdout)

    def print_message(self, text: str) -> None:
        """Print a message for people; with ``--json``, nothing."""
        if not self.as_json:
            print(escape_controls(text, keep_line_breaks=True), file=self.stderr, flush=True)

    def print_error(self, error: ShotbridgeError) -> None:
        if self.as_json:
            print(_to_json_text({"error": error.as_problem()}), file=self.stderr)
            return
        message = escape_controls(error.message, keep_line_breaks=True)
        print(f"shotbridge: {message}", file=self.stderr)
        if error.where:
            print(f"  where: {escape_controls(error.where)}", file=self.stderr)
        if error.next_step:
            print(f"  next:  {escape_controls(error.next_step)}", file=self.stderr)

    def progress_bar(self, title: str) -> ProgressBar:
        return ProgressBar(self.stderr, title, enabled=not self.as_json)


class ProgressBar:
    """A progress bar on a terminal; elsewhere an occasional line, so that logs stay readable."""

    WIDTH = 28
    #: Seconds between two updates of the bar, and between two lines in a log.
    TERMINAL_INTERVAL = 0.1
    LOG_INTERVAL = 5.0

    def __init__(self, stream: TextIO, title: str, *, enabled: bool) -> None:
        self._stream = stream
        self._title = title
        self._enabled = enabled
        self._terminal = stream.isatty()
        self._drawn_at = 0.0
        self._last_line = ""

    def update(self, done: int, total: int, text: str = "") -> None:
        if not self._enabled:
            return
        part = min(1.0, done / total) if total else 0.0
        filled = round(part * self.WIDTH)
        meter = "█" * filled + "░" * (self.WIDTH - filled)
        line = escape_controls(f"{self._title}  {meter}  {text or f'{done} of {total}'}")
        interval = self.TERMINAL_INTERVAL if self._terminal else self.LOG_INTERVAL
        now = time.monotonic()
        if line == self._last_line or (now - self._drawn_at < interval and part < 1.0):
            return
        self._drawn_at, self._last_line = now, line
        if self._terminal:
            width = shutil.get_terminal_size().columns
            self._stream.write("\r\x1b[2K" + line[: width - 1])
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def update_bytes(self, done: int, total: int) -> None:
        self.update(done, total, f"{format_size(done)} of {format_size(total)}")

    def finish(self, text: str = "") -> None:
        """End the bar: keep its last line, or replace it by ``text`` where given."""
        if not self._enabled:
            return
        if self._terminal:
            self._stream.write("\r\x1b[2K" if text or not self._last_line else "\n")
        if text:
            self._stream.write(escape_controls(f"{self._title}  {text}") + "\n")
        self._stream.flush()


def _to_json_text(data: Any, indent: int | None = None) -> str:
    text = json.dumps(to_json_value(data), ensure_ascii=False, indent=indent)
    return escape_controls_in_json(text)


def to_json_value(data: Any) -> Any:
    """Convert models, and containers of them, to JSON values."""
    if hasattr(data, "model_dump"):
        model: BaseModel = data
        return model.model_dump(mode="json")
    if isinstance(data, Mapping):
        return {str(key): to_json_value(value) for key, value in data.items()}
    if isinstance(data, list | tuple | set | frozenset):
        return [to_json_value(item) for item in data]
    if data is None or isinstance(data, str | int | float | bool):
        return data
    return str(data)


def format_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns under their headers; the empty string without rows."""
    if not rows:
        return ""
    # Line breaks in a cell would break the table, and could look like further rows.
    cells = [[escape_controls(str(cell)) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(headers), *cells]) for i in range(len(headers))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(headers, widths, strict=True))]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def format_duration(seconds: float | None) -> str:
    """``0:31``, ``12:05``, ``1:02:09``; the empty string for None."""
    if seconds is None:
        return ""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def format_size(size: int) -> str:
    """A size in decimal units: ``6.3 MB``."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
