"""What a .blend remembers of shots and versions: custom properties on scenes, strips, images and
objects.

A plate's strip gets an identity once a version was placed for it, and keeps the names of its shot,
so that neither renaming nor moving it loses its versions; the sequencer's scene keeps the show, so
that neither does saving the file under another name. What was placed carries that identity and the
version's whole record. All of it is saved and loaded with the .blend, and undone with the rest.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bridge_core.models.shots import ShotId
from bridge_core.models.versions import Version

#: The one key in anybody's custom properties.
PROPERTY_KEY = "shotbridge"
_SCHEMA = 1
#: Ways of placing, as versions keep them.
ABOVE, SWAP, PLANE, BACKGROUND = "above", "swap", "plane", "background"


@dataclass(frozen=True, slots=True)
class PlateProperties:
    """Of a strip that versions were placed for. ``clip`` tells it from all others."""

    clip_id: str
    sequence: str
    shot: str


@dataclass(frozen=True, slots=True)
class VersionProperties:
    """Of something that was placed. ``order`` counts what was placed for one clip."""

    clip_id: str
    version_id: str
    service: str
    label: str
    output: str
    mode_id: str
    placement_index: int

    @property
    def title(self) -> str:
        output = "" if self.output == "main" else f" {self.output}"
        return f"{self.service}{output} {self.label}"


def plate_properties(strip: Any) -> PlateProperties | None:
    """What a strip remembers of being a plate; None where it remembers nothing of it."""
    section = _read_section(strip, "plate")
    if not section:
        return None
    return PlateProperties(
        clip_id=str(section.get("clip_id", "")),
        sequence=str(section.get("sequence", "")),
        shot=str(section.get("shot", "")),
    )


def version_properties(owner: Any) -> VersionProperties | None:
    """Which version something is; None for everything that was not placed."""
    section = _read_section(owner, "version")
    if not section:
        return None
    index = section.get("placement_index", 0)
    return VersionProperties(
        clip_id=str(section.get("clip_id", "")),
        version_id=str(section.get("version_id", "")),
        service=str(section.get("service", "")),
        label=str(section.get("label", "")),
        output=str(section.get("output", "")),
        mode_id=str(section.get("mode_id", "")),
        placement_index=index if isinstance(index, int) else 0,
    )


def stored_version(owner: Any) -> Version | None:
    """The record of the version that something is, as it was when it was placed."""
    try:
        return Version.model_validate_json(str(_read_section(owner, "version").get("record", "")))
    except ValidationError:
        return None  # written by a newer Shotbridge


def store_plate(strip: Any, shot: ShotId, *, new_identity: bool = False) -> str:
    """Give a strip its identity, or find the one that it has; ``anew`` gives it another."""
    existing = None if new_identity else plate_properties(strip)
    clip_id = existing.clip_id if existing else uuid.uuid4().hex
    strip[PROPERTY_KEY] = {
        "schema": _SCHEMA,
        "plate": {
            "clip_id": clip_id,
            "sequence": existing.sequence if existing else shot.sequence,
            "shot": existing.shot if existing else shot.shot,
        },
    }
    return clip_id


def stored_show(scene: Any) -> str:
    """The show that a scene's shots belong to since a version was placed; empty before that."""
    return str(_read_section(scene, "show").get("name", ""))


def store_show(scene: Any, show: str) -> None:
    scene[PROPERTY_KEY] = {"schema": _SCHEMA, "show": {"name": show}}


def store_version(
    owner: Any, clip_id: str, version: Version, output: str, mode_id: str, placement_index: int
) -> None:
    owner[PROPERTY_KEY] = {
        "schema": _SCHEMA,
        "version": {
            "clip_id": clip_id,
            "version_id": version.id,
            "service": version.service,
            "label": version.label,
            "output": output,
            "mode_id": mode_id,
            "placement_index": placement_index,
            "record": version.model_dump_json(),
        },
    }


def store_fade_offset(effect: Any, frames_before: int) -> None:
    """Keep how many frames of a fade stand before its cut: Blender's fades have no cut."""
    effect[PROPERTY_KEY] = {"schema": _SCHEMA, "fade": {"frames_before": frames_before}}


def stored_fade_offset(effect: Any, length: int) -> int:
    """Frames before the cut of a fade of ``length`` frames; half of them where nothing is kept."""
    stored = _read_section(effect, "fade").get("frames_before")
    return stored if isinstance(stored, int) and 0 <= stored <= length else length // 2


def reassign_version(owner: Any, clip_id: str) -> None:
    """Have a version belong to another plate."""
    properties = json.loads(dump_properties(owner))
    properties["version"]["clip_id"] = clip_id
    owner[PROPERTY_KEY] = properties


def clear_properties(owner: Any) -> None:
    """Take our property away."""
    if PROPERTY_KEY in owner:
        del owner[PROPERTY_KEY]


def dump_properties(owner: Any) -> str:
    """Our property as text, to be given back by :func:`restore`; empty where there is none."""
    properties = owner.get(PROPERTY_KEY)
    return json.dumps(properties.to_dict()) if properties is not None else ""


def restore_properties(owner: Any, text: str) -> None:
    if text:
        owner[PROPERTY_KEY] = json.loads(text)
    else:
        clear_properties(owner)


def _read_section(owner: Any, name: str) -> dict[str, Any]:
    properties = owner.get(PROPERTY_KEY)
    if not hasattr(properties, "to_dict"):
        return {}  # nothing, or something of somebody else's
    section = properties.to_dict().get(name)
    return section if isinstance(section, dict) else {}
