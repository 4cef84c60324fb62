"""The runner of the self-test: it runs every check, and the report can be shared."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge_core.errors import HostError, NotWritable
from bridge_core.hosts.selftest import (
    BehaviourDiffers,
    CheckSkipped,
    SelfTestCheck,
    SelfTestChecks,
    SelfTestOutcome,
    SelfTestReport,
    expect_equal,
    main,
    report_paths,
    run_checks,
)


def _returns(words: str) -> Callable[[], str]:
    return lambda: words


def _raises(error: BaseException) -> Callable[[], str]:
    def look() -> str:
        raise error

    return look


def _check(name: str, look: Callable[[], str]) -> SelfTestCheck:
    return SelfTestCheck(f"host.{name}", f"{name} holds.", look)


def test_checks_are_added_in_the_order_of_their_definition(tmp_path: Path) -> None:
    checks = SelfTestChecks()

    @checks.add("host.two", "Two holds.", on_main_thread=False)
    def _two() -> str:
        return "two"

    checks.add("host.one", "One holds.")(_returns("one"))
    assert [(one.id, one.on_main_thread) for one in checks] == [
        ("host.two", False),
        ("host.one", True),
    ]
    report = run_checks("nuke", "Nuke", checks, tmp_path)
    assert [(one.expectation, one.observed) for one in report.results] == [
        ("Two holds.", "two"),
        ("One holds.", "one"),
    ]


def test_an_error_in_a_check_does_not_stop_the_others(tmp_path: Path) -> None:
    checks = [
        _check("one", _raises(RuntimeError("no such knob"))),
        _check("end", _raises(SystemExit(3))),
        _check("two", _raises(BehaviourDiffers("gave None"))),
        _check("three", _raises(CheckSkipped("open a timeline"))),
        _check("four", _returns("four frames")),
    ]
    report = run_checks("nuke", "Nuke 16.0v4", checks, tmp_path)
    assert [(r.id, r.outcome) for r in report.results] == [
        ("host.one", SelfTestOutcome.ERROR),
        ("host.end", SelfTestOutcome.ERROR),
        ("host.two", SelfTestOutcome.DIFFERS),
        ("host.three", SelfTestOutcome.SKIPPED),
        ("host.four", SelfTestOutcome.CONFIRMED),
    ]
    assert not report.ok
    assert report.summary == "1 confirmed, 1 differs, 1 skipped, 2 errors"
    assert report.results[0].observed == "RuntimeError: no such knob"
    assert report.results[0].traceback.endswith("look")
    assert "/" not in report.results[0].traceback


def test_the_report_is_written_as_json_and_text(tmp_path: Path) -> None:
    report = run_checks(
        "nuke", "Nuke 16.0v4", [_check("one", _returns("a Read node"))], tmp_path / "new"
    )
    as_json, as_text = report_paths("nuke", tmp_path / "new")
    read = json.loads(as_json.read_text())
    assert read == report.as_json()
    assert read["environment"]["program"] == "Nuke 16.0v4"
    assert read["results"] == [
        {
            "id": "host.one",
            "expectation": "one holds.",
            "outcome": "confirmed",
            "observed": "a Read node",
            "traceback": "",
        }
    ]
    assert as_text.read_text().splitlines()[-1] == "1 confirmed"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        as_json.name,
        as_text.name,
    ]


def test_a_report_of_a_crash_shows_the_check(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from bridge_core.hosts.selftest import SelfTestCheck, run_checks\n"
        "checks = [SelfTestCheck('host.fine', 'Fine.', lambda: 'fine'),\n"
        "          SelfTestCheck('host.fatal', 'Stays alive.', lambda: os._exit(9))]\n"
        "run_checks('nuke', 'Nuke', checks, Path(sys.argv[1]))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert ended.returncode == 9
    read = json.loads(report_paths("nuke", tmp_path)[0].read_text())
    assert [(r["id"], r["outcome"]) for r in read["results"]] == [
        ("host.fine", "confirmed"),
        ("host.fatal", "started"),
    ]
    assert "CRASHED host.fatal" in report_paths("nuke", tmp_path)[1].read_text()


def test_secrets_and_identities_are_not_in_the_report(tmp_path: Path) -> None:
    secrets = (
        f"read {Path.home()}/show/plate.exr as {getpass.getuser()}; "
        "https://anna:hunter22@proxy:3128; Authorization: Bearer abc.def-ghi; "
        "RUNWAY_API_KEY='rw-0123456789'; AKIAABCDEFGHIJKLMNOP; token=tttttttt&x=1"
    )
    checks = [_check("returns", _returns(secrets)), _check("raises", _raises(OSError(secrets)))]
    report = run_checks("nuke", "Nuke", checks, tmp_path)
    contents = "".join(path.read_text() for path in report_paths("nuke", tmp_path))
    for secret in (
        str(Path.home()),
        "hunter22",
        "abc.def-ghi",
        "rw-0123456789",
        "AKIAABCDEFGHIJKLMNOP",
        "tttttttt",
    ):
        assert secret not in contents, secret
    assert "read ~/show/plate.exr as [user]" in report.results[0].observed
    assert "x=1" in report.results[0].observed


def test_long_observations_are_truncated(tmp_path: Path) -> None:
    report = run_checks("nuke", "Nuke", [_check("long", _returns("x" * 9000))], tmp_path)
    assert len(report.results[0].observed) < 2100
    assert report.results[0].observed.endswith("(9000 characters)")


def test_checks_run_in_their_thread(tmp_path: Path) -> None:
    """A responsive host: the runner in a thread, its checks on the main thread."""
    called: list[str] = []

    def on_main(look: Callable[[], str]) -> str:
        called.append("main")
        return look()

    def name() -> str:
        return threading.current_thread().name

    checks = [
        _check("nodes", name),
        SelfTestCheck("host.threads", "Threads.", name, on_main_thread=False),
    ]
    done: list[SelfTestReport] = []
    thread = threading.Thread(
        name="runner",
        target=lambda: done.append(run_checks("n", "N", checks, tmp_path, call_on_main=on_main)),
    )
    thread.start()
    thread.join(30)
    assert called == ["main"]
    assert [result.observed for result in done[0].results] == ["runner", "runner"]


def test_expect_equal_reports_both_values() -> None:
    expect_equal("frame mode", "start at", "start at")
    with pytest.raises(BehaviourDiffers, match=r"frame mode: 'offset', expected 'start at'"):
        expect_equal("frame mode", "offset", "start at")


def test_an_unwritable_report_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(NotWritable) as excinfo:
        run_checks("nuke", "Nuke", [_check("one", _returns("x"))], tmp_path / "taken")
    assert excinfo.value.next_step


def test_as_a_script_the_exit_code_reports_the_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fine = [
        _check("one", _returns("fine")),
        _check("two", _raises(CheckSkipped("open a timeline"))),
    ]
    assert main("nuke", lambda: "Nuke", fine, [str(tmp_path)]) == 0
    assert (
        main(
            "nuke", lambda: "Nuke", [_check("x", _raises(BehaviourDiffers("no")))], [str(tmp_path)]
        )
        == 1
    )
    assert "differs: host.x" in capsys.readouterr().out


def test_without_a_host_an_error_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def program() -> str:
        raise HostError("Resolve does not run", next_step="start it")

    code = main("resolve", program, [_check("one", _returns("fine"))], [str(tmp_path / "out")])
    assert code == HostError.exit_code
    stderr = capsys.readouterr().err
    assert stderr == "the self-test cannot run: Resolve does not run. Next: start it\n"
    assert not (tmp_path / "out").exists()


def test_the_runner_only_needs_the_standard_library() -> None:
    program = "import bridge_core.hosts.selftest, sys; print(*sys.modules)"
    completed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"pydantic", "requests", "yaml", "PySide6", "opentimelineio"}.intersection(completed)
