"""The colour tag in a picture file's header.

Only attributes of the file count: OpenImageIO's ``oiio:ColorSpace`` may be a guess.
"""

from __future__ import annotations

from typing import Any

from bridge_gateway.media.cicp import CicpCodes
from bridge_gateway.media.colour import ColourTag
from bridge_gateway.media.picture import Picture

#: x and y of red, green, blue and white, and the Color Interop Forum's id of linear light in these
#: primaries (https://github.com/AcademySoftwareFoundation/ColorInterop).
_PRIMARIES = {
    "Rec.709": ((0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290), "lin_rec709_scene"),
    "P3-D65": ((0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.3290), "lin_p3d65_scene"),
    "Rec.2020": ((0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.3290), "lin_rec2020_scene"),
    "Adobe RGB": ((0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290), "lin_adobergb_scene"),
    "AP0 (ACES2065-1)": (
        (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767),
        "lin_ap0_scene",
    ),
    "AP1 (ACEScg)": (
        (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
        "lin_ap1_scene",
    ),
}
#: Programs round white to three decimals; the sets above differ by more.
_PRIMARIES_TOLERANCE = 0.0015

#: Text in the description of an ICC profile, and the matching spaces.
_ICC_PROFILES = {
    "srgb": ("srgb_rec709_scene", "srgb_rec709_display"),
    "display p3": ("srgb_p3d65_scene", "srgb_p3d65_display"),
    "adobe rgb": ("g22_adobergb_scene", "g22_adobergb_display"),
}


def read_colour_tag(picture: Picture) -> ColourTag | None:
    """The picture's own colour tag, from the most exact attribute; None if it has none."""
    header = picture.main_part.header
    interop_id = _printable(header.get_string_attribute("colorInteropID"))
    if interop_id:
        return ColourTag(f"colorInteropID {interop_id}", (interop_id,))
    if picture.file_format == "openexr":
        return _tag_from_primaries(header.getattribute("chromaticities"))
    codes = header.getattribute("CICP")
    if isinstance(codes, tuple) and len(codes) >= 3:
        return CicpCodes(*codes[:3]).colour_tag
    profile = _printable(header.get_string_attribute("ICCProfile:profile_description"))
    if profile:
        spaces = (names for text, names in _ICC_PROFILES.items() if text in profile.lower())
        return ColourTag(f"ICC profile {profile!r}", next(spaces, ()))
    return None


def _tag_from_primaries(chromaticities: Any) -> ColourTag | None:
    if not isinstance(chromaticities, tuple) or len(chromaticities) != 8:
        return None
    for name, (values, linear) in _PRIMARIES.items():
        if all(
            abs(a - b) < _PRIMARIES_TOLERANCE for a, b in zip(chromaticities, values, strict=True)
        ):
            return ColourTag(f"primaries {name}", (linear,), is_complete=False)
    coordinates = ", ".join(f"{value:.4f}" for value in chromaticities)
    return ColourTag(f"custom primaries ({coordinates})", is_complete=False)


def _printable(text: str) -> str:
    """The text with bytes that are not UTF-8 escaped, so that it can be displayed."""
    return text.encode(errors="backslashreplace").decode()
