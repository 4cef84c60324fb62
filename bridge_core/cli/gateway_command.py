"""Runs the gateway's own commands: the client never imports it, it knows a command line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from bridge_core.errors import GatewayFault

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings


def run_gateway(settings: Settings, *args: str) -> int:
    """Run a command of the gateway on this terminal, with these settings, and give its exit code.

    :raises ConfigError: there is no gateway to run here.
    """
    return _run(settings, args, stdout=None).returncode


def capture_gateway(settings: Settings, *args: str) -> str:
    """Run a command of the gateway and give what it printed; its errors go to this terminal.

    :raises ConfigError: there is no gateway to run here.
    :raises GatewayFault: it ended with an error.
    """
    completed = _run(settings, args, stdout=subprocess.PIPE)
    if completed.returncode:
        raise GatewayFault(
            f"the gateway's command {args[0]!r} ended with code {completed.returncode}",
            next_step="its own words stand above",
        )
    return completed.stdout


def exec_gateway(settings: Settings, *args: str) -> int:
    """Run a command of the gateway in the place of this process, so that signals reach it and
    whoever supervises it sees the gateway's own end. Comes back on Windows only, which has no such
    thing, with the exit code.

    :raises ConfigError: there is no gateway to run here.
    """
    if sys.platform == "win32":
        return run_gateway(settings, *args)
    command, environment = _command(settings, args)
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        from bridge_core.launcher import start_error

        raise start_error(command, error) from error


def _run(
    settings: Settings, args: tuple[str, ...], *, stdout: int | None
) -> subprocess.CompletedProcess[str]:
    command, environment = _command(settings, args)
    return subprocess.run(command, env=environment, stdout=stdout, text=True, check=False)


def _command(settings: Settings, args: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    from bridge_core.config.gateway_environment import environment_variables
    from bridge_core.launcher import gateway_command

    return [*gateway_command(settings), *args], {**os.environ, **environment_variables(settings)}
