"""Places versions as images: in the Image Editor, on a plane, or as a camera background."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import bpy

from bridge_core.models.media import frame_path

from . import colour_spaces, version_strips
from . import sequencer_api as api
from .custom_properties import (
    BACKGROUND,
    PLANE,
    SWAP,
    dump_properties,
    restore_properties,
    store_version,
)
from .media import blend_relative_path
from .placement_checks import CheckedPlacement
from .shots import SourceKind


def place_image(placement: CheckedPlacement, rollback: contextlib.ExitStack) -> Any:
    """Create an image for the version and show it in the chosen placement mode. ``rollback`` gets
    callbacks that revert it."""
    blender_shot, plan = placement.blender_shot, placement.plan
    clip_id = plan.host_shot.item_id
    if blender_shot.kind is SourceKind.STRIP:
        clip_id = version_strips.ensure_identity(placement, rollback)
    image = _create_image(placement)
    rollback.callback(bpy.data.images.remove, image)
    store_version(image, clip_id, plan, blender_shot.next_placement_index)
    if plan.mode_id == PLANE:
        _add_plane(placement, image, rollback)
    elif plan.mode_id == BACKGROUND:
        _add_background(placement, image, rollback)
    else:
        image.use_fake_user = True  # without a user it would not be saved
        if plan.mode_id == SWAP and blender_shot.kind is SourceKind.IMAGE:
            _show_in_editors(placement, image)
    return image


def _create_image(placement: CheckedPlacement) -> Any:
    """An image without loading it: the files may not exist yet."""
    output = placement.plan.output
    image = bpy.data.images.new(placement.title, output.width, output.height, float_buffer=True)
    path = placement.plan.folder / frame_path(output.pattern, _first_frame(placement))
    if placement.plan.is_movie:
        image.source = "MOVIE"
    else:
        image.source = "SEQUENCE" if output.range.count > 1 else "FILE"
    image.filepath = blend_relative_path(Path(path))
    image.colorspace_settings.name = colour_spaces.blender_name(output.colour_space)
    return image


def _first_frame(placement: CheckedPlacement) -> int:
    return placement.blender_shot.media.cut_range.first


def _align_to_plate(placement: CheckedPlacement, user: Any) -> None:
    """Set the image user so that each scene frame shows the same frame as the plate."""
    shot = placement.plan.host_shot.shot
    record = shot.record_range or shot.cut_range
    user.frame_start = record.first
    user.frame_duration = record.count
    # Frames of a movie count from 1.
    offset = placement.plan.output.range.first - 1 if placement.plan.is_movie else 0
    user.frame_offset = _first_frame(placement) - offset - 1
    user.use_auto_refresh = True


def _add_plane(placement: CheckedPlacement, image: Any, rollback: contextlib.ExitStack) -> None:
    """A plane of 1 m height that shines with the version's own colours, at the 3D cursor."""
    scene = bpy.context.scene
    output = placement.plan.output
    half = output.width * output.pixel_aspect / output.height / 2
    corners = [(-half, 0, -0.5), (half, 0, -0.5), (half, 0, 0.5), (-half, 0, 0.5)]
    mesh = bpy.data.meshes.new(placement.title)
    rollback.callback(bpy.data.meshes.remove, mesh)
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    uv = mesh.uv_layers.new(name="UVMap")
    for corner, at in zip(uv.data, [(0, 0), (1, 0), (1, 1), (0, 1)], strict=True):
        corner.uv = at
    material = bpy.data.materials.new(placement.title)
    rollback.callback(bpy.data.materials.remove, material)
    _set_up_emission(placement, material, image)
    mesh.materials.append(material)
    plane = bpy.data.objects.new(placement.title, mesh)
    rollback.callback(bpy.data.objects.remove, plane)
    restore_properties(plane, dump_properties(image))  # the image outlives a deleted plane
    plane.location = scene.cursor.location
    scene.collection.objects.link(plane)


def _set_up_emission(placement: CheckedPlacement, material: Any, image: Any) -> None:
    if not material.node_tree:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.image = image
    _align_to_plate(placement, picture.image_user)
    emission = tree.nodes.new("ShaderNodeEmission")
    out = tree.nodes.new("ShaderNodeOutputMaterial")
    emission.location, out.location = (300, 0), (500, 0)
    tree.links.new(picture.outputs["Color"], emission.inputs["Color"])
    tree.links.new(emission.outputs["Emission"], out.inputs["Surface"])


def _add_background(
    placement: CheckedPlacement, image: Any, rollback: contextlib.ExitStack
) -> None:
    camera = bpy.context.scene.camera.data
    were_shown = camera.show_background_images
    background = camera.background_images.new()
    rollback.callback(camera.background_images.remove, background)
    rollback.callback(setattr, camera, "show_background_images", were_shown)
    background.image = image
    _align_to_plate(placement, background.image_user)
    camera.show_background_images = True


def _show_in_editors(placement: CheckedPlacement, image: Any) -> None:
    for editor in api.image_editors():
        if editor.image == placement.blender_shot.target:
            editor.image = image
            _align_to_plate(placement, editor.image_user)
