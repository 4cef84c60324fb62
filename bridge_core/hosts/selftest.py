"""The self-test: checks that only a real host can confirm, run inside the host.

The plugins are tested against strict fakes made from the hosts' published stubs. Behaviour that is
not in a stub is a :class:`SelfTestCheck` in ``plugins/<host>/bridge_<host>/selftest.py``::

    CHECKS = SelfTestChecks()

    @CHECKS.add("nuke.read.missing_frames", "A Read shows black for missing frames.")
    def _missing_frames() -> str:
        node = nuke.createNode("Read", inpanel=False)
        try:
            expect_equal("values of on_error", node["on_error"].values(), ["error", "black", ...])
            return "a Read accepts 'black' for missing frames"
        finally:
            nuke.delete(node)

An error in a check does not stop the others. The report is written after each check, so that after
a crash of the host it shows the check that crashed. It contains no user or machine name, no home
folder and no secret, and can be shared.

Standard library only, so that it can report a broken installation.
"""

from __future__ import annotations

import json
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
from bridge_core.errors import ShotbridgeError
from bridge_core.system.files import atomic_write_bytes, storage_errors
from bridge_core.text.redaction import redact_identity, redact_secrets

#: Runs a function on the host's main thread and returns its result, or raises its exception.
MainThreadCaller = Callable[[Callable[[], str]], str]

#: Maximum length of an observation in the report.
_MAX_OBSERVED_CHARS = 2000


class SelfTestOutcome(StrEnum):
    CONFIRMED = "confirmed"
    """The host behaves as Shotbridge expects."""
    DIFFERS = "differs"
    """The host behaves differently: the plugin needs a change."""
    SKIPPED = "skipped"
    """The check could not run; the observation says what it needs."""
    ERROR = "error"
    """The check failed with an unexpected error, of the host or of the check."""
    STARTED = "started"
    """The check is running. In a report that ends with it, the host crashed."""


_LABELS = {
    SelfTestOutcome.CONFIRMED: "ok     ",
    SelfTestOutcome.DIFFERS: "DIFFERS",
    SelfTestOutcome.SKIPPED: "-      ",
    SelfTestOutcome.ERROR: "ERROR  ",
    SelfTestOutcome.STARTED: "CRASHED",
}


class BehaviourDiffers(Exception):
    """Raised by a check: the host does not behave as Shotbridge expects."""


class CheckSkipped(Exception):
    """Raised by a check that cannot run. The message says what it needs: an open timeline, a
    selected clip, a window."""


@dataclass(frozen=True, slots=True)
class SelfTestCheck:
    """A check. ``run`` returns a description of what it observed, or raises
    :class:`BehaviourDiffers` or :class:`CheckSkipped`. It undoes its changes in a ``finally``."""

    id: str
    """``host.subject.behaviour``; stable, so that reports can be compared."""
    expectation: str
    """The expected behaviour, as a sentence."""
    run: Callable[[], str]
    on_main_thread: bool = True
    """Whether it runs on the host's main thread; False for checks of threading."""


class SelfTestChecks(list[SelfTestCheck]):
    """The checks of a host, in the order in which they are defined and run."""

    def add(
        self, check_id: str, expectation: str, *, on_main_thread: bool = True
    ) -> Callable[[Callable[[], str]], Callable[[], str]]:
        """A decorator that adds a function as a :class:`SelfTestCheck` with these values."""

        def register(run: Callable[[], str]) -> Callable[[], str]:
            self.append(SelfTestCheck(check_id, expectation, run, on_main_thread))
            return run

        return register


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    id: str
    expectation: str
    outcome: SelfTestOutcome
    observed: str = ""
    traceback: str = ""
    """The calls that failed, innermost last; only for errors and differences."""


@dataclass
class SelfTestReport:
    """The results in the order of the checks. ``environment``: versions of host and libraries."""

    host: str
    environment: dict[str, str]
    results: list[SelfTestResult] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """No check differs or has an error; some may have been skipped."""
        fine = (SelfTestOutcome.CONFIRMED, SelfTestOutcome.SKIPPED)
        return all(result.outcome in fine for result in self.results)

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
            lines += ["", f"{_LABELS[result.outcome]} {result.id}", f"    {result.expectation}"]
            lines += [f"    observed: {result.observed}"] if result.observed else []
            lines += [f"    traceback: {result.traceback}"] if result.traceback else []
        return "\n".join([*lines, "", self.summary]) + "\n"

    @property
    def summary(self) -> str:
        """``12 confirmed, 1 differs``."""
        counts = Counter(result.outcome for result in self.results)
        texts = [_count_text(counts[kind], kind) for kind in SelfTestOutcome if counts[kind]]
        return ", ".join(texts) or "no checks were run"


