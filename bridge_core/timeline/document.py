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
from bridge_core.timeline.cut import CutSource, ProblemKind, Remark

Json = dict[str, Any]

#: Our one key in anybody's metadata.
NAMESPACE = "shotbridge"
#: The key that OTIO gives to a clip's only media reference.
DEFAULT_KEY = "DEFAULT_MEDIA"
#: Nests deeper than this are damage, not editing.
DEPTH_LIMIT = 64

_HALF = re.compile("[\ud800-\udfff]")
#: An escaped one, where it may also belong to a pair.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
#: Texts, which are passed over, and OTIO's short infinity.
_INFINITY = re.compile(r'"(?:[^"\\]|\\.)*"|\b(Inf)\b')
#: Names from before OTIO's first release, which its reader still takes.
_OLD_NAMES = {"Sequence": "Track", "Filler": "Gap"}


@dataclass(slots=True)
class Document:
    """``root`` is what the file holds, ``timeline`` the one timeline in it (often the same)."""

    source: CutSource
    root: Json
    timeline: Json
    remarks: tuple[Remark, ...] = ()
    """What the format leaves open or its reader lost: kind, words, next step."""
    _by_id: dict[str, Json] | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        return self.source.path

    def follow(self, node: Any) -> Any:
        """What a ``SerializableObjectRef`` points at; anything else as it is.

        :raises ValueError: it points at nothing.
        """
        if not isinstance(node, dict) or schema(node) != "SerializableObjectRef":
            return node
        if self._by_id is None:
            self._by_id = {
                item["OTIO_REF_ID"]: item for item in _dicts(self.root) if "OTIO_REF_ID" in item
            }
        found = self._by_id.get(str(node.get("id")))
        if found is None:
            raise ValueError(f"it refers to {node.get('id')!r}, which is not in the file")
        return found


def schema(node: Any) -> str:
    """``Clip`` of ``Clip.2``; empty for what is no OTIO object."""
    label = node.get("OTIO_SCHEMA") if isinstance(node, dict) else None
    if not isinstance(label, str):
        return ""
    name = label.partition(".")[0]
    return _OLD_NAMES.get(name, name)


def ours(node: Any) -> Json:
    """Our metadata on an object, empty where there is none."""
    metadata = node.get("metadata") if isinstance(node, dict) else None
    found = metadata.get(NAMESPACE) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def own_metadata(node: Json) -> Json:
    """Our metadata on an object, to be written to; made where there is none."""
    if not isinstance(node.get("metadata"), dict):
        node["metadata"] = {}
    if not isinstance(node["metadata"].get(NAMESPACE), dict):
        node["metadata"][NAMESPACE] = {}
    return ours(node)


def is_annotation_track(track: Any) -> bool:
    """A track of an export for OpenRV that shows another one's clips once more, see openrv.py."""
    return ours(track).get("annotations") is True


#: What working on an object raises that is not what its schema says.
DAMAGE = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)


def listed(node: Any, key: str) -> list[Any]:
    """The list that an object has under a key; empty where it has none."""
    found = node.get(key) if isinstance(node, dict) else None
    return found if isinstance(found, list) else []


def references(clip: Json) -> tuple[dict[str, Any], str]:
    """A clip's media references by key, and the key of the active one; takes Clip.1 and Clip.2."""
    several = clip.get("media_references")
    if isinstance(several, dict):
        return several, str(clip.get("active_media_reference_key", DEFAULT_KEY))
    return {DEFAULT_KEY: clip.get("media_reference")}, DEFAULT_KEY


def plate_key(clip: Json) -> str:
    """The key of the reference to a clip's plate: the active one, unless that is a version of ours.

    Then it is the one that the version took over; where a host lost our metadata, the first that
    is none of ours.
    """
    several, active = references(clip)
    if not active.startswith(f"{NAMESPACE}:"):
        return active
    told = ours(clip).get("plate")
    if isinstance(told, str) and told in several:
        return told
    return next((key for key in several if not key.startswith(f"{NAMESPACE}:")), active)


