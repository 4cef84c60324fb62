"""Places versions: as Reads beside their source with a version menu, and mattes by a Shuffle."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import PurePosixPath

import nuke

from bridge_core.errors import HostError
from bridge_core.hosts.base import Placement, PlacementMode, PlacementResult
from bridge_core.hosts.placement_plan import PlacementPlan, plan_placement
from bridge_nuke import colour_spaces, user_knobs, version_switch
from bridge_nuke.shot_names import plate_pattern
from bridge_nuke.shots import NukeShot

READ, ALPHA = "read", "alpha"
PLACEMENT_MODES = (
    PlacementMode(READ, "Read beside its source"),
    PlacementMode(ALPHA, "Read and Shuffle, as its source's alpha"),
)

#: Nuke's channel names; Nuke reads a single luminance channel as red, green and blue.
_RGB_CHANNELS = ("rgba.red", "rgba.green", "rgba.blue")
#: Space between two nodes, in units of the node graph.
_NODE_SPACING = 30


@dataclass(frozen=True, slots=True)
class _NukePlacement:
    """A checked placement, and the node that its shot was read from."""

    source: nuke.Node
    plan: PlacementPlan


def place(
    find: Callable[[str], NukeShot], show: str, placements: Sequence[Placement], *, where: str
) -> PlacementResult:
    """Place versions; see :meth:`bridge_core.hosts.base.Host.place`. One undo reverts all of it.

    :param find: returns the shot of an item id.
    :raises HostError: ``find`` does not know an item id, or a version does not fit its shot.
    """
    nuke_placements: list[_NukePlacement] = []
    for placement in placements:
        node_shot = find(placement.item_id)
        plan = plan_placement(node_shot.host_shot, placement, PLACEMENT_MODES, where=where)
        nuke_placements.append(_NukePlacement(node_shot.node, plan))
    sentences: list[str] = []
    with _single_undo("Place versions"):
        for nuke_placement in nuke_placements:
            sentences += _place_version(nuke_placement, show)
    return PlacementResult(". ".join(sentences) or "nothing was to be placed")


@contextmanager
def _single_undo(name: str) -> Iterator[None]:
    """One undo step for everything inside.

    :raises HostError: a call of Nuke failed; everything was reverted.
    """
    nuke.Undo.begin(name)
    try:
        yield
    except Exception as error:
        nuke.Undo.cancel()
        message = f"Nuke could not place the versions, and everything was reverted: {error}"
        where = f"Nuke {nuke.NUKE_VERSION_STRING}"
        next_step = "report this to whoever maintains Shotbridge"
        raise HostError(message, where=where, next_step=next_step) from error
    nuke.Undo.end()


def _place_version(placement: _NukePlacement, show: str) -> list[str]:
    """Sentences that say what was done."""
    source, plan = placement.source, placement.plan
    shot = plan.version.shot
    sentences = []
    output_title = _output_title(placement)
    read = _find_or_create_read(placement, output_title)
    node_version, manual_step = _version_for_read(placement, read)
    stored, source_knobs = user_knobs.version_knobs(read), user_knobs.version_knobs(source)
    plate = plate_pattern(source) if source_knobs is None else source_knobs.plate
    new_knobs = user_knobs.VersionKnobs((shot.sequence, shot.shot), plate, output_title, ())
    knobs = _with_version(stored or new_knobs, node_version)
    current = next(v for v in knobs.versions if v.id == node_version.id)
    if stored != knobs or user_knobs.shown_version(read, knobs) != current:
        user_knobs.store_versions(read, knobs, current)
        version_switch.show_version(read, current)
        sentences.append(f"{output_title} {current.label} is in {read.name()}")
    if source_knobs is None:
        user_knobs.store_shot(source, (shot.sequence, shot.shot), plate)
    user_knobs.store_show(show)
    if plan.mode_id == ALPHA and not _has_alpha_shuffle(source, read):
        sentences.append(f"{_create_alpha_shuffle(placement, read).name()} has it as its alpha")
    if manual_step:
        sentences.append(manual_step)
    return sentences or [f"{output_title} {current.label} is placed already"]


def _output_title(placement: _NukePlacement) -> str:
    """``Upscale``, or ``Matte, matte`` for an output that is not the main one."""
    service = placement.plan.version.service.replace("_", " ").capitalize()
    output = placement.plan.output.name
    return service if output == "main" else f"{service}, {output}"


def _find_or_create_read(placement: _NukePlacement, output_title: str) -> nuke.Node:
    """The Read for this service's versions of this shot, or a new one beside the source."""
    shot = placement.plan.version.shot
    for read, knobs in user_knobs.versioned_reads():
        if knobs.shot == (shot.sequence, shot.shot) and knobs.output_title == output_title:
            return read
    source = placement.source
    with source.parent():
        read = nuke.nodes.Read()
        read["label"].setValue(f"{output_title} [value {user_knobs.VERSION_KNOB}]")
        for name in ("before", "after"):
            if source.Class() == "Read":
                read[name].setValue(source[name].value())
        read.setXYpos(*_free_position(source))
    return read


