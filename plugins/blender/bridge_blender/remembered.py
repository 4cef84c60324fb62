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
KEY = "shotbridge"
_SCHEMA = 1
#: Ways of placing, as versions keep them.
ABOVE, SWAP, PLANE, BACKGROUND = "above", "swap", "plane", "background"


@dataclass(frozen=True, slots=True)
class PlateMark:
    """Of a strip that versions were placed for. ``clip`` tells it from all others."""

    clip: str
    sequence: str
    shot: str


@dataclass(frozen=True, slots=True)
class VersionMark:
    """Of something that was placed. ``order`` counts what was placed for one clip."""

    clip: str
    version: str
    service: str
    label: str
    output: str
    way: str
    order: int

    @property
    def title(self) -> str:
        output = "" if self.output == "main" else f" {self.output}"
        return f"{self.service}{output} {self.label}"


def plate_mark(strip: Any) -> PlateMark | None:
    """What a strip remembers of being a plate; None where it remembers nothing of it."""
    told = _told(strip, "plate")
    if not told:
        return None
    return PlateMark(
        clip=str(told.get("clip", "")),
        sequence=str(told.get("sequence", "")),
        shot=str(told.get("shot", "")),
    )


def version_mark(thing: Any) -> VersionMark | None:
    """Which version something is; None for everything that was not placed."""
    told = _told(thing, "version")
    if not told:
        return None
    order = told.get("order", 0)
    return VersionMark(
        clip=str(told.get("clip", "")),
        version=str(told.get("id", "")),
        service=str(told.get("service", "")),
        label=str(told.get("label", "")),
        output=str(told.get("output", "")),
        way=str(told.get("way", "")),
        order=order if isinstance(order, int) else 0,
    )


def version_of(thing: Any) -> Version | None:
    """The record of the version that something is, as it was when it was placed."""
    try:
        return Version.model_validate_json(str(_told(thing, "version").get("record", "")))
    except ValidationError:
        return None  # written by a newer Shotbridge


def mark_plate(strip: Any, shot: ShotId, *, anew: bool = False) -> str:
    """Give a strip its identity, or find the one that it has; ``anew`` gives it another."""
    known = None if anew else plate_mark(strip)
    clip = known.clip if known else uuid.uuid4().hex
    strip[KEY] = {
        "schema": _SCHEMA,
        "plate": {
            "clip": clip,
            "sequence": known.sequence if known else shot.sequence,
            "shot": known.shot if known else shot.shot,
        },
    }
    return clip


def show_of(scene: Any) -> str:
    """The show that a scene's shots belong to since a version was placed; empty before that."""
    return str(_told(scene, "show").get("name", ""))


def mark_show(scene: Any, show: str) -> None:
    scene[KEY] = {"schema": _SCHEMA, "show": {"name": show}}


def mark_version(
    thing: Any, clip: str, version: Version, output: str, way: str, order: int
) -> None:
    thing[KEY] = {
        "schema": _SCHEMA,
        "version": {
            "clip": clip,
            "id": version.id,
            "service": version.service,
            "label": version.label,
            "output": output,
            "way": way,
            "order": order,
            "record": version.model_dump_json(),
        },
    }


def mark_fade(effect: Any, before: int) -> None:
    """Keep how many frames of a fade stand before its cut: Blender's fades have no cut."""
    effect[KEY] = {"schema": _SCHEMA, "fade": {"before": before}}


def fade_before(effect: Any, length: int) -> int:
    """Frames before the cut of a fade of ``length`` frames; half of them where nothing is kept."""
    kept = _told(effect, "fade").get("before")
    return kept if isinstance(kept, int) and 0 <= kept <= length else length // 2


def give_to(thing: Any, clip: str) -> None:
    """Have a version belong to another plate."""
    kept = json.loads(as_json(thing))
    kept["version"]["clip"] = clip
    thing[KEY] = kept


def forget(thing: Any) -> None:
    """Take our property away."""
    if KEY in thing:
        del thing[KEY]


def as_json(thing: Any) -> str:
    """Our property as text, to be given back by :func:`restore`; empty where there is none."""
    kept = thing.get(KEY)
    return json.dumps(kept.to_dict()) if kept is not None else ""


def restore(thing: Any, text: str) -> None:
    if text:
        thing[KEY] = json.loads(text)
    else:
        forget(thing)


def _told(thing: Any, what: str) -> dict[str, Any]:
    kept = thing.get(KEY)
    if not hasattr(kept, "to_dict"):
        return {}  # nothing, or something of somebody else's
    told = kept.to_dict().get(what)
    return told if isinstance(told, dict) else {}
