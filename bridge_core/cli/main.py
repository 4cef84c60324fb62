"""``shotbridge``: read the command line and run one command.

Exit codes: 0 success; 1 unexpected error; 2 invalid command line; 130 interrupted; the others
belong to an error class, see :mod:`bridge_core.errors` and docs/cli.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import bridge_core
from bridge_core.cli import administration, demo, hosts, jobs, panel, review, timeline
from bridge_core.cli.context import Command, CommandContext
from bridge_core.cli.output import CommandOutput
from bridge_core.errors import ShotbridgeError


def build_parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser of a command line. It has the hosts' commands only if ``words`` are none of the
    others, since only then their plugins are loaded."""
    parser = argparse.ArgumentParser(
        prog="shotbridge",
        description="Send shots to the studio's AI services, and review what comes back.",
    )
    parser.add_argument(
        "--version", action="version", version=f"shotbridge {bridge_core.__version__}"
    )
    # The common options are accepted before the command as well as after it.
    _add_common_options(parser, set_dest="set_before")
    parser.set_defaults(json=False, set=None, show=os.environ.get("SHOTBRIDGE_SHOW"))
    common = argparse.ArgumentParser(add_help=False)
    _add_common_options(common, set_dest="set")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (demo, jobs, review, timeline, panel, hosts, administration):
        module.add_commands(commands, common)
    if words and _command_word(words) not in commands.choices:
        hosts.add_host_commands(commands, common)
    return parser


def _command_word(words: Sequence[str]) -> str:
    """The first word that is neither a common option nor its value; empty if there is none."""
    options = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    _add_common_options(options, set_dest="set_before")
    try:
        _, rest = options.parse_known_args(words)
    except argparse.ArgumentError:
        return ""  # the whole parser reports it
    return rest[0] if rest else ""


def _add_common_options(parser: argparse.ArgumentParser, *, set_dest: str) -> None:
    option = parser.add_argument
    # SUPPRESS: a default after the command must not overwrite an option given before it.
    option(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print the result as JSON"
    )
    option(
        "--set",
        dest=set_dest,
        action="append",
        metavar="KEY=VALUE",
        help="a setting for this call, such as client.parallel_transfers=8; may be repeated",
    )
    option("--show", default=argparse.SUPPRESS, help="the show; its configuration is read as well")


def main(argv: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    arguments = build_parser(words).parse_args(words)
    output = CommandOutput(as_json=arguments.json)
    context = CommandContext(arguments, output)
    try:
        run: Command = arguments.run
        return run(context)
    except ShotbridgeError as error:
        output.print_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        output.print_message("\ninterrupted; accepted jobs continue, see `shotbridge jobs`")
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); without this, Python complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        context.close()


if __name__ == "__main__":
    sys.exit(main())
