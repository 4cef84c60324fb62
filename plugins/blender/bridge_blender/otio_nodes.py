"""OTIO's objects as the JSON that they are written as."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge_core.models.media import FRAME_NUMBER, Plate
from bridge_core.timeline.clock import rational_time, time_range
from bridge_core.timeline.document import NAMESPACE, Json


def gap(source_range: Json) -> Json:
    return {
        "OTIO_SCHEMA": "Gap.1",
        "metadata": {},
        "name": "",
        "source_range": source_range,
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def dissolve(before: int, after: int, rate: Fraction) -> Json:
    """A cross fade that begins and ends so many frames before and after the cut."""
    return {
        "OTIO_SCHEMA": "Transition.1",
        "metadata": {},
        "name": "",
        "in_offset": rational_time(Fraction(before), rate),
        "out_offset": rational_time(Fraction(after), rate),
        "transition_type": "SMPTE_Dissolve",
    }


def warp(speed: Fraction) -> Json:
    if speed == 0:
        name, kind = "FreezeFrame", "FreezeFrame.1"
    else:
        name, kind = "LinearTimeWarp", "LinearTimeWarp.1"
    return {
        "OTIO_SCHEMA": kind,
        "metadata": {},
        "name": "",
        "effect_name": name,
        "enabled": True,
        "time_scalar": float(speed),
    }


def plate_reference(plate: Plate) -> Json:
    span = plate.range
    told = {"colour_space": plate.colour_space, "width": plate.width, "height": plate.height}
    common: Json = {
        "metadata": {NAMESPACE: {key: value for key, value in told.items() if value}},
        "available_range": time_range(span.first / span.rate, span.count / span.rate, span.rate),
    }
    path = Path(plate.path)
    number = FRAME_NUMBER.search(path.name)
    if number is None:
        return {**external(plate.path), **common}
    return {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        "name": "",
        "available_image_bounds": None,
        "target_url_base": path.parent.as_uri() + "/",
        "name_prefix": path.name[: number.start()],
        "name_suffix": path.name[number.end() :],
        "start_frame": span.first,
        "frame_step": 1,
        "rate": float(span.rate),
        "frame_zero_padding": int(number[1] or 0),
        "missing_frame_policy": "error",
        **common,
    }


def external(path: str) -> Json:
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {},
        "name": "",
        "available_range": None,
        "available_image_bounds": None,
        "target_url": Path(path).as_uri(),
    }


def scene_reference(strip: Any) -> Json:
    return {
        "OTIO_SCHEMA": "GeneratorReference.1",
        "metadata": {},
        "name": strip.scene.name,
        "available_range": None,
        "available_image_bounds": None,
        "generator_kind": "Blender scene",
        "parameters": {"scene": strip.scene.name},
    }


def missing() -> Json:
    return {
        "OTIO_SCHEMA": "MissingReference.1",
        "metadata": {},
        "name": "",
        "available_range": None,
        "available_image_bounds": None,
    }
