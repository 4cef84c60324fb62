"""Switches the version that a Read shows. Imports little: render farms load it as well."""

from __future__ import annotations

import nuke

from bridge_nuke import user_knobs


def show_version(read: nuke.Node, version: user_knobs.ReadNodeVersion) -> None:
    """Set a Read to a version: its files, range, format and colour space."""
    values: dict[str, object] = {
        "file": version.path,
        "first": version.first,
        "last": version.last,
        "origfirst": version.first,
        "origlast": version.last,
        "origset": True,
        "frame_mode": version.frame_mode,
        "frame": version.frame,
        "raw": not version.colour_space,
        "format": _find_or_create_format(version.width, version.height, version.pixel_aspect),
    }
    if version.colour_space:
        values["colorspace"] = version.colour_space
    for name, value in values.items():
        read[name].setValue(value)


def step_version(read: nuke.Node, offset: int) -> None:
    """Show the next version, or with an ``offset`` of -1 the previous one. Nothing happens after
    the last and before the first."""
    knobs, choice_knob = user_knobs.version_knobs(read), read.knob(user_knobs.VERSION_KNOB)
    if knobs is None or choice_knob is None:
        return
    labels = [version.label for version in knobs.versions]
    index = labels.index(str(choice_knob.value())) + offset
    if 0 <= index < len(labels):
        choice_knob.setValue(labels[index])
        show_version(read, knobs.versions[index])


def on_knob_changed() -> None:
    """Called by Nuke for every knob of a Read: follows its version menu."""
    knob = nuke.thisKnob()
    if knob is None or knob.name() != user_knobs.VERSION_KNOB:
        return
    read = nuke.thisNode()
    stored = user_knobs.version_knobs(read)
    if stored is None:
        return
    label = str(knob.value())
    version = next((version for version in stored.versions if version.label == label), None)
    if version is not None and user_knobs.shown_version(read, stored) != version:
        show_version(read, version)


def _find_or_create_format(width: int, height: int, pixel_aspect: float) -> nuke.Format:
    """The script's format of this size, or a new one named after its size."""
    for known_format in nuke.formats():
        same = (known_format.width(), known_format.height()) == (width, height)
        if same and abs(known_format.pixelAspect() - pixel_aspect) < 1e-4:
            return known_format
    name = f"Shotbridge_{width}x{height}"
    return nuke.addFormat(f"{width} {height} 0 0 {width} {height} {pixel_aspect:g} {name}")
