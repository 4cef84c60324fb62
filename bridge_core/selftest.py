"""The self-test: what only a real host can confirm, looked at inside one.

The plugins are tested against strict fakes made from the hosts' published stubs. Each point that a
stub cannot prove is a :class:`Check` in ``plugins/<host>/bridge_<host>/selftest.py``::

    def _missing_frames() -> str:
        node = nuke.createNode("Read", inpanel=False)
        try:
            expect("values of on_error", node["on_error"].values(), ["error", "black", ...])
            return "a Read takes 'black' for missing frames"
        finally:
            nuke.delete(node)

    CHECKS = (Check("nuke.read.missing_frames", "A Read shows black for ...", _missing_frames),)

Whatever a check raises, the others run. The report is written after each, so that a host that
crashes leaves the name of the check that it crashed in. It names no folder of the user, no person,
no machine and no secret, and can be sent back as it is.

Standard library only: a broken installation is among the things that it finds out.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import bridge_core
from bridge_core.errors import NotWritable, ShotbridgeError
from bridge_core.redaction import without_people, without_secrets

#: Runs a function on the host's main thread and gives what it gave, or raises what it raised.
OnMain = Callable[[Callable[[], str]], str]

#: Characters of what was seen that the report keeps.
_SEEN_LIMIT = 2000


class Outcome(StrEnum):
    CONFIRMED = "confirmed"
    """The host does what Shotbridge takes for granted."""
    DIFFERS = "differs"
    """The host does something else: the plugin needs a change."""
    NOT_SEEN = "not seen"
    """It could not be looked at here and now; the reason says what it takes."""
    BROKEN = "broken"
    """The check itself failed, which may be either's fault."""
    STARTED = "started"
    """Being looked at; in a report that ends here, the host crashed in it."""


class Differs(Exception):
    """Raised by a check: the host does something else than Shotbridge takes for granted."""


class NotSeen(Exception):
    """Raised by a check: it cannot be looked at here and now. Says what that takes: an open
    timeline, a selected clip, a window."""


@dataclass(frozen=True, slots=True)
class Check:
    """One point. ``look`` gives in words what was seen, or raises :class:`Differs` or
    :class:`NotSeen`. It undoes what it does in the host, in a ``finally``."""

    id: str
    """``host.subject.point``; a report is compared with another by it."""
    confirms: str
    """What holds when it is confirmed, as a sentence."""
    look: Callable[[], str]
    on_main: bool = True
    """Whether it is called on the host's main thread; False for what is about threads."""


@dataclass(frozen=True, slots=True)
class Result:
    id: str
    confirms: str
    outcome: Outcome
    seen: str = ""
    where: str = ""
    """The lines that failed, innermost last; only when broken or different."""


@dataclass
class Report:
    """What was seen, in the order of the checks. ``about`` says in what."""

    host: str
    about: dict[str, str]
    results: list[Result] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing differs and nothing broke; what was not seen remains to be seen."""
        return all(r.outcome in (Outcome.CONFIRMED, Outcome.NOT_SEEN) for r in self.results)

    def as_json(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "host": self.host,
            "about": self.about,
            "results": [asdict(result) for result in self.results],
        }

    def as_text(self) -> str:
        lines = [f"Shotbridge self-test: {self.host}"]
        lines += [f"  {name}: {value}" for name, value in self.about.items()]
        for result in self.results:
            lines += ["", f"{_sign(result.outcome)} {result.id}", f"    {result.confirms}"]
            lines += [f"    seen: {result.seen}"] if result.seen else []
            lines += [f"    at: {result.where}"] if result.where else []
        return "\n".join([*lines, "", self.summary]) + "\n"

    @property
    def summary(self) -> str:
        """``12 confirmed, 1 differs``."""
        count = Counter(result.outcome for result in self.results)
        return ", ".join(f"{count[o]} {o}" for o in Outcome if count[o]) or "nothing was looked at"


def here(look: Callable[[], str]) -> str:
    """The main thread's way when the caller is on it."""
    return look()


def expect(what: str, seen: object, wanted: object) -> None:
    """Compare what the host gave with what Shotbridge takes for granted.

    :raises Differs: they are not equal.
    """
    if seen != wanted:
        raise Differs(f"{what}: {seen!r}, taken for granted was {wanted!r}")


