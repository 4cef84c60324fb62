"""Colour spaces as scripts name them, and as the studio's OCIO config does."""

from __future__ import annotations

import re

import nuke

from bridge_core.models.media import ending_of

#: Nuke's own management has names of its own. These are the same spaces in OCIO's built-in configs
#: (nuke-default's "linear" has the primaries of Rec.709); others have no namesake there.
NATIVE = {
    "linear": "Linear Rec.709 (sRGB)",
    "sRGB": "sRGB - Texture",
    "Gamma2.2": "Gamma 2.2 Rec.709 - Texture",
}
_NATIVE_BACK = {ocio: native for native, ocio in NATIVE.items()}

#: The root's knob that holds the default for files with these endings.
_DEFAULTS = {
    ".exr": "floatLut",
    ".hdr": "floatLut",
    ".dpx": "logLut",
    ".cin": "logLut",
    ".jpg": "int8Lut",
    ".jpeg": "int8Lut",
}

#: ``scene_linear (ACES - ACEScg)``, ``default (linear)``.
_ROLE = re.compile(r"^(?:default|[a-z_]+) \((.+)\)$")


def plain(value: str) -> str:
    """A colour space without the role that a knob shows it under."""
    match = _ROLE.match(value.strip())
    return match[1] if match else value.strip()


def is_native() -> bool:
    """The script is managed by Nuke's own look-up tables, not by OCIO."""
    return str(nuke.root()["colorManagement"].value()) == "Nuke"


def working_space() -> str:
    """What the script computes in, by the name that the gateway knows."""
    if is_native():
        return NATIVE["linear"]
    return plain(str(nuke.root()["workingSpaceLUT"].value()))


class NoNamesake(Exception):
    """The files' colour space has no name outside this script."""


def of_read(read: nuke.Node) -> str | None:
    """The files' colour space; None: the studio's file rules decide, as for data that the script
    takes as it is.

    :raises NoNamesake: the pictures can be sent only as the script converts them.
    """
    if read["raw"].value():
        return None
    space = plain(str(read["colorspace"].value()))
    if space == "default":
        knob = _DEFAULTS.get(ending_of(str(read["file"].value())))
        if knob is None:
            return None
        space = plain(str(nuke.root()[knob].value()))
    if not is_native():
        return space
    if space not in NATIVE:
        raise NoNamesake(space)
    return NATIVE[space]


def choice_for(read: nuke.Node, space: str) -> str | None:
    """The value of a Read's ``colorspace`` knob that stands for a space; None: it offers none."""
    listed = nuke.getColorspaceList(read["colorspace"])  # type: ignore[no-untyped-call]
    offered = [str(one) for one in listed]
    if is_native():
        space = _NATIVE_BACK.get(space, space)
    same = [one for one in offered if space in (one, plain(one))]
    # aces_1.2 calls "ACES - ACEScg" what newer configs call "ACEScg".
    alike = [one for one in offered if _tail(one) == _tail(space)]
    if same:
        return same[-1]
    return alike[0] if len(alike) == 1 else None


def _tail(name: str) -> str:
    return plain(name).rpartition(" - ")[2].casefold()
