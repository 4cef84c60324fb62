"""``shotbridge blender``: export a .blend's cut as OTIO, and import a cut into a new .blend.

Only Blender reads and writes .blend files, so it runs in the background with our extension.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import ConfigError, HostError, from_problem

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    blender = commands.add_parser(
        "blender", parents=[common], help="export cuts from .blend files, and import them"
    )
    actions = blender.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, source, does in (
        ("export", "BLEND", "write the cut of a .blend as OTIO"),
        ("import", "CUT", "make a .blend from an OTIO cut"),
    ):
        action = actions.add_parser(name, parents=[common], help=does)
        action.add_argument("source", type=Path, metavar=source)
        action.add_argument("-o", "--output", type=Path, required=True)
        action.add_argument("--scene", default="", help="the scene with the cut, if ambiguous")
        action.add_argument("--overwrite", action="store_true", help="replace the output")
        action.add_argument(
            "--program", type=Path, help="Blender's program; default: the blender on the PATH"
        )
        action.set_defaults(run=_run_blender)


def _run_blender(context: CommandContext) -> int:
    options = context.arguments
    program = options.program or shutil.which("blender")
    if program is None:
        next_step = "give its path: --program /path/to/blender"
        raise ConfigError("there is no blender on the PATH", next_step=next_step)
    command = [str(program), "--command", "shotbridge", options.action]
    command += [str(options.source.absolute()), str(options.output.absolute())]
    command += ["--overwrite"] if options.overwrite else []
    command += ["--scene", options.scene] if options.scene else []
    try:
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        message = f"Blender cannot be started: {error.strerror or error}"
        next_step = "give its path: --program /path/to/blender"
        raise ConfigError(message, where=str(program), next_step=next_step) from error
    answer = _parse_answer(completed.stdout)
    if answer is None:
        output = (completed.stderr or completed.stdout).strip()[-500:] or "none"
        message = f"Blender ended with {completed.returncode} and without a result"
        next_step = "install and enable the Shotbridge extension in Blender 4.2 or newer"
        raise HostError(message, where=str(program), next_step=f"{next_step}; its output: {output}")
    if "error" in answer:
        raise from_problem(answer["error"])
    warnings = answer["warnings"]
    lines = [f"written: {options.output}", *(f"warning: {warning}" for warning in warnings)]
    result = {"file": str(options.output), "warnings": warnings}
    context.output.print_result(result, "\n".join(lines))
    return 0


def _parse_answer(stdout: str) -> dict[str, Any] | None:
    """Our JSON line among Blender's other output; None if there is none."""
    for line in reversed(stdout.splitlines()):
        if line.startswith('{"shotbridge":'):
            answer: dict[str, Any] = json.loads(line)["shotbridge"]
            return answer
    return None
