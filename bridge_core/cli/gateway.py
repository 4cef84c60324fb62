"""Runs the gateway's own commands: the client never imports it, it knows a command line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from bridge_core.errors import GatewayFault

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings


def run(settings: Settings, *words: str) -> int:
    """Run a command of the gateway on this terminal, with these settings, and give its exit code.

    :raises ConfigError: there is no gateway to run here.
    """
    return _run(settings, words, stdout=None).returncode


def ask(settings: Settings, *words: str) -> str:
    """Run a command of the gateway and give what it printed; its errors go to this terminal.

    :raises ConfigError: there is no gateway to run here.
    :raises GatewayFault: it ended with an error.
    """
    done = _run(settings, words, stdout=subprocess.PIPE)
    if done.returncode:
        raise GatewayFault(
            f"the gateway's command {words[0]!r} ended with code {done.returncode}",
            next_step="its own words stand above",
        )
    return done.stdout


def become(settings: Settings, *words: str) -> int:
    """Run a command of the gateway in the place of this process, so that signals reach it and
    whoever supervises it sees the gateway's own end. Comes back on Windows only, which has no such
    thing, with the exit code.

    :raises ConfigError: there is no gateway to run here.
    """
    if sys.platform == "win32":
        return run(settings, *words)
    command, environment = _command(settings, words)
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        from bridge_core.launcher import cannot_start

        raise cannot_start(command, error) from error


def _run(
    settings: Settings, words: tuple[str, ...], *, stdout: int | None
) -> subprocess.CompletedProcess[str]:
    command, environment = _command(settings, words)
    return subprocess.run(command, env=environment, stdout=stdout, text=True, check=False)


def _command(settings: Settings, words: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    from bridge_core.config.handover import as_variables
    from bridge_core.launcher import gateway_command

    return [*gateway_command(settings), *words], {**os.environ, **as_variables(settings)}
