"""What is to be placed where, checked before anything is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from bridge_core.errors import HostError
from bridge_core.host import PlaceAs, Placement
from bridge_core.models.media import MOVIES, ending_of
from bridge_core.models.versions import Output

from . import colours
from .remembered import ABOVE, BACKGROUND, PLANE, SWAP
from .shots import Found, Kind, Survey

WAYS = (
    PlaceAs(ABOVE, "Strip above"),
    PlaceAs(SWAP, "Strip in its place"),
    PlaceAs(PLANE, "Plane in the scene"),
    PlaceAs(BACKGROUND, "Camera background"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A placement that was checked. ``folder`` holds the output's files."""

    found: Found
    placement: Placement
    output: Output
    folder: Path
    way: str

    @property
    def title(self) -> str:
        version = self.placement.version
        output = "" if self.output.name == "main" else f" {self.output.name}"
        return f"{self.found.item.source} {version.service}{output} {version.label}"

    @property
    def is_movie(self) -> bool:
        return ending_of(self.output.pattern) in MOVIES

    @property
    def as_strip(self) -> bool:
        return self.found.kind is Kind.STRIP and self.way in (ABOVE, SWAP)


def plan_of(survey: Survey, placement: Placement) -> Plan:
    """:raises HostError: no such handle, way or output; a version of another shot, with too few
    frames or at another rate; a colour space that Blender does not have; a speed that cannot be
    kept."""
    found = survey.by_handle(placement.handle)
    if found is None:
        raise HostError(
            f"the file has no {placement.handle!r} any more",
            where=survey.title,
            next_step="it was renamed or removed, or another scene is open: choose it again in the "
            "panel's list",
        )
    version, here = placement.version, found.item.shot.id
    if version.shot != here:
        raise HostError(
            f"{version.service} {version.label} was made for {version.shot}, and "
            f"{found.item.source} is {here}",
            where=survey.title,
            next_step="open the file and the scene that it was sent from, and place it there",
        )
    way = placement.place_as or ABOVE
    if way not in {one.id for one in WAYS}:
        raise HostError(
            f"Blender does not know how to place {way!r}",
            where=survey.title,
            next_step=f"choose one of {', '.join(one.id for one in WAYS)}",
        )
    output = _output(found, placement)
    folder = Path(placement.folder or placement.version.folder)
    plan = Plan(found, placement, output, folder, way)
    colours.blender_name(output.colour_space)
    _keeps_speed(plan)
    if way == BACKGROUND and bpy.context.scene.camera is None:
        raise HostError(
            "the scene has no camera to put a background behind",
            where=plan.title,
            next_step="add a camera, or place the version in another way",
        )
    return plan


def _keeps_speed(plan: Plan) -> None:
    """:raises HostError: the speed of the plate's strip would be lost."""
    if plan.found.source.run.plain or (plan.as_strip and not plan.is_movie):
        return
    if plan.found.source.plate.range.count == 1:
        return
    what = "a movie's strip" if plan.as_strip else "a plane or background"
    raise HostError(
        f"{what} cannot keep the speed of {plan.found.item.source} exactly",
        where=plan.title,
        next_step="place it as a strip, from a version that is a sequence of pictures",
    )


def _output(found: Found, placement: Placement) -> Output:
    version, shot = placement.version, found.item.shot
    where = f"{version.service} {version.label} for {found.item.source}"
    output = next((one for one in version.outputs if one.name == placement.output), None)
    if output is None:
        raise HostError(
            f"the version has no output {placement.output!r}",
            where=where,
            next_step=f"name one that it has: {', '.join(one.name for one in version.outputs)}",
        )
    if output.range.rate != shot.plate.range.rate:
        raise HostError(
            f"the version counts at {output.range.rate} frames per second, the plate at "
            f"{shot.plate.range.rate}",
            where=where,
            next_step="set the scene's frame rate back, or send the shot again",
        )
    if not output.range.covers(shot.cut_range):
        raise HostError(
            f"the version holds frames {output.range}, Blender shows {shot.cut_range}",
            where=where,
            next_step="trim the strip to what the version holds, or send it again",
        )
    return output


def stands(plan: Plan) -> bool:
    """The same version was placed in the same way."""
    wanted = (plan.placement.version.id, plan.output.name, plan.way)
    return any(
        (one.mark.version, one.mark.output, one.mark.way) == wanted for one in plan.found.placed
    )
