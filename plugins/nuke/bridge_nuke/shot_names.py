"""Names the shots of a script, so that they are the same when the script is opened again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count

import nuke

from bridge_core.models.media import to_printf_pattern
from bridge_core.models.shots import ShotId, sanitise_name
from bridge_core.timeline.shot_naming import split_name
from bridge_nuke import user_knobs
from bridge_nuke.script_context import ScriptContext

#: Sequence and shot.
ShotName = tuple[str, str]
#: Names given since Nuke started, by the script's folder, its name without version, and the plate.
ShotNameCache = dict[tuple[str, str, str], ShotName]

_NUMBER = re.compile(r"%0?\d*d|#+|@+")


def file_pattern(read: nuke.Node) -> str:
    """The file pattern of a Read with TCL evaluated and ``/``; of several views the first."""
    knob = read["file"]
    assert isinstance(knob, nuke.File_Knob)
    file = str(knob.getEvaluatedValue() or "").replace("\\", "/")
    view = nuke.views()[0]
    return file.replace("%V", view).replace("%v", view[:1])


def shot_namer(script: ScriptContext, name_cache: ShotNameCache) -> Callable[[nuke.Node], ShotId]:
    """A function that returns the shot id of a node; new names are added to ``name_cache``.

    A Read's shot is named after its files, split like the name of a clip in a cut; any other node's
    shot after the node. A name belongs to one plate, so that versions of one plate never appear on
    another. A plate keeps the name that was stored when a version was placed, or else the one in
    the cache. Other plates get as many of their folders' names in front as are needed. Among new
    Reads, the first by node name gets the plain name of its files.
    """
    names: dict[str, ShotName] = {}
    used_names: set[ShotName] = set()

    def assign(plate_key: str, name: ShotName) -> None:
        names.setdefault(plate_key, name)
        used_names.add(_casefolded(name))

    reads = nuke.allNodes("Read", group=nuke.root(), recurseGroups=True)
    reads.sort(key=lambda read: (len(read.fullName()), read.fullName()))
    for read in reads:
        stored = user_knobs.stored_shot(read)
        if stored is not None:
            assign(user_knobs.knob_text(read, user_knobs.PLATE_KNOB), stored)
    for (folder, title, plate_key), name in name_cache.items():
        if (folder, title) == (script.folder, script.name) and _casefolded(name) not in used_names:
            assign(plate_key, name)

    def name_of(node: nuke.Node) -> ShotName:
        stored = stored_name(node)
        if stored is not None:
            return stored
        plate_key = plate_pattern(node) or f"node {node.fullName()}"
        if plate_key not in names:
            candidates = _candidate_names(node, script)
            free_name = next(name for name in candidates if _casefolded(name) not in used_names)
            assign(plate_key, free_name)
            name_cache[script.folder, script.name, plate_key] = free_name
        return names[plate_key]

    for read in reads:
        name_of(read)

    def shot_id(node: nuke.Node) -> ShotId:
        sequence, shot = name_of(node)
        return ShotId(show=script.show, sequence=sequence, shot=shot)

    return shot_id


def stored_name(node: nuke.Node) -> ShotName | None:
    """The name stored on the node, unless its files were replaced since."""
    stored = user_knobs.stored_shot(node)
    if stored is None or user_knobs.version_knobs(node) is not None:
        return stored
    plate = user_knobs.knob_text(node, user_knobs.PLATE_KNOB)
    return stored if plate == plate_pattern(node) else None


def plate_pattern(node: nuke.Node) -> str:
    """Identifies a Read's plate: its files. Empty for other nodes, which are identified by name."""
    return to_printf_pattern(file_pattern(node)) if node.Class() == "Read" else ""


def _candidate_names(node: nuke.Node, script: ScriptContext) -> Iterator[ShotName]:
    """Possible names of a node's shot, the best first."""
    *folders, file = plate_pattern(node).split("/")
    if file:
        sequence, shot = split_name(file, script.name)
    else:
        sequence, shot = script.name, sanitise_name(node.fullName(), default="node")
    plain = shot
    yield sequence, shot
    for folder in filter(None, reversed(folders)):
        shot = sanitise_name(f"{folder}_{shot}", default=shot)
        yield sequence, shot
    for number in count(2):
        yield sequence, f"{plain[:120]}_{number}"


def _casefolded(name: ShotName) -> ShotName:
    """For comparison: on Windows and macOS, names that differ only in case are one folder."""
    return name[0].casefold(), name[1].casefold()


def render_file_stem(shot: ShotId) -> str:
    """Stem of a shot's rendered files, without anything that looks like a frame number."""
    return _NUMBER.sub("_", shot.shot).replace("%", "_")
