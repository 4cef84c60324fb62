"""Builds OTIO objects as JSON."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge_core.models.media import FRAME_NUMBER_PATTERN, Plate
from bridge_core.timeline.document import NAMESPACE, JsonObject
from bridge_core.timeline.otio_time import to_rational_time, to_time_range


def gap(source_range: JsonObject) -> JsonObject:
    return {
        "OTIO_SCHEMA": "Gap.1",
        "metadata": {},
        "name": "",
        "source_range": source_range,
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def dissolve(frames_before: int, frames_after: int, rate: Fraction) -> JsonObject:
    """A dissolve that starts and ends the given number of frames before and after the cut."""
    return {
        "OTIO_SCHEMA": "Transition.1",
        "metadata": {},
        "name": "",
        "in_offset": to_rational_time(Fraction(frames_before), rate),
        "out_offset": to_rational_time(Fraction(frames_after), rate),
        "transition_type": "SMPTE_Dissolve",
    }


def time_warp(speed: Fraction) -> JsonObject:
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


def plate_reference(plate: Plate) -> JsonObject:
    span = plate.range
    properties = {"colour_space": plate.colour_space, "width": plate.width, "height": plate.height}
    common: JsonObject = {
        "metadata": {NAMESPACE: {key: value for key, value in properties.items() if value}},
        "available_range": to_time_range(span.first / span.rate, span.count / span.rate, span.rate),
    }
    path = Path(plate.path)
    number = FRAME_NUMBER_PATTERN.search(path.name)
    if number is None:
        return {**external_reference(plate.path), **common}
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


def external_reference(path: str) -> JsonObject:
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {},
        "name": "",
        "available_range": None,
        "available_image_bounds": None,
        "target_url": Path(path).as_uri(),
    }


def scene_reference(strip: Any) -> JsonObject:
    return {
        "OTIO_SCHEMA": "GeneratorReference.1",
        "metadata": {},
        "name": strip.scene.name,
        "available_range": None,
        "available_image_bounds": None,
        "generator_kind": "Blender scene",
        "parameters": {"scene": strip.scene.name},
    }


def missing_reference() -> JsonObject:
    return {
        "OTIO_SCHEMA": "MissingReference.1",
        "metadata": {},
        "name": "",
        "available_range": None,
        "available_image_bounds": None,
    }
