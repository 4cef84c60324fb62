"""``shotbridge``: reads the command line and runs one command.

Exit codes: 0 done; 1 something nobody foresaw; 2 a command line that cannot be read; 130
interrupted; others come with the error, see :mod:`bridge_core.errors` and docs/cli.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import bridge_core
from bridge_core.cli import blender, demo, hosts, jobs, panel, review, system, timeline
from bridge_core.cli.context import Command, CommandContext
from bridge_core.cli.output import CommandOutput
from bridge_core.errors import ShotbridgeError


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shotbridge",
        description="Send shots to the studio's AI services, and review what comes back.",
    )
    parser.add_argument(
        "--version", action="version", version=f"shotbridge {bridge_core.__version__}"
    )
    # The options that every command takes stand before the command as well as behind it.
    _add_common_options(parser, set_dest="set_before")
    parser.set_defaults(json=False, set=None, show=os.environ.get("SHOTBRIDGE_SHOW"))
    common = argparse.ArgumentParser(add_help=False)
    _add_common_options(common, set_dest="set")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (demo, jobs, review, timeline, blender, panel, hosts, system):
        module.add(commands, common)
    return parser


def _add_common_options(parser: argparse.ArgumentParser, *, set_dest: str) -> None:
    # SUPPRESS: what was said before the command must not be undone by a default behind it.
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="answer in JSON"
    )
    parser.add_argument(
        "--set",
        dest=set_dest,
        action="append",
        metavar="KEY=VALUE",
        help="a setting for this call, such as client.streams=8; may be repeated",
    )
    parser.add_argument(
        "--show", default=argparse.SUPPRESS, help="the show, whose configuration is read too"
    )


def main(argv: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    output = CommandOutput(as_json=arguments.json)
    context = CommandContext(arguments, output)
    try:
        run: Command = arguments.run
        return run(context)
    except ShotbridgeError as error:
        output.print_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        output.print_message("\nstopped; what was accepted goes on, see `shotbridge jobs`")
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        context.close()


if __name__ == "__main__":
    sys.exit(main())
