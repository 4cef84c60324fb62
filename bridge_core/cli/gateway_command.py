"""Run the gateway's commands as processes; the client never imports the gateway."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from bridge_core.errors import GatewayFault

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings


def run_gateway(settings: Settings, *args: str) -> int:
    """Run a command of the gateway on this terminal with these settings; its exit code.

    :raises ConfigError: no gateway is installed here.
    """
    return _run(settings, args, stdout=None).returncode


def capture_gateway(settings: Settings, *args: str) -> str:
    """Run a command of the gateway and return its output; its errors go to this terminal.

    :raises ConfigError: no gateway is installed here.
    :raises GatewayFault: it ended with an error.
    """
    completed = _run(settings, args, stdout=subprocess.PIPE)
    if completed.returncode:
        raise GatewayFault(
            f"the gateway's command {args[0]!r} ended with code {completed.returncode}",
            next_step="see its own message above",
        )
    return completed.stdout


def exec_gateway(settings: Settings, *args: str) -> int:
    """Replace this process by a command of the gateway, so that signals reach it and a supervisor
    sees its exit. Windows cannot do that: there, run it and return its exit code.

    :raises ConfigError: no gateway is installed here.
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
