"""What shots take from the open script: show, name, frame range, rate.

Nuke has no timeline: the script is the shot. Its frame range is the cut range; frames that nodes
have beyond it are handles.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import nuke

from bridge_core.models.frames import FrameRange
from bridge_core.models.shots import sanitise_name, strip_version
from bridge_nuke import user_knobs

if TYPE_CHECKING:
    from bridge_core.models.settings import WorkSettings


@dataclass(frozen=True, slots=True)
class ScriptContext:
    title: str
    """The file's name; ``untitled`` before it is saved."""
    name: str
    """The title without version and extension: the same for every version of the script."""
    folder: str
    """The script's folder; ``.`` before it is saved."""
    show: str
    range: FrameRange
    """``first_frame`` to ``last_frame`` at the script's rate."""
    handles: int
    """Requested frames before and after the range."""


def read_script_context(work: WorkSettings) -> ScriptContext:
    """The show is the configured one (``work.show``), else the one stored in the script when a
    version was placed, else the script's name.

    :raises ValueError: the script's range or rate is not valid.
    """
    root = nuke.root()
    file = PurePath(str(root["name"].value()).replace("\\", "/"))
    title = file.name or "untitled"
    name = sanitise_name(strip_version(file.stem), default="untitled")
    first, last = sorted((int(root["first_frame"].value()), int(root["last_frame"].value())))
    return ScriptContext(
        title=title,
        name=name,
        folder=file.parent.as_posix(),
        show=sanitise_name(work.show or user_knobs.stored_show() or name, default="show"),
        range=FrameRange.of(first, last, float(root["fps"].value())),
        handles=work.handles,
    )
