"""Checks placements before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from bridge_core.errors import HostError
from bridge_core.hosts.base import Placement, PlacementMode
from bridge_core.hosts.placement_plan import PlacementPlan, plan_placement

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
class CheckedPlacement:
    """A placement that was checked, and the Blender data of its shot."""

    blender_shot: BlenderShot
    plan: PlacementPlan

    @property
    def title(self) -> str:
        return f"{self.plan.host_shot.label} {self.plan.title}"

    @property
    def is_strip(self) -> bool:
        return self.blender_shot.kind is SourceKind.STRIP and self.plan.mode_id in (ABOVE, SWAP)


def check_placement(listing: BlenderShotList, placement: Placement) -> CheckedPlacement:
    """Check a placement before anything is changed.

    :raises HostError: see :func:`bridge_core.hosts.placement_plan.plan_placement`; or Blender lacks
        the colour space, the strip's speed would be lost, or the scene has no camera.
    """
    blender_shot = listing.by_item_id(placement.item_id)
    host_shot = blender_shot.host_shot if blender_shot is not None else None
    plan = plan_placement(host_shot, placement, PLACEMENT_MODES, where=listing.title)
    assert blender_shot is not None  # the plan has its shot
    checked_placement = CheckedPlacement(blender_shot, plan)
    colour_spaces.blender_name(plan.output.colour_space)
    _check_retime(checked_placement)
    if plan.mode_id == BACKGROUND and bpy.context.scene.camera is None:
        message = "the scene has no camera for a background"
        next_step = "add a camera, or choose another placement mode"
        raise HostError(message, where=checked_placement.title, next_step=next_step)
    return checked_placement


def _check_retime(placement: CheckedPlacement) -> None:
    """:raises HostError: the speed of the plate's strip would be lost."""
    media, plan = placement.blender_shot.media, placement.plan
    if media.frame_mapping.is_identity or (placement.is_strip and not plan.is_movie):
        return
    if media.plate.range.count == 1:
        return
    target = "a movie strip" if placement.is_strip else "a plane or background"
    message = f"{target} cannot keep the speed of {plan.host_shot.label} exactly"
    next_step = "place it as a strip, from a version that is an image sequence"
    raise HostError(message, where=placement.title, next_step=next_step)


def is_placed(placement: CheckedPlacement) -> bool:
    """Whether the same output of the same version was placed in the same mode before."""
    plan = placement.plan
    key = (plan.version.id, plan.output.name, plan.mode_id)
    placed = (item.properties for item in placement.blender_shot.placed_items)
    return any((item.version_id, item.output, item.mode_id) == key for item in placed)
