"""What the shots of a script are called: the same whenever the script is opened again."""

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
#: Names that were told since Nuke started, by the script, whatever its version, and what they stand
#: for.
ShotNameCache = dict[tuple[str, str, str], ShotName]

_NUMBER = re.compile(r"%0?\d*d|#+|@+")


def file_pattern(read: nuke.Node) -> str:
    """The pattern that a Read reads, without TCL, with ``/``; of several views the first one."""
    knob = read["file"]
    assert isinstance(knob, nuke.File_Knob)
    file = str(knob.getEvaluatedValue() or "").replace("\\", "/")
    view = nuke.views()[0]
    return file.replace("%V", view).replace("%v", view[:1])


def shot_namer(script: ScriptContext, name_cache: ShotNameCache) -> Callable[[nuke.Node], ShotId]:
    """Gives the nodes of a script their shots' names; ``told`` remembers them.

    A Read's shot is called as its files are, split as a clip's name in a cut; any other node's as
    the node. A name stands for one plate, so that versions of one never turn up at another: who
    has it keeps it, since a version was placed or, until then, since it was told. Others get their
    folders' names in front, as many as it takes. Of Reads that all are new, the first by its
    node's name is called as its files.
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
    for (folder, title, what), name in name_cache.items():
        if (folder, title) == (script.folder, script.name) and _casefolded(name) not in used_names:
            assign(what, name)

    def name_of(node: nuke.Node) -> ShotName:
        kept = stored_name(node)
        if kept is not None:
            return kept
        what = plate_pattern(node) or f"node {node.fullName()}"
        if what not in names:
            free_name = next(
                one for one in _candidate_names(node, script) if _casefolded(one) not in used_names
            )
            assign(what, free_name)
            name_cache[script.folder, script.name, what] = free_name
        return names[what]

    for read in reads:
        name_of(read)

    def shot_id(node: nuke.Node) -> ShotId:
        sequence, shot = name_of(node)
        return ShotId(show=script.show, sequence=sequence, shot=shot)

    return shot_id


def stored_name(node: nuke.Node) -> ShotName | None:
    """Sequence and shot that the node keeps, unless it shows other files since."""
    stored = user_knobs.stored_shot(node)
    if stored is None or user_knobs.version_knobs(node) is not None:
        return stored
    return (
        stored if user_knobs.knob_text(node, user_knobs.PLATE_KNOB) == plate_pattern(node) else None
    )


def plate_pattern(node: nuke.Node) -> str:
    """What tells whether a node still stands for the same plate: a Read's files; of others
    nothing, for they are what their name says."""
    return to_printf_pattern(file_pattern(node)) if node.Class() == "Read" else ""


def _candidate_names(node: nuke.Node, script: ScriptContext) -> Iterator[ShotName]:
    """Names that a node's shot may have, the best first."""
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
    """Two of the three operating systems take names that differ in case for one folder."""
    return name[0].casefold(), name[1].casefold()


def render_file_stem(shot: ShotId) -> str:
    """Beginning of the names of a shot's rendered files: nothing in it looks like a number."""
    return _NUMBER.sub("_", shot.shot).replace("%", "_")
