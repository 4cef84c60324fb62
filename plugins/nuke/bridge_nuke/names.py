"""What the shots of a script are called: the same whenever the script is opened again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import PurePath

import nuke

from bridge_core.models.shots import ShotId, fit_name
from bridge_core.timeline.naming import split_name
from bridge_nuke import marks
from bridge_nuke.script import Script

_NUMBER = re.compile(r"%0?\d*d|#+|@+")


def file_of(read: nuke.Node) -> str:
    """The pattern that a Read reads, without TCL, with ``/``; of several views the first one."""
    knob = read["file"]
    assert isinstance(knob, nuke.File_Knob)
    file = str(knob.getEvaluatedValue() or "").replace("\\", "/")
    view = nuke.views()[0]
    return file.replace("%V", view).replace("%v", view[:1])


def namer(script: Script) -> Callable[[nuke.Node], ShotId]:
    """Gives the nodes of a script their shots' names.

    A Read's shot is called as its files are, split as a clip's name in a cut; any other node's as
    the node. What a node keeps since a version of it was placed goes before that, as long as it
    shows the same files. Reads whose files have one name but lie apart get their folder's name in
    front, so that versions of one never turn up at the other.
    """
    twice = _names_that_are_not_enough(
        nuke.allNodes("Read", group=nuke.root(), recurseGroups=True), script
    )

    def name(node: nuke.Node) -> ShotId:
        sequence, shot = kept_name(node) or _derived(node, script)
        if not kept_name(node) and (sequence, shot) in twice and node.Class() == "Read":
            folder = PurePath(file_of(node)).parent.name
            shot = fit_name(f"{folder}_{shot}", otherwise=shot)
        return ShotId(show=script.show, sequence=sequence, shot=shot)

    return name


def kept_name(node: nuke.Node) -> tuple[str, str] | None:
    """Sequence and shot that the node keeps, unless it shows other files since."""
    kept = marks.shot_of(node)
    if kept is None or marks.mark_of(node) is not None:
        return kept
    return kept if marks.text_of(node, marks.PLATE) == plate_of(node) else None


def plate_of(node: nuke.Node) -> str:
    """What tells whether a node still stands for the same plate: a Read's files; of others
    nothing, for they are what their name says."""
    return file_of(node) if node.Class() == "Read" else ""


def _derived(node: nuke.Node, script: Script) -> tuple[str, str]:
    if node.Class() != "Read":
        return script.name, fit_name(node.fullName(), otherwise="node")
    return split_name(PurePath(file_of(node)).name, script.name)


def _names_that_are_not_enough(reads: Iterable[nuke.Node], script: Script) -> set[tuple[str, str]]:
    files: dict[tuple[str, str], set[str]] = {}
    for read in reads:
        if kept_name(read) is None and file_of(read):
            files.setdefault(_derived(read, script), set()).add(file_of(read))
    return {name for name, patterns in files.items() if len(patterns) > 1}


def file_name(shot: ShotId) -> str:
    """Beginning of the names of a shot's rendered files: nothing in it looks like a number."""
    return _NUMBER.sub("_", shot.shot).replace("%", "_")
