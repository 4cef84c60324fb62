"""Check which of a cut's frames are on disk, with one listing per folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from bridge_core.errors import format_frames
from bridge_core.models.media import (
    PlateKind,
    frame_path,
    frame_paths,
    plate_kind,
    signed_frame_path,
    split_path,
)
from bridge_core.plate_file_search import comparable_name, duplicate_frame, path_as_on_disk
from bridge_core.system.pacing import paced
from bridge_core.timeline.cut import Cut, CutProblem, CutShot, ProblemKind
from bridge_core.timeline.shot_fields import ShotFields

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
    for item in paced(cut.shots):
        problem = _check_shot(item, folders)
        if isinstance(problem, CutProblem):
            problems.append(problem)
            if problem.skipped:
                continue
            item = replace(item, fields=_trim_handles(item.fields, folders))
        shots.append(item)
    folders.free()
    return replace(cut, shots=tuple(shots), problems=tuple(problems))


class _FolderListings:
    """File names by folder, each folder listed once; a folder that cannot be listed has none.

    Names are compared by :func:`bridge_core.plate_file_search.comparable_name`.
    """

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}
        self.errors: dict[str, str] = {}

    def free(self) -> None:
        """Free the names folder by folder: a million at once would hold the GIL for 50 ms."""
        for _ in paced(range(len(self._names))):
            self._names.popitem()

    def has(self, path: str) -> bool:
        folder, name = split_path(path)
        return comparable_name(name) in self.names(folder)

    def names(self, folder: str) -> frozenset[str]:
        if folder not in self._names:
            self._names[folder] = self._list(folder)
        return self._names[folder]

    def _list(self, folder: str) -> frozenset[str]:
        try:
            with os.scandir(path_as_on_disk(Path(folder))) as entries:
                return frozenset(comparable_name(entry.name) for entry in entries)
        except OSError as error:
            self.errors[folder] = error.strerror or str(error)
            return frozenset()


def _missing_frames(fields: ShotFields, folders: _FolderListings) -> list[int]:
    """The frames of the shot's work range without a file, in order; at most 10,000 of them."""
    frames = range(fields.work_first, fields.work_last + 1)
    names = folders.names(split_path(fields.path)[0])
    missing: list[int] = []
    if not names:
        return list(frames[:_MAX_MISSING])
    for start in range(0, len(frames), _MAX_MISSING):
        some = frames[start : start + _MAX_MISSING]
        missing += (
            frame
            for frame, path in zip(some, frame_paths(fields.path, some), strict=True)
            if comparable_name(split_path(path)[1]) not in names
            and not (frame < 0 and _existing_files(fields, frame, folders))
        )
        if len(missing) >= _MAX_MISSING:
            break
    return missing[:_MAX_MISSING]


def _existing_files(fields: ShotFields, frame: int, folders: _FolderListings) -> list[str]:
    """The existing files of a frame; a negative frame number has two spellings."""
    names = (
        frame_path(fields.path, frame),
        signed_frame_path(fields.path, frame) if frame < 0 else None,
    )
    return [name for name in names if name and folders.has(name)]


def _check_shot(item: CutShot, folders: _FolderListings) -> CutProblem | None:
    shot, path = item.fields, item.fields.path
    for frame in range(shot.work_first, min(0, shot.work_last + 1)):
        files = _existing_files(shot, frame, folders)
        if len(files) > 1:
            error = duplicate_frame(frame, *files)
            return item.problem(ProblemKind.BROKEN, error.message, error.next_step)
    missing = _missing_frames(shot, folders)
    if not missing:
        return None
    folder = split_path(path)[0]
    reason = folders.errors.get(folder)
    if reason is not None:
        message = f"its folder {folder} cannot be listed: {reason}"
        next_step = "mount the storage, or relink the clip in the host"
        return item.problem(ProblemKind.OFFLINE, message, next_step)
    is_sequence = plate_kind(path) is PlateKind.SEQUENCE
    if is_sequence and folders.has(path):
        message = f"{path} is a single picture, but its name reads as a sequence's pattern"
        next_step = "rename the file without its %d, and relink the clip in the host"
        return item.problem(ProblemKind.UNSUPPORTED, message, next_step)
    has_no_frame = len(missing) == min(shot.work_last - shot.work_first + 1, _MAX_MISSING)
    if not is_sequence or has_no_frame:
        message = f"{path} does not exist"
        next_step = "copy the media there, or relink the clip in the host"
        return item.problem(ProblemKind.OFFLINE, message, next_step)
    message = f"{path} lacks frames {format_frames(missing)}"
    next_step = "render or copy these frames, or trim the clip, and read the cut again"
    in_cut = any(shot.cut_first <= frame <= shot.cut_last for frame in missing)
    if not in_cut:
        message += " in its handles; it is sent without them"
        next_step = "if the handles are needed, render or copy these frames"
    return item.problem(ProblemKind.MISSING_FRAMES, message, next_step, skipped=in_cut)


def _trim_handles(shot: ShotFields, folders: _FolderListings) -> ShotFields:
    """The shot with its plate's range reduced to the contiguous frames around the cut range."""
    missing = _missing_frames(shot, folders)
    first = max((f + 1 for f in missing if f < shot.cut_first), default=shot.plate_first)
    last = min((f - 1 for f in missing if f > shot.cut_last), default=shot.plate_last)
    return shot._replace(plate_first=first, plate_last=last)