def _version_for_read(
    placement: _NukePlacement, read: nuke.Node
) -> tuple[user_knobs.ReadNodeVersion, str]:
    """The version as the Read stores it, and what has to be set by hand, if anything."""
    source, plan = placement.source, placement.plan
    version, output, shot = plan.version, plan.output, plan.host_shot.shot
    folder = plan.placement.folder
    base_folder = folder.as_posix() if folder is not None else version.folder.replace("\\", "/")
    space, manual_step = "", ""
    if output.colour_space.casefold() not in ("data", "raw"):
        space, manual_step = _colour_space_for_read(placement, read)
    mode, frame = "expression", ""
    if source.Class() == "Read" and not plan.host_shot.needs_render:
        mode, frame = str(source["frame_mode"].value()), str(source["frame"].value())
        if mode == "start at":
            assert shot.record_range is not None
            shift = shot.record_range.first - shot.cut_range.first
            frame = str(output.range.first + shift)
    node_version = user_knobs.ReadNodeVersion(
        id=version.id,
        number=version.number,
        label=version.label,
        path=str(PurePosixPath(base_folder) / output.pattern),
        first=output.range.first,
        last=output.range.last,
        width=output.width,
        height=output.height,
        pixel_aspect=output.pixel_aspect,
        colour_space=space,
        frame_mode=mode,
        frame=frame,
        placement_index=0,
    )
    return node_version, manual_step


def _colour_space_for_read(placement: _NukePlacement, read: nuke.Node) -> tuple[str, str]:
    """The value for the Read's colour space knob, empty for raw, and what has to be set by hand.

    If the version has the plate's colour space, the value is the source's own.
    """
    source, space = placement.source, placement.plan.output.colour_space
    host_shot = placement.plan.host_shot
    if source.Class() == "Read" and not host_shot.needs_render:
        # The gateway determined the space of the raw files and wrote the version in the same.
        if source["raw"].value():
            return "", ""
        if space == host_shot.shot.plate.colour_space:
            return str(source["colorspace"].value()), ""
    choice = colour_spaces.choice_for(read, space)
    if choice is not None:
        return choice, ""
    missing = f"this script's colour management has no {space}"
    return str(read["colorspace"].value()), f"{missing}: set the colour space of {read.name()}"


def _with_version(
    knobs: user_knobs.VersionKnobs, node_version: user_knobs.ReadNodeVersion
) -> user_knobs.VersionKnobs:
    """The knobs with the version added in the order of version numbers, or updated if it is there
    already."""
    previous = next((version for version in knobs.versions if version.id == node_version.id), None)
    if previous is not None:
        index = previous.placement_index
        updated = replace(node_version, label=previous.label, placement_index=index)
        kept = (updated if v is previous else v for v in knobs.versions)
        return replace(knobs, versions=tuple(kept))
    used_labels = {version.label for version in knobs.versions}
    label, number = node_version.label, 2
    while label in used_labels:
        label, number = f"{node_version.label} ({number})", number + 1
    new = replace(node_version, label=label, placement_index=_next_placement_index())
    in_turn = sorted((*knobs.versions, new), key=attrgetter("number", "placement_index"))
    return replace(knobs, versions=tuple(in_turn))


def _next_placement_index() -> int:
    placed = (version for _, knobs in user_knobs.versioned_reads() for version in knobs.versions)
    return 1 + max((version.placement_index for version in placed), default=0)


# The alpha


def _has_alpha_shuffle(source: nuke.Node, read: nuke.Node) -> bool:
    shuffles = nuke.allNodes("Shuffle2", group=nuke.root(), recurseGroups=True)
    return any((shuffle.input(0), shuffle.input(1)) == (source, read) for shuffle in shuffles)


def _create_alpha_shuffle(placement: _NukePlacement, read: nuke.Node) -> nuke.Node:
    """A Shuffle with the source's colours, and the version's alpha or red channel as alpha. It is
    not connected to anything: the compositor decides where it goes."""
    source = placement.source
    matte = "rgba.alpha" if _has_alpha(placement.plan.output.channels) else "rgba.red"
    with source.parent():
        shuffle = nuke.nodes.Shuffle2(inputs=[source, read])
        inputs = {"fromInput1": "B", "fromInput2": "A", "in1": "rgba", "in2": "rgba"}
        for name, value in inputs.items():
            shuffle[name].setValue(value)
        wires = [(0, name, name) for name in _RGB_CHANNELS]
        shuffle["mappings"].setValue([*wires, (1, matte, "rgba.alpha")])
        shuffle["label"].setValue(f"{_output_title(placement)} as alpha")
        shuffle.setXYpos(read.xpos(), read.ypos() + read.screenHeight() + _NODE_SPACING)
    return shuffle


def _has_alpha(channels: Sequence[str]) -> bool:
    return any(re.fullmatch(r"(?:rgba\.)?a(?:lpha)?", name, re.IGNORECASE) for name in channels)


def _free_position(source: nuke.Node) -> tuple[int, int]:
    """The nearest free position to the right of the source."""
    column_width = source.screenWidth() + _NODE_SPACING
    row_height = source.screenHeight() + _NODE_SPACING
    x, y = source.xpos() + column_width, source.ypos()
    nodes = nuke.allNodes(group=source.parent())
    others = [(node.xpos(), node.ypos()) for node in nodes if node.Class() != "BackdropNode"]
    while any(abs(left - x) < column_width and abs(top - y) < row_height for left, top in others):
        x += column_width
    return x, y