def load(source: str | Path | CutSource) -> Document:
    """Read any file that OTIO or an installed adapter of it can read.

    :raises TimelineError: no such file, not a timeline, damaged, or no adapter for its format.
    """
    source = CutSource.of(source)
    file, timeline = source.path, source.timeline
    if file.suffix.lower() == ".otiod":  # a folder, with the media that belongs to it
        file /= "content.otio"
    if file.suffix.lower() in (".otio", ".json"):
        root, remarks = _parse(file)
    else:
        from bridge_core.timeline.adapters import read_with_adapter

        try:
            root, remarks = read_with_adapter(file, source.rate)
        except OSError as error:
            raise _unreadable(file, error) from error
    found = _timelines(root)
    if timeline is not None:
        found = [item for item in found if item.get("name") == timeline]
    if not found:
        raise TimelineError(
            f"there is no timeline{f' called {timeline!r}' if timeline else ''} in this file",
            where=str(file),
            next_step="export the cut as a timeline (OTIO, EDL, FCP XML or AAF) and read that",
        )
    if len(found) > 1:
        names = ", ".join(repr(item.get("name") or "") for item in found)
        raise TimelineError(
            f"this file holds {len(found)} timelines{f' called {timeline!r}' if timeline else ''}"
            + ("" if timeline else f": {names}"),
            where=str(file),
            next_step="give each a name of its own in the host, and export again"
            if timeline
            else f"say which one is meant, as --timeline {found[0].get('name')!r}",
        )
    return Document(replace(source, path=file), root, found[0], tuple(remarks))


def is_ours(path: Path) -> bool:
    """Whether an ``.otio`` file has a timeline with versions that were placed by us.

    :raises TimelineError: it cannot be read.
    """
    return any(map(ours, _timelines(_parse(path)[0])))


def save(root: Json, target: Path, *, overwrite: bool = False) -> None:
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


def _parse(file: Path) -> tuple[Any, list[Remark]]:
    try:
        text, halves = _decoded(file.read_bytes())
        root = _loads(text)
    except OSError as error:
        raise _unreadable(file, error) from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise TimelineError(
            f"this is not a readable OTIO file: {reason}",
            where=str(file),
            next_step="the file is damaged or of another kind; export the cut again",
        ) from error
    if not halves and _SURROGATE.search(text) is None:
        return root, []
    root, count = _mended(root)
    if not count:
        return root, []
    what = f"{count} texts of the file contain lone surrogates; they were replaced by U+FFFD"
    return root, [(ProblemKind.ASSUMED, what, "correct the names in the host")]


def _decoded(data: bytes) -> tuple[str, bool]:
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
        spelled = _INFINITY.sub(lambda found: found[0] + ("inity" if found[1] else ""), text)
        if spelled == text:
            raise
        return json.loads(spelled)


def _mended(root: Any) -> tuple[Any, int]:
    """The same without lone surrogates, which UTF-8 cannot encode; and how many texts had any."""
    count = 0

    def text(value: str) -> str:
        nonlocal count
        whole = _HALF.sub("\N{REPLACEMENT CHARACTER}", value)
        count += whole != value
        return whole

    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            entries = [(text(key), value) for key, value in node.items()]
            node.clear()
            node.update((k, text(v) if isinstance(v, str) else v) for k, v in entries)
            waiting.extend(node.values())
        elif isinstance(node, list):
            node[:] = [text(v) if isinstance(v, str) else v for v in node]
            waiting.extend(node)
    return root, count


def _unreadable(file: Path, error: OSError) -> TimelineError:
    return TimelineError(
        f"the timeline cannot be opened: {error.strerror or error}",
        where=str(file),
        next_step="check the path and that you may read it",
    )


def _timelines(root: Any) -> list[Json]:
    """The timelines in a file, in order; collections may hold others."""
    found: list[Json] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        kind = schema(node)
        if kind == "Timeline":
            found.append(node)
        elif kind == "SerializableCollection":
            waiting.extend(reversed(listed(node, "children")))
    return found


def _dicts(root: Any) -> Iterator[Json]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
