"""What the shots of a script are called: the same whenever the script is opened again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count

import nuke

from bridge_core.models.media import printf_pattern
from bridge_core.models.shots import ShotId, fit_name
from bridge_core.timeline.naming import split_name
from bridge_nuke import marks
from bridge_nuke.script import Script

#: Sequence and shot.
Name = tuple[str, str]
#: Names that were told since Nuke started, by the script, whatever its version, and what they stand
#: for.
Told = dict[tuple[str, str, str], Name]

_NUMBER = re.compile(r"%0?\d*d|#+|@+")


def file_of(read: nuke.Node) -> str:
    """The pattern that a Read reads, without TCL, with ``/``; of several views the first one."""
    knob = read["file"]
    assert isinstance(knob, nuke.File_Knob)
    file = str(knob.getEvaluatedValue() or "").replace("\\", "/")
    view = nuke.views()[0]
    return file.replace("%V", view).replace("%v", view[:1])


def namer(script: Script, told: Told) -> Callable[[nuke.Node], ShotId]:
    """Gives the nodes of a script their shots' names; ``told`` remembers them.

    A Read's shot is called as its files are, split as a clip's name in a cut; any other node's as
    the node. A name stands for one plate, so that versions of one never turn up at another: who
    has it keeps it, since a version was placed or, until then, since it was told. Others get their
    folders' names in front, as many as it takes. Of Reads that all are new, the first by its
    node's name is called as its files.
    """
    names: dict[str, Name] = {}
    taken: set[Name] = set()

    def give(what: str, name: Name) -> None:
        names.setdefault(what, name)
        taken.add(_folded(name))

    reads = nuke.allNodes("Read", group=nuke.root(), recurseGroups=True)
    reads.sort(key=lambda read: (len(read.fullName()), read.fullName()))
    for read in reads:
        kept = marks.shot_of(read)
        if kept is not None:
            give(marks.text_of(read, marks.PLATE), kept)
    for (folder, title, what), name in told.items():
        if (folder, title) == (script.folder, script.name) and _folded(name) not in taken:
            give(what, name)

    def name_of(node: nuke.Node) -> Name:
        kept = kept_name(node)
        if kept is not None:
            return kept
        what = plate_of(node) or f"node {node.fullName()}"
        if what not in names:
            free = next(one for one in _candidates(node, script) if _folded(one) not in taken)
            give(what, free)
            told[script.folder, script.name, what] = free
        return names[what]

    for read in reads:
        name_of(read)

    def shot_id(node: nuke.Node) -> ShotId:
        sequence, shot = name_of(node)
        return ShotId(show=script.show, sequence=sequence, shot=shot)

    return shot_id


def kept_name(node: nuke.Node) -> Name | None:
    """Sequence and shot that the node keeps, unless it shows other files since."""
    kept = marks.shot_of(node)
    if kept is None or marks.mark_of(node) is not None:
        return kept
    return kept if marks.text_of(node, marks.PLATE) == plate_of(node) else None


def plate_of(node: nuke.Node) -> str:
    """What tells whether a node still stands for the same plate: a Read's files; of others
    nothing, for they are what their name says."""
    return printf_pattern(file_of(node)) if node.Class() == "Read" else ""


def _candidates(node: nuke.Node, script: Script) -> Iterator[Name]:
    """Names that a node's shot may have, the best first."""
    *folders, file = plate_of(node).split("/")
    if file:
        sequence, shot = split_name(file, script.name)
    else:
        sequence, shot = script.name, fit_name(node.fullName(), otherwise="node")
    plain = shot
    yield sequence, shot
    for folder in filter(None, reversed(folders)):
        shot = fit_name(f"{folder}_{shot}", otherwise=shot)
        yield sequence, shot
    for number in count(2):
        yield sequence, f"{plain[:120]}_{number}"


def _folded(name: Name) -> Name:
    """Two of the three operating systems take names that differ in case for one folder."""
    return name[0].casefold(), name[1].casefold()


def file_name(shot: ShotId) -> str:
    """Beginning of the names of a shot's rendered files: nothing in it looks like a number."""
    return _NUMBER.sub("_", shot.shot).replace("%", "_")
