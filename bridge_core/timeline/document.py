"""A timeline document: OTIO's JSON, read and written without loss.

An ``.otio`` file is read as plain JSON. OTIO's own reader rejects a whole file over a single
effect, clip or reference of an unknown schema (OpenRV's annotations are such effects), and upgrades
old schemas; what we do not understand must be preserved. Other formats are read with OTIO's
adapters (:mod:`bridge_core.timeline.adapters`).
See docs/decisions/0007-cuts-and-export-profiles.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from bridge_core.errors import TimelineError
from bridge_core.system.files import atomic_write
from bridge_core.system.pacing import paced
from bridge_core.timeline.cut import CutSource, DocumentProblem, ProblemKind
from bridge_core.timeline.item_parser import ItemByItemError, UnparsedItems, parse_outline
from bridge_core.timeline.otio_json import decode_json, parse_json, replace_lone_surrogates

JsonObject = dict[str, Any]

#: Our key in metadata.
NAMESPACE = "shotbridge"
#: Before the keys of references to our versions.
VERSION_PREFIX = f"{NAMESPACE}:"
#: OTIO's key of a clip's only media reference.
DEFAULT_MEDIA_KEY = "DEFAULT_MEDIA"
#: Deeper nests are taken for damage.
MAX_DEPTH = 64

#: Keys of the objects that contain a timeline's items.
_COMPOSITION_KEYS = frozenset({"children", "tracks"})
#: Schema names from before OTIO's first release, which its reader still accepts.
_LEGACY_SCHEMAS = {"Sequence": "Track", "Filler": "Gap"}


@dataclass(slots=True)
class Document:
    """``root`` is the file's root object, ``timeline`` the selected timeline (often the same)."""

    source: CutSource
    root: JsonObject
    timeline: JsonObject
    problems: tuple[DocumentProblem, ...] = ()
    """What the format does not say, or its reader lost."""
    unparsed: tuple[UnparsedItems, ...] = ()
    """Items of tracks that are parsed when they are used; none unless this was asked for."""
    _by_id: dict[str, JsonObject] | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        return self.source.path

    def dereference(self, node: Any) -> Any:
        """The target of a ``SerializableObjectRef``; any other object as it is.

        :raises ValueError: the target is not in the file.
        :raises ItemByItemError: the target may be an item that is not parsed yet.
        """
        if not isinstance(node, dict) or schema_name(node) != "SerializableObjectRef":
            return node
        if self.unparsed:
            raise ItemByItemError
        if self._by_id is None:
            items = _iter_objects(self.root)
            self._by_id = {one["OTIO_REF_ID"]: one for one in items if "OTIO_REF_ID" in one}
        target = self._by_id.get(str(node.get("id")))
        if target is None:
            raise ValueError(f"it refers to {node.get('id')!r}, which is not in the file")
        return target


def schema_name(node: Any) -> str:
    """``Clip`` of ``Clip.2``; empty for anything but an OTIO object."""
    label = node.get("OTIO_SCHEMA") if isinstance(node, dict) else None
    return _name_in_label(label) if isinstance(label, str) else ""


@lru_cache(maxsize=256)
def _name_in_label(label: str) -> str:
    name = label.partition(".")[0]
    return _LEGACY_SCHEMAS.get(name, name)


def get_text(node: Any, key: str) -> str:
    """The text under an object's key; empty if there is none."""
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, str) else ""


def item_name(item: Any) -> str:
    return get_text(item, "name")


def shotbridge_metadata(node: Any) -> JsonObject:
    """Our metadata of an object; empty if there is none."""
    metadata = node.get("metadata") if isinstance(node, dict) else None
    own = metadata.get(NAMESPACE) if isinstance(metadata, dict) else None
    return own if isinstance(own, dict) else {}


def ensure_shotbridge_metadata(node: JsonObject) -> JsonObject:
    """Our metadata of an object, for writing; added if there is none."""
    if not isinstance(node.get("metadata"), dict):
        node["metadata"] = {}
    if not isinstance(node["metadata"].get(NAMESPACE), dict):
        node["metadata"][NAMESPACE] = {}
    return shotbridge_metadata(node)


def is_annotation_track(track: Any) -> bool:
    """Whether a track repeats another one's clips for OpenRV, see openrv_annotations.py."""
    return shotbridge_metadata(track).get("annotations") is True


