"""What is to be placed where, checked before anything is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from bridge_core.errors import HostError
from bridge_core.hosts.base import Placement, PlacementMode
from bridge_core.models.media import MOVIE_EXTENSIONS, file_extension
from bridge_core.models.versions import ResultOutput

from . import colour_spaces
from .custom_properties import ABOVE, BACKGROUND, PLANE, SWAP
from .shots import BlenderShot, BlenderShotList, SourceKind

PLACEMENT_MODES = (
    PlacementMode(ABOVE, "Strip above"),
    PlacementMode(SWAP, "Strip in its place"),
    PlacementMode(PLANE, "Plane in the scene"),
    PlacementMode(BACKGROUND, "Camera background"),
)


@dataclass(frozen=True, slots=True)
class BlenderPlacement:
    """A placement that was checked. ``folder`` holds the output's files."""

    blender_shot: BlenderShot
    placement: Placement
    output: ResultOutput
    folder: Path
    mode_id: str

    @property
    def title(self) -> str:
        version = self.placement.version
        output = "" if self.output.name == "main" else f" {self.output.name}"
        return f"{self.blender_shot.host_shot.label} {version.service}{output} {version.label}"

    @property
    def is_movie(self) -> bool:
        return file_extension(self.output.pattern) in MOVIE_EXTENSIONS

    @property
    def is_strip(self) -> bool:
        return self.blender_shot.kind is SourceKind.STRIP and self.mode_id in (ABOVE, SWAP)


def check_placement(listing: BlenderShotList, placement: Placement) -> BlenderPlacement:
    """:raises HostError: no such handle, way or output; a version of another shot, with too few
    frames or at another rate; a colour space that Blender does not have; a speed that cannot be
    kept."""
    blender_shot = listing.by_item_id(placement.item_id)
    if blender_shot is None:
        raise HostError(
            f"the file has no {placement.item_id!r} any more",
            where=listing.title,
            next_step="it was renamed or removed, or another scene is open: choose it again in the "
            "panel's list",
        )
    version, shot_id = placement.version, blender_shot.host_shot.shot.id
    if version.shot != shot_id:
        raise HostError(
            f"{version.service} {version.label} was made for {version.shot}, and "
            f"{blender_shot.host_shot.label} is {shot_id}",
            where=listing.title,
            next_step="open the file and the scene that it was sent from, and place it there",
        )
    mode_id = placement.mode_id or ABOVE
    if mode_id not in {one.id for one in PLACEMENT_MODES}:
        raise HostError(
            f"Blender does not know how to place {mode_id!r}",
            where=listing.title,
            next_step=f"choose one of {', '.join(one.id for one in PLACEMENT_MODES)}",
        )
    output = _check_output(blender_shot, placement)
    folder = Path(placement.folder or placement.version.folder)
    plan = BlenderPlacement(blender_shot, placement, output, folder, mode_id)
    colour_spaces.blender_name(output.colour_space)
    _check_retime(plan)
    if mode_id == BACKGROUND and bpy.context.scene.camera is None:
        raise HostError(
            "the scene has no camera to put a background behind",
            where=plan.title,
            next_step="add a camera, or place the version in another way",
        )
    return plan


def _check_retime(plan: BlenderPlacement) -> None:
    """:raises HostError: the speed of the plate's strip would be lost."""
    if plan.blender_shot.media.frame_mapping.is_identity or (plan.is_strip and not plan.is_movie):
        return
    if plan.blender_shot.media.plate.range.count == 1:
        return
    target_kind = "a movie's strip" if plan.is_strip else "a plane or background"
    raise HostError(
        f"{target_kind} cannot keep the speed of {plan.blender_shot.host_shot.label} exactly",
        where=plan.title,
        next_step="place it as a strip, from a version that is a sequence of pictures",
    )


def _check_output(blender_shot: BlenderShot, placement: Placement) -> ResultOutput:
    version, shot = placement.version, blender_shot.host_shot.shot
    where = f"{version.service} {version.label} for {blender_shot.host_shot.label}"
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
    if not output.range.contains_range(shot.cut_range):
        raise HostError(
            f"the version holds frames {output.range}, Blender shows {shot.cut_range}",
            where=where,
            next_step="trim the strip to what the version holds, or send it again",
        )
    return output


def is_placed(plan: BlenderPlacement) -> bool:
    """The same version was placed in the same way."""
    key = (plan.placement.version.id, plan.output.name, plan.mode_id)
    return any(
        (one.properties.version_id, one.properties.output, one.properties.mode_id) == key
        for one in plan.blender_shot.placed_items
    )
