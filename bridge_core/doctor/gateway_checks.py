"""Checks of the gateway: connection, health, models, clock."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bridge_core.connection.endpoint import is_loopback
from bridge_core.errors import ConfigError, ShotbridgeError
from bridge_core.hosts.check_result import CheckResult, CheckStatus

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.models.settings import Settings

SECTION = "Gateway"
#: Clock difference in seconds that is not a problem.
_MAX_CLOCK_OFFSET = 30.0
#: Seconds for listing the models, which hashes each file.
_MODELS_TIMEOUT = 120.0


def check(client: Client) -> Iterator[CheckResult]:
    settings = client.settings
    location = settings.client.url or "local gateway of this user"
    if location.startswith("http://") and not is_loopback(location):
        message = "the token and the pictures are sent without encryption"
        next_step = "set up TLS for the gateway (docs/admin.md) and set client.url to https://"
        yield CheckResult.info(SECTION, "encryption", message, next_step)
    try:
        about, health = client.about(), client.health()
        clock_offset = client.clock_offset()
    except ShotbridgeError as error:
        yield CheckResult.from_error(error, SECTION, "gateway")
    else:
        message = f"{about.version}, API {about.api_version}, {location}"
        yield CheckResult.ok(SECTION, "gateway", message)
        yield _check_clock(clock_offset)
        for check in health.checks:
            status = CheckStatus.OK if check.ok else CheckStatus.ERROR
            yield CheckResult(SECTION, check.name, status, check.message, check.next_step)
    if settings.client.url is None:
        yield _check_models(settings)


def _check_clock(offset: float | None) -> CheckResult:
    if offset is None:
        message = "the gateway's responses have no date to compare with"
        return CheckResult.info(SECTION, "clock", message)
    if abs(offset) <= _MAX_CLOCK_OFFSET:
        return CheckResult.ok(SECTION, "clock", "agrees with the gateway's")
    direction = "ahead of" if offset > 0 else "behind"
    message = f"the gateway's clock is {abs(offset):.0f} s {direction} this machine's"
    next_step = "synchronise both by NTP: dates of notes, decisions and signatures depend on it"
    return CheckResult.error(SECTION, "clock", message, next_step)


def _check_models(settings: Settings) -> CheckResult:
    from bridge_core.gateway_program import gateway_command, gateway_environment

    try:
        output = subprocess.run(
            gateway_command(settings, "models", "list", "--json"),
            env=gateway_environment(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_MODELS_TIMEOUT,
            check=True,
        ).stdout
        models = [model for model in json.loads(output) if model["kind"] == "weights"]
    except (OSError, subprocess.SubprocessError, ValueError, ConfigError) as error:
        next_step = error.next_step if isinstance(error, ConfigError) else "shotbridge models list"
        return CheckResult.error(SECTION, "models", f"cannot be listed: {error}", next_step)
    missing = [model["id"] for model in models if not model["installed"]]
    if missing:
        message = f"{len(missing)} of {len(models)} not installed or damaged: {', '.join(missing)}"
        return CheckResult.error(SECTION, "models", message, "shotbridge models install")
    message = f"{len(models)} installed and intact in {settings.gateway.models_dir}"
    return CheckResult.ok(SECTION, "models", message)
