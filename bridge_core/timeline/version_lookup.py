"""Look up the versions that a gateway has for the clips of a cut."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.models.frames import FrameRange
from bridge_core.models.shots import ShotId
from bridge_core.timeline.media_paths import media_path
from bridge_core.timeline.version_writer import PlacedVersion
from bridge_core.version_fit import output_mismatch

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.models.versions import Version
    from bridge_core.timeline.cut import Cut, CutShot


@dataclass(frozen=True, slots=True)
class OutdatedVersion:
    """A version that is not placed: the cut now shows frames that it does not have."""

    shot: ShotId
    version: Version
    version_range: FrameRange
    cut_range: FrameRange


@dataclass(frozen=True, slots=True)
class CutVersions:
    versions: dict[str, list[PlacedVersion]]
    """By clip id."""
    outdated: tuple[OutdatedVersion, ...]
    renamed: dict[str, ShotId]
    """Clip ids of renamed shots, with the shot that their versions were made for."""
    without_versions: tuple[CutShot, ...]


def find_versions(client: Client, cut: Cut) -> CutVersions:
    """Every version of the cut's shots, with its notes.

    Versions are looked up by the shot's name and, if there are none, by clip id and plate, so that
    a renamed clip keeps its versions. The clip id alone is not enough, since plates with equal
    folder and file names get numbered ids within a cut.

    :raises ShotbridgeError: a request to the gateway failed.
    """
    by_shot: dict[ShotId, list[Version]] = defaultdict(list)
    for show, sequence in sorted({(i.shot.id.show, i.shot.id.sequence) for i in cut}):
        for version in client.versions(show=show, sequence=sequence):
            by_shot[version.shot].append(version)
    shot_ids = {item.shot.id for item in cut}
    by_clip: dict[tuple[str, str], list[Version]] = defaultdict(list)
    if shot_ids - by_shot.keys():
        for shot_id in by_shot.keys() - shot_ids:
            for version in by_shot[shot_id]:
                shot = client.job(version.job_id).request.shot
                if shot.clip_id is not None:
                    by_clip[shot.clip_id, media_path(shot.plate.path)].append(version)
    placed: dict[str, list[PlacedVersion]] = {}
    renamed: dict[str, ShotId] = {}
    outdated: list[OutdatedVersion] = []
    without_versions: list[CutShot] = []
    for item in cut:
        versions = by_shot.get(item.shot.id)
        if versions is None:
            versions = by_clip.get((item.clip_id, media_path(item.shot.plate.path)))
            if versions:
                renamed[item.clip_id] = versions[0].shot
        if not versions:
            without_versions.append(item)
        for version in versions or ():
            output = next((output for output in version.outputs if output.name == "main"), None)
            if output is None:
                continue  # nothing to show in the cut
            shot = item.shot
            if not output_mismatch(output, shot):
                notes = tuple(client.notes(version.id))
                placed.setdefault(item.clip_id, []).append(PlacedVersion(version, notes=notes))
            else:
                outdated.append(OutdatedVersion(shot.id, version, output.range, shot.cut_range))
    return CutVersions(placed, tuple(outdated), renamed, tuple(without_versions))
