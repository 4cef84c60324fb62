"""Whether a version fits a shot: the rule for every host and for timeline files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge_core.errors import HostError

if TYPE_CHECKING:
    from bridge_core.errors import ShotbridgeError
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import ResultOutput, Version


def output_mismatch(output: ResultOutput, shot: Shot) -> str:
    """Why an output cannot replace the shot's plate in the cut; empty if it can.

    It has to have the plate's frame rate, and every frame that the cut shows.
    """
    if output.range.rate != shot.plate.range.rate:
        return f"has {output.range.rate} frames per second, the plate {shot.plate.range.rate}"
    if not output.range.contains_range(shot.cut_range):
        return f"holds frames {output.range}, the cut shows {shot.cut_range}"
    return ""


def require_fitting_output(
    version: Version,
    output_name: str,
    shot: Shot,
    *,
    where: str,
    error: type[ShotbridgeError] = HostError,
) -> ResultOutput:
    """The version's output of this name, if it fits the shot.

    :raises ShotbridgeError: there is no such output, or it does not fit; the class is ``error``.
    """
    title = f"{version.service} {version.label}"
    output = next((output for output in version.outputs if output.name == output_name), None)
    if output is None:
        names = ", ".join(output.name for output in version.outputs) or "none"
        next_step = f"choose one of its outputs: {names}"
        raise error(f"{title} has no output {output_name!r}", where=where, next_step=next_step)
    mismatch = output_mismatch(output, shot)
    if mismatch:
        next_step = "undo the change of the cut or of its frame rate, or send the shot again"
        raise error(f"{title} {mismatch}", where=where, next_step=next_step)
    return output
