"""A timeline as it stands in its file: OTIO's JSON, read and written without loss.

An ``.otio`` file is taken as the JSON that it is. OTIO's own reader turns down a whole file over a
single effect, clip or reference of a kind it does not know (OpenRV's annotations are such effects),
and raises old schemas to new ones; what we do not understand must come through untouched. Every
other format goes through OTIO's adapters, which are found by its plug-in manifests.
See docs/decisions/0007-one-truth-many-dialects.md.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge_core.errors import DiskFull, NotWritable, TimelineError

Json = dict[str, Any]

#: Our one key in anybody's metadata.
NAMESPACE = "shotbridge"
#: The key that OTIO gives to a clip's only media reference.
DEFAULT_KEY = "DEFAULT_MEDIA"
#: Nests deeper than this are damage, not editing.
DEPTH_LIMIT = 64

_EXTRA = 'install its reader; in a checkout of Shotbridge: pip install ".[timelines]"'
_ADAPTED = {".edl": "EDL", ".xml": "FCP XML", ".aaf": "AAF"}
#: Names from before OTIO's first release, which its reader still takes.
_OLD_NAMES = {"Sequence": "Track", "Filler": "Gap"}


@dataclass(slots=True)
class Document:
    """``root`` is what the file holds, ``timeline`` the one timeline in it (often the same)."""

    path: Path
    root: Json
    timeline: Json
    assumed: str = ""
    """What the format leaves open, in words."""
    _by_id: dict[str, Json] | None = field(default=None, repr=False)

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


def load(
    path: str | Path, *, timeline: str | None = None, rate: Fraction | None = None
) -> Document:
    """Read any file that OTIO or an installed adapter of it can read.

    ``timeline`` names the one wanted where the file holds several; ``rate`` is what an EDL counts
    at, which it does not say itself: 24 frames per second without it.

    :raises TimelineError: no such file, not a timeline, damaged, or no adapter for its format.
    """
    file = Path(path)
    ending = file.suffix.lower()
    root = _parse(file) if ending in (".otio", ".json") else _adapt(file, rate)
    found = list(_timelines(root))
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
            f"this file holds {len(found)} timelines: {names}",
            where=str(file),
            next_step="say which one is meant",
        )
    assumed = "an EDL does not say its rate; it was read at 24" if ending == ".edl" else ""
    return Document(file, root, found[0], "" if rate is not None else assumed)


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
    text = json.dumps(root, indent=4, ensure_ascii=False).encode("utf-8")
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


def _parse(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise _unreadable(file, error) from error
    except (ValueError, RecursionError) as error:
        raise TimelineError(
            f"this is not a readable OTIO file: {error}",
            where=str(file),
            next_step="the file is damaged or of another kind; export the cut again",
        ) from error


def _adapt(file: Path, rate: Fraction | None) -> Any:
    if not file.is_file():
        raise _unreadable(file, FileNotFoundError(2, "No such file or directory"))
    import opentimelineio as otio  # 90 ms, and needed for other people's formats only

    try:
        adapter = otio.adapters.from_filepath(str(file))
    except otio.exceptions.NoKnownAdapterForExtensionError as error:
        kind = _ADAPTED.get(file.suffix.lower())
        raise TimelineError(
            f"no reader for {kind or file.suffix or 'files without an ending'} is installed",
            where=str(file),
            next_step=_EXTRA if kind else "export the cut as OTIO, EDL, FCP XML or AAF",
        ) from error
    told = {"rate": float(rate)} if rate is not None and adapter.name == "cmx_3600" else {}
    try:
        made = adapter.read_from_file(str(file), **told)
        if adapter.name == "cmx_3600":
            _place_at_record_time(made)
        return json.loads(made.to_json_string())
    except Exception as error:  # adapters raise whatever they come upon
        raise TimelineError(
            f"OTIO's {adapter.name} reader cannot read this: {error or type(error).__name__}",
            where=str(file),
            next_step="export the cut again, as OTIO where the host can",
        ) from error


def _place_at_record_time(timeline: Any) -> None:
    """Put an EDL's tracks where its record timecodes say, as any other timeline has them.

    The adapter keeps a track's first record time as a negative start of the track's source range,
    by which a cut that starts at 01:00:00:00 would show nothing at all.
    """
    import opentimelineio as otio

    starts = [-track.source_range.start_time for track in timeline.tracks if track.source_range]
    if not starts:
        return  # it starts at 00:00:00:00
    zero = otio.opentime.RationalTime(0, starts[0].rate)
    earliest = min(starts) if len(starts) == len(timeline.tracks) else zero
    timeline.global_start_time = earliest
    for track in timeline.tracks:
        if track.source_range:
            later = -track.source_range.start_time - earliest
            track.source_range = None
            if later.value > 0:
                track.insert(0, otio.schema.Gap(source_range=otio.opentime.TimeRange(zero, later)))


def _unreadable(file: Path, error: OSError) -> TimelineError:
    return TimelineError(
        f"the timeline cannot be opened: {error.strerror or error}",
        where=str(file),
        next_step="check the path and that you may read it",
    )


def _timelines(root: Any) -> Iterator[Json]:
    kind = schema(root)
    if kind == "Timeline":
        yield root
    elif kind == "SerializableCollection":
        for child in listed(root, "children"):
            yield from _timelines(child)


def _dicts(root: Any) -> Iterator[Json]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
