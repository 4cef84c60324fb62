"""What each reader of OTIO understands. Where a profile was only read about, it says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bridge_core.errors import InvalidRequest
from bridge_core.timeline import openrv

#: Effects that OTIO's own library reads; it turns down a file with any other.
CORE_EFFECTS = frozenset({"Effect", "TimeEffect", "LinearTimeWarp", "FreezeFrame"})


class SequenceNaming(StrEnum):
    """How an image sequence is named."""

    UNCHANGED = "as in the cut"
    IMAGE_SEQUENCE_REFERENCE = "image sequence reference"
    BRACKETS = "plate.[1001-1100].exr"
    PATTERN = "plate.%04d.exr"


class RangeOrigin(StrEnum):
    """From where ranges count."""

    UNCHANGED = "as in the cut"
    TIMECODE = "embedded timecode, else the files' numbers"
    FILE_NUMBERS = "the files' numbers"


@dataclass(frozen=True, slots=True)
class ExportProfile:
    """A dialect of OTIO. ``remarks`` hold for every cut that goes there."""

    name: str
    title: str
    limitations: tuple[str, ...] = ()
    multiple_references: bool = True
    """Knows ``Clip.2``; else clips are written as ``Clip.1`` with the active reference only."""
    sequence_naming: SequenceNaming = SequenceNaming.UNCHANGED
    range_origin: RangeOrigin = RangeOrigin.UNCHANGED
    native_paths: bool = False
    """Plain paths in place of ``file:`` URLs."""
    resolve_marker_notes: bool = False
    """Markers carry their text as ``metadata.Resolve_OTIO.Note`` too."""
    marker_colour: str | None = None
    """For our markers, where OTIO's orange is not known."""
    gaps_for_missing_media: bool = False
    """A clip without media stops the import: it becomes a gap."""
    effects: frozenset[str] = CORE_EFFECTS
    speed_ramps: bool = True
    reverse_speed: bool = True
    annotations: bool = False
    """Pen strokes are written as OpenRV's annotations; else they stay in our metadata, unseen."""


GENERIC = ExportProfile(
    name="generic",
    title="any reader built on OTIO 0.15 or newer",
)

RESOLVE = ExportProfile(
    name="resolve",
    title="DaVinci Resolve 18.5 and newer (read about, never run)",
    limitations=(
        "Resolve drops metadata that it does not know: clips that come back are recognised by "
        "media and range",
        "EXRs link by their embedded timecode; files without one count by their frame numbers",
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
    title="Nuke Studio and Hiero (read about, never run)",
    limitations=("ranges count in the files' numbers, as Read nodes do",),
    multiple_references=False,
    sequence_naming=SequenceNaming.PATTERN,
    range_origin=RangeOrigin.FILE_NUMBERS,
    native_paths=True,
    speed_ramps=False,
)

OPENRV = ExportProfile(
    name="openrv",
    title="OpenRV 3.0 and newer (read about, never run)",
    limitations=(
        "drawings stand on the first frame of their note",
        "where there are drawings, the lowest track is called MediaTrack, as their reader asks",
    ),
    sequence_naming=SequenceNaming.IMAGE_SEQUENCE_REFERENCE,
    effects=CORE_EFFECTS | openrv.EFFECTS,
    speed_ramps=False,
    reverse_speed=False,
    annotations=True,
)

PROFILES = {profile.name: profile for profile in (GENERIC, RESOLVE, NUKE, OPENRV)}


def get_profile(name: str) -> ExportProfile:
    """:raises InvalidRequest: there is no such profile."""
    chosen = PROFILES.get(name)
    if chosen is None:
        raise InvalidRequest(
            f"there is no exchange profile {name!r}",
            next_step=f"choose one of {', '.join(PROFILES)}",
        )
    return chosen
