"""``examples/host``: a host in a package of its own, without a change of anything else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
CLI = ("-m", "bridge_core.cli.main")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def site(install_example: Callable[[str], Path]) -> Path:
    return install_example("host")


def test_doctor_lists_it(site: Path, run_python: Run) -> None:
    program = (
        "from bridge_core.doctor.host_checks import check\n"
        "for line in check(): print(line.status, line.name, line.message, sep='|')\n"
    )
    done = run_python(site, "-c", program)
    assert f"ok|Shot list|plugin in {site / 'bridge_shotlist'}" in done.stdout.splitlines()
    assert "registration" not in done.stdout


def test_it_is_not_listed_where_it_is_not_installed(tmp_path: Path, run_python: Run) -> None:
    done = run_python(tmp_path, *CLI, "selftest", "shotlist")
    assert "there is no host shotlist" in done.stderr


def test_its_self_test_runs(site: Path, run_python: Run, tmp_path: Path) -> None:
    done = run_python(site, *CLI, "selftest", "shotlist", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "shotbridge_selftest_shotlist.json").read_text())
    assert [result["outcome"] for result in report["results"]] == ["confirmed"]


def test_its_command_is_part_of_shotbridge(site: Path, run_python: Run) -> None:
    assert "open the panel on a list of shots" in run_python(site, *CLI, "--help").stdout
    assert "SHOTS.json" in run_python(site, *CLI, "shotlist", "--help").stdout


def test_it_passes_the_host_contract(site: Path, run_python: Run, tmp_path: Path) -> None:
    tests = REPO / "examples" / "host" / "tests"
    empty = tmp_path / "pytest.ini"
    empty.write_text("[pytest]\n")
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", empty, "--rootdir", tmp_path)
    done = run_python(site, *words, tests)
    assert done.returncode == 0, done.stdout
    passed = int(done.stdout.splitlines()[-1].split(" passed")[0].split()[-1])
    assert passed >= 18, done.stdout
