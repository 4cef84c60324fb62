"""``serve``, ``stop``, ``models``, ``config``, ``doctor``: the installation itself."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from bridge_core.cli.gateway_command import exec_gateway, run_gateway
from bridge_core.cli.output import format_table

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    serve = commands.add_parser(
        "serve", parents=[common], help="run a gateway on this machine, in the foreground"
    )
    serve.add_argument("--token-file", help="the file that holds the token for clients")
    serve.set_defaults(run=_run_serve)

    stop = commands.add_parser("stop", parents=[common], help="stop this user's own gateway")
    stop.set_defaults(run=_stop_gateway)

    models = commands.add_parser("models", parents=[common], help="weights of the local services")
    models.add_argument("action", choices=("install", "list"))
    models.add_argument("id", nargs="*", help="only these")
    models.add_argument("--quiet", action="store_true", help="print changes and errors only")
    models.set_defaults(run=_run_models)

    config = commands.add_parser(
        "config", parents=[common], help="settings and where they come from"
    )
    config.add_argument("action", choices=("show",))
    config.add_argument("--origin", action="store_true", help="show the file and line of each")
    config.set_defaults(run=_show_config)

    doctor = commands.add_parser(
        "doctor", parents=[common], help="check the installation; each problem has a next step"
    )
    doctor.set_defaults(run=_run_doctor)


def _run_serve(context: CommandContext) -> int:
    token = context.arguments.token_file
    return exec_gateway(
        context.config.settings, "serve", *(["--token-file", token] if token else [])
    )


def _stop_gateway(context: CommandContext) -> int:
    from bridge_core.launcher import stop_gateway

    stopped = stop_gateway(context.config.settings)
    context.output.print_result({"stopped": stopped}, "stopped" if stopped else "none was running")
    return 0


def _run_models(context: CommandContext) -> int:
    args = ["models", context.arguments.action, *context.arguments.id]
    args += ["--quiet"] if context.arguments.quiet else []
    args += ["--json"] if context.arguments.json else []
    return run_gateway(context.config.settings, *args)


def _show_config(context: CommandContext) -> int:
    rows = context.config.rows()
    if context.output.as_json:
        context.output.print_result(
            {
                key: {"value": value, "layer": origin.layer, "where": origin.where}
                for key, value, origin in rows
            },
            "",
        )
    elif context.arguments.origin:
        rows_text = [
            (key, _format_value(value), f"{o.layer}  {o.where}".strip()) for key, value, o in rows
        ]
        context.output.print_result(None, format_table(("setting", "value", "from"), rows_text))
    else:
        context.output.print_result(
            None, "\n".join(f"{key}: {_format_value(value)}" for key, value, _ in rows)
        )
    return 0


def _format_value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value) or "none"
    return str(value)


def _run_doctor(context: CommandContext) -> int:
    from bridge_core.doctor.runner import run_checks
    from bridge_core.hosts.check_result import CheckStatus, format_results

    # The doctor reports an unreachable gateway; there is no need to retry.
    context.set_defaults({"client.retries": 0})
    results = run_checks(lambda: context.config, lambda: context.client)
    is_healthy = not any(result.status is CheckStatus.ERROR for result in results)
    report = {"ok": is_healthy, "checks": [result.as_json() for result in results]}
    context.output.print_result(report, format_results(results))
    return 0 if is_healthy else 1
