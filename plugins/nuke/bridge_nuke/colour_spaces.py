"""Translates between the colour space names of Nuke scripts and those of OCIO configs."""

from __future__ import annotations

import re

import nuke

from bridge_core.models.media import file_extension

#: Names of Nuke's own colour management, and of the same spaces in OCIO's built-in configs
#: (nuke-default's "linear" has the primaries of Rec.709). Other spaces have no equivalent there.
NATIVE_TO_OCIO = {
    "linear": "Linear Rec.709 (sRGB)",
    "sRGB": "sRGB - Texture",
    "Gamma2.2": "Gamma 2.2 Rec.709 - Texture",
}
_OCIO_TO_NATIVE = {ocio: native for native, ocio in NATIVE_TO_OCIO.items()}

#: The root's knob with the default colour space of files with these extensions.
_DEFAULT_KNOBS = {
    ".exr": "floatLut",
    ".hdr": "floatLut",
    ".dpx": "logLut",
    ".cin": "logLut",
    ".jpg": "int8Lut",
    ".jpeg": "int8Lut",
}

#: ``scene_linear (ACES - ACEScg)``, ``default (linear)``.
_ROLE = re.compile(r"^(?:default|[a-z_]+) \((.+)\)$")


def without_role(value: str) -> str:
    """A colour space without the role that menus show it under."""
    match = _ROLE.match(value.strip())
    return match[1] if match else value.strip()


def selected_space(knob: nuke.Knob) -> str:
    """The colour space of a knob; if the knob names a role, the space of that role."""
    value = str(knob.value())
    return next((label for choice, label in _choices(knob) if choice == value), without_role(value))


def _choices(knob: nuke.Knob) -> list[tuple[str, str]]:
    """The choices of a knob, each with its value and its colour space. Roles are listed as the role
    and the menu text, separated by a tab."""
    names = nuke.getColorspaceList(knob)  # type: ignore[no-untyped-call]
    parts = [str(name).partition("\t") for name in names]
    return [(value, without_role(label or value)) for value, _, label in parts]


def is_nuke_managed() -> bool:
    """Whether the script uses Nuke's own colour management, not OCIO."""
    return str(nuke.root()["colorManagement"].value()) == "Nuke"


def working_space() -> str:
    """The script's working space, by its OCIO name."""
    if is_nuke_managed():
        return NATIVE_TO_OCIO["linear"]
    return selected_space(nuke.root()["workingSpaceLUT"])


class NoOcioNameError(Exception):
    """The files' colour space has no OCIO name."""


def read_space(read: nuke.Node) -> str | None:
    """The colour space of a Read's files; None if the studio's file rules decide, as for a raw
    Read.

    :raises NoOcioNameError: the pictures can only be sent as the script converts them.
    """
    if read["raw"].value():
        return None
    space = selected_space(read["colorspace"])
    if space == "default":
        knob = _DEFAULT_KNOBS.get(file_extension(str(read["file"].value())))
        if knob is None:
            return None
        space = without_role(str(nuke.root()[knob].value()))
    if not is_nuke_managed():
        return space
    if space not in NATIVE_TO_OCIO:
        raise NoOcioNameError(space)
    return NATIVE_TO_OCIO[space]


def choice_for(read: nuke.Node, space: str) -> str | None:
    """The value of a Read's ``colorspace`` knob for a space; None if the knob does not offer it."""
    choices = _choices(read["colorspace"])
    if is_nuke_managed():
        space = _OCIO_TO_NATIVE.get(space, space)
    matches = [value for value, label in choices if space in (value, label)]
    if matches:
        # The space itself is listed after the roles for it.
        return matches[-1]
    # aces_1.2 calls "ACES - ACEScg" what newer configs call "ACEScg".
    same_tail = {label: value for value, label in choices if _tail(label) == _tail(space)}
    return next(reversed(same_tail.values())) if len(same_tail) == 1 else None


def _tail(name: str) -> str:
    return name.rpartition(" - ")[2].casefold()
