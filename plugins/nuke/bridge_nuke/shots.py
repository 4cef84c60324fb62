"""Reads shots from nodes: Reads with their files, other nodes with a plate to render.

A Read's files are sent unchanged if they are what the Read shows. If it fills gaps (``missing
frames`` is not ``error``), maps its frames by an expression, or converts from a colour space
without an OCIO name, Nuke renders it instead, so that the plate is what the compositor sees.
Nothing here accesses the disk: missing frames are found when the shot is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import nuke

from bridge_core.hosts.base import HostProblem, HostShot
from bridge_core.models.base import validation_message
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate, PlateKind, is_movie, to_printf_pattern
from bridge_core.models.shots import Shot, ShotId
from bridge_nuke import colour_spaces, user_knobs
from bridge_nuke.script_context import ScriptContext
from bridge_nuke.shot_names import file_pattern, render_file_stem

#: Nodes without a picture that only organise a script; ignored in the selection.
_NO_PICTURE_CLASSES = frozenset({"Dot", "BackdropNode", "StickyNote", "Viewer"})


@dataclass(frozen=True, slots=True)
class NukeShot:
    node: nuke.Node
    host_shot: HostShot


@dataclass(frozen=True, slots=True)
class NukeShotList:
    shots: tuple[NukeShot, ...]
    problems: tuple[HostProblem, ...]


def selected_nodes() -> list[nuke.Node]:
    """The selected nodes that have a picture."""
    selected = (node for node in nuke.selectedNodes() if node.Class() not in _NO_PICTURE_CLASSES)
    return sorted(selected, key=_reading_order)


def plate_reads() -> list[nuke.Node]:
    """Every Read of the script that is a plate: without those that show versions or are inside a
    group."""
    reads = nuke.allNodes("Read", group=nuke.root())
    plates = (read for read in reads if user_knobs.version_knobs(read) is None)
    return sorted(plates, key=_reading_order)


def _reading_order(node: nuke.Node) -> tuple[int, int, str]:
    """From left to right, as the graph is read."""
    return node.xpos(), node.ypos(), node.fullName()


#: Versions by sequence and shot, each with whether its Read shows it.
VersionsByShot = dict[tuple[str, str], list[tuple[user_knobs.ReadNodeVersion, bool]]]


def collect_shots(
    nodes: Iterable[nuke.Node],
    script: ScriptContext,
    shot_id_of: Callable[[nuke.Node], ShotId],
    placed: VersionsByShot,
) -> NukeShotList:
    """The shots of these nodes, with the versions of :func:`versions_by_shot`."""
    shots: list[NukeShot] = []
    problems: list[HostProblem] = []
    for node in nodes:
        try:
            item = _to_host_shot(node, script, shot_id_of(node), placed)
        except _UnsupportedNodeError as error:
            problems.append(HostProblem(node.name(), str(error), error.next_step))
        except ValueError as error:
            message = validation_message(error)
            problems.append(HostProblem(node.name(), message, "correct the node's file name"))
        else:
            shots.append(NukeShot(node, item))
    return NukeShotList(tuple(shots), tuple(problems))


class _UnsupportedNodeError(Exception):
    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


def versions_by_shot() -> VersionsByShot:
    """The versions in the script; scans all of its Reads."""
    by_shot: VersionsByShot = {}
    for read, knobs in user_knobs.versioned_reads():
        current = user_knobs.shown_version(read, knobs)
        listed = by_shot.setdefault(knobs.shot, [])
        listed += [(version, version == current) for version in knobs.versions]
    for listed in by_shot.values():
        listed.sort(key=lambda pair: pair[0].placement_index)
    return by_shot


def _to_host_shot(
    node: nuke.Node, script: ScriptContext, shot: ShotId, placed: VersionsByShot
) -> HostShot:
    if node.Class() == "Read":
        built, to_render = _shot_from_read(node, script, shot)
    else:
        built, to_render = _shot_to_render(node, script, shot, script.range), True
    versions = placed.get((shot.sequence, shot.shot), [])
    return HostShot(
        built,
        node.fullName(),
        node.name(),
        to_render,
        # A copied Read shows the same versions again.
        tuple(dict.fromkeys(version.id for version, _ in versions)),
        next((version.id for version, current in reversed(versions) if current), ""),
    )


def _shot_from_read(read: nuke.Node, script: ScriptContext, shot: ShotId) -> tuple[Shot, bool]:
    """:raises _UnsupportedNodeError: it has no file, or none of its frames."""
    path = _absolute_path(file_pattern(read))
    shift = read.firstFrame() - int(read["first"].value())
    available = _shown_file_range(read, path, script)
    movie = is_movie(path)
    # Without an original range, the Read of a movie may be trimmed: the plate's range would not
    # start at the movie's first frame.
    is_plain_read = _maps_frames_to_files(read) and (not movie or bool(read["origset"].value()))
    try:
        space = colour_spaces.read_space(read)
    except colour_spaces.NoOcioNameError:
        is_plain_read = False
    if not is_plain_read:
        return _shot_to_render(read, script, shot, available.shifted(shift)), True
    frames = available
    if movie:
        first, last = int(read["origfirst"].value()), int(read["origlast"].value())
        frames = FrameRange.of(first, last, available.rate)
    plate = _plate(read, path, frames, space)
    if plate.kind is PlateKind.STILL:
        plate = plate.model_copy(update={"range": FrameRange.of(1, 1, available.rate)})
    cut = available.intersection(script.range.shifted(-shift)) or available
    built = Shot(
        id=shot,
        plate=plate,
        cut_range=cut,
        # Frames that the Read does not show are not handles.
        head_handle=min(script.handles, cut.first - available.first),
        tail_handle=min(script.handles, available.last - cut.last),
        record_range=cut.shifted(shift),
    )
    return built, False


def _shown_file_range(read: nuke.Node, path: str, script: ScriptContext) -> FrameRange:
    """The file frames that the Read shows: its range within the original range."""
    first, last = int(read["first"].value()), int(read["last"].value())
    if "%" not in to_printf_pattern(path) and not is_movie(path):
        first = last = 1
    elif read["origset"].value():
        first = max(first, int(read["origfirst"].value()))
        last = min(last, int(read["origlast"].value()))
    if last < first:
        raise _UnsupportedNodeError(
            f"its range {read['first'].value()}-{read['last'].value()} lies outside of its files, "
            f"{read['origfirst'].value()}-{read['origlast'].value()}",
            "set the Read's frame range to frames that exist",
        )
    return FrameRange.of(first, last, script.range.rate)


def _plate(node: nuke.Node, path: str, frames: FrameRange, space: str | None) -> Plate:
    node_format = node.format()
    return Plate(
        path=path,
        range=frames,
        colour_space=space,
        width=node_format.width(),
        height=node_format.height(),
        pixel_aspect=node_format.pixelAspect(),
    )


def _maps_frames_to_files(read: nuke.Node) -> bool:
    """Whether each frame is the file of the same number, up to a constant offset."""
    if str(read["on_error"].value()) != "error":
        return False
    is_expression = str(read["frame_mode"].value()) == "expression"
    return not is_expression or str(read["frame"].value()).strip() in ("", "frame")


def _shot_to_render(
    node: nuke.Node, script: ScriptContext, shot: ShotId, shown_range: FrameRange
) -> Shot:
    """A shot over the script's range as far as the node has it, with the node's other frames as
    handles. Frame numbers are those of the script."""
    if not node.channels():
        next_step = "select the node with the picture"
        raise _UnsupportedNodeError(f"a {node.Class()} has no picture", next_step)
    cut = shown_range.intersection(script.range) or shown_range
    with_handles = cut.with_handles(script.handles, script.handles)
    first, last = sorted((node.firstFrame(), node.lastFrame()))
    available = with_handles.intersection(FrameRange.of(first, last, cut.rate)) or cut
    first, last = min(cut.first, available.first), max(cut.last, available.last)
    path, frames = f"{render_file_stem(shot)}.%04d.exr", FrameRange.of(first, last, cut.rate)
    plate = _plate(node, path, frames, colour_spaces.working_space())
    return Shot(
        id=shot,
        plate=plate,
        cut_range=cut,
        head_handle=script.handles,
        tail_handle=script.handles,
        record_range=cut,
    )


def _absolute_path(file: str) -> str:
    """The absolute path; Nuke resolves relative paths against the project directory."""
    if not file:
        next_step = "choose a file in the Read, or deselect it"
        raise _UnsupportedNodeError("the Read has no file", next_step)
    if PurePosixPath(file).is_absolute() or PureWindowsPath(file).is_absolute():
        return file
    directory = nuke.root()["project_directory"]
    assert isinstance(directory, nuke.File_Knob)
    project = str(directory.getEvaluatedValue() or "").replace("\\", "/")
    if not project:
        message = f"{file} is a relative path, and the project has no directory"
        next_step = "set the project's directory in the project settings, or choose the file again"
        raise _UnsupportedNodeError(message, next_step)
    return str(PurePosixPath(project) / file)
