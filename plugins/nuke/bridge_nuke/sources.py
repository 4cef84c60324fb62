"""Nodes as shots: Reads with their files, others with the plate that is to be rendered.

A Read's files are sent as they lie, as long as they are what the Read shows. Where it fills gaps
(``missing frames`` is not ``error``), runs its frames through an expression, or converts from a
colour space that only this script has a name for, Nuke renders it instead, so that what is sent is
what the compositor sees. Nothing here looks at a disk: which frames are there is found out when
they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath, PureWindowsPath

import nuke

from bridge_core.host import HostProblem, HostShot
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import MOVIES, Plate, PlateKind, ending_of, printf_pattern
from bridge_core.models.shots import Shot, ShotId
from bridge_nuke import colour, marks
from bridge_nuke.names import file_name, file_of
from bridge_nuke.script import Script

#: Nodes that organise a script and have no picture of their own; selecting them means nothing.
_FURNITURE = frozenset({"Dot", "BackdropNode", "StickyNote", "Viewer"})


@dataclass(frozen=True, slots=True)
class Found:
    node: nuke.Node
    item: HostShot


@dataclass(frozen=True, slots=True)
class Sources:
    found: tuple[Found, ...]
    problems: tuple[HostProblem, ...]


def nodes_selected() -> list[nuke.Node]:
    """What is selected, without furniture."""
    selected = (node for node in nuke.selectedNodes() if node.Class() not in _FURNITURE)
    return sorted(selected, key=_reading_order)


def plates() -> list[nuke.Node]:
    """Every Read of the script that is a plate: not one that shows versions, and none within a
    group."""
    reads = nuke.allNodes("Read", group=nuke.root())
    return sorted((one for one in reads if marks.mark_of(one) is None), key=_reading_order)


def _reading_order(node: nuke.Node) -> tuple[int, int, str]:
    """From left to right, as the graph is read."""
    return node.xpos(), node.ypos(), node.fullName()


def look(
    nodes: Iterable[nuke.Node], script: Script, name: Callable[[nuke.Node], ShotId]
) -> Sources:
    """What these nodes are as shots."""
    standing = _standing_by_shot()
    found: list[Found] = []
    problems: list[HostProblem] = []
    for node in nodes:
        try:
            item = _shot_of(node, script, name(node), standing)
        except _Unfit as unfit:
            problems.append(HostProblem(node.name(), str(unfit), unfit.next_step))
        except ValueError as error:
            problems.append(HostProblem(node.name(), _words(error), "mend the node's file name"))
        else:
            found.append(Found(node, item))
    return Sources(tuple(found), tuple(problems))


def _words(error: ValueError) -> str:
    """What a model says of a value that it does not take, such as a name with two frame numbers."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return str(error)


class _Unfit(Exception):
    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.next_step = next_step


def _standing_by_shot() -> dict[tuple[str, str], list[tuple[marks.Standing, bool]]]:
    """Versions in the script by sequence and shot, each with whether its Read shows it."""
    found: dict[tuple[str, str], list[tuple[marks.Standing, bool]]] = {}
    for read, mark in marks.reads_with_marks():
        current = marks.shown(read, mark)
        listed = found.setdefault(mark.shot, [])
        listed += [(one, one == current) for one in mark.versions]
    for listed in found.values():
        listed.sort(key=lambda pair: pair[0].order)
    return found


def _shot_of(
    node: nuke.Node,
    script: Script,
    shot: ShotId,
    standing: dict[tuple[str, str], list[tuple[marks.Standing, bool]]],
) -> HostShot:
    if node.Class() == "Read":
        made, to_render = _of_read(node, script, shot)
    else:
        made, to_render = _to_be_rendered(node, script, shot, script.range), True
    versions = standing.get((shot.sequence, shot.shot), [])
    return HostShot(
        made,
        node.fullName(),
        node.name(),
        to_render,
        # A Read that was copied shows the same versions once more.
        tuple(dict.fromkeys(one.id for one, _ in versions)),
        next((one.id for one, current in reversed(versions) if current), ""),
    )


