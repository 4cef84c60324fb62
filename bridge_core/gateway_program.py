"""The gateway's program: how it is found and run; the client never imports the gateway."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import ConfigError, GatewayFault

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings

INSTALL_HINT = 'install the gateway (in a checkout of Shotbridge: pip install ".[gateway]")'


def gateway_command(settings: Settings, *arguments: str) -> list[str]:
    """The command line that runs the gateway's program: the configured one; else this process's
    Python, if the gateway is installed in it; else ``shotbridge-gateway`` on the ``PATH``. A host's
    Python has no gateway, or is not a program of its own.

    :raises ConfigError: there is none.
    """
    if settings.client.gateway_command:
        return [*settings.client.gateway_command, *arguments]
    executable = Path(sys.executable or "").name.lower()
    is_python = re.fullmatch(r"python[0-9.]*w?(\.exe)?", executable) is not None
    if is_python and importlib.util.find_spec("bridge_gateway") is not None:
        return [sys.executable, "-m", "bridge_gateway", *arguments]
    installed = shutil.which("shotbridge-gateway")
    if installed is not None:
        return [installed, *arguments]
    raise ConfigError(
        f"there is no gateway to start: it is not installed in {executable or 'this program'}, and "
        "shotbridge-gateway is not on the PATH",
        next_step=f"{INSTALL_HINT} into a Python of its own, and set client.gateway_command to "
        "[/path/to/that/python, -m, bridge_gateway]; or set client.url to the studio's gateway",
    )


def gateway_environment(settings: Settings) -> dict[str, str]:
    """This process's environment, with all ``gateway`` settings that are not defaults.

    Variables and not ``--set``, because every user of the machine can read a command line, and the
    URL of a database contains its password.
    """
    from bridge_core.config.loader import VARIABLE_PREFIX

    values = settings.gateway.model_dump(exclude_unset=True)
    return {**os.environ, **dict(_setting_variables(values, f"{VARIABLE_PREFIX}GATEWAY"))}


def _setting_variables(values: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        variable = f"{prefix}__{name.upper()}"
        if isinstance(value, dict):
            yield from _setting_variables(value, variable)
        elif isinstance(value, str | Path):
            yield variable, str(value)
        else:
            yield variable, json.dumps(value, ensure_ascii=False, default=str)


def start_error(command: list[str], error: OSError) -> ConfigError:
    """The error for a :func:`gateway_command` that the system could not start."""
    message = f"the gateway cannot be started: {error.strerror or error}"
    return ConfigError(message, where=command[0], next_step="correct client.gateway_command")


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
        message = f"the gateway's command {args[0]!r} ended with code {completed.returncode}"
        raise GatewayFault(message, next_step="see its own message above")
    return completed.stdout


def exec_gateway(settings: Settings, *args: str) -> int:
    """Replace this process by a command of the gateway, so that signals reach it and a supervisor
    sees its exit. Windows cannot do that: there, run it and return its exit code.

    :raises ConfigError: no gateway is installed here.
    """
    if sys.platform == "win32":
        return run_gateway(settings, *args)
    command = gateway_command(settings, *args)
    try:
        os.execvpe(command[0], command, gateway_environment(settings))
    except OSError as error:
        raise start_error(command, error) from error


def _run(
    settings: Settings, args: tuple[str, ...], *, stdout: int | None
) -> subprocess.CompletedProcess[str]:
    command, environment = gateway_command(settings, *args), gateway_environment(settings)
    return subprocess.run(command, env=environment, stdout=stdout, text=True, check=False)
