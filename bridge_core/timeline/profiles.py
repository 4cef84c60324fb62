"""What each reader of OTIO understands. Where a profile was only read about, it says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bridge_core.errors import InvalidRequest
from bridge_core.timeline import openrv

#: Effects that OTIO's own library reads; it turns down a file with any other.
CORE_EFFECTS = frozenset({"Effect", "TimeEffect", "LinearTimeWarp", "FreezeFrame"})


class Sequences(StrEnum):
    """How an image sequence is named."""

    AS_IN_CUT = "as in the cut"
    REFERENCE = "image sequence reference"
    BRACKETS = "plate.[1001-1100].exr"
    PATTERN = "plate.%04d.exr"


class Origin(StrEnum):
    """From where ranges count."""

    MEDIA = "as in the cut"
    TIMECODE = "embedded timecode, else the files' numbers"
    FILES = "the files' numbers"


@dataclass(frozen=True, slots=True)
class Profile:
    """A dialect of OTIO. ``remarks`` hold for every cut that goes there."""

    name: str
    title: str
    remarks: tuple[str, ...] = ()
    several_references: bool = True
    """Knows ``Clip.2``; else clips are written as ``Clip.1`` with the active reference only."""
    sequences: Sequences = Sequences.AS_IN_CUT
    origin: Origin = Origin.MEDIA
    native_paths: bool = False
    """Plain paths in place of ``file:`` URLs."""
    resolve_notes: bool = False
    """Markers carry their text as ``metadata.Resolve_OTIO.Note`` too."""
    marker_colour: str | None = None
    """For our markers, where OTIO's orange is not known."""
    placeholders: bool = False
    """A clip without media stops the import: it becomes a gap."""
    effects: frozenset[str] = CORE_EFFECTS
    ramps: bool = True
    backwards: bool = True
    annotations: bool = False
    """Pen strokes are written as OpenRV's annotations; else they stay in our metadata, unseen."""


GENERIC = Profile(
    name="generic",
    title="any reader built on OTIO 0.15 or newer",
)

RESOLVE = Profile(
    name="resolve",
    title="DaVinci Resolve 18.5 and newer (read about, never run)",
    remarks=(
        "Resolve drops metadata that it does not know: clips that come back are recognised by "
        "media and range",
        "EXRs link by their embedded timecode; files without one count by their frame numbers",
    ),
    several_references=False,
    sequences=Sequences.BRACKETS,
    origin=Origin.TIMECODE,
    native_paths=True,
    resolve_notes=True,
    marker_colour="YELLOW",
    placeholders=True,
)

NUKE = Profile(
    name="nuke",
    title="Nuke Studio and Hiero (read about, never run)",
    remarks=("ranges count in the files' numbers, as Read nodes do",),
    several_references=False,
    sequences=Sequences.PATTERN,
    origin=Origin.FILES,
    native_paths=True,
    ramps=False,
)

OPENRV = Profile(
    name="openrv",
    title="OpenRV 3.0 and newer (read about, never run)",
    remarks=(
        "drawings stand on the first frame of their note",
        "where there are drawings, the lowest track is called MediaTrack, as their reader asks",
    ),
    sequences=Sequences.REFERENCE,
    effects=CORE_EFFECTS | openrv.EFFECTS,
    ramps=False,
    backwards=False,
    annotations=True,
)

PROFILES = {profile.name: profile for profile in (GENERIC, RESOLVE, NUKE, OPENRV)}


def profile(name: str) -> Profile:
    """:raises InvalidRequest: there is no such profile."""
    found = PROFILES.get(name)
    if found is None:
        raise InvalidRequest(
            f"there is no exchange profile {name!r}",
            next_step=f"choose one of {', '.join(PROFILES)}",
        )
    return found
