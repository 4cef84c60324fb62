"""Finds versions that were placed in the .blend and are in use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from . import sequencer_api as api
from .custom_properties import (
    BACKGROUND,
    PLANE,
    PROPERTY_KEY,
    VersionProperties,
    version_properties,
)


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """A placed strip or image, with its version properties."""

    properties: VersionProperties
    target: Any


def placed_items_by_clip() -> dict[str, list[PlacedItem]]:
    """All versions in use in the .blend by the plate's identity, in order of placement."""
    items: dict[str, list[PlacedItem]] = {}
    for item in sorted((*_strips(), *_images()), key=lambda item: item.properties.placement_index):
        items.setdefault(item.properties.clip_id, []).append(item)
    return items


def _strips() -> Iterator[PlacedItem]:
    for scene in bpy.data.scenes:
        if scene.sequence_editor is not None:
            for strip in api.strips_of(scene.sequence_editor):
                properties = version_properties(strip)
                if properties is not None:
                    yield PlacedItem(properties, strip)


def _images() -> Iterator[PlacedItem]:
    """Placed images that are in use. A deleted plane or camera keeps its image until the file is
    closed, so the user count is not sufficient for them."""
    version_images = [(i, found) for i in bpy.data.images if (found := version_properties(i))]
    if not version_images:
        return
    planes = {
        (properties.clip_id, properties.placement_index)
        for plane in bpy.data.objects
        if PROPERTY_KEY in plane and plane.users_scene and (properties := version_properties(plane))
    }
    cameras = (camera for camera in bpy.data.cameras if camera.users)
    background_images = {shown.image for camera in cameras for shown in camera.background_images}
    for image, properties in version_images:
        is_in_use = image.users > 0
        if properties.mode_id == PLANE:
            is_in_use = (properties.clip_id, properties.placement_index) in planes
        elif properties.mode_id == BACKGROUND:
            is_in_use = image in background_images
        if is_in_use:
            yield PlacedItem(properties, image)
