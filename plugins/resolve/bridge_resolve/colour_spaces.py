"""A project's colour management: the colour spaces of its media and of its renderings.

Depending on the project's settings, Resolve names colour spaces combined (``ARRI LogC4``), as
separate gamut and gamma, or as ACES transforms. Each is translated into the names of OCIO's studio
configuration, the gateway's default. Resolve's names are taken from its menus and from published
scripts; docs/hosts-unproven.md lists what has not been confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge_resolve.api_checks import require

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem, Project, Timeline

    from bridge_resolve.media import ClipMedia

_COMBINED_NAMES = {
    "ACEScg": "ACEScg",
    "ACEScct": "ACEScct",
    "ACEScc": "ACEScc",
    "ACES": "ACES2065-1",
    "ACES (AP0) Linear": "ACES2065-1",
    "ACES (AP1) Linear": "ACEScg",
    "sRGB": "sRGB Encoded Rec.709 (sRGB)",
    "sRGB (Linear)": "Linear Rec.709 (sRGB)",
    "Rec.709 (Scene)": "Camera Rec.709",
    "Rec.709 Gamma 2.2": "Gamma 2.2 Encoded Rec.709",
    "Rec.709 Gamma 2.4": "Gamma 2.4 Encoded Rec.709",
    "Rec.2020 Linear": "Linear Rec.2020",
    "P3-D65 Linear": "Linear P3-D65",
    "Apple Log": "Apple Log",
    "ARRI LogC3": "ARRI LogC3 (EI800)",
    "ARRI LogC4": "ARRI LogC4",
    "Blackmagic Design Film Gen 5": "BMDFilm WideGamut Gen5",
    "Canon Cinema Gamut/Canon Log 2": "CanonLog2 CinemaGamut D55",
    "Canon Cinema Gamut/Canon Log 3": "CanonLog3 CinemaGamut D55",
    "DaVinci WG/Intermediate": "DaVinci Intermediate WideGamut",
    "DJI D-Gamut/D-Log": "D-Log D-Gamut",
    "Panasonic V-Gamut/V-Log": "V-Log V-Gamut",
    "REDWideGamutRGB/Log3G10": "Log3G10 REDWideGamutRGB",
    "S-Gamut3/S-Log3": "S-Log3 S-Gamut3",
    "S-Gamut3.Cine/S-Log3": "S-Log3 S-Gamut3.Cine",
}

#: Gamut and gamma, for projects that separate them.
_SEPARATE_NAMES = {
    "ACES (AP0), Linear": "ACES2065-1",
    "ACES (AP1), Linear": "ACEScg",
    "ACES (AP1), ACEScct": "ACEScct",
    "ACES (AP1), ACEScc": "ACEScc",
    "sRGB, sRGB": "sRGB Encoded Rec.709 (sRGB)",
    "Rec.709, sRGB": "sRGB Encoded Rec.709 (sRGB)",
    "Rec.709, Linear": "Linear Rec.709 (sRGB)",
    "sRGB, Linear": "Linear Rec.709 (sRGB)",
    "Rec.709, Rec.709": "Camera Rec.709",
    "Rec.709, Gamma 2.2": "Gamma 2.2 Encoded Rec.709",
    "Rec.709, Gamma 2.4": "Gamma 2.4 Encoded Rec.709",
    "Rec.2020, Linear": "Linear Rec.2020",
    "P3-D65, Linear": "Linear P3-D65",
    "ARRI Wide Gamut 3, ARRI LogC3": "ARRI LogC3 (EI800)",
    "ARRI Wide Gamut 4, ARRI LogC4": "ARRI LogC4",
    "Blackmagic Design Wide Gamut Gen 4/5, Blackmagic Design Film Gen 5": "BMDFilm WideGamut Gen5",
    "Canon Cinema Gamut, Canon Log 2": "CanonLog2 CinemaGamut D55",
    "Canon Cinema Gamut, Canon Log 3": "CanonLog3 CinemaGamut D55",
    "DaVinci WG, DaVinci Intermediate": "DaVinci Intermediate WideGamut",
    "DaVinci WG, Linear": "Linear DaVinci WideGamut",
    "DJI D-Gamut, DJI D-Log": "D-Log D-Gamut",
    "Panasonic V-Gamut, Panasonic V-Log": "V-Log V-Gamut",
    "REDWideGamutRGB, RED Log3G10": "Log3G10 REDWideGamutRGB",
    "Sony S-Gamut3, S-Log3": "S-Log3 S-Gamut3",
    "Sony S-Gamut3.Cine, S-Log3": "S-Log3 S-Gamut3.Cine",
}

#: Input transforms of ACES projects.
_ACES_NAMES = {
    "ACEScg - CSC": "ACEScg",
    "ACEScct - CSC": "ACEScct",
    "ACEScc - CSC": "ACEScc",
    "No Input Transform": "ACES2065-1",
    "sRGB (Texture) - CSC": "sRGB Encoded Rec.709 (sRGB)",
    "sRGB (Linear) - CSC": "Linear Rec.709 (sRGB)",
    "Apple Log": "Apple Log",
    "ARRI LogC3": "ARRI LogC3 (EI800)",
    "ARRI LogC4": "ARRI LogC4",
    "Blackmagic Design Film Gen 5": "BMDFilm WideGamut Gen5",
    "Canon Log 2 Cinema Gamut - CSC": "CanonLog2 CinemaGamut D55",
    "Canon Log 3 Cinema Gamut - CSC": "CanonLog3 CinemaGamut D55",
    "Panasonic Varicam VLog VGamut - CSC": "V-Log V-Gamut",
    "RWG/Log3G10": "Log3G10 REDWideGamutRGB",
    "Sony SLog3 SGamut3": "S-Log3 S-Gamut3",
    "Sony SLog3 SGamut3Cine": "S-Log3 S-Gamut3.Cine",
    "Sony Venice SLog3 SGamut3": "S-Log3 Venice S-Gamut3",
    "Sony Venice SLog3 SGamut3Cine": "S-Log3 Venice S-Gamut3.Cine",
}

#: Settings for a timeline of an ACES project to render scene-linear AP0 whatever the project's
#: output transform is, and without gamut compression, which is a look.
_ACES_RENDER_SETTINGS = {
    "colorAcesODT": "No Output Transform",
    "colorAcesGamutCompressType": "None",
}

_SETTINGS_PAGE = "Project Settings > Color Management"


@dataclass(frozen=True, slots=True)
class ProjectColour:
    """How a project manages colour."""

    ocio_names: Mapping[str, str] = field(default_factory=dict)
    """OCIO's names by Resolve's; empty without colour management."""
    property_keys: tuple[str, ...] = ()
    """The clip properties with Resolve's names; empty without colour management, where they have no
    effect."""
    project_default: str = ""
    """Resolve's name for clips that use the project's setting."""
    render_space: str | None = None
    """OCIO's name of the space that the project renders; None if it is not known."""
    unknown_reason: str = ""
    """Why it is not known."""
    next_step: str = ""
    render_settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the timeline that plates are rendered from."""

    def resolve_name(self, media: ClipMedia) -> str:
        """Resolve's name of the media's colour space; empty without colour management."""
        values = [media.properties.get(key, "") for key in self.property_keys]
        return self.project_default if values[:1] in ([""], ["Project"]) else ", ".join(values)

    def ocio_name(self, media: ClipMedia) -> str | None:
        """OCIO's name of the media's colour space; None if it is not known."""
        return self.ocio_names.get(self.resolve_name(media))

    def untranslated_name(self, media: ClipMedia) -> str:
        """Resolve's name of the media's colour space if it cannot be translated, else empty."""
        return "" if self.ocio_name(media) else self.resolve_name(media)

    def assign_space(
        self, item: MediaPoolItem, space: str, like: ClipMedia | None, title: str
    ) -> None:
        """Set the colour space of media: that of ``like``, which has the same space, or by name. If
        Resolve's name is not known, nothing is set.

        :raises HostError: Resolve did not set it.
        """
        if like is not None:
            properties = {key: like.properties.get(key, "") for key in self.property_keys}
        else:
            name = next((name for name, ocio in self.ocio_names.items() if ocio == space), "")
            names = name.split(", ") if name else [""] * len(self.property_keys)
            properties = dict(zip(self.property_keys, names, strict=True))
        for key, value in properties.items():
            if value and item.GetClipProperty(key) != value:
                require(item.SetClipProperty(key, value), f"set {title} to the {key} {value}")

    def prepare_timeline(self, timeline: Timeline) -> None:
        """Set up a timeline of ours to render :attr:`render_space`.

        :raises HostError: Resolve did not apply a setting.
        """
        for key, value in self.render_settings.items():
            if value == "None" and not timeline.GetSetting(key):
                continue  # an older ACES, which has no such setting
            is_set = timeline.SetSetting(key, value) and timeline.GetSetting(key) == value
            next_step = f"see {_SETTINGS_PAGE}, or transcode the clip"
            require(is_set, f"set {key} of its render timeline to {value}", next_step=next_step)


def read_project_colour(project: Project) -> ProjectColour:
    """The current colour management of a project."""

    def setting(key: str) -> str:
        return str(project.GetSetting(key) or "")

    mode = setting("colorScienceMode")
    if mode.lower().startswith("aces"):
        default, settings = setting("colorAcesIDT"), _ACES_RENDER_SETTINGS
        return ProjectColour(_ACES_NAMES, ("IDT",), default, "ACES2065-1", render_settings=settings)
    if "ColorManaged" not in mode:
        return ProjectColour(
            unknown_reason="without colour management its colour space is not known",
            next_step=f"choose DaVinci YRGB Color Managed or ACES in {_SETTINGS_PAGE}, or "
            "transcode the clip and relink it",
        )
    is_separate = setting("separateColorSpaceAndGamma") == "1"

    def pair(key: str) -> str:
        return f"{setting(key)}, {setting(f'{key}Gamma')}" if is_separate else setting(key)

    output = "colorSpaceOutput"
    if setting(output) == "Same as Timeline":
        output = "colorSpaceTimeline"
    keys: tuple[str, ...] = ("Input Color Space",)
    names, like = _COMBINED_NAMES, "ACEScg"
    if is_separate:
        names, keys, like = _SEPARATE_NAMES, (*keys, "Input Gamma"), "ACES (AP1), Linear"
    rendered = names.get(pair(output))
    return ProjectColour(
        names,
        keys,
        pair("colorSpaceInput"),
        rendered,
        "" if rendered else f"its Output Color Space, {pair(output)}, has no known OCIO name",
        f"choose another in {_SETTINGS_PAGE}, such as {like}, or transcode the clip and relink it",
    )
