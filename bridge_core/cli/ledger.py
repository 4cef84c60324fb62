"""What shows have reserved and spent: ``ledger``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from bridge_core.cli.output import format_table

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    ledger = commands.add_parser(
        "ledger",
        parents=[common],
        help="what each show has reserved and spent",
        description="What each show, or the one of --show, has reserved for jobs that have not "
        "ended, and what the providers have charged.",
    )
    ledger.set_defaults(run=_show_ledger)


def _show_ledger(context: CommandContext) -> int:
    from bridge_core.models.jobs import Cost

    sums = context.client.show_costs(context.arguments.show)
    rows = [
        (
            one.show,
            Cost(amount=one.reserved, currency=one.currency),
            Cost(amount=one.charged, currency=one.currency),
        )
        for one in sums
    ]
    table = format_table(("show", "reserved", "charged"), rows)
    context.output.print_result(sums, table or "no jobs")
    return 0
