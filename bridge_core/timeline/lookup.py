"""Which of a cut's frames are on disk: asked for explicitly, one look at each folder."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

from bridge_core.errors import spell
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import PlateKind, signed_path
from bridge_core.models.shots import Shot
from bridge_core.plates import as_on_disk, same_name
from bridge_core.timeline.cut import Cut, CutProblem, CutShot, ProblemKind

#: A damaged cut may ask for billions of frames; this many missing ones say enough.
_ENOUGH = 10_000


def look_for_media(cut: Cut) -> Cut:
    """The cut as it can be sent from this machine.

    A shot whose media is not there, or lacks a frame that the cut shows, becomes a problem. Where
    frames are missing in the handles only, the plate's range is narrowed to what is there in one
    piece around the cut, so that the shot can be sent, and a problem tells which frames those are.
    Every folder is listed once, however many shots are in it.
    """
    folders = _Folders()
    shots: list[CutShot] = []
    problems = list(cut.problems)
    for item in cut.shots:
        found = _look(item, folders)
        if isinstance(found, CutProblem):
            problems.append(found)
            if found.skipped:
                continue
            item = replace(item, shot=_narrowed(item.shot, folders))
        shots.append(item)
    return replace(cut, shots=tuple(shots), problems=tuple(problems))


def missing_frames(shot: Shot) -> list[int]:
    """The frames of the shot's work range that have no file, in order; at most 10,000 of them."""
    return _missing(shot, _Folders())


class _Folders:
    """Names in folders, each listed once; a folder that cannot be listed holds none.

    Names are compared as :func:`bridge_core.plates.same_name` has them.
    """

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}
        self.trouble: dict[str, str] = {}

    def has(self, path: str) -> bool:
        folder, name = _parts(path)
        if folder not in self._names:
            self._names[folder] = self._list(folder)
        return same_name(name) in self._names[folder]

    def _list(self, folder: str) -> frozenset[str]:
        try:
            there = folder if folder.isascii() else as_on_disk(Path(folder))
            with os.scandir(there) as entries:
                return frozenset(same_name(entry.name) for entry in entries)
        except OSError as error:
            self.trouble[folder] = error.strerror or str(error)
            return frozenset()


def _parts(path: str) -> tuple[str, str]:
    cut = max(path.rfind("/"), path.rfind("\\")) + 1
    return path[:cut] or ".", path[cut:]


def _missing(shot: Shot, folders: _Folders) -> list[int]:
    gone = (frame for frame in shot.work_range.frames() if not _spellings(shot, frame, folders))
    return list(itertools.islice(gone, _ENOUGH))


def _spellings(shot: Shot, frame: int, folders: _Folders) -> list[str]:
    """The files of a frame that are there: a number below 0 is spelled in two ways."""
    names = (shot.plate.file(frame), signed_path(shot.plate.path, frame) if frame < 0 else None)
    return [name for name in names if name and folders.has(name)]


def _look(item: CutShot, folders: _Folders) -> CutProblem | None:
    shot = item.shot
    for frame in range(shot.work_range.first, min(0, shot.work_range.last + 1)):
        found = _spellings(shot, frame, folders)
        if len(found) > 1:
            names = " and ".join(_parts(name)[1] for name in found)
            return _problem(
                item,
                ProblemKind.BROKEN,
                f"frame {frame} is there twice, as {names}",
                "remove one of them, or move it to another folder",
            )
    missing = _missing(shot, folders)
    if not missing:
        return None
    folder = _parts(shot.plate.path)[0]
    trouble = folders.trouble.get(folder)
    if trouble is not None:
        return _problem(
            item,
            ProblemKind.OFFLINE,
            f"its folder {folder} cannot be looked into: {trouble}",
            "mount the storage, or relink the clip in the host",
        )
    if shot.plate.kind is not PlateKind.SEQUENCE or len(missing) == min(
        shot.work_range.count, _ENOUGH
    ):
        return _problem(
            item,
            ProblemKind.OFFLINE,
            f"{shot.plate.path} is not there",
            "copy the media to its place, or relink the clip in the host",
        )
    told = f"{shot.plate.path} lacks frames {spell(missing)}"
    if any(frame in shot.cut_range for frame in missing):
        return _problem(
            item,
            ProblemKind.MISSING_FRAMES,
            told,
            "render or copy these frames, or trim the clip, and read the cut again",
        )
    return _problem(
        item,
        ProblemKind.MISSING_FRAMES,
        f"{told}, in its handles; it is sent without them",
        "render or copy these frames if the handles are needed",
        skipped=False,
    )


def _narrowed(shot: Shot, folders: _Folders) -> Shot:
    """The shot with its plate ending where frames of the handles are missing."""
    missing = _missing(shot, folders)
    plate, cut = shot.plate, shot.cut_range
    first = max((f + 1 for f in missing if f < cut.first), default=plate.range.first)
    last = min((f - 1 for f in missing if f > cut.last), default=plate.range.last)
    left = FrameRange(first=first, last=last, rate=plate.range.rate)
    return shot.model_copy(update={"plate": plate.model_copy(update={"range": left})})


def _problem(
    item: CutShot, kind: ProblemKind, what: str, next_step: str, *, skipped: bool = True
) -> CutProblem:
    record = item.shot.record_range
    return CutProblem(kind, what, next_step, item.name, item.track, record, skipped)