def _of_read(read: nuke.Node, script: Script, shot: ShotId) -> tuple[Shot, bool]:
    """
    :raises _Unfit: it has no file, or none of its frames.
    """
    path = _absolute(file_of(read))
    shift = read.firstFrame() - int(read["first"].value())
    there = _frames_of(read, path, script)
    try:
        space = colour.of_read(read)
    except colour.NoNamesake:
        space = None
        as_it_lies = False
    else:
        as_it_lies = _shows_its_files(read)
    movie = ending_of(path) in MOVIES
    if movie and not read["origset"].value():
        as_it_lies = False  # the Read may be trimmed, and a plate counts from a movie's first frame
    if not as_it_lies:
        return _to_be_rendered(read, script, shot, there.shifted(shift)), True
    form = read.format()
    plate = Plate(
        path=path,
        range=_whole_movie(read, there.rate) if movie else there,
        colour_space=space,
        width=form.width(),
        height=form.height(),
        pixel_aspect=form.pixelAspect(),
    )
    if plate.kind is PlateKind.STILL:
        plate = plate.model_copy(update={"range": FrameRange.of(1, 1, there.rate)})
    cut = there.meet(script.range.shifted(-shift)) or there
    return (
        Shot(
            id=shot,
            plate=plate,
            cut_range=cut,
            # What the Read does not show is no handle.
            head_handle=min(script.handles, cut.first - there.first),
            tail_handle=min(script.handles, there.last - cut.last),
            record_range=cut.shifted(shift),
        ),
        False,
    )


def _frames_of(read: nuke.Node, path: str, script: Script) -> FrameRange:
    """The files' frames that the Read shows: its range, within what was there when it was made."""
    first, last = int(read["first"].value()), int(read["last"].value())
    if "%" not in printf_pattern(path) and ending_of(path) not in MOVIES:
        first = last = 1
    elif read["origset"].value():
        first = max(first, int(read["origfirst"].value()))
        last = min(last, int(read["origlast"].value()))
    if last < first:
        raise _Unfit(
            f"its range {read['first'].value()}-{read['last'].value()} lies outside of its files, "
            f"{read['origfirst'].value()}-{read['origlast'].value()}",
            "set the Read's frame range to frames that exist",
        )
    return FrameRange.of(first, last, script.range.rate)


def _whole_movie(read: nuke.Node, rate: Fraction) -> FrameRange:
    """All frames of a movie, as it was when the Read was made."""
    return FrameRange.of(int(read["origfirst"].value()), int(read["origlast"].value()), rate)


def _shows_its_files(read: nuke.Node) -> bool:
    """Each frame of its range is the file of that number, or of one shifted by a constant."""
    through = str(read["frame_mode"].value()) == "expression" and str(read["frame"].value()).strip()
    return str(read["on_error"].value()) == "error" and through in ("", False, "frame")


def _to_be_rendered(node: nuke.Node, script: Script, shot: ShotId, shown: FrameRange) -> Shot:
    """Over the script's range as far as the node has it, with what it has beyond as handles. The
    frames count as the script's do."""
    if not node.channels():
        raise _Unfit(
            f"a {node.Class()} has no picture",
            "select the node whose picture is meant",
        )
    cut = shown.meet(script.range) or shown
    wide = cut.with_handles(script.handles, script.handles)
    first, last = sorted((node.firstFrame(), node.lastFrame()))
    met = wide.meet(FrameRange.of(first, last, cut.rate)) or cut
    form = node.format()
    plate = Plate(
        path=f"{file_name(shot)}.%04d.exr",
        range=FrameRange.of(min(cut.first, met.first), max(cut.last, met.last), cut.rate),
        colour_space=colour.working_space(),
        width=form.width(),
        height=form.height(),
        pixel_aspect=form.pixelAspect(),
    )
    return Shot(
        id=shot,
        plate=plate,
        cut_range=cut,
        head_handle=script.handles,
        tail_handle=script.handles,
        record_range=cut,
    )


def _absolute(file: str) -> str:
    """Nuke counts a path without a root from the project's directory."""
    if not file:
        raise _Unfit("the Read has no file", "choose a file in the Read, or leave it out")
    if PurePosixPath(file).is_absolute() or PureWindowsPath(file).is_absolute():
        return file
    directory = nuke.root()["project_directory"]
    assert isinstance(directory, nuke.File_Knob)
    project = str(directory.getEvaluatedValue() or "").replace("\\", "/")
    if not project:
        raise _Unfit(
            f"{file} is no whole path, and the project has no directory",
            "set the project's directory in the project settings, or choose the file again",
        )
    return str(PurePosixPath(project) / file)
