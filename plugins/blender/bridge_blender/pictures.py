"""Versions as images: in the Image Editor, on a plane, behind the camera's view."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import bpy

from bridge_core.models.media import frame_path

from . import colours, strips
from .media import for_blend
from .open_editors import image_editors
from .plans import Plan
from .remembered import BACKGROUND, PLANE, SWAP, as_json, mark_version, restore
from .shots import Kind


def put(plan: Plan, undo: contextlib.ExitStack) -> Any:
    """Load the version as an image, and show it where the person wants it. ``undo`` learns how to
    take all of it back."""
    of_strip = plan.found.kind is Kind.STRIP
    clip = strips.identity(plan, undo) if of_strip else plan.found.item.handle
    image = _image(plan)
    undo.callback(bpy.data.images.remove, image)
    order = max((one.mark.order for one in plan.found.placed), default=0) + 1
    mark_version(image, clip, plan.placement.version, plan.output.name, plan.way, order)
    if plan.way == PLANE:
        _plane(plan, image, undo)
    elif plan.way == BACKGROUND:
        _background(plan, image, undo)
    else:
        image.use_fake_user = True  # nobody else may use it, and it has to be saved
        if plan.way == SWAP and plan.found.kind is Kind.IMAGE:
            _in_editors(plan, image)
    return image


def _image(plan: Plan) -> Any:
    """Made by hand: Blender loads no file that is not there yet."""
    output = plan.output
    image = bpy.data.images.new(plan.title, output.width, output.height, float_buffer=True)
    path = plan.folder / frame_path(output.pattern, _first(plan))
    if plan.is_movie:
        image.source = "MOVIE"
    else:
        image.source = "SEQUENCE" if output.range.count > 1 else "FILE"
    image.filepath = for_blend(Path(path))
    image.colorspace_settings.name = colours.blender_name(output.colour_space)
    return image


def _first(plan: Plan) -> int:
    return plan.found.source.cut_range.first


def _time(plan: Plan, user: Any) -> None:
    """Have the frame that the plate shows stand at the scene's frame where it shows it."""
    shot = plan.found.item.shot
    record = shot.record_range or shot.cut_range
    user.frame_start = record.first
    user.frame_duration = record.count
    number = _first(plan) - plan.output.range.first + 1 if plan.is_movie else _first(plan)
    user.frame_offset = number - 1
    user.use_auto_refresh = True


def _plane(plan: Plan, image: Any, undo: contextlib.ExitStack) -> None:
    """A plane of 1 m height that shines with the version's own colours, at the 3D cursor."""
    scene = bpy.context.scene
    output = plan.output
    half = output.width * output.pixel_aspect / output.height / 2
    corners = [(-half, 0, -0.5), (half, 0, -0.5), (half, 0, 0.5), (-half, 0, 0.5)]
    mesh = bpy.data.meshes.new(plan.title)
    undo.callback(bpy.data.meshes.remove, mesh)
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    uv = mesh.uv_layers.new(name="UVMap")
    for corner, at in zip(uv.data, [(0, 0), (1, 0), (1, 1), (0, 1)], strict=True):
        corner.uv = at
    material = bpy.data.materials.new(plan.title)
    undo.callback(bpy.data.materials.remove, material)
    _shine(plan, material, image)
    mesh.materials.append(material)
    thing = bpy.data.objects.new(plan.title, mesh)
    undo.callback(bpy.data.objects.remove, thing)
    restore(thing, as_json(image))  # the image outlives a plane that is deleted
    thing.location = scene.cursor.location
    scene.collection.objects.link(thing)


def _shine(plan: Plan, material: Any, image: Any) -> None:
    if not material.node_tree:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.image = image
    _time(plan, picture.image_user)
    light = tree.nodes.new("ShaderNodeEmission")
    out = tree.nodes.new("ShaderNodeOutputMaterial")
    light.location, out.location = (300, 0), (500, 0)
    tree.links.new(picture.outputs["Color"], light.inputs["Color"])
    tree.links.new(light.outputs["Emission"], out.inputs["Surface"])


def _background(plan: Plan, image: Any, undo: contextlib.ExitStack) -> None:
    camera = bpy.context.scene.camera.data
    shown = camera.show_background_images
    background = camera.background_images.new()
    undo.callback(camera.background_images.remove, background)
    undo.callback(setattr, camera, "show_background_images", shown)
    background.image = image
    _time(plan, background.image_user)
    camera.show_background_images = True


def _in_editors(plan: Plan, image: Any) -> None:
    for editor in image_editors():
        if editor.image == plan.found.thing:
            editor.image = image
            _time(plan, editor.image_user)
