"""What was placed in the .blend, and is in use there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from . import sequencer_api as api
from .remembered import BACKGROUND, KEY, PLANE, VersionMark, version_mark


@dataclass(frozen=True, slots=True)
class Placed:
    """Something that was placed, and the record that it carries."""

    mark: VersionMark
    thing: Any


def by_clip() -> dict[str, list[Placed]]:
    """Everything in the .blend that is a version and in use somewhere, by the plate's identity and
    in the order of placing."""
    found: dict[str, list[Placed]] = {}
    for one in sorted((*_strips(), *_images()), key=lambda one: one.mark.order):
        found.setdefault(one.mark.clip, []).append(one)
    return found


def _strips() -> Iterator[Placed]:
    for scene in bpy.data.scenes:
        if scene.sequence_editor is not None:
            for strip in api.strips_of(scene.sequence_editor):
                mark = version_mark(strip)
                if mark is not None:
                    yield Placed(mark, strip)


def _images() -> Iterator[Placed]:
    """A plane or camera that was deleted keeps the image for as long as the file is open, so that
    users of the image prove nothing there."""
    marks = [(image, mark) for image in bpy.data.images if (mark := version_mark(image))]
    if not marks:
        return
    planes = {
        (mark.clip, mark.order)
        for one in bpy.data.objects
        if KEY in one and one.users_scene and (mark := version_mark(one))
    }
    cameras = (one for one in bpy.data.cameras if one.users)
    behind = {shown.image for camera in cameras for shown in camera.background_images}
    for image, mark in marks:
        there = image.users > 0
        if mark.way == PLANE:
            there = (mark.clip, mark.order) in planes
        elif mark.way == BACKGROUND:
            there = image in behind
        if there:
            yield Placed(mark, image)
