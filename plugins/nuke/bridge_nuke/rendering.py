"""Renders plates in Nuke, frame by frame, without leaving anything in the script.

For each frame a Write is created, executed and deleted within one call, without an undo step and
without marking the script as modified. Between two frames the script is as the artist left it and
can be edited, saved and undone. Only the nodes upstream of the plate must not change meanwhile:
the frames would not match. Frames are written as half float in the script's working space, without
conversion (``raw``); the plate names that space.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import nuke

from bridge_core.errors import HostError
from bridge_core.hosts.base import RenderStep
from bridge_core.models.shots import Shot
from bridge_nuke.shot_names import render_file_stem
from bridge_nuke.upstream import upstream_digests

#: Knobs of the Write. ``file_type`` comes first: it creates the two after it.
_WRITE_KNOBS = {
    "file_type": "exr",
    "datatype": "16 bit half",
    "compression": "Zip (1 scanline)",
    "raw": True,
}


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
    frame_numbers = sorted(set(frames)) or list(shot.work_range.frames())
    pattern = folder / f"{render_file_stem(shot.id)}.%04d.exr"
    plate = shot.plate.model_copy(update={"path": pattern.as_posix()})
    rendered_shot = shot.model_copy(update={"plate": plate})
    finished = False
    initial_digests = upstream_digests(find_node())
    try:
        for count, frame in enumerate(frame_numbers, 1):
            node = find_node()
            _check_unchanged(node, initial_digests)
            with mute_callbacks(), without_side_effects():
                write_frame(node, pattern, Path(plate.path_at(frame)), frame)
            last = count == len(frame_numbers)
            finished = last
            yield RenderStep(count, len(frame_numbers), rendered_shot if last else None)
    finally:
        if not finished:
            for frame in frame_numbers:
                Path(plate.path_at(frame)).unlink(missing_ok=True)


def _check_unchanged(node: nuke.Node, initial: dict[str, str]) -> None:
    current = upstream_digests(node)
    changed = sorted(name for name in initial | current if initial.get(name) != current.get(name))
    if changed:
        others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise HostError(
            f"{changed[0]}{others} changed while it was rendered: the frames would not match",
            where=node.name(),
            next_step="send it again, and do not change its upstream nodes until it is rendered",
        )


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
    if "cancel" in reason.casefold():
        return HostError(
            "the rendering was cancelled",
            where=f"{node.name()} at frame {frame}",
            next_step="send the shot again",
        )
    return HostError(
        f"Nuke cannot render the frame: {reason}",
        where=f"{node.name()} at frame {frame}",
        next_step="view this frame in the Viewer, correct the error, and send again",
    )


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
