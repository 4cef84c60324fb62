"""Check which of a cut's frames are on disk, with one listing per folder."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

from bridge_core.errors import format_frames
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import PlateKind, signed_frame_path, split_path
from bridge_core.models.shots import Shot
from bridge_core.plate_file_search import comparable_name, duplicate_frame, path_as_on_disk
from bridge_core.timeline.cut import Cut, CutProblem, CutShot, ProblemKind

#: A damaged cut may have billions of frames; no more missing ones than this are listed.
_MAX_MISSING = 10_000


def check_media(cut: Cut) -> Cut:
    """The cut with the shots that can be sent from this machine.

    A shot whose media does not exist, or lacks a frame that the cut shows, becomes a problem. If
    frames are missing in the handles only, the plate's range is reduced to the contiguous frames
    around the cut range, so that the shot can be sent, and a problem lists the missing frames.
    Every folder is listed once.
    """
    folders = _FolderListings()
    shots: list[CutShot] = []
    problems = list(cut.problems)
    for item in cut.shots:
        problem = _check_shot(item, folders)
        if isinstance(problem, CutProblem):
            problems.append(problem)
            if problem.skipped:
                continue
            item = replace(item, shot=_trim_handles(item.shot, folders))
        shots.append(item)
    return replace(cut, shots=tuple(shots), problems=tuple(problems))


class _FolderListings:
    """File names by folder, each folder listed once; a folder that cannot be listed has none.

    Names are compared by :func:`bridge_core.plate_file_search.comparable_name`.
    """

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}
        self.errors: dict[str, str] = {}

    def has(self, path: str) -> bool:
        folder, name = split_path(path)
        if folder not in self._names:
            self._names[folder] = self._list(folder)
        return comparable_name(name) in self._names[folder]

    def _list(self, folder: str) -> frozenset[str]:
        try:
            with os.scandir(path_as_on_disk(Path(folder))) as entries:
                return frozenset(comparable_name(entry.name) for entry in entries)
        except OSError as error:
            self.errors[folder] = error.strerror or str(error)
            return frozenset()


def _missing_frames(shot: Shot, folders: _FolderListings) -> list[int]:
    """The frames of the shot's work range without a file, in order; at most 10,000 of them."""
    missing = (
        frame for frame in shot.work_range.frames() if not _existing_files(shot, frame, folders)
    )
    return list(itertools.islice(missing, _MAX_MISSING))


def _existing_files(shot: Shot, frame: int, folders: _FolderListings) -> list[str]:
    """The existing files of a frame; a negative frame number has two spellings."""
    names = (shot.plate.path_at(frame), signed_frame_path(shot.plate.path, frame))
    return [name for name in names if name and folders.has(name)]


def _check_shot(item: CutShot, folders: _FolderListings) -> CutProblem | None:
    shot, plate = item.shot, item.shot.plate
    for frame in range(shot.work_range.first, min(0, shot.work_range.last + 1)):
        files = _existing_files(shot, frame, folders)
        if len(files) > 1:
            error = duplicate_frame(frame, *files)
            return item.problem(ProblemKind.BROKEN, error.message, error.next_step)
    missing = _missing_frames(shot, folders)
    if not missing:
        return None
    folder = split_path(plate.path)[0]
    reason = folders.errors.get(folder)
    if reason is not None:
        message = f"its folder {folder} cannot be listed: {reason}"
        next_step = "mount the storage, or relink the clip in the host"
        return item.problem(ProblemKind.OFFLINE, message, next_step)
    if plate.kind is PlateKind.SEQUENCE and folders.has(plate.path):
        message = f"{plate.path} is a single picture, but its name reads as a sequence's pattern"
        next_step = "rename the file without its %d, and relink the clip in the host"
        return item.problem(ProblemKind.UNSUPPORTED, message, next_step)
    has_no_frame = len(missing) == min(shot.work_range.count, _MAX_MISSING)
    if plate.kind is not PlateKind.SEQUENCE or has_no_frame:
        message = f"{plate.path} does not exist"
        next_step = "copy the media there, or relink the clip in the host"
        return item.problem(ProblemKind.OFFLINE, message, next_step)
    message = f"{plate.path} lacks frames {format_frames(missing)}"
    next_step = "render or copy these frames, or trim the clip, and read the cut again"
    in_cut = any(frame in shot.cut_range for frame in missing)
    if not in_cut:
        message += " in its handles; it is sent without them"
        next_step = "if the handles are needed, render or copy these frames"
    return item.problem(ProblemKind.MISSING_FRAMES, message, next_step, skipped=in_cut)


def _trim_handles(shot: Shot, folders: _FolderListings) -> Shot:
    """The shot with its plate's range reduced to the contiguous frames around the cut range."""
    missing = _missing_frames(shot, folders)
    plate, cut = shot.plate, shot.cut_range
    first = max((f + 1 for f in missing if f < cut.first), default=plate.range.first)
    last = min((f - 1 for f in missing if f > cut.last), default=plate.range.last)
    available = FrameRange(first=first, last=last, rate=plate.range.rate)
    return shot.model_copy(update={"plate": plate.model_copy(update={"range": available})})
