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
    """A colour space without the role that a menu shows it under."""
    match = _ROLE.match(value.strip())
    return match[1] if match else value.strip()


def chosen(knob: nuke.Knob) -> str:
    """The colour space of a knob, by the config's own name where the knob says a role."""
    value = str(knob.value())
    return next((label for one, label in _offered(knob) if one == value), plain(value))


def _offered(knob: nuke.Knob) -> list[tuple[str, str]]:
    """Each choice of a knob as its value, and the colour space that it stands for. Roles are
    listed with a tab: ``scene_linear``, then what the menu shows."""
    listed = nuke.getColorspaceList(knob)  # type: ignore[no-untyped-call]
    parts = [str(one).partition("\t") for one in listed]
    return [(value, plain(label or value)) for value, _, label in parts]


def is_native() -> bool:
    """The script is managed by Nuke's own look-up tables, not by OCIO."""
    return str(nuke.root()["colorManagement"].value()) == "Nuke"


def working_space() -> str:
    """What the script computes in, by the name that the gateway knows."""
    if is_native():
        return NATIVE["linear"]
    return chosen(nuke.root()["workingSpaceLUT"])


class NoNamesake(Exception):
    """The files' colour space has no name outside this script."""


def of_read(read: nuke.Node) -> str | None:
    """The files' colour space; None: the studio's file rules decide, as for data that the script
    takes as it is.

    :raises NoNamesake: the pictures can be sent only as the script converts them.
    """
    if read["raw"].value():
        return None
    space = chosen(read["colorspace"])
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
    offered = _offered(read["colorspace"])
    if is_native():
        space = _NATIVE_BACK.get(space, space)
    same = [value for value, label in offered if space in (value, label)]
    if same:
        # Itself stands after the roles that mean it.
        return same[-1]
    # aces_1.2 calls "ACES - ACEScg" what newer configs call "ACEScg".
    alike = {label: value for value, label in offered if _tail(label) == _tail(space)}
    return next(reversed(alike.values())) if len(alike) == 1 else None


def _tail(name: str) -> str:
    return name.rpartition(" - ")[2].casefold()
