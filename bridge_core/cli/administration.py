"""``serve``, ``stop``, ``models``, ``config``, ``doctor``: the installation itself; ``ledger``: its
costs."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from bridge_core.cli.context import add_command
from bridge_core.cli.output import format_table
from bridge_core.gateway_program import exec_gateway, run_gateway

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    add = partial(add_command, commands, common)
    serve = add("serve", _run_serve, "run a gateway on this machine, in the foreground")
    serve.add_argument("--token-file", help="the file that holds the token for clients")

    add("stop", _stop_gateway, "stop this user's own gateway")

    models = add("models", _run_models, "weights of the local services")
    models.add_argument("action", choices=("install", "list"))
    models.add_argument("id", nargs="*", help="only these")
    models.add_argument("--quiet", action="store_true", help="print changes and errors only")

    config = add("config", _show_config, "settings and where they come from")
    config.add_argument("action", choices=("show",))
    config.add_argument("--origin", action="store_true", help="show the file and line of each")

    add("doctor", _run_doctor, "check the installation; each problem has a next step")

    add(
        "ledger",
        _show_ledger,
        "what each show has reserved and spent",
        description="What each show, or the one of --show, has reserved for jobs that have not "
        "ended, and what the providers have charged.",
    )


def _run_serve(context: CommandContext) -> int:
    token = context.arguments.token_file
    arguments = ("--token-file", token) if token else ()
    return exec_gateway(context.config.settings, "serve", *arguments)


def _stop_gateway(context: CommandContext) -> int:
    from bridge_core.gateway_launcher import stop_gateway

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
    if context.arguments.origin:
        cells = [
            (key, _format_value(value), f"{o.layer}  {o.where}".strip()) for key, value, o in rows
        ]
        text = format_table(("setting", "value", "from"), cells)
    else:
        text = "\n".join(f"{key}: {_format_value(value)}" for key, value, _ in rows)
    settings = {
        key: {"value": value, "layer": origin.layer, "where": origin.where}
        for key, value, origin in rows
    }
    context.output.print_result(settings, text)
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


def _show_ledger(context: CommandContext) -> int:
    from bridge_core.models.jobs import Cost

    sums = context.client.show_costs(context.arguments.show)
    rows = [
        (
            costs.show,
            Cost(amount=costs.reserved, currency=costs.currency),
            Cost(amount=costs.charged, currency=costs.currency),
        )
        for costs in sums
    ]
    table = format_table(("show", "reserved", "charged"), rows)
    context.output.print_result(sums, table or "no jobs")
    return 0
