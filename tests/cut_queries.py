"""What tests ask of a cut that was read, and of what ``send`` makes of it."""

from __future__ import annotations

from typing import Any

from bridge_core.cli.context import CommandContext
from bridge_core.cli.main import build_parser
from bridge_core.cli.output import CommandOutput
from bridge_core.cli.sources import load_shots
from bridge_core.gateway_launcher import stop_gateway
from bridge_core.timeline.cut import Cut, CutShot


def only_shot(cut: Cut) -> CutShot:
    assert len(cut.shots) == 1, [str(problem) for problem in cut.problems]
    return cut.shots[0]


def cut_ranges(cut: Cut) -> list[tuple[int, int]]:
    return [(item.shot.cut_range.first, item.shot.cut_range.last) for item in cut]


def record_ranges(cut: Cut) -> list[tuple[int, int]]:
    ranges = [item.shot.record_range for item in cut]
    return [(one.first, one.last) for one in ranges if one is not None]


def shots_to_send(*command: str) -> list[Any]:
    """The shots that ``send`` would send. Ends the gateway that it asks about a movie."""
    arguments = build_parser().parse_args(["send", "--service", "round_trip", *command])
    context = CommandContext(arguments, CommandOutput(as_json=False))
    try:
        return load_shots(context)
    finally:
        context.close()
        stop_gateway(context.config.settings)
