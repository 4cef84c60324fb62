"""The gateway's command line: ``python -m bridge_gateway COMMAND`` or ``shotbridge-gateway``.

Exit codes are those of ``shotbridge`` (docs/cli.md).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge_core.config import load_settings
from bridge_core.errors import ConfigError, ShotbridgeError
from bridge_core.models.problems import Problem
from bridge_core.models.settings import GatewaySettings
from bridge_core.text.control_characters import escape_controls
from bridge_gateway import commands, log

#: Exit code of a command that was interrupted from the keyboard.
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = _create_parser().parse_args(argv)
    try:
        _run_command(args)
    except ShotbridgeError as error:
        _print_error(error, as_json=getattr(args, "json", False))
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


def _run_command(args: argparse.Namespace) -> None:
    match args.command:
        case "openapi":
            commands.print_openapi()
        case "about":
            commands.print_about()
        case "models":
            models_dir = args.models_dir or _load_settings(args).models_dir
            if args.action == "install":
                commands.install_models(models_dir, args.id, quiet=args.quiet, as_json=args.json)
            else:
                commands.list_models(models_dir, args.id, as_json=args.json)
        case "providers":
            settings = _load_settings(args)
            if args.action == "check":
                if args.name is None:
                    raise ConfigError("name the provider to check", where="argument NAME")
                commands.check_provider(
                    settings, args.name, accept_costs=args.accept_costs, as_json=args.json
                )
            else:
                commands.list_providers(settings, as_json=args.json)
        case "serve":
            _serve(args)
        case "demo-plates":
            commands.make_demo_plates(_load_settings(args).models_dir, args.out)
        case "demo-contact-sheet":
            commands.draw_contact_sheet(args.rows, args.out)


def _serve(args: argparse.Namespace) -> None:
    log.configure(args.log)
    settings = _load_settings(args)
    from bridge_gateway.serve import ServeOptions, serve

    serve(settings, ServeOptions(args.token_file, args.announce, args.idle_exit))


def _load_settings(args: argparse.Namespace) -> GatewaySettings:
    """
    :raises ConfigError: a ``--set`` without a key, or invalid settings.
    """
    arguments = {}
    for text in args.set or ():
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise ConfigError(
                "this is not a setting",
                where=f"argument --set {text}",
                next_step="write --set section.key=value, such as --set gateway.port=8470",
            )
        arguments[key.strip()] = value
    return load_settings(arguments).settings.gateway


def _print_error(error: ShotbridgeError, *, as_json: bool) -> None:
    if as_json:
        print(
            json.dumps({"error": Problem.from_error(error).model_dump(mode="json")}),
            file=sys.stderr,
        )
    else:
        print(
            f"shotbridge-gateway: {escape_controls(str(error), keep_line_breaks=True)}",
            file=sys.stderr,
        )


def _create_parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--set", action="append", metavar="KEY=VALUE", help="a setting for this call"
    )
    parser = argparse.ArgumentParser(
        prog="shotbridge-gateway", description="The studio's AI service of Shotbridge."
    )
    commands_parser = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands_parser.add_parser("serve", parents=[common], help="run the gateway")
    serve.add_argument(
        "--token-file", type=Path, metavar="FILE", help="the token; created if missing"
    )
    serve.add_argument(
        "--announce", type=Path, metavar="FILE", help="where to write the URL once it answers"
    )
    serve.add_argument(
        "--log",
        type=Path,
        metavar="FILE",
        help="the file that standard error is redirected to; kept small",
    )
    serve.add_argument(
        "--idle-exit", action="store_true", help="end after gateway.idle_exit_seconds without use"
    )

    models = commands_parser.add_parser(
        "models", parents=[common], help="weights of the local services"
    )
    models.add_argument("action", choices=("install", "list"))
    models.add_argument("id", nargs="*", metavar="ID", help="only these")
    models.add_argument(
        "--models-dir", type=Path, metavar="DIR", help="instead of gateway.models_dir"
    )
    models.add_argument("--quiet", action="store_true", help="print only changes and failures")
    models.add_argument("--json", action="store_true", help="results and errors as JSON")

    providers = commands_parser.add_parser(
        "providers", parents=[common], help="providers of services, and the suite that tests one"
    )
    providers.add_argument("action", choices=("list", "check"))
    providers.add_argument("name", nargs="?", metavar="NAME", help="the provider to check")
    providers.add_argument(
        "--accept-costs", action="store_true", help="check a provider that may charge for it"
    )
    providers.add_argument("--json", action="store_true", help="results and errors as JSON")

    plates = commands_parser.add_parser(
        "demo-plates", parents=[common], help="make the demo's plates and print their paths"
    )
    plates.add_argument("--out", type=Path, required=True, metavar="DIR")
    sheet = commands_parser.add_parser("demo-contact-sheet", help="draw a contact sheet")
    sheet.add_argument("--rows", type=Path, required=True, metavar="FILE", help="JSON")
    sheet.add_argument("--out", type=Path, required=True, metavar="FILE")

    commands_parser.add_parser("openapi", help="print the OpenAPI document")
    commands_parser.add_parser("about", help="print versions, as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
