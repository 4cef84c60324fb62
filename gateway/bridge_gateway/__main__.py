"""The gateway's command line: ``python -m bridge_gateway COMMAND`` or ``shotbridge-gateway``.

Exit codes are those of ``shotbridge`` (docs/cli.md).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge_core.config import load
from bridge_core.errors import ConfigError, ShotbridgeError
from bridge_core.models.problems import Problem
from bridge_core.models.settings import GatewaySettings
from bridge_core.printable import printable
from bridge_gateway import commands, log

#: Exit code of a command that the keyboard ended.
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    call = _parser().parse_args(argv)
    try:
        _run(call)
    except ShotbridgeError as error:
        _tell(error, as_json=getattr(call, "json", False))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _run(call: argparse.Namespace) -> None:
    match call.command:
        case "openapi":
            commands.openapi()
        case "about":
            commands.about()
        case "models":
            models_dir = call.models_dir or _settings(call).models_dir
            if call.action == "install":
                commands.install(models_dir, call.id, quiet=call.quiet, as_json=call.json)
            else:
                commands.list_models(models_dir, call.id, as_json=call.json)
        case "serve":
            _serve(call)
        case "demo-plates":
            commands.demo_plates(_settings(call).models_dir, call.out)
        case "demo-sheet":
            commands.demo_sheet(call.rows, call.out)


def _serve(call: argparse.Namespace) -> None:
    log.configure(call.log)
    settings = _settings(call)
    from bridge_gateway.serve import Options, serve

    serve(settings, Options(call.token_file, call.announce, call.idle_exit))


def _settings(call: argparse.Namespace) -> GatewaySettings:
    """
    :raises ConfigError: a ``--set`` without a key, or whatever :func:`load` finds wrong.
    """
    arguments = {}
    for text in call.set or ():
        key, mark, value = text.partition("=")
        if not mark or not key:
            raise ConfigError(
                "this sets nothing",
                where=f"argument --set {text}",
                next_step="write --set section.key=value, such as --set gateway.port=8470",
            )
        arguments[key.strip()] = value
    return load(arguments).settings.gateway


def _tell(error: ShotbridgeError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": Problem.of(error).model_dump(mode="json")}), file=sys.stderr)
    else:
        print(f"shotbridge-gateway: {printable(str(error), lines=True)}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--set", action="append", metavar="KEY=VALUE", help="a setting for this call"
    )
    parser = argparse.ArgumentParser(
        prog="shotbridge-gateway", description="The studio's AI service of Shotbridge."
    )
    found = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = found.add_parser("serve", parents=[common], help="run the gateway")
    serve.add_argument(
        "--token-file", type=Path, metavar="FILE", help="the callers' token; made if missing"
    )
    serve.add_argument(
        "--announce", type=Path, metavar="FILE", help="where to write the address once it answers"
    )
    serve.add_argument(
        "--log", type=Path, metavar="FILE", help="the file that standard error goes to; kept small"
    )
    serve.add_argument(
        "--idle-exit", action="store_true", help="end after gateway.idle_exit_seconds unused"
    )

    models = found.add_parser("models", parents=[common], help="weights of the local services")
    models.add_argument("action", choices=("install", "list"))
    models.add_argument("id", nargs="*", metavar="ID", help="only these")
    models.add_argument(
        "--models-dir", type=Path, metavar="DIR", help="instead of gateway.models_dir"
    )
    models.add_argument("--quiet", action="store_true", help="say only what changes or fails")
    models.add_argument("--json", action="store_true", help="results and errors as JSON")

    plates = found.add_parser(
        "demo-plates", parents=[common], help="make the demo's plates, and say where they are"
    )
    plates.add_argument("--out", type=Path, required=True, metavar="DIR")
    sheet = found.add_parser("demo-sheet", help="draw a contact sheet")
    sheet.add_argument("--rows", type=Path, required=True, metavar="FILE", help="JSON")
    sheet.add_argument("--out", type=Path, required=True, metavar="FILE")

    found.add_parser("openapi", help="print the API's description (OpenAPI)")
    found.add_parser("about", help="print versions, as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
