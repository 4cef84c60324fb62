"""Names and clip ids of the shots of a cut: unique, and the same when the cut is read again."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from bridge_core.models.media import MOVIE_EXTENSIONS, PICTURE_EXTENSIONS, file_extension
from bridge_core.models.shots import sanitise_name
from bridge_core.system.pacing import paced
from bridge_core.timeline.cut import CutShot
from bridge_core.timeline.media_paths import media_path

#: ``sq010_sh0020``, ``010-0020``, ``BBB_010_0020``: a show's letters, a sequence, a shot.
_SEQUENCE_AND_SHOT = re.compile(
    r"^(?:[A-Za-z]+[_-])?([A-Za-z]{0,8}\d{2,5}[A-Za-z]?)[_-]([A-Za-z]{0,8}\d{2,5}[A-Za-z]?)$"
)
#: What hosts leave at the end of a file name: ``.[1001-1100]``, ``.%04d``, ``.####``, ``.1001``.
_FRAME_NUMBER_SUFFIX = re.compile(r"[._-]?(?:\[-?\d+--?\d+\]|%0?\d*d|#+|@+)$|\.\d+$")


class NameCandidate(NamedTuple):
    """The names that a clip suggests. ``sort_key`` orders clips that suggest the same."""

    sequence: str
    shot: str
    clip_id: str
    has_stored_name: bool
    """The names are stored in the file."""
    sort_key: tuple[str, int, str, Fraction]


def split_name(clip: str, cut: str) -> tuple[str, str]:
    """Sequence and shot of a clip's name; without a sequence in it, the cut's name is used."""
    stem = clip
    ending = file_extension(clip)
    if ending in PICTURE_EXTENSIONS or ending in MOVIE_EXTENSIONS:
        stem = _FRAME_NUMBER_SUFFIX.sub("", clip[: -len(ending)])
    match = _SEQUENCE_AND_SHOT.match(stem)
    if match:
        return match[1], match[2]
    return sanitise_name(cut, default="cut"), sanitise_name(stem, default="shot")


def compute_clip_id(media_key: str, first: int, last: int, rate: Fraction) -> str:
    """A clip's id from what it shows: 16 hexadecimal digits of a SHA-256.

    ``media_key`` is that of :func:`~bridge_core.timeline.media_paths.media_key`, so that the id
    is the same on every machine and in every format. The position in the cut is not part of it, so
    that a clip that moves keeps its id.
    """
    text = f"{media_key}\n{first}\n{last}\n{rate}"
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def make_names_unique(shots: list[CutShot]) -> None:
    """Rename shots of a cut so that names within a sequence, and clip ids, are unique."""
    names = [(item.sequence, item.name, item.clip_id) for item in shots]
    repeated = repeated_names(names)
    if not repeated:
        return
    candidates = [_name_candidate(shots[index]) for index in repeated]
    assigned = assign_unique_names(candidates, names)
    for index, (sequence, name, clip_id) in zip(repeated, assigned, strict=True):
        shots[index] = replace(shots[index], sequence=sequence, name=name, clip_id=clip_id)


def _name_candidate(item: CutShot) -> NameCandidate:
    fields = item.fields
    return NameCandidate(
        sequence=item.sequence,
        shot=item.name,
        clip_id=item.clip_id,
        has_stored_name=item.has_stored_id,
        sort_key=(
            item.media_key,
            fields.first_media_frame,
            media_path(fields.path),
            Fraction(fields.record_first),
        ),
    )


def repeated_names(names: Sequence[tuple[str, str, str]]) -> list[int]:
    """The positions of those of these names (sequence, shot and clip id) of which the shot in its
    sequence, or the clip id, is not unique within the cut.

    Names are compared case-insensitively, as Windows and macOS compare folder names.
    """
    shots = [(sequence.casefold(), shot.casefold()) for sequence, shot, _ in paced(names)]
    clip_ids = [clip_id.casefold() for _, _, clip_id in paced(names)]
    shot_counts, id_counts = Counter(shots), Counter(clip_ids)
    return [
        index
        for index, (shot, clip_id) in enumerate(zip(shots, clip_ids, strict=True))
        if shot_counts[shot] > 1 or id_counts[clip_id] > 1
    ]


def assign_unique_names(
    candidates: Sequence[NameCandidate], others: Iterable[tuple[str, str, str]] = ()
) -> list[tuple[str, str, str]]:
    """Sequence, shot and clip id for each candidate, all of them unique within the cut; ``others``
    are those of clips that keep theirs.

    Names stored in the file go first and are kept. Of the others, the clip that shows the earliest
    frames of the media keeps the name, and the next become ``name_2``, ``name_3``; moving clips
    renames none.
    """
    ranked = sorted(
        enumerate(candidates), key=lambda pair: (not pair[1].has_stored_name, pair[1].sort_key)
    )
    # A suffixed name must not take the plain name of another clip.
    all_names = [*others, *((one.sequence, one.shot, one.clip_id) for one in candidates)]
    names = _UniqueNames({(one.casefold(), shot.casefold()) for one, shot, _ in all_names})
    clip_ids = _UniqueNames({("", clip_id.casefold()) for _, _, clip_id in all_names})
    assigned: list[tuple[str, str, str]] = [("", "", "")] * len(candidates)
    for index, item in ranked:
        shot = names.claim(item.sequence.casefold(), item.shot, "_")
        assigned[index] = (item.sequence, shot, clip_ids.claim("", item.clip_id, "-"))
    return assigned


class _UniqueNames:
    """Assigns every name once; later claims get a number."""

    def __init__(self, reserved: set[tuple[str, str]]) -> None:
        self._reserved = reserved
        self._taken: set[tuple[str, str]] = set()
        self._numbers: dict[tuple[str, str], int] = {}

    def claim(self, folder: str, name: str, separator: str) -> str:
        requested = (folder, name.casefold())
        if requested not in self._taken:
            self._taken.add(requested)
            return name
        while True:
            # Continue with the last number: a thousand clips may have the same name.
            number = self._numbers[requested] = self._numbers.get(requested, 1) + 1
            suffix = f"{separator}{number}"
            candidate = name[: 128 - len(suffix)] + suffix
            key = (folder, candidate.casefold())
            if key not in self._taken and key not in self._reserved:
                self._taken.add(key)
                return candidate
