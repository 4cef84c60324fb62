"""The example in ``examples/provider``, installed as a package of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

REPO = Path(__file__).parents[3]

#: Runs in another process, whose path has the package; this one stays as it is.
_USE = """
import json, sys, time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, sys.argv[2])
import job_helpers
from bridge_core.models.jobs import JobState
from bridge_core.models.settings import GatewaySettings
from bridge_gateway.providers.registry import ProviderRegistry, installed_providers

folder = Path(sys.argv[1])
harness = job_helpers.harness
seen = {"installed": installed_providers()}
runtime = harness.create_runtime(
    folder, providers=ProviderRegistry(GatewaySettings(providers=("example",)))
)
runtime.start()
try:
    seen["services"] = [service.id for service in runtime.jobs.list_services()]
    pattern = harness.write_plate(folder, frames=300)
    submission = harness.submission(pattern, service="exposure", parameters={"stops": 1})
    (quote,) = runtime.jobs.quote([submission.request])
    seen["cost"] = str(quote.cost.amount)
    job, _ = runtime.jobs.submit(submission, "key-example-1", harness.PRINCIPAL)
    job = job_helpers.wait_for_job(runtime, job)
    seen["state"], seen["problem"] = job.state, str(job.problem)
    version = runtime.results.get_version(str(job.version_id))
    seen["files"] = [file.path for file in runtime.results.list_files(version.id)]
    long = harness.submission(pattern, frames=300, service="exposure")
    job, _ = runtime.jobs.submit(long, "key-example-2", harness.PRINCIPAL)
    while not runtime.jobs.get_job(job.id).progress.done:
        time.sleep(0.01)
    seen["cancelled"] = runtime.jobs.cancel(job.id).state
    job_helpers.wait_until(
        lambda: not list((folder / "library" / ".work").iterdir()), "the work folder is removed"
    )
    seen["versions"] = len(runtime.results.list_versions())
finally:
    runtime.stop()
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the example is installed into, without an index."""
    target = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "provider"
    subprocess.run(["cp", "-r", str(REPO / "examples" / "provider"), str(source)], check=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([*command, str(source)], check=True)
    return target


def _environment(installed: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(installed)}


def test_the_example_is_listed_priced_run_and_cancelled(installed: Path, tmp_path: Path) -> None:
    """Without a line of the gateway changed."""
    completed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_USE), str(tmp_path), str(REPO / "tests")],
        env=_environment(installed),
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    seen = json.loads(completed.stdout.splitlines()[-1])
    assert seen["installed"]["example"] == "bridge-example-provider"
    assert seen["services"] == ["exposure"]
    assert seen["cost"] == "0.06"
    assert seen["state"] == "succeeded", seen["problem"]
    assert "010_exposure_v001.1001.exr" in seen["files"]
    assert seen["cancelled"] == "cancelled"
    assert seen["versions"] == 1


def test_the_example_passes_the_suite(installed: Path) -> None:
    """As its author runs it."""
    command = [sys.executable, "-m", "bridge_gateway", "providers"]
    options = ["--set", 'gateway.providers=["local", "example"]']
    refused = subprocess.run(
        [*command, "check", "example", *options],
        env=_environment(installed),
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode and "--accept-costs" in refused.stderr  # it has a price
    completed = subprocess.run(
        [*command, "check", "example", "--accept-costs", "--json", *options],
        env=_environment(installed),
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    outcomes = {row["case"]: row["outcome"] for row in json.loads(completed.stdout)}
    assert outcomes.pop("work is found by its key") == "not for this kind of provider"
    assert outcomes["every service does its work"] == "passed"
    assert set(outcomes.values()) == {"passed", "not for this kind of provider"}
