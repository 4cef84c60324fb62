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
from bridge_core.text.redaction import redact_identity, redact_secrets

#: Runs a function on the host's main thread and gives what it gave, or raises what it raised.
MainThreadCaller = Callable[[Callable[[], str]], str]

#: Characters of what was seen that the report keeps.
_MAX_OBSERVED_CHARS = 2000


class SelfTestOutcome(StrEnum):
    CONFIRMED = "confirmed"
    """The host does what Shotbridge takes for granted."""
    DIFFERS = "differs"
    """The host does something else: the plugin needs a change."""
    SKIPPED = "skipped"
    """It could not be looked at here and now; the reason says what it takes."""
    ERROR = "error"
    """The check itself failed, which may be either's fault."""
    STARTED = "started"
    """Being looked at; in a report that ends here, the host crashed in it."""


class BehaviourDiffers(Exception):
    """Raised by a check: the host does something else than Shotbridge takes for granted."""


class CheckSkipped(Exception):
    """Raised by a check: it cannot be looked at here and now. Says what that takes: an open
    timeline, a selected clip, a window."""


@dataclass(frozen=True, slots=True)
class SelfTestCheck:
    """One point. ``look`` gives in words what was seen, or raises :class:`Differs` or
    :class:`NotSeen`. It undoes what it does in the host, in a ``finally``."""

    id: str
    """``host.subject.point``; a report is compared with another by it."""
    expectation: str
    """What holds when it is confirmed, as a sentence."""
    run: Callable[[], str]
    on_main_thread: bool = True
    """Whether it is called on the host's main thread; False for what is about threads."""


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    id: str
    expectation: str
    outcome: SelfTestOutcome
    observed: str = ""
    traceback: str = ""
    """The lines that failed, innermost last; only when broken or different."""


@dataclass
class SelfTestReport:
    """What was seen, in the order of the checks. ``about`` says in what."""

    host: str
    environment: dict[str, str]
    results: list[SelfTestResult] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing differs and nothing broke; what was not seen remains to be seen."""
        return all(
            r.outcome in (SelfTestOutcome.CONFIRMED, SelfTestOutcome.SKIPPED) for r in self.results
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "host": self.host,
            "environment": self.environment,
            "results": [asdict(result) for result in self.results],
        }

    def as_text(self) -> str:
        lines = [f"Shotbridge self-test: {self.host}"]
        lines += [f"  {name}: {value}" for name, value in self.environment.items()]
        for result in self.results:
            lines += [
                "",
                f"{_outcome_label(result.outcome)} {result.id}",
                f"    {result.expectation}",
            ]
            lines += [f"    observed: {result.observed}"] if result.observed else []
            lines += [f"    traceback: {result.traceback}"] if result.traceback else []
        return "\n".join([*lines, "", self.summary]) + "\n"

    @property
    def summary(self) -> str:
        """``12 confirmed, 1 differs``."""
        counts = Counter(result.outcome for result in self.results)
        return (
            ", ".join(_count_text(counts[o], o) for o in SelfTestOutcome if counts[o])
            or "no checks were run"
        )


def call_directly(function: Callable[[], str]) -> str:
    """The main thread's way when the caller is on it."""
    return function()


def expect_equal(label: str, actual: object, expected: object) -> None:
    """Compare what the host gave with what Shotbridge takes for granted.

    :raises Differs: they are not equal.
    """
    if actual != expected:
        raise BehaviourDiffers(f"{label}: {actual!r}, taken for granted was {expected!r}")


def run_checks(
    host: str,
    host_version: str,
    checks: Sequence[SelfTestCheck],
    folder: Path,
    *,
    call_on_main: MainThreadCaller = call_directly,
    on_result: Callable[[SelfTestResult], None] = lambda result: None,
) -> SelfTestReport:
    """Look at every point, and leave ``shotbridge_selftest_<host>.json`` and ``.txt`` in
    ``folder``, written anew after each.

    ``host`` is the plugin's word (``nuke``), ``program`` what the host calls itself, with version.
    Called on the host's main thread, the host waits meanwhile. A host that should stay alive calls
    it in a thread of its own and says with ``on_main`` how its main thread is reached. ``tell`` is
    called with each result, in the thread of the caller.

    :raises NotWritable: the report cannot be written.
    """
    report = SelfTestReport(host, _environment(host_version))
    for check in checks:
        running = SelfTestResult(check.id, check.expectation, SelfTestOutcome.STARTED)
        report.results.append(running)
        _write_report(report, folder)
        report.results[-1] = _redact(
            _run_check(check, call_on_main if check.on_main_thread else call_directly)
        )
        _write_report(report, folder)
        on_result(report.results[-1])
    _write_report(report, folder)
    return report


