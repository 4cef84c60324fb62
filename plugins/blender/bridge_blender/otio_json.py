"""Builds OTIO objects as JSON."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge_core.models.media import FRAME_NUMBER_PATTERN, Plate
from bridge_core.timeline.document import NAMESPACE, JsonObject
from bridge_core.timeline.media_reference_builder import image_sequence_reference, reference_fields
from bridge_core.timeline.otio_time import to_rational_time, to_time_range


def node(schema: str, name: str = "", **fields: Any) -> JsonObject:
    """An object without metadata."""
    return {"OTIO_SCHEMA": schema, "metadata": {}, "name": name, **fields}


def item(schema: str, name: str, source_range: JsonObject | None, **fields: Any) -> JsonObject:
    """A clip, a gap, a track or a stack; enabled unless ``fields`` say otherwise."""
    common: JsonObject = {"source_range": source_range, "effects": [], "markers": []}
    return node(schema, name, **{**common, "enabled": True, **fields})


def dissolve(frames_before: int, frames_after: int, rate: Fraction) -> JsonObject:
    """A dissolve that starts and ends the given number of frames before and after the cut."""
    return node(
        "Transition.1",
        in_offset=to_rational_time(Fraction(frames_before), rate),
        out_offset=to_rational_time(Fraction(frames_after), rate),
        transition_type="SMPTE_Dissolve",
    )


def time_warp(speed: Fraction) -> JsonObject:
    kind = "FreezeFrame" if speed == 0 else "LinearTimeWarp"
    return node(f"{kind}.1", effect_name=kind, enabled=True, time_scalar=float(speed))


def plate_reference(plate: Plate) -> JsonObject:
    span, path = plate.range, Path(plate.path)
    properties = {"colour_space": plate.colour_space, "width": plate.width, "height": plate.height}
    common: JsonObject = {
        "metadata": {NAMESPACE: {key: value for key, value in properties.items() if value}},
        "available_range": to_time_range(span.first / span.rate, span.count / span.rate, span.rate),
    }
    if FRAME_NUMBER_PATTERN.search(path.name) is None:
        return {**external_reference(plate.path), **common}
    base, rate = path.parent.as_uri() + "/", float(span.rate)
    return image_sequence_reference(base, path.name, span.first, rate, reference_fields(common))


def external_reference(path: str) -> JsonObject:
    return _reference("ExternalReference.1", target_url=Path(path).as_uri())


def scene_reference(strip: Any) -> JsonObject:
    name = strip.scene.name
    kind, parameters = "Blender scene", {"scene": name}
    return _reference("GeneratorReference.1", name, generator_kind=kind, parameters=parameters)


def missing_reference() -> JsonObject:
    return _reference("MissingReference.1")


def _reference(schema: str, name: str = "", **fields: Any) -> JsonObject:
    return node(schema, name, available_range=None, available_image_bounds=None, **fields)
