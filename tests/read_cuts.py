"""Short words for what tests ask of a cut that was read, and of what ``send`` makes of it."""

from __future__ import annotations

from typing import Any

from bridge_core.cli.call import Call
from bridge_core.cli.main import build_parser
from bridge_core.cli.output import Output
from bridge_core.cli.sources import shots_of
from bridge_core.timeline.cut import Cut, CutShot


def only(found: Cut) -> CutShot:
    assert len(found.shots) == 1, [str(problem) for problem in found.problems]
    return found.shots[0]


def cuts(found: Cut) -> list[tuple[int, int]]:
    return [(item.shot.cut_range.first, item.shot.cut_range.last) for item in found]


def records(found: Cut) -> list[tuple[int, int]]:
    ranges = [item.shot.record_range for item in found]
    return [(one.first, one.last) for one in ranges if one is not None]


def sent(*words: str) -> list[Any]:
    """The shots that ``send`` would send."""
    arguments = build_parser().parse_args(["send", "--service", "round_trip", *words])
    call = Call(arguments, Output(as_json=False))
    try:
        return shots_of(call)
    finally:
        call.close()
