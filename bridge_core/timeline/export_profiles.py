"""Export profiles: what each reader of OTIO supports, and whether that was tested."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bridge_core.errors import InvalidRequest
from bridge_core.timeline import openrv_annotations

#: Effects that OTIO's own library reads; it rejects a file with any other.
CORE_EFFECTS = frozenset({"Effect", "TimeEffect", "LinearTimeWarp", "FreezeFrame"})


class SequenceNaming(StrEnum):
    UNCHANGED = "as in the cut"
    IMAGE_SEQUENCE_REFERENCE = "image sequence reference"
    BRACKETS = "plate.[1001-1100].exr"
    PATTERN = "plate.%04d.exr"


class RangeOrigin(StrEnum):
    UNCHANGED = "as in the cut"
    TIMECODE = "embedded timecode, else the files' frame numbers"
    FILE_NUMBERS = "the files' frame numbers"


@dataclass(frozen=True, slots=True)
class ExportProfile:
    """What a reader of OTIO supports. ``limitations`` apply to every cut exported for it."""

    name: str
    title: str
    limitations: tuple[str, ...] = ()
    multiple_references: bool = True
    """Supports ``Clip.2``; else clips are written as ``Clip.1`` with the active reference only."""
    sequence_naming: SequenceNaming = SequenceNaming.UNCHANGED
    range_origin: RangeOrigin = RangeOrigin.UNCHANGED
    native_paths: bool = False
    """Plain paths instead of ``file:`` URLs."""
    resolve_marker_notes: bool = False
    """Markers have their text as ``metadata.Resolve_OTIO.Note`` as well."""
    marker_colour: str | None = None
    """For our markers, if the reader does not know OTIO's orange."""
    gaps_for_missing_media: bool = False
    """Clips without media become gaps, since they would stop the import."""
    effects: frozenset[str] = CORE_EFFECTS
    speed_ramps: bool = True
    reverse_speed: bool = True
    annotations: bool = False
    """Strokes are written as OpenRV's annotations; else they are in our metadata only."""


GENERIC = ExportProfile(name="generic", title="any reader built on OTIO 0.15 or newer")

RESOLVE = ExportProfile(
    name="resolve",
    title="DaVinci Resolve 18.5 and newer (from its documentation, untested)",
    limitations=(
        "Resolve drops unknown metadata: returned clips are matched by media and range",
        "Resolve links EXRs by their embedded timecode, or without one by their frame numbers",
    ),
    multiple_references=False,
    sequence_naming=SequenceNaming.BRACKETS,
    range_origin=RangeOrigin.TIMECODE,
    native_paths=True,
    resolve_marker_notes=True,
    marker_colour="YELLOW",
    gaps_for_missing_media=True,
)

NUKE = ExportProfile(
    name="nuke",
    title="Nuke Studio and Hiero (from their documentation, untested)",
    limitations=("ranges are in the files' frame numbers, as in Read nodes",),
    multiple_references=False,
    sequence_naming=SequenceNaming.PATTERN,
    range_origin=RangeOrigin.FILE_NUMBERS,
    native_paths=True,
    speed_ramps=False,
)

OPENRV = ExportProfile(
    name="openrv",
    title="OpenRV 3.0 and newer (from its source code, untested)",
    limitations=(
        "drawings are on the first frame of their note only",
        "with drawings, the lowest track is renamed to MediaTrack, which OpenRV requires",
    ),
    sequence_naming=SequenceNaming.IMAGE_SEQUENCE_REFERENCE,
    effects=CORE_EFFECTS | openrv_annotations.EFFECTS,
    speed_ramps=False,
    reverse_speed=False,
    annotations=True,
)

PROFILES = {profile.name: profile for profile in (GENERIC, RESOLVE, NUKE, OPENRV)}


def get_profile(name: str) -> ExportProfile:
    """The export profile of this name.

    :raises InvalidRequest: there is no such profile.
    """
    if name not in PROFILES:
        next_step = f"choose one of {', '.join(PROFILES)}"
        raise InvalidRequest(f"there is no export profile {name!r}", next_step=next_step)
    return PROFILES[name]
