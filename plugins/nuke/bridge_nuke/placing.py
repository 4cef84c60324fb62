"""Versions as Reads beside their source, each with a choice; mattes by a Shuffle."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import nuke

from bridge_core.errors import HostError
from bridge_core.host import PlaceAs, Placed, Placement
from bridge_core.models.versions import Output
from bridge_nuke import colour, marks, versions
from bridge_nuke.names import plate_of
from bridge_nuke.sources import Found

READ, ALPHA = "read", "alpha"
WAYS = (
    PlaceAs(READ, "Read beside its source"),
    PlaceAs(ALPHA, "Read and Shuffle, as its source's alpha"),
)

#: Channels by Nuke's names; of a lone luminance Nuke makes red, green and blue.
_COLOURS = ("rgba.red", "rgba.green", "rgba.blue")
#: Room between two nodes, in the graph's units.
_GAP = 30


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A placement that was found to be possible."""

    source: Found
    placement: Placement
    output: Output


def place(find: Callable[[str], Found], show: str, placements: Sequence[Placement]) -> Placed:
    """As :meth:`bridge_core.host.Host.place`; one undo takes all of it back.

    :raises HostError: ``find`` knows no such handle, or a version does not fit its shot.
    """
    wanted = [_checked(find(one.handle), one) for one in placements]
    said: list[str] = []
    with _one_undo("Place versions"):
        for one in wanted:
            said += _place(one, show)
    return Placed(". ".join(said) or "nothing was to be placed")


def _checked(source: Found, placement: Placement) -> _Wanted:
    version, shot = placement.version, source.item.shot
    where = f"{source.item.source}, {version.service} {version.label}"
    if placement.place_as not in {"", *(way.id for way in WAYS)}:
        raise HostError(
            f"there is no way of placing called {placement.place_as}",
            where=where,
            next_step=f"choose one of {', '.join(way.id for way in WAYS)}",
        )
    if version.shot != shot.id:
        raise HostError(
            f"this version was made of {version.shot}, and the node stands for {shot.id} now",
            where=where,
            next_step="select the node that the version was made of",
        )
    output = next((one for one in version.outputs if one.name == placement.output), None)
    if output is None:
        raise HostError(
            f"the version has no pictures called {placement.output}",
            where=where,
            next_step=f"choose {', '.join(one.name for one in version.outputs)}",
        )
    if not output.range.covers(shot.cut_range):
        raise HostError(
            f"the version holds {output.range}, and the script shows {shot.cut_range} of it",
            where=where,
            next_step="set the script's range to what the version holds, or have it made again",
        )
    return _Wanted(source, placement, output)


@contextmanager
def _one_undo(name: str) -> Iterator[None]:
    """
    :raises HostError: Nuke refused something; all of it is taken back.
    """
    nuke.Undo.begin(name)
    try:
        yield
    except Exception as error:
        nuke.Undo.cancel()
        raise HostError(
            f"Nuke refused what placing needs, and all of it was taken back: {error}",
            where=f"Nuke {nuke.NUKE_VERSION_STRING}",
            next_step="tell whoever keeps Shotbridge",
        ) from error
    nuke.Undo.end()


def _place(one: _Wanted, show: str) -> list[str]:
    """What was done, in sentences."""
    source, placement = one.source.node, one.placement
    shot = placement.version.shot
    sentences = []
    what = _what(one)
    read = _read_for(one, what)
    standing, mending = _standing(one, read)
    kept, of_source = marks.mark_of(read), marks.mark_of(source)
    plate = plate_of(source) if of_source is None else of_source.plate
    mark = _with(kept or marks.Mark((shot.sequence, shot.shot), plate, what, ()), standing)
    current = next(v for v in mark.versions if v.id == standing.id)
    if kept != mark or marks.shown(read, mark) != current:
        marks.keep_versions(read, mark, current)
        versions.show(read, current)
        sentences.append(f"{what} {current.label} is in {read.name()}")
    if of_source is None:
        marks.keep_shot(source, (shot.sequence, shot.shot), plate)
    marks.keep_show(show)
    if placement.place_as == ALPHA and not _is_wired(source, read):
        sentences.append(f"{_wire(one, read).name()} has it as its alpha")
    if mending:
        sentences.append(mending)
    return sentences or [f"{what} {current.label} was there already"]


def _what(one: _Wanted) -> str:
    """``Upscale``; of other pictures than the main ones, ``Matte, matte``."""
    service = one.placement.version.service.replace("_", " ").capitalize()
    return service if one.output.name == "main" else f"{service}, {one.output.name}"


def _read_for(one: _Wanted, what: str) -> nuke.Node:
    """The Read that shows this service's versions of this shot, or a new one beside the source."""
    shot = one.placement.version.shot
    for read, mark in marks.reads_with_marks():
        if mark.shot == (shot.sequence, shot.shot) and mark.what == what:
            return read
    source = one.source.node
    with source.parent():
        read = nuke.nodes.Read()
        read["label"].setValue(f"{what} [value {marks.VERSION}]")
        for name in ("before", "after"):
            if source.Class() == "Read":
                read[name].setValue(source[name].value())
        read.setXYpos(*_free_place(source))
    return read