def report_paths(host: str, folder: Path) -> tuple[Path, Path]:
    """Where the report of a host is: as JSON, and as text."""
    stem = f"shotbridge_selftest_{host}"
    return folder / f"{stem}.json", folder / f"{stem}.txt"


def main(
    host: str,
    host_version: Callable[[], str],
    checks: Sequence[SelfTestCheck],
    argv: Sequence[str] = (),
) -> int:
    """What ``selftest.py`` of a plugin does when the host runs it as a script: the first argument
    names the folder of the report, else it is the current one. Gives the exit code: 1 when
    something differs or broke, that of the error when there is no host to look at."""
    folder = Path(argv[0]).expanduser().absolute() if argv else Path.cwd()
    try:
        report = run_checks(
            host, host_version(), checks, folder, on_result=lambda r: print(f"{r.outcome}: {r.id}")
        )
    except ShotbridgeError as error:
        print(f"the self-test cannot be made: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{report.summary}\nreport: {report_paths(host, folder)[1]}")
    return 0 if report.ok else 1


def _run_check(check: SelfTestCheck, call: MainThreadCaller) -> SelfTestResult:
    try:
        return SelfTestResult(
            check.id, check.expectation, SelfTestOutcome.CONFIRMED, call(check.run)
        )
    except BehaviourDiffers as error:
        return SelfTestResult(
            check.id,
            check.expectation,
            SelfTestOutcome.DIFFERS,
            str(error),
            _traceback_summary(error),
        )
    except CheckSkipped as error:
        return SelfTestResult(check.id, check.expectation, SelfTestOutcome.SKIPPED, str(error))
    except (Exception, SystemExit) as error:  # a check that exits ends itself
        message = f"{type(error).__name__}: {error}"
        return SelfTestResult(
            check.id, check.expectation, SelfTestOutcome.ERROR, message, _traceback_summary(error)
        )


def _traceback_summary(error: BaseException) -> str:
    """Files without their folders, lines and functions: enough to find the place by."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames[-6:])


def _redact(result: SelfTestResult) -> SelfTestResult:
    observed = redact_identity(redact_secrets(result.observed))
    if len(observed) > _MAX_OBSERVED_CHARS:
        observed = f"{observed[:_MAX_OBSERVED_CHARS]}... ({len(observed)} characters)"
    return SelfTestResult(result.id, result.expectation, result.outcome, observed, result.traceback)


def _environment(host_version: str) -> dict[str, str]:
    qt = sys.modules.get("PySide6")
    return {
        "program": host_version,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "shotbridge": bridge_core.__version__,
        "python": platform.python_version(),
        "pyside6": str(getattr(qt, "__version__", "unknown")) if qt else "not loaded",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _write_report(report: SelfTestReport, folder: Path) -> None:
    as_json, as_text = report_paths(report.host, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_atomically(
            as_json, json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n"
        )
        _write_atomically(as_text, report.as_text())
    except OSError as error:
        raise NotWritable(
            f"the report cannot be written: {error.strerror or error}",
            where=str(folder),
            next_step="name another folder",
        ) from error


def _write_atomically(path: Path, text: str) -> None:
    """Whole or not at all: a host may crash at any moment."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _count_text(count: int, outcome: SelfTestOutcome) -> str:
    return f"{count} {outcome}" + ("s" if outcome is SelfTestOutcome.ERROR and count > 1 else "")


def _outcome_label(outcome: SelfTestOutcome) -> str:
    return {
        SelfTestOutcome.CONFIRMED: "ok     ",
        SelfTestOutcome.DIFFERS: "DIFFERS",
        SelfTestOutcome.SKIPPED: "-      ",
        SelfTestOutcome.ERROR: "ERROR  ",
        SelfTestOutcome.STARTED: "CRASHED",
    }[outcome]
