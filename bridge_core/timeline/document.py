"""A timeline as it stands in its file: OTIO's JSON, read and written without loss.

An ``.otio`` file is taken as the JSON that it is. OTIO's own reader turns down a whole file over a
single effect, clip or reference of a kind it does not know (OpenRV's annotations are such effects),
and raises old schemas to new ones; what we do not understand must come through untouched. Every
other format goes through OTIO's adapters (:mod:`bridge_core.timeline.adapters`).
See docs/decisions/0007-one-truth-many-dialects.md.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bridge_core.errors import DiskFull, NotWritable, TimelineError
from bridge_core.timeline.cut import CutSource, DocumentProblem, ProblemKind

JsonObject = dict[str, Any]

#: Our one key in anybody's metadata.
NAMESPACE = "shotbridge"
#: The key that OTIO gives to a clip's only media reference.
DEFAULT_MEDIA_KEY = "DEFAULT_MEDIA"
#: Nests deeper than this are damage, not editing.
MAX_DEPTH = 64

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
#: An escaped one, where it may also belong to a pair.
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
#: Texts, which are passed over, and OTIO's short infinity.
_INFINITY = re.compile(r'"(?:[^"\\]|\\.)*"|\b(Inf)\b')
#: Names from before OTIO's first release, which its reader still takes.
_LEGACY_SCHEMAS = {"Sequence": "Track", "Filler": "Gap"}


@dataclass(slots=True)
class Document:
    """``root`` is what the file holds, ``timeline`` the one timeline in it (often the same)."""

    source: CutSource
    root: JsonObject
    timeline: JsonObject
    problems: tuple[DocumentProblem, ...] = ()
    """What the format leaves open or its reader lost: kind, words, next step."""
    _by_id: dict[str, JsonObject] | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        return self.source.path

    def dereference(self, node: Any) -> Any:
        """What a ``SerializableObjectRef`` points at; anything else as it is.

        :raises ValueError: it points at nothing.
        """
        if not isinstance(node, dict) or schema_name(node) != "SerializableObjectRef":
            return node
        if self._by_id is None:
            self._by_id = {
                item["OTIO_REF_ID"]: item
                for item in _iter_objects(self.root)
                if "OTIO_REF_ID" in item
            }
        target = self._by_id.get(str(node.get("id")))
        if target is None:
            raise ValueError(f"it refers to {node.get('id')!r}, which is not in the file")
        return target


def schema_name(node: Any) -> str:
    """``Clip`` of ``Clip.2``; empty for what is no OTIO object."""
    label = node.get("OTIO_SCHEMA") if isinstance(node, dict) else None
    if not isinstance(label, str):
        return ""
    name = label.partition(".")[0]
    return _LEGACY_SCHEMAS.get(name, name)


def shotbridge_metadata(node: Any) -> JsonObject:
    """Our metadata on an object, empty where there is none."""
    metadata = node.get("metadata") if isinstance(node, dict) else None
    own = metadata.get(NAMESPACE) if isinstance(metadata, dict) else None
    return own if isinstance(own, dict) else {}


def ensure_shotbridge_metadata(node: JsonObject) -> JsonObject:
    """Our metadata on an object, to be written to; made where there is none."""
    if not isinstance(node.get("metadata"), dict):
        node["metadata"] = {}
    if not isinstance(node["metadata"].get(NAMESPACE), dict):
        node["metadata"][NAMESPACE] = {}
    return shotbridge_metadata(node)


def is_annotation_track(track: Any) -> bool:
    """A track of an export for OpenRV that shows another one's clips once more, see openrv.py."""
    return shotbridge_metadata(track).get("annotations") is True


#: What working on an object raises that is not what its schema says.
MALFORMED_ERRORS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)


def get_list(node: Any, key: str) -> list[Any]:
    """The list that an object has under a key; empty where it has none."""
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, list) else []


def media_references(clip: JsonObject) -> tuple[dict[str, Any], str]:
    """A clip's media references by key, and the key of the active one; takes Clip.1 and Clip.2."""
    by_key = clip.get("media_references")
    if isinstance(by_key, dict):
        return by_key, str(clip.get("active_media_reference_key", DEFAULT_MEDIA_KEY))
    return {DEFAULT_MEDIA_KEY: clip.get("media_reference")}, DEFAULT_MEDIA_KEY


def plate_key(clip: JsonObject) -> str:
    """The key of the reference to a clip's plate: the active one, unless that is a version of ours.

    Then it is the one that the version took over; where a host lost our metadata, the first that
    is none of ours.
    """
    references, active = media_references(clip)
    if not active.startswith(f"{NAMESPACE}:"):
        return active
    stored_key = shotbridge_metadata(clip).get("plate")
    if isinstance(stored_key, str) and stored_key in references:
        return stored_key
    return next((key for key in references if not key.startswith(f"{NAMESPACE}:")), active)