def _standing(one: _Wanted, read: nuke.Node) -> tuple[marks.Standing, str]:
    """The version as the Read keeps it, and what a person has to mend by hand, if anything."""
    version, output, shot = one.placement.version, one.output, one.source.item.shot
    folder = one.placement.folder
    base = folder.as_posix() if folder is not None else version.folder.replace("\\", "/")
    source = one.source.node
    space, mending = "", ""
    if output.colour_space.casefold() not in ("data", "raw"):
        space, mending = _colour(one, read)
    mode, frame = "expression", ""
    if source.Class() == "Read" and not one.source.item.to_render:
        mode, frame = str(source["frame_mode"].value()), str(source["frame"].value())
        if mode == "start at":
            assert shot.record_range is not None
            shift = shot.record_range.first - shot.cut_range.first
            frame = str(output.range.first + shift)
    return (
        marks.Standing(
            id=version.id,
            number=version.number,
            label=version.label,
            path=str(PurePosixPath(base) / output.pattern),
            first=output.range.first,
            last=output.range.last,
            width=output.width,
            height=output.height,
            pixel_aspect=output.pixel_aspect,
            colour=space,
            frame_mode=mode,
            frame=frame,
            order=0,
        ),
        mending,
    )


def _colour(one: _Wanted, read: nuke.Node) -> tuple[str, str]:
    """The value for the Read's colour space, empty for data as it is: the source's own where the
    version came back in its space, else what the script calls it."""
    source, space = one.source.node, one.output.colour_space
    plate = one.source.item.shot.plate
    if source.Class() == "Read" and not one.source.item.to_render:
        # The gateway found the space of raw files by itself and gave them back in it.
        if source["raw"].value():
            return "", ""
        if space == plate.colour_space:
            return str(source["colorspace"].value()), ""
    found = colour.choice_for(read, space)
    if found is not None:
        return found, ""
    return str(read["colorspace"].value()), (
        f"this script's colour management has no {space}: set the colour space of {read.name()}"
    )


def _with(mark: marks.Mark, standing: marks.Standing) -> marks.Mark:
    """A mark with the version in it: as it was where it is the same, in its place among older and
    newer ones where it is new."""
    before = next((one for one in mark.versions if one.id == standing.id), None)
    if before is not None:
        now = replace(standing, label=before.label, order=before.order)
        return replace(mark, versions=tuple(now if v is before else v for v in mark.versions))
    taken = {one.label for one in mark.versions}
    label, number = standing.label, 2
    while label in taken:
        label, number = f"{standing.label} ({number})", number + 1
    new = replace(standing, label=label, order=_next_order())
    in_turn = sorted((*mark.versions, new), key=lambda one: (one.number, one.order))
    return replace(mark, versions=tuple(in_turn))


def _next_order() -> int:
    return 1 + max(
        (one.order for _, mark in marks.reads_with_marks() for one in mark.versions), default=0
    )


# The alpha


def _is_wired(source: nuke.Node, read: nuke.Node) -> bool:
    shuffles = nuke.allNodes("Shuffle2", group=nuke.root(), recurseGroups=True)
    return any((one.input(0), one.input(1)) == (source, read) for one in shuffles)


def _wire(one: _Wanted, read: nuke.Node) -> nuke.Node:
    """A Shuffle with the source's colours, and the version's alpha or else its red as alpha. It
    feeds nothing yet: where it goes in the graph is the compositor's to say."""
    source = one.source.node
    matte = "rgba.alpha" if _has_alpha(one.output.channels) else "rgba.red"
    with source.parent():
        shuffle = nuke.nodes.Shuffle2(inputs=[source, read])
        shuffle["fromInput1"].setValue("B")
        shuffle["fromInput2"].setValue("A")
        shuffle["in1"].setValue("rgba")
        shuffle["in2"].setValue("rgba")
        wires = [(0, name, name) for name in _COLOURS]
        shuffle["mappings"].setValue([*wires, (1, matte, "rgba.alpha")])
        shuffle["label"].setValue(f"{_what(one)} as alpha")
        shuffle.setXYpos(read.xpos(), read.ypos() + read.screenHeight() + _GAP)
    return shuffle


def _has_alpha(channels: Sequence[str]) -> bool:
    return any(re.fullmatch(r"(?:rgba\.)?a(?:lpha)?", name, re.IGNORECASE) for name in channels)


def _free_place(source: nuke.Node) -> tuple[int, int]:
    """Beside the source, to the right of what stands there."""
    wide, high = source.screenWidth() + _GAP, source.screenHeight() + _GAP
    x, y = source.xpos() + wide, source.ypos()
    others = [
        (one.xpos(), one.ypos())
        for one in nuke.allNodes(group=source.parent())
        if one.Class() != "BackdropNode"
    ]
    while any(abs(left - x) < wide and abs(top - y) < high for left, top in others):
        x += wide
    return x, y
