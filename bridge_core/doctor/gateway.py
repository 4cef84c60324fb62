"""The gateway: whether it answers, what it says of itself, its models, its clock."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bridge_core.address import is_loopback
from bridge_core.doctor.line import Line, State
from bridge_core.errors import ConfigError, ShotbridgeError

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.models.settings import Settings

SECTION = "Gateway"
#: Seconds that two clocks may differ without anything going wrong.
_CLOCK = 30.0
#: Seconds that looking at the models may take: each is hashed.
_PATIENCE = 120.0


def lines(client: Client) -> Iterator[Line]:
    settings = client.settings
    where = settings.client.url or "of this user, on this machine"
    if where.startswith("http://") and not is_loopback(where):
        yield Line(
            SECTION,
            "encryption",
            State.NOTE,
            "the token and the pictures travel as plain text",
            "put TLS before the gateway (docs/admin.md) and set client.url to https://",
        )
    try:
        about, health = client.about(), client.health()
        ahead = client.clock_ahead()
    except ShotbridgeError as error:
        yield Line.of(error, SECTION, "gateway")
    else:
        yield Line(SECTION, "gateway", State.OK, f"{about.version}, API {about.api}, {where}")
        yield _clock(ahead)
        for line in health.lines:
            state = State.OK if line.ok else State.WRONG
            yield Line(SECTION, line.name, state, line.says, line.next_step)
    if settings.client.url is None:
        yield _models(settings)


def _clock(ahead: float | None) -> Line:
    if ahead is None:
        return Line(SECTION, "clock", State.NOTE, "the gateway tells no time to compare with")
    if abs(ahead) <= _CLOCK:
        return Line(SECTION, "clock", State.OK, "agrees with the gateway's")
    direction = "ahead of" if ahead > 0 else "behind"
    return Line(
        SECTION,
        "clock",
        State.WRONG,
        f"the gateway's is {abs(ahead):.0f} s {direction} this machine's",
        "set both by the network's time: dates of notes, decisions and signatures depend on it",
    )


def _models(settings: Settings) -> Line:
    from bridge_core.config.handover import as_variables
    from bridge_core.launcher import gateway_command

    name = "models"
    try:
        told = subprocess.run(
            [*gateway_command(settings), "models", "list", "--json"],
            env={**os.environ, **as_variables(settings)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        ).stdout
        rows = [row for row in json.loads(told) if row["kind"] == "weights"]
    except (OSError, subprocess.SubprocessError, ValueError, ConfigError) as error:
        step = error.next_step if isinstance(error, ConfigError) else "shotbridge models list"
        return Line(SECTION, name, State.WRONG, f"cannot be listed: {error}", step)
    gone = [row["id"] for row in rows if not row["installed"]]
    if gone:
        says = f"{len(gone)} of {len(rows)} not installed or damaged: {', '.join(gone)}"
        return Line(SECTION, name, State.WRONG, says, "shotbridge models install")
    says = f"{len(rows)} installed and intact in {settings.gateway.models_dir}"
    return Line(SECTION, name, State.OK, says)
