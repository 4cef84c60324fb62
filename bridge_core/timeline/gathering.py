"""The versions that a gateway has for the clips of a cut, ready to be placed into it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.models.frames import FrameRange
from bridge_core.models.shots import ShotId
from bridge_core.timeline.references import media_path
from bridge_core.timeline.writing import PlacedVersion

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.models.versions import Version
    from bridge_core.timeline.cut import Cut, CutShot


@dataclass(frozen=True, slots=True)
class OutdatedVersion:
    """A version that is left out: the cut now shows frames that it does not have."""

    shot: ShotId
    version: Version
    has: FrameRange
    shows: FrameRange


@dataclass(frozen=True, slots=True)
class Gathered:
    placed: dict[str, list[PlacedVersion]]
    """By the clip's identity."""
    outdated: tuple[OutdatedVersion, ...]
    renamed: dict[str, ShotId]
    """Clips whose name has changed, with the shot that their versions were made for."""
    without: tuple[CutShot, ...]
    """Clips that no version was made for."""


def gather_versions(client: Client, cut: Cut) -> Gathered:
    """Every version for the cut's shots, with its notes.

    A clip is known by its shot's name and, where there is no version for that, by its identity and
    its plate: a clip that was renamed keeps the versions of the shot that it was. The identity
    alone does not do, since plates of one name in folders of one name are numbered within a cut.

    :raises ShotbridgeError: whatever asking the gateway raises.
    """
    made: dict[ShotId, list[Version]] = defaultdict(list)
    for show, sequence in sorted({(i.shot.id.show, i.shot.id.sequence) for i in cut}):
        for version in client.versions(show=show, sequence=sequence):
            made[version.shot].append(version)
    named = {item.shot.id for item in cut}
    others: dict[tuple[str, str], list[Version]] = defaultdict(list)
    if named - made.keys():
        for which in made.keys() - named:
            for version in made[which]:
                shot = client.job(version.job).request.shot
                if shot.clip is not None:
                    others[shot.clip, media_path(shot.plate.path)].append(version)
    placed: dict[str, list[PlacedVersion]] = {}
    renamed: dict[str, ShotId] = {}
    outdated: list[OutdatedVersion] = []
    without: list[CutShot] = []
    for item in cut:
        found = made.get(item.shot.id)
        if found is None and (found := others.get((item.clip, media_path(item.shot.plate.path)))):
            renamed[item.clip] = found[0].shot
        if not found:
            without.append(item)
        for version in found or ():
            has = next(output.range for output in version.outputs if output.name == "main")
            if has.covers(item.shot.cut_range):
                notes = tuple(client.notes(version.id))
                placed.setdefault(item.clip, []).append(PlacedVersion(version, notes=notes))
            else:
                outdated.append(OutdatedVersion(item.shot.id, version, has, item.shot.cut_range))
    return Gathered(placed, tuple(outdated), renamed, tuple(without))
