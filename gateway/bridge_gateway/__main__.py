"""The gateway's command line: ``python -m bridge_gateway COMMAND`` or ``shotbridge-gateway``.

Exit codes are those of ``shotbridge`` (docs/cli.md).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge_core.errors import ShotbridgeError
from bridge_core.models.problems import Problem
from bridge_core.text.control_characters import escape_controls
from bridge_gateway import commands, log

#: Exit code of a command that was interrupted from the keyboard.
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = _create_parser().parse_args(argv)
    try:
        args.run(args)
    except ShotbridgeError as error:
        _print_error(error, as_json=getattr(args, "json", False))
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


def _serve(args: argparse.Namespace) -> None:
    log.configure(args.log)
    settings = commands.load_gateway_settings(args)
    from bridge_gateway.serve import ServeOptions, serve

    serve(settings, ServeOptions(args.token_file, args.announce, args.idle_exit))


def _print_error(error: ShotbridgeError, *, as_json: bool) -> None:
    if as_json:
        text = json.dumps({"error": Problem.from_error(error).model_dump(mode="json")})
    else:
        text = f"shotbridge-gateway: {escape_controls(str(error), keep_line_breaks=True)}"
    print(text, file=sys.stderr)


def _create_parser() -> argparse.ArgumentParser:
    """Every command has ``run``: the function that it is run by."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--set", action="append", metavar="KEY=VALUE", help="a setting for this call"
    )
    parser = argparse.ArgumentParser(
        prog="shotbridge-gateway", description="The studio's AI service of Shotbridge."
    )
    commands_parser = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_command = commands_parser.add_parser
    json_help = "results and errors as JSON"

    serve = add_command("serve", parents=[common], help="run the gateway")
    serve.set_defaults(run=_serve)
    option = serve.add_argument
    option("--token-file", type=Path, metavar="FILE", help="the token; created if missing")
    option("--announce", type=Path, metavar="FILE", help="where to write the URL once it answers")
    log_help = "the file that standard error is redirected to; kept small"
    option("--log", type=Path, metavar="FILE", help=log_help)
    idle_help = "end after gateway.idle_exit_seconds without use"
    option("--idle-exit", action="store_true", help=idle_help)

    models = add_command("models", parents=[common], help="weights of the local services")
    models.set_defaults(run=commands.run_models)
    option = models.add_argument
    option("action", choices=("install", "list"))
    option("id", nargs="*", metavar="ID", help="only these")
    option("--models-dir", type=Path, metavar="DIR", help="instead of gateway.models_dir")
    option("--quiet", action="store_true", help="print only changes and failures")
    option("--json", action="store_true", help=json_help)

    providers_help = "providers of services, and the suite that tests one"
    providers = add_command("providers", parents=[common], help=providers_help)
    providers.set_defaults(run=commands.run_providers)
    option = providers.add_argument
    option("action", choices=("list", "check"))
    option("name", nargs="?", metavar="NAME", help="the provider to check")
    costs_help = "check a provider that may charge for it"
    option("--accept-costs", action="store_true", help=costs_help)
    option("--json", action="store_true", help=json_help)

    plates_help = "make the demo's plates and print their paths"
    plates = add_command("demo-plates", parents=[common], help=plates_help)
    plates.set_defaults(run=commands.make_demo_plates)
    plates.add_argument("--out", type=Path, required=True, metavar="DIR")
    sheet = add_command("demo-contact-sheet", help="draw a contact sheet")
    sheet.set_defaults(run=commands.draw_contact_sheet)
    sheet.add_argument("--rows", type=Path, required=True, metavar="FILE", help="JSON")
    sheet.add_argument("--out", type=Path, required=True, metavar="FILE")

    openapi = add_command("openapi", help="print the OpenAPI document")
    openapi.set_defaults(run=commands.print_openapi)
    about = add_command("about", help="print versions, as JSON")
    about.set_defaults(run=commands.print_about)
    return parser


if __name__ == "__main__":
    sys.exit(main())
