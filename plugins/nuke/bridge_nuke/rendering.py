"""Renders plates in Nuke, frame by frame, without leaving anything in the script.

For each frame a Write is created, executed and deleted within one call, without an undo step and
without marking the script as modified. Between two frames the script is as the artist left it and
can be edited, saved and undone. Only the nodes upstream of the plate must not change meanwhile:
the frames would not match. Frames are written as half float in the script's working space, without
conversion (``raw``); the plate names that space.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import nuke

from bridge_core.errors import HostError
from bridge_core.hosts.base import RenderStep
from bridge_core.hosts.plate_rendering import render_frames
from bridge_core.models.shots import Shot
from bridge_nuke.shot_names import render_file_stem

#: Knobs of the Write. ``file_type`` comes first: it creates the two after it.
_WRITE_KNOBS = {
    "file_type": "exr",
    "datatype": "16 bit half",
    "compression": "Zip (1 scanline)",
    "raw": True,
}

#: Knobs that change how a node looks in the interface, but not its picture.
_COSMETIC_KNOBS = frozenset(
    {"name", "selected", "xpos", "ypos", "label", "autolabel", "help", "bookmark", "dope_sheet"}
    | {"tile_color", "gl_color", "note_font", "note_font_size", "note_font_color", "icon"}
    | {"hide_input", "postage_stamp", "postage_stamp_frame", "cached", "indicators"}
    | {"knobChanged", "onCreate", "onDestroy", "updateUI"}
)
#: Part of the names of hidden knobs that store whether a colour panel is open.
_PANEL_STATE_KNOB = "panelDropped"
#: Knobs of the root that pictures depend on. Proxy mode does not: plates are rendered without it.
_ROOT_KNOBS = (  # noqa: SIM905
    "first_frame last_frame fps format project_directory colorManagement workingSpaceLUT"
    " OCIO_config customOCIOConfigPath floatLut int8Lut int16Lut logLut"
).split()
_ALL_DEPENDENCIES = nuke.INPUTS | nuke.HIDDEN_INPUTS | nuke.EXPRESSIONS | nuke.LINKINPUTS


def render(
    find_node: Callable[[], nuke.Node],
    shot: Shot,
    folder: Path,
    frames: Sequence[int],
    mute_callbacks: Callable[[], AbstractContextManager[None]],
) -> Generator[RenderStep, None, None]:
    """Render a shot; see :meth:`bridge_core.hosts.base.Host.render`.

    :param find_node: returns the node for each frame, or raises if it was deleted meanwhile.
    :raises HostError: an upstream node changed between two frames, or Nuke cannot render the node.
    """
    pattern = folder / f"{render_file_stem(shot.id)}.%04d.exr"
    initial_digests = upstream_digests(find_node())

    def write(frame: int, file: Path) -> tuple[()]:
        node = find_node()
        _check_unchanged(node, initial_digests)
        with mute_callbacks(), without_side_effects():
            write_frame(node, pattern, file, frame)
        return ()  # the frame is written at once

    return render_frames(shot, frames, pattern, write)


def _check_unchanged(node: nuke.Node, initial: dict[str, str]) -> None:
    current = upstream_digests(node)
    changed = sorted(name for name in initial | current if initial.get(name) != current.get(name))
    if changed:
        others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        message = f"{changed[0]}{others} changed while it was rendered: the frames would not match"
        next_step = "send it again, and do not change its upstream nodes until it is rendered"
        raise HostError(message, where=node.name(), next_step=next_step)


def upstream_digests(node: nuke.Node) -> dict[str, str]:
    """Digests of the node, of all nodes that it depends on (by an input, an expression, or as part
    of a group) and of the project settings, by name. Equal digests mean equal pictures, unless
    files were replaced."""
    settings = nuke.root().knobs()
    root_knobs = [(name, settings[name]) for name in _ROOT_KNOBS if name in settings]
    digests = {"the project settings": _digest(root_knobs)}
    pending = [node]
    while pending:
        current = pending.pop()
        name = current.fullName()
        if name in digests or current.Class() == "Root":
            continue
        links = current.dependencies(_ALL_DEPENDENCIES)
        pipes = [current.input(at) for at in range(current.inputs())]
        wired = " ".join(pipe.fullName() if pipe is not None else "-" for pipe in pipes)
        knobs = [
            (key, knob)
            for key, knob in current.knobs().items()
            if key not in _COSMETIC_KNOBS and _PANEL_STATE_KNOB not in key
        ]
        digests[name] = _digest(knobs, f"{current.Class()} {wired}")
        pending += [*links, current.parent()]
        if isinstance(current, nuke.Group):
            pending += current.nodes()
    return digests


def _digest(knobs: list[tuple[str, nuke.Knob]], prefix: str = "") -> str:
    text = "\n".join([prefix, *(f"{name} {knob.toScript()}" for name, knob in knobs)])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def write_frame(node: nuke.Node, pattern: Path, file: Path, frame: int) -> None:
    """Write one frame, inside :func:`without_side_effects`. ``file`` is ``pattern`` at ``frame``.

    :raises HostError: Nuke cannot render the frame, or somebody pressed Cancel.
    """
    with node.parent():
        write = nuke.nodes.Write()
        try:
            for name, value in _WRITE_KNOBS.items():
                write[name].setValue(value)
            write["file"].setValue(pattern.as_posix())
            alpha = "rgba.alpha" in node.channels()
            write["channels"].setValue("rgba" if alpha else "rgb")
            write.setInput(0, node)
            nuke.execute(write, frame, frame, 1, nuke.views()[:1])
        except RuntimeError as error:
            raise _render_error(node, frame, str(error)) from error
        finally:
            nuke.delete(write)
    if not file.is_file():
        raise _render_error(node, frame, "nothing was written")


def _render_error(node: nuke.Node, frame: int, reason: str) -> HostError:
    message = f"Nuke cannot render the frame: {reason}"
    next_step = "view this frame in the Viewer, correct the error, and send again"
    if "cancel" in reason.casefold():
        message, next_step = "the rendering was cancelled", "send the shot again"
    return HostError(message, where=f"{node.name()} at frame {frame}", next_step=next_step)


@contextmanager
def without_side_effects() -> Iterator[None]:
    """No undo step, no modified script, and full size even in proxy mode."""
    modified, proxy = nuke.modified(), nuke.root()["proxy"]
    was_proxy = bool(proxy.value())
    nuke.Undo.disable()
    try:
        if was_proxy:
            proxy.setValue(False)
        yield
    finally:
        if was_proxy:
            proxy.setValue(True)
        nuke.Undo.enable()
        nuke.modified(modified)