def load_document(source: str | Path | CutSource) -> Document:
    """Read any file that OTIO or an installed adapter of it can read.

    :raises TimelineError: no such file, not a timeline, damaged, or no adapter for its format.
    """
    source = CutSource.coerce(source)
    file, timeline = source.path, source.timeline
    if file.suffix.lower() == ".otiod":  # a folder, with the media that belongs to it
        file /= "content.otio"
    if file.suffix.lower() in (".otio", ".json"):
        root, problems = _parse_otio(file)
    else:
        from bridge_core.timeline.adapters import read_with_adapter

        try:
            root, problems = read_with_adapter(file, source.rate)
        except OSError as error:
            raise _unreadable_error(file, error) from error
    timelines = _find_timelines(root)
    matching = [item for item in timelines if timeline is None or item.get("name") == timeline]
    if timelines and not matching:
        names = ", ".join(repr(item.get("name") or "") for item in timelines)
        raise TimelineError(
            f"there is no timeline called {timeline!r} in this file",
            where=str(file),
            next_step=f"name one that it holds: {names}",
        )
    if not matching:
        raise TimelineError(
            "there is no timeline in this file",
            where=str(file),
            next_step="export the cut as a timeline (OTIO, EDL, FCP XML or AAF) and read that",
        )
    if len(matching) > 1:
        names = ", ".join(repr(item.get("name") or "") for item in matching)
        raise TimelineError(
            f"this file holds {len(matching)} timelines{f' called {timeline!r}' if timeline else ''}"
            + ("" if timeline else f": {names}"),
            where=str(file),
            next_step="give each a name of its own in the host, and export again"
            if timeline
            else f"say which one is meant, as --timeline {matching[0].get('name')!r}",
        )
    return Document(replace(source, path=file), root, matching[0], tuple(problems))


def has_placed_versions(path: Path) -> bool:
    """Whether an ``.otio`` file has a timeline with versions that were placed by us.

    :raises TimelineError: it cannot be read.
    """
    return any(map(shotbridge_metadata, _find_timelines(_parse_otio(path)[0])))


def save_otio(root: JsonObject, target: Path, *, overwrite: bool = False) -> None:
    """Write OTIO's JSON in one step: the target is the old file or the whole new one.

    :raises TimelineError: the target exists and ``overwrite`` is not set, or is no ``.otio``.
    :raises NotWritable: the folder cannot be written.
    :raises DiskFull: there is no room.
    """
    if target.suffix.lower() != ".otio":
        raise TimelineError(
            f"timelines are written as OTIO, not as {target.suffix or 'a file without an ending'}",
            where=str(target),
            next_step="give the target a name that ends in .otio",
        )
    if target.exists() and not overwrite:
        raise TimelineError(
            "this file exists and would be overwritten",
            where=str(target),
            next_step="choose another name, or ask for overwriting (--overwrite)",
        )
    try:
        text = json.dumps(root, indent=4, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise TimelineError(
            "the timeline is nested too deep to be written",
            where=str(target),
            next_step="flatten the nested sequences in the host, and read the cut again",
        ) from error
    part = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        if target.exists():
            part.chmod(target.stat().st_mode & 0o777)
        part.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if error.errno == errno.ENOSPC:
            raise DiskFull(
                "there is no room left for the timeline",
                where=str(target.parent),
                next_step="free some space and write again",
            ) from error
        raise NotWritable(
            f"the timeline cannot be written: {error.strerror or error}",
            where=str(target),
            next_step="check that the folder exists and that you may write to it",
        ) from error


def _parse_otio(file: Path) -> tuple[Any, list[DocumentProblem]]:
    try:
        text, has_lone_surrogates = _decode(file.read_bytes())
        root = _loads(text)
    except OSError as error:
        raise _unreadable_error(file, error) from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise TimelineError(
            f"this is not a readable OTIO file: {reason}",
            where=str(file),
            next_step="the file is damaged or of another kind; export the cut again",
        ) from error
    if not has_lone_surrogates and _ESCAPED_SURROGATE.search(text) is None:
        return root, []
    root, count = _replace_lone_surrogates(root)
    if not count:
        return root, []
    message = f"{count} texts of the file contain lone surrogates; they were replaced by U+FFFD"
    return root, [(ProblemKind.ASSUMED, message, "correct the names in the host")]


def _decode(data: bytes) -> tuple[str, bool]:
    """The text, and whether lone surrogates stand in it unescaped."""
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding), False
    except UnicodeDecodeError:
        return data.decode(encoding, "surrogatepass"), True


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        # OTIO takes Inf as it takes Infinity, which is all that Python knows.
        expanded = _INFINITY.sub(lambda found: found[0] + ("inity" if found[1] else ""), text)
        if expanded == text:
            raise
        return json.loads(expanded)


def _replace_lone_surrogates(root: Any) -> tuple[Any, int]:
    """The same without lone surrogates, which UTF-8 cannot encode; and how many texts had any."""
    count = 0

    def clean(value: str) -> str:
        nonlocal count
        replaced = _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
        count += replaced != value
        return replaced

    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            entries = [(clean(key), value) for key, value in node.items()]
            node.clear()
            node.update((k, clean(v) if isinstance(v, str) else v) for k, v in entries)
            pending.extend(node.values())
        elif isinstance(node, list):
            node[:] = [clean(v) if isinstance(v, str) else v for v in node]
            pending.extend(node)
    return root, count


def _unreadable_error(file: Path, error: OSError) -> TimelineError:
    return TimelineError(
        f"the timeline cannot be opened: {error.strerror or error}",
        where=str(file),
        next_step="check the path and that you may read it",
    )


def _find_timelines(root: Any) -> list[JsonObject]:
    """The timelines in a file, in order; collections may hold others."""
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