def track_kind(item: Any) -> str:
    """A track's kind: ``video`` or ``audio`` in lower case, any other as it is."""
    if schema_name(item) != "Track":
        return "video"
    # Free text in OTIO; some programs capitalise it or omit it.
    kind = str(item.get("kind") or "Video")
    return kind.lower() if kind.lower() in ("video", "audio") else kind


#: Errors raised by objects that do not match their schema.
MALFORMED_ERRORS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)


def get_list(node: Any, key: str) -> list[Any]:
    """The list under an object's key; empty if there is none."""
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, list) else []


def get_children(node: Any) -> Iterable[Any]:
    """The items of a stack or track."""
    value = node.get("children") if isinstance(node, dict) else None
    return value if isinstance(value, list | UnparsedItems) else []


def contains_clips(item: Any) -> bool:
    """Whether an item contains a clip, at any depth."""
    pending = [item]
    while pending:
        for child in get_children(pending.pop()):
            if schema_name(child) == "Clip":
                return True
            pending.append(child)
    return False


def media_references(clip: JsonObject) -> tuple[dict[str, Any], str]:
    """Media references of a Clip.1 or Clip.2 by key, and the key of the active one."""
    by_key = clip.get("media_references")
    if isinstance(by_key, dict):
        return by_key, str(clip.get("active_media_reference_key", DEFAULT_MEDIA_KEY))
    return {DEFAULT_MEDIA_KEY: clip.get("media_reference")}, DEFAULT_MEDIA_KEY


def plate_key(clip: JsonObject) -> str:
    """The key of the reference to a clip's plate: the active one, unless it is one of our versions.

    In that case, it is the one that was active before; where a host lost our metadata, the first
    reference that is not one of our versions.
    """
    references, active = media_references(clip)
    return _plate_key(clip, references, active)


def plate_reference(clip: JsonObject) -> Any:
    """The reference to a clip's plate, see :func:`plate_key`; None if it is missing."""
    references, active = media_references(clip)
    return references.get(_plate_key(clip, references, active))


def _plate_key(clip: JsonObject, references: dict[str, Any], active: str) -> str:
    if not active.startswith(VERSION_PREFIX):
        return active
    stored_key = shotbridge_metadata(clip).get("plate")
    if isinstance(stored_key, str) and stored_key in references:
        return stored_key
    return next((key for key in references if not key.startswith(VERSION_PREFIX)), active)


def load_document(source: str | Path | CutSource, *, item_by_item: bool = False) -> Document:
    """Read any file that OTIO or an installed adapter can read.

    With ``item_by_item``, the items of its tracks are parsed when they are used, if possible. Then
    the document can only be read, and has ``unparsed`` items.

    :raises TimelineError: the file does not exist, is damaged or not a timeline, or there is no
        adapter for its format.
    """
    source = CutSource.coerce(source)
    file, timeline = source.path, source.timeline
    if file.suffix.lower() == ".otiod":  # a folder with the timeline and its media
        file /= "content.otio"
    if file.suffix.lower() in (".otio", ".json"):
        root, problems, unparsed = _parse_otio(file, item_by_item=item_by_item)
    else:
        from bridge_core.timeline.adapters import read_with_adapter

        try:
            root, problems = read_with_adapter(file, source.rate)
            unparsed = []
        except OSError as error:
            raise _unreadable_error(file, error) from error
    selected = _select_timeline(_find_timelines(root), timeline, file)
    return Document(replace(source, path=file), root, selected, tuple(problems), tuple(unparsed))


def free_items(document: Document) -> None:
    """Free the items of a document that is no longer needed, one by one: at once, ten thousand
    clips would hold the GIL for tens of milliseconds."""
    pending: list[Any] = [document.timeline.get("tracks")]
    while pending:
        children = get_list(pending.pop(), "children")
        for _ in paced(range(len(children))):
            child = children.pop()
            if isinstance(child, dict) and "children" in child:
                pending.append(child)


def _select_timeline(timelines: list[JsonObject], name: str | None, file: Path) -> JsonObject:
    matching = [item for item in timelines if name is None or item.get("name") == name]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(repr(item.get("name") or "") for item in timelines)
    if not timelines:
        message = "there is no timeline in this file"
        next_step = "export the cut as a timeline (OTIO, EDL, FCP XML or AAF) and read that"
    elif not matching:
        message = f"there is no timeline called {name!r} in this file"
        next_step = f"choose one of: {names}"
    elif name:
        message = f"this file holds {len(matching)} timelines called {name!r}"
        next_step = "give each a unique name in the host, and export again"
    else:
        message = f"this file holds {len(matching)} timelines: {names}"
        next_step = f"choose one of them, as --timeline {matching[0].get('name')!r}"
    raise TimelineError(message, where=str(file), next_step=next_step)


