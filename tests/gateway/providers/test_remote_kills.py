"""``kill -9`` of the gateway in every window of a remote job. Nothing is paid for twice, and what
cannot be known is said."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from job_helpers import harness, wait_until

KILLS = Path(__file__).parents[1] / "jobs" / "test_jobs_kill.py"
kills = SimpleNamespace(**runpy.run_path(str(KILLS)))
remote = harness.load_remote()

BEFORE_SUBMIT = "providers.remote:record_submission:after"
BEFORE_HANDLE = "counting_remote:CountingRemoteProvider.submit:after"
POLLING = "counting_remote:CountingRemoteProvider.poll:before:2"
FETCHING = "counting_remote:fetch_frame:before:3"
BEFORE_PUBLISH = "jobs.steps.publish:publish_result:before"
#: In the transaction that ends the job, and after it.
SETTLING = "policy.ledger:settle:after"
SETTLED = "jobs.steps.publish:settle_job:after"
WINDOWS = (BEFORE_SUBMIT, BEFORE_HANDLE, POLLING, FETCHING, BEFORE_PUBLISH, SETTLING, SETTLED)


def _kill_in(folder: Path, service: str, windows: tuple[str, ...]) -> tuple[dict[str, Any], Any]:
    """The end of one job whose gateway is killed in each of these windows in turn, and the remote
    provider."""
    provider = remote.CountingRemoteProvider(folder / "remote")
    if service == remote.BLIND:
        (folder / "remote" / "blind").touch()
    pattern = harness.write_plate(folder)
    given = harness.submission(pattern, service=service, parameters={"polls": 3})
    for window in windows:
        with kills.gateway(folder, window) as running:
            job = running.ask("submit", submission=given.model_dump(mode="json"), key="the-key-1")
            running.wait_for_pause()
            running.kill()
    with kills.gateway(folder) as running:
        ended = running.wait_for_end(job["id"])
        versions = running.ask("versions")["versions"]
        ledger = running.ask("ledger", id=job["id"])["entries"]
        running.stop()
    assert len(versions) == (1 if ended["state"] == "succeeded" else 0)
    reserved = ["reserve", "submitted", "2.5"]
    if ended["state"] == "unknown":
        assert ledger == [reserved]  # until a person resolves it
    else:
        assert ledger == [reserved, ["charge", "succeeded", "2.5"], ["release", "succeeded", "2.5"]]
    return ended, provider


@pytest.mark.slow
@pytest.mark.parametrize("service", [remote.KEYED, remote.FINDABLE])
def test_killed_in_every_window_and_charged_once(tmp_path: Path, service: str) -> None:
    """Where the provider knows keys, or can find work by its key."""
    job, provider = _kill_in(tmp_path, service, WINDOWS)
    assert job["state"] == "succeeded", job["problem"]
    assert provider.charges() == [f"shotbridge-{job['id']}"]


@pytest.mark.slow
def test_killed_after_the_handle_was_stored(tmp_path: Path) -> None:
    """Where the provider knows no keys, the handle is enough."""
    job, provider = _kill_in(tmp_path, remote.BLIND, (POLLING, FETCHING, BEFORE_PUBLISH, SETTLING))
    assert job["state"] == "succeeded", job["problem"]
    assert len(provider.charges()) == 1


@pytest.mark.parametrize(("window", "charged"), [(BEFORE_SUBMIT, 0), (BEFORE_HANDLE, 1)])
def test_what_cannot_be_known_ends_unknown(tmp_path: Path, window: str, charged: int) -> None:
    """The gateway cannot tell these two apart, so it sends nothing again in either."""
    job, provider = _kill_in(tmp_path, remote.BLIND, (window,))
    assert job["state"] == "unknown"
    assert job["problem"]["code"] == "outcome_unknown"
    assert "not known whether the provider did this work" in job["problem"]["message"]
    assert "look at the invoice" in job["problem"]["next_step"]
    assert f"shotbridge-{job['id']}" in job["problem"]["next_step"]
    assert len(provider.charges()) == charged


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_charge_of_cancelled_work_is_recorded_once(tmp_path: Path, when: str) -> None:
    """Killed before the provider's answer is committed, it is told again. The job shows the charge
    that the ledger has."""
    remote.CountingRemoteProvider(tmp_path / "remote")
    pattern = harness.write_plate(tmp_path)
    given = harness.submission(pattern, service=remote.BLIND, parameters={"behaviour": "hang"})
    with kills.gateway(
        tmp_path, f"providers.remote_cancel:store_cancellation_response:{when}"
    ) as running:
        job = running.ask("submit", submission=given.model_dump(mode="json"), key="the-key-1")
        wait_until(
            lambda: running.ask("job", id=job["id"])["progress"]["fraction"] == 0.5, "a poll"
        )
        assert running.ask("cancel", id=job["id"])["state"] == "cancelled"
        running.wait_for_pause()
        running.kill()
    with kills.gateway(tmp_path) as running:
        wait_until(lambda: len(running.ask("ledger", id=job["id"])["entries"]) == 3, "the charge")
        ledger = running.ask("ledger", id=job["id"])["entries"]
        cancellation = running.ask("job", id=job["id"])["cancellation"]
        running.stop()
    assert cancellation["charge"]["amount"] == "2.5"
    assert ledger == [
        ["reserve", "submitted", "2.5"],
        ["release", "cancelled", "2.5"],
        ["charge", "answered", "2.5"],
    ]
