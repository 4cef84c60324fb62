"""Runs all checks, in the order of their dependencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from bridge_core.doctor import (
    gateway_checks,
    host_checks,
    python_packages,
    qt_display,
    storage_checks,
)
from bridge_core.errors import ShotbridgeError
from bridge_core.hosts.check_result import CheckResult
from bridge_core.text.redaction import redact_secrets

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.config import LoadedSettings


def run_checks(
    load: Callable[[], LoadedSettings], open_client: Callable[[], Client]
) -> list[CheckResult]:
    """All results, in order. Checks that depend on a failed one are skipped: without a valid
    configuration, the gateway is not checked."""
    results = []
    for result in _all_results(load, open_client):
        message, next_step = redact_secrets(result.message), redact_secrets(result.next_step)
        results.append(replace(result, message=message, next_step=next_step))
    return results


def _all_results(
    load: Callable[[], LoadedSettings], open_client: Callable[[], Client]
) -> Iterator[CheckResult]:
    yield from python_packages.check()
    yield from qt_display.check(python_packages.SECTION)
    try:
        loaded_settings = load()
    except ShotbridgeError as error:
        yield CheckResult.from_error(error, python_packages.SECTION, "configuration")
        yield from host_checks.check()
        return
    file_names = ", ".join(map(str, loaded_settings.files)) or "no files, all defaults"
    yield CheckResult.ok(python_packages.SECTION, "configuration", f"valid: {file_names}")
    yield from storage_checks.check(loaded_settings.settings, loaded_settings.files)
    yield _check_outbox(open_client())
    yield from gateway_checks.check(open_client())
    yield from host_checks.check()


def _check_outbox(client: Client) -> CheckResult:
    try:
        waiting = len(client.outbox.entries())
    except ShotbridgeError as error:
        return CheckResult.from_error(error, storage_checks.SECTION, "outbox")
    if not waiting:
        return CheckResult.ok(storage_checks.SECTION, "outbox", "empty")
    message = f"{waiting} waiting in {client.settings.client.state_dir}"
    return CheckResult.error(storage_checks.SECTION, "outbox", message, "shotbridge outbox --send")