def has_placed_versions(path: Path) -> bool:
    """Whether an ``.otio`` file has a timeline with placed versions.

    :raises TimelineError: it cannot be read.
    """
    return any(map(shotbridge_metadata, _find_timelines(_parse_otio(path)[0])))


def save_otio(root: JsonObject, target: Path, *, overwrite: bool = False) -> None:
    """Write OTIO's JSON atomically: the target is the old file or the complete new one.

    :raises TimelineError: the target exists and ``overwrite`` is not set, or it is not an
        ``.otio`` file.
    :raises NotWritable: the folder cannot be written.
    :raises DiskFull: the disk is full.
    """
    if target.suffix.lower() != ".otio":
        given = target.suffix or "a file without an extension"
        raise TimelineError(
            f"timelines are written as OTIO, not as {given}",
            where=str(target),
            next_step="give the target a name that ends in .otio",
        )
    if target.exists() and not overwrite:
        raise TimelineError(
            "this file exists and would be overwritten",
            where=str(target),
            next_step="choose another name, or allow overwriting (--overwrite)",
        )
    try:
        parts = list(paced(_encode(root, b"\n")))
    except RecursionError as error:
        raise TimelineError(
            "the timeline is nested too deep to be written",
            where=str(target),
            next_step="flatten the nested sequences in the host, and read the cut again",
        ) from error
    with atomic_write(target) as partial:
        with partial.open("wb") as file:
            file.writelines(parts)
        if target.exists():
            partial.chmod(target.stat().st_mode & 0o777)


def _encode(node: Any, newline: bytes) -> Iterator[bytes]:
    """The parts of a node's JSON, indented by four spaces; ``newline`` includes its own indent.

    An item of a track is one part. (The standard library indents in Python, six times as slow.)
    """
    if not isinstance(node, dict) or _COMPOSITION_KEYS.isdisjoint(node):
        try:
            json_text = to_json(node, indent=4, inf_nan_mode="constants")
        except ValueError:  # metadata that is nested deeper than it allows
            json_text = json.dumps(node, indent=4, ensure_ascii=False).encode("utf-8")
        yield json_text.replace(b"\n", newline)
        return
    inner, item = newline + b"    ", newline + b"        "
    for number, (key, value) in enumerate(node.items()):
        yield (b"," if number else b"{") + inner + to_json(key) + b": "
        if key == "children" and isinstance(value, list) and value:
            for index, child in enumerate(value):
                yield (b"," if index else b"[") + item
                yield from _encode(child, item)
            yield inner + b"]"
        else:
            yield from _encode(value, inner)
    yield newline + b"}"


def _parse_otio(
    file: Path, *, item_by_item: bool = False
) -> tuple[Any, list[DocumentProblem], list[UnparsedItems]]:
    """The root object, problems, and the items that are not parsed yet."""
    try:
        text, may_have_lone_surrogates = decode_json(file.read_bytes())
        if item_by_item and not may_have_lone_surrogates:
            with suppress(ItemByItemError):
                root, unparsed = parse_outline(text)
                return root, [], unparsed
        root = parse_json(text)
    except OSError as error:
        raise _unreadable_error(file, error) from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise TimelineError(
            f"this is not a readable OTIO file: {reason}",
            where=str(file),
            next_step="the file is damaged or of another format; export the cut again",
        ) from error
    if not may_have_lone_surrogates:
        return root, [], []
    root, count = replace_lone_surrogates(root)
    if not count:
        return root, [], []
    message = f"{count} strings of the file contain lone surrogates; they were replaced by U+FFFD"
    return root, [(ProblemKind.ASSUMED, message, "correct the names in the host")], []


def _unreadable_error(file: Path, error: OSError) -> TimelineError:
    return TimelineError(
        f"the timeline cannot be opened: {error.strerror or error}",
        where=str(file),
        next_step="check the path and that you may read it",
    )


def _find_timelines(root: Any) -> list[JsonObject]:
    """The timelines of a file in order, those in nested collections included."""
    timelines: list[JsonObject] = []
    pending = [root]
    while pending:
        node = pending.pop()
        kind = schema_name(node)
        if kind == "Timeline":
            timelines.append(node)
        elif kind == "SerializableCollection":
            pending.extend(reversed(get_list(node, "children")))
    return timelines


def _iter_objects(root: Any) -> Iterator[JsonObject]:
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