def call_directly(function: Callable[[], str]) -> str:
    """The :data:`MainThreadCaller` for a caller that is on the main thread."""
    return function()


def expect_equal(label: str, actual: object, expected: object) -> None:
    """Compare a value of the host with the expected one.

    :raises BehaviourDiffers: they are not equal.
    """
    if actual != expected:
        raise BehaviourDiffers(f"{label}: {actual!r}, expected {expected!r}")


def run_checks(
    host: str,
    host_version: str,
    checks: Sequence[SelfTestCheck],
    folder: Path,
    *,
    call_on_main: MainThreadCaller = call_directly,
    on_result: Callable[[SelfTestResult], None] = lambda result: None,
) -> SelfTestReport:
    """Run all checks, and write ``shotbridge_selftest_<host>.json`` and ``.txt`` to ``folder``
    after each of them.

    ``host`` is the plugin's id (``nuke``), ``host_version`` the host's name and version. On the
    main thread, this blocks the host. A host that should stay responsive calls it in another
    thread, with ``call_on_main`` to reach the main thread. ``on_result`` is called with each result
    in the caller's thread.

    :raises StorageError: the report cannot be written.
    """
    report = SelfTestReport(host, _environment(host_version))
    for check in checks:
        running = SelfTestResult(check.id, check.expectation, SelfTestOutcome.STARTED)
        report.results.append(running)
        _write_report(report, folder)
        call = call_on_main if check.on_main_thread else call_directly
        report.results[-1] = _run_check(check, call)
        _write_report(report, folder)
        on_result(report.results[-1])
    _write_report(report, folder)
    return report


def report_paths(host: str, folder: Path) -> tuple[Path, Path]:
    """The paths of a host's report: as JSON, and as text."""
    stem = f"shotbridge_selftest_{host}"
    return folder / f"{stem}.json", folder / f"{stem}.txt"


def main(
    host: str,
    host_version: Callable[[], str],
    checks: Sequence[SelfTestCheck],
    argv: Sequence[str] = (),
) -> int:
    """Run a plugin's ``selftest.py`` as a script in the host. The first argument is the folder of
    the report, by default the current one. Returns the exit code: 1 if a check differs or has an
    error, or that of the error if the self-test could not run."""
    folder = Path(argv[0]).expanduser().absolute() if argv else Path.cwd()
    try:
        report = run_checks(
            host, host_version(), checks, folder, on_result=lambda r: print(f"{r.outcome}: {r.id}")
        )
    except ShotbridgeError as error:
        print(f"the self-test cannot run: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{report.summary}\nreport: {report_paths(host, folder)[1]}")
    return 0 if report.ok else 1


def _run_check(check: SelfTestCheck, call: MainThreadCaller) -> SelfTestResult:
    calls = ""
    try:
        outcome, observed = SelfTestOutcome.CONFIRMED, call(check.run)
    except CheckSkipped as error:
        outcome, observed = SelfTestOutcome.SKIPPED, str(error)
    except BehaviourDiffers as error:
        outcome, observed, calls = SelfTestOutcome.DIFFERS, str(error), _traceback_summary(error)
    except (Exception, SystemExit) as error:  # SystemExit only ends the check
        outcome, observed = SelfTestOutcome.ERROR, f"{type(error).__name__}: {error}"
        calls = _traceback_summary(error)
    observed = redact_identity(redact_secrets(observed))
    if len(observed) > _MAX_OBSERVED_CHARS:
        observed = f"{observed[:_MAX_OBSERVED_CHARS]}... ({len(observed)} characters)"
    return SelfTestResult(check.id, check.expectation, outcome, observed, calls)


def _traceback_summary(error: BaseException) -> str:
    """File names without folders, line numbers and functions."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames[-6:])


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
    """Each file completely or not at all: the host may crash at any moment."""
    as_json, as_text = report_paths(report.host, folder)
    json_text = json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n"
    with storage_errors(folder, "choose another folder for the report"):
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write_bytes(as_json, json_text.encode())
        atomic_write_bytes(as_text, report.as_text().encode())


def _count_text(count: int, outcome: SelfTestOutcome) -> str:
    return f"{count} {outcome}" + ("s" if outcome is SelfTestOutcome.ERROR and count > 1 else "")
