"""``serve``, ``stop``, ``models``, ``config``, ``doctor``: the installation itself."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from bridge_core.cli.gateway import become, run
from bridge_core.cli.output import table

if TYPE_CHECKING:
    from bridge_core.cli.call import Call


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    serve = commands.add_parser(
        "serve", parents=[common], help="run the gateway here, in the foreground"
    )
    serve.add_argument("--token-file", help="where callers find the token")
    serve.set_defaults(run=_serve)

    stop = commands.add_parser("stop", parents=[common], help="end this user's own gateway")
    stop.set_defaults(run=_stop)

    models = commands.add_parser("models", parents=[common], help="weights of the local services")
    models.add_argument("action", choices=("install", "list"))
    models.add_argument("id", nargs="*", help="only these")
    models.add_argument("--quiet", action="store_true", help="say only what changes or fails")
    models.set_defaults(run=_models)

    config = commands.add_parser(
        "config", parents=[common], help="settings and where they come from"
    )
    config.add_argument("action", choices=("show",))
    config.add_argument("--origin", action="store_true", help="with the file and line of each")
    config.set_defaults(run=_config)

    doctor = commands.add_parser(
        "doctor", parents=[common], help="look the installation over; each line says what to do"
    )
    doctor.set_defaults(run=_doctor)


def _serve(call: Call) -> int:
    token = call.arguments.token_file
    return become(call.loaded.settings, "serve", *(["--token-file", token] if token else []))


def _stop(call: Call) -> int:
    from bridge_core.launcher import stop

    stopped = stop(call.loaded.settings)
    call.output.result({"stopped": stopped}, "stopped" if stopped else "none was running")
    return 0


def _models(call: Call) -> int:
    words = ["models", call.arguments.action, *call.arguments.id]
    words += ["--quiet"] if call.arguments.quiet else []
    words += ["--json"] if call.arguments.json else []
    return run(call.loaded.settings, *words)


def _config(call: Call) -> int:
    rows = call.loaded.rows()
    if call.output.as_json:
        call.output.result(
            {
                key: {"value": value, "layer": origin.layer, "where": origin.where}
                for key, value, origin in rows
            },
            "",
        )
    elif call.arguments.origin:
        shown = [(key, _spell(value), f"{o.layer}  {o.where}".strip()) for key, value, o in rows]
        call.output.result(None, table(("setting", "value", "from"), shown))
    else:
        call.output.result(None, "\n".join(f"{key}: {_spell(value)}" for key, value, _ in rows))
    return 0


def _spell(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value) or "none"
    return str(value)


def _doctor(call: Call) -> int:
    from bridge_core.doctor.examination import examine
    from bridge_core.doctor.line import State, as_text

    # A gateway that is not there is what this finds out: once is enough.
    call.suggest({"client.retries": 0})
    lines = examine(lambda: call.loaded, lambda: call.client)
    healthy = not any(line.state is State.WRONG for line in lines)
    found = {"ok": healthy, "lines": [line.as_json() for line in lines]}
    call.output.result(found, as_text(lines))
    return 0 if healthy else 1
