"""Stepping through the versions that a Read can show. Light: a render farm imports it as well."""

from __future__ import annotations

import nuke

from bridge_nuke import marks


def show(read: nuke.Node, version: marks.Standing) -> None:
    """Have a Read show a version: its files, range, size and colour space."""
    values: dict[str, object] = {
        "file": version.path,
        "first": version.first,
        "last": version.last,
        "origfirst": version.first,
        "origlast": version.last,
        "origset": True,
        "frame_mode": version.frame_mode,
        "frame": version.frame,
        "raw": not version.colour,
        "format": _format(version.width, version.height, version.pixel_aspect),
    }
    if version.colour:
        values["colorspace"] = version.colour
    for name, value in values.items():
        read[name].setValue(value)


def step(read: nuke.Node, by: int) -> None:
    """Show the version after the one that is shown, or before it (``by`` -1); the first and the
    last stay."""
    mark, choice = marks.mark_of(read), read.knob(marks.VERSION)
    if mark is None or choice is None:
        return
    labels = [one.label for one in mark.versions]
    at = labels.index(str(choice.value())) + by
    if 0 <= at < len(labels):
        choice.setValue(labels[at])
        show(read, mark.versions[at])


def knob_changed() -> None:
    """Called by Nuke for every knob of a Read: follows its choice of a version."""
    knob = nuke.thisKnob()
    if knob is None or knob.name() != marks.VERSION:
        return
    read = nuke.thisNode()
    mark = marks.mark_of(read)
    version = mark.find(label=str(knob.value())) if mark is not None else None
    if mark is not None and version is not None and marks.shown(read, mark) != version:
        show(read, version)


def _format(width: int, height: int, pixel_aspect: float) -> nuke.Format:
    """One that the script has, or else a new one, named by its size."""
    for one in nuke.formats():
        same = (one.width(), one.height()) == (width, height)
        if same and abs(one.pixelAspect() - pixel_aspect) < 1e-4:
            return one
    name = f"Shotbridge_{width}x{height}"
    return nuke.addFormat(f"{width} {height} 0 0 {width} {height} {pixel_aspect:g} {name}")
