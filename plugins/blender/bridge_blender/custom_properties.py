"""Custom properties that store shots and versions on scenes, strips, images and objects.

When a version is placed, its plate's strip gets an identity and the name of its shot, so that the
versions are found again after the strip was renamed or moved. The sequencer's scene stores the
show, so that saving the file under another name does not change it. Placed strips and images store
the plate's identity and the version's record. Blender saves, loads and undoes the properties with
everything else.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bridge_core.hosts.placement_plan import PlacementPlan, version_title
from bridge_core.models.shots import ShotId
from bridge_core.models.versions import Version

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: The only key that Shotbridge uses.
PROPERTY_KEY = "shotbridge"
_SCHEMA = 2
#: Ids of placement modes, as they are stored.
ABOVE, SWAP, PLANE, BACKGROUND = "above", "swap", "plane", "background"


@dataclass(frozen=True, slots=True)
class PlateProperties:
    """Properties of a strip that versions were placed for."""

    clip_id: str
    """Identity of the strip."""
    sequence: str
    shot: str


@dataclass(frozen=True, slots=True)
class VersionProperties:
    """Properties of a placed strip, image or object."""

    clip_id: str
    version_id: str
    service: str
    label: str
    output: str
    mode_id: str
    placement_index: int
    """Order of placement for the clip, from 1."""

    @property
    def title(self) -> str:
        return version_title(self.service, self.output, self.label)


def plate_properties(strip: Any) -> PlateProperties | None:
    """The plate properties of a strip; None if it has none."""
    section = _read_section(strip, "plate")
    return PlateProperties(**_text_fields(section, PlateProperties)) if section else None


def version_properties(owner: Any) -> VersionProperties | None:
    """The version properties of a strip, image or object; None if it was not placed."""
    section = _read_section(owner, "version")
    if not section:
        return None
    index = section.get("placement_index", 0)
    values: dict[str, Any] = _text_fields(section, VersionProperties)
    values["placement_index"] = index if isinstance(index, int) else 0
    return VersionProperties(**values)


def stored_version(owner: Any) -> Version | None:
    """The record of a placed version, as it was at that time."""
    try:
        return Version.model_validate_json(str(_read_section(owner, "version").get("record", "")))
    except ValidationError:
        return None  # written by a newer Shotbridge


def store_plate(strip: Any, shot: ShotId, *, new_identity: bool = False) -> str:
    """Store the plate properties of a strip; returns its identity, which is kept unless
    ``new_identity``."""
    properties = None if new_identity else plate_properties(strip)
    properties = properties or PlateProperties(uuid.uuid4().hex, shot.sequence, shot.shot)
    _write_section(strip, "plate", asdict(properties))
    return properties.clip_id


def stored_show(scene: Any) -> str:
    """The show stored on a scene when a version was placed; empty before that."""
    return str(_read_section(scene, "show").get("name", ""))


def store_show(scene: Any, show: str) -> None:
    _write_section(scene, "show", {"name": show})


def store_version(owner: Any, clip_id: str, plan: PlacementPlan, placement_index: int) -> None:
    version = plan.version
    properties = VersionProperties(
        clip_id=clip_id,
        version_id=version.id,
        service=version.service,
        label=version.label,
        output=plan.output.name,
        mode_id=plan.mode_id,
        placement_index=placement_index,
    )
    record = version.model_dump_json()
    _write_section(owner, "version", {**asdict(properties), "record": record})


def store_fade_offset(effect: Any, frames_before: int) -> None:
    """Store how many frames of a fade are before the cut, which Blender's fades do not have."""
    _write_section(effect, "fade", {"frames_before": frames_before})


def stored_fade_offset(effect: Any, length: int) -> int:
    """Frames before the cut of a fade of ``length`` frames; half of them if nothing is stored."""
    stored = _read_section(effect, "fade").get("frames_before")
    return stored if isinstance(stored, int) and 0 <= stored <= length else length // 2


def reassign_version(owner: Any, clip_id: str) -> None:
    """Assign a version to another plate."""
    properties = json.loads(dump_properties(owner))
    properties["version"]["clip_id"] = clip_id
    owner[PROPERTY_KEY] = properties


def dump_properties(owner: Any) -> str:
    """Our property as text, for :func:`restore_properties`; empty if there is none."""
    properties = owner.get(PROPERTY_KEY)
    return json.dumps(properties.to_dict()) if properties is not None else ""


def restore_properties(owner: Any, text: str) -> None:
    if text:
        owner[PROPERTY_KEY] = json.loads(text)
    elif PROPERTY_KEY in owner:
        del owner[PROPERTY_KEY]


def _write_section(owner: Any, name: str, section: dict[str, Any]) -> None:
    owner[PROPERTY_KEY] = {"schema": _SCHEMA, name: section}


def _read_section(owner: Any, name: str) -> dict[str, Any]:
    properties = owner.get(PROPERTY_KEY)
    if not hasattr(properties, "to_dict"):
        return {}  # not set, or set by something else
    stored = properties.to_dict()
    if stored.get("schema") != _SCHEMA:
        return {}  # its keys have other names
    section = stored.get(name)
    return section if isinstance(section, dict) else {}


def _text_fields(section: dict[str, Any], kind: type[DataclassInstance]) -> dict[str, str]:
    """The values of a dataclass as text; empty for missing ones."""
    return {field.name: str(section.get(field.name, "")) for field in fields(kind)}