def run(
    host: str,
    program: str,
    checks: Sequence[Check],
    folder: Path,
    *,
    on_main: OnMain = here,
    tell: Callable[[Result], None] = lambda result: None,
) -> Report:
    """Look at every point, and leave ``shotbridge_selftest_<host>.json`` and ``.txt`` in
    ``folder``, written anew after each.

    ``host`` is the plugin's word (``nuke``), ``program`` what the host calls itself, with version.
    Called on the host's main thread, the host waits meanwhile. A host that should stay alive calls
    it in a thread of its own and says with ``on_main`` how its main thread is reached. ``tell`` is
    called with each result, in the thread of the caller.

    :raises NotWritable: the report cannot be written.
    """
    report = Report(host, _about(program))
    for check in checks:
        started = Result(check.id, check.confirms, Outcome.STARTED)
        report.results.append(started)
        _write(report, folder)
        report.results[-1] = _clean(_look(check, on_main if check.on_main else here))
        _write(report, folder)
        tell(report.results[-1])
    _write(report, folder)
    return report


def files(host: str, folder: Path) -> tuple[Path, Path]:
    """Where the report of a host is: as JSON, and as text."""
    stem = f"shotbridge_selftest_{host}"
    return folder / f"{stem}.json", folder / f"{stem}.txt"


def main(
    host: str, program: Callable[[], str], checks: Sequence[Check], argv: Sequence[str] = ()
) -> int:
    """What ``selftest.py`` of a plugin does when the host runs it as a script: the first argument
    names the folder of the report, else it is the current one. Gives the exit code: 1 when
    something differs or broke, that of the error when there is no host to look at."""
    folder = Path(argv[0]).expanduser().absolute() if argv else Path.cwd()
    try:
        report = run(host, program(), checks, folder, tell=lambda r: print(f"{r.outcome}: {r.id}"))
    except ShotbridgeError as error:
        print(f"the self-test cannot be made: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{report.summary}\nreport: {files(host, folder)[1]}")
    return 0 if report.ok else 1


def _look(check: Check, call: OnMain) -> Result:
    try:
        return Result(check.id, check.confirms, Outcome.CONFIRMED, call(check.look))
    except Differs as error:
        return Result(check.id, check.confirms, Outcome.DIFFERS, str(error), _trail(error))
    except NotSeen as error:
        return Result(check.id, check.confirms, Outcome.NOT_SEEN, str(error))
    except (Exception, SystemExit) as error:  # a check that exits ends itself
        said = f"{type(error).__name__}: {error}"
        return Result(check.id, check.confirms, Outcome.BROKEN, said, _trail(error))


def _trail(error: BaseException) -> str:
    """Files without their folders, lines and functions: enough to find the place by."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames[-6:])


def _clean(result: Result) -> Result:
    seen = without_people(without_secrets(result.seen))
    if len(seen) > _SEEN_LIMIT:
        seen = f"{seen[:_SEEN_LIMIT]}... ({len(seen)} characters)"
    return Result(result.id, result.confirms, result.outcome, seen, result.where)


def _about(program: str) -> dict[str, str]:
    qt = sys.modules.get("PySide6")
    return {
        "program": program,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "shotbridge": bridge_core.__version__,
        "python": platform.python_version(),
        "pyside6": str(getattr(qt, "__version__", "unknown")) if qt else "not loaded",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _write(report: Report, folder: Path) -> None:
    as_json, as_text = files(report.host, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(as_json, json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n")
        _replace(as_text, report.as_text())
    except OSError as error:
        raise NotWritable(
            f"the report cannot be written: {error.strerror or error}",
            where=str(folder),
            next_step="name another folder",
        ) from error


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: a host may crash at any moment."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _sign(outcome: Outcome) -> str:
    return {
        Outcome.CONFIRMED: "ok     ",
        Outcome.DIFFERS: "DIFFERS",
        Outcome.NOT_SEEN: "-      ",
        Outcome.BROKEN: "BROKEN ",
        Outcome.STARTED: "CRASHED",
    }[outcome]
