"""The whole examination, from what needs nothing to what needs everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from bridge_core.doctor import gateway, hosts, installed, storage, windows
from bridge_core.doctor.line import Line, State
from bridge_core.errors import ShotbridgeError
from bridge_core.redaction import without_secrets

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.config import Loaded


def examine(loaded: Callable[[], Loaded], client: Callable[[], Client]) -> list[Line]:
    """Every line, in order. What cannot be looked at because something before it is wrong is left
    out: with a configuration that does not read, there is no gateway to ask."""
    return [
        replace(line, says=without_secrets(line.says), next_step=without_secrets(line.next_step))
        for line in _lines(loaded, client)
    ]


def _lines(loaded: Callable[[], Loaded], client: Callable[[], Client]) -> Iterator[Line]:
    yield from installed.lines()
    yield from windows.lines(installed.SECTION)
    try:
        found = loaded()
    except ShotbridgeError as error:
        yield Line.of(error, installed.SECTION, "configuration")
        yield from hosts.lines()
        return
    read = ", ".join(map(str, found.files)) or "none, defaults hold"
    yield Line(installed.SECTION, "configuration", State.OK, f"reads without mistakes: {read}")
    yield from storage.lines(found.settings, found.files)
    yield _outbox(client())
    yield from gateway.lines(client())
    yield from hosts.lines()


def _outbox(client: Client) -> Line:
    try:
        waiting = len(client.outbox.entries())
    except ShotbridgeError as error:
        return Line.of(error, storage.SECTION, "outbox")
    if not waiting:
        return Line(storage.SECTION, "outbox", State.OK, "empty")
    says = f"{waiting} waiting in {client.settings.client.state_dir}"
    return Line(storage.SECTION, "outbox", State.WRONG, says, "shotbridge outbox --send")
