"""What ``shotbridge`` prints: for people as text, for scripts as JSON.

Results go to standard output, everything on the way there (progress, errors) to standard error,
so that ``shotbridge ... --json | jq`` always sees JSON only.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from bridge_core.errors import ShotbridgeError
from bridge_core.printable import printable, printable_json

if TYPE_CHECKING:
    from pydantic import BaseModel


class Output:
    """Where a command puts what it found."""

    def __init__(
        self, *, as_json: bool, stdout: TextIO | None = None, stderr: TextIO | None = None
    ) -> None:
        self.as_json = as_json
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr

    def result(self, data: Any, text: str) -> None:
        """The command's answer: ``data`` as JSON, or ``text``."""
        if self.as_json:
            print(_json(data, indent=2), file=self.stdout)
        elif text:
            print(printable(text, lines=True), file=self.stdout)

    def line(self, data: Any, text: str) -> None:
        """One of many answers, as JSON on a line of its own."""
        if self.as_json:
            print(_json(data), file=self.stdout, flush=True)
        else:
            print(printable(text, lines=True), file=self.stdout, flush=True)

    def say(self, text: str) -> None:
        """A word on the way, for people only."""
        if not self.as_json:
            print(printable(text, lines=True), file=self.stderr, flush=True)

    def error(self, error: ShotbridgeError) -> None:
        if self.as_json:
            problem = {
                "code": error.code,
                "what": error.what,
                "where": error.where,
                "next_step": error.next_step,
                "details": error.details,
            }
            print(_json({"error": problem}), file=self.stderr)
            return
        print(f"shotbridge: {printable(error.what, lines=True)}", file=self.stderr)
        if error.where:
            print(f"  where: {printable(error.where)}", file=self.stderr)
        if error.next_step:
            print(f"  next:  {printable(error.next_step)}", file=self.stderr)

    def bar(self, title: str) -> Bar:
        return Bar(self.stderr, title, shown=not self.as_json)


class Bar:
    """A progress bar on a terminal; elsewhere a line now and then, so that logs stay readable."""

    WIDTH = 28
    #: Seconds between two pictures of the bar, and between two lines in a log.
    TERMINAL_PAUSE = 0.1
    LOG_PAUSE = 5.0

    def __init__(self, stream: TextIO, title: str, *, shown: bool) -> None:
        self._stream = stream
        self._title = title
        self._shown = shown
        self._terminal = stream.isatty()
        self._drawn_at = 0.0
        self._last = ""

    def update(self, done: int, total: int, words: str = "") -> None:
        if not self._shown:
            return
        part = min(1.0, done / total) if total else 0.0
        filled = round(part * self.WIDTH)
        meter = "█" * filled + "░" * (self.WIDTH - filled)
        line = printable(f"{self._title}  {meter}  {words or f'{done} of {total}'}")
        pause = self.TERMINAL_PAUSE if self._terminal else self.LOG_PAUSE
        now = time.monotonic()
        if line == self._last or (now - self._drawn_at < pause and part < 1.0):
            return
        self._drawn_at, self._last = now, line
        if self._terminal:
            width = shutil.get_terminal_size().columns
            self._stream.write("\r\x1b[2K" + line[: width - 1])
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def end(self, words: str = "") -> None:
        """Leave the last state standing, with ``words`` in its place where given."""
        if not self._shown:
            return
        if self._terminal:
            self._stream.write("\r\x1b[2K" if words or not self._last else "\n")
        if words:
            self._stream.write(printable(f"{self._title}  {words}") + "\n")
        self._stream.flush()


def _json(data: Any, indent: int | None = None) -> str:
    return printable_json(json.dumps(plain(data), ensure_ascii=False, indent=indent))


def plain(data: Any) -> Any:
    """Models, and whatever holds them, as JSON values."""
    if hasattr(data, "model_dump"):
        model: BaseModel = data
        return model.model_dump(mode="json")
    if isinstance(data, Mapping):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple | set | frozenset):
        return [plain(item) for item in data]
    if data is None or isinstance(data, str | int | float | bool):
        return data
    return str(data)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns under their heads; the empty string where there are no rows."""
    if not rows:
        return ""
    # A note's line breaks would tear the table, and could look like further rows.
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(head), *cells]) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True))]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def spell_seconds(seconds: float | None) -> str:
    """``0:31``, ``12:05``, ``1:02:09``; nothing for None."""
    if seconds is None:
        return ""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def spell_bytes(size: int) -> str:
    """Size in powers of 1000, as disks are sold: ``6.3 MB``."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
