"""A cut in the dialect of its reader, with everything that the dialect cannot carry told in words.

The cut is the truth and stays as it is; an export is made of it, used, and thrown away.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bridge_core.errors import TimelineError
from bridge_core.models.media import FRAME_NUMBER, MOVIES, ending_of, frame_path
from bridge_core.timeline import openrv
from bridge_core.timeline.clock import frames, rate_of, span
from bridge_core.timeline.counting import recount
from bridge_core.timeline.cut import CutSource, ProblemKind
from bridge_core.timeline.document import (
    DAMAGE,
    DEPTH_LIMIT,
    NAMESPACE,
    Document,
    Json,
    listed,
    load,
    ours,
    plate_key,
    references,
    save,
    schema,
)
from bridge_core.timeline.linking import common_part, image_sequence, relink
from bridge_core.timeline.markers import note_of
from bridge_core.timeline.media_times import MediaTimes, outside
from bridge_core.timeline.profiles import Origin, Profile, Sequences, profile
from bridge_core.timeline.references import Media, Unfit, file_path, media_of, sequence_path
from bridge_core.timeline.retimes import time_effects

_REFERENCES = frozenset(
    {"ExternalReference", "ImageSequenceReference", "GeneratorReference", "MissingReference"}
)
_ITEMS = frozenset({"Clip", "Gap", "Stack", "Track", "Transition"})


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of a clip that the reader will not get."""

    clip: str
    track: str
    what: str

    def __str__(self) -> str:
        return f"{self.track}, {self.clip or 'unnamed item'}: {self.what}"


@dataclass(frozen=True, slots=True)
class Report:
    """What was written, and what of it does not arrive. ``remarks`` hold for the whole cut."""

    profile: str
    target: Path
    losses: tuple[Loss, ...]
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*self.remarks, *map(str, self.losses)])


def export(
    source: str | Path | CutSource,
    target: str | Path,
    profile_name: str,
    *,
    overwrite: bool = False,
) -> Report:
    """Write the cut ``source`` for one kind of reader to ``target``, an ``.otio`` file.

    ``profile_name`` is one of :data:`bridge_core.timeline.profiles.PROFILES`; of a cut that was
    read, ``source`` is :attr:`bridge_core.timeline.cut.Cut.source`.

    :raises InvalidRequest: no such profile.
    :raises TimelineError: the cut cannot be read, or the target exists and ``overwrite`` is unset.
    :raises NotWritable: the target cannot be written.
    """
    chosen = profile(profile_name)
    document, target = load(source), Path(target)
    if target.exists() and target.samefile(document.path):
        raise TimelineError(
            "an export would take the place of the cut that it is made of",
            where=str(target),
            next_step="give the export a name of its own",
        )
    relink(document, target)
    losses = _Export(document, chosen).run()
    save(document.root, target, overwrite=overwrite)
    return Report(chosen.name, target, tuple(losses), chosen.remarks)


class _Export:
    def __init__(self, document: Document, chosen: Profile) -> None:
        self.document = document
        self.profile = chosen
        self.folder = document.path.absolute().parent
        self.losses: list[Loss] = []
        self.track = ""
        self.sound = False
        """Inside a sound track, whose files have no frame numbers."""

    def run(self) -> list[Loss]:
        timeline = self.document.timeline
        stack = timeline.get("tracks")
        openrv.restore_tracks(stack)
        children = listed(stack, "children")
        for number, track in enumerate(children, 1):
            self.track = str((isinstance(track, dict) and track.get("name")) or f"V{number}")
            children[number - 1] = self._item(track, (id(stack),))
        if isinstance(stack, dict):
            stack["children"] = [child for child in children if child is not None]
            if self.profile.annotations:
                for track, clip, what in openrv.separate_annotations(stack):
                    self.losses.append(Loss(clip, track, what))
        return self.losses

    def _lose(self, item: Any, what: str) -> None:
        name = item.get("name") if isinstance(item, dict) else ""
        self.losses.append(Loss(str(name or ""), self.track, what))

    def _item(self, node: Any, around: tuple[int, ...]) -> Any:
        """The item as the reader takes it; None where it cannot take it at all."""
        try:
            found = self.document.follow(node)
        except ValueError as error:
            self._lose(node, f"left out: {error}")
            return None
        if id(found) in around or len(around) > DEPTH_LIMIT:
            self._lose(found, "left out: it contains itself")
            return None
        if found is not node:
            # OTIO's library takes no item in two places.
            found = copy.deepcopy(found)
            found.pop("OTIO_REF_ID", None)
        kind = schema(found)
        if kind not in _ITEMS:
            self._lose(found, f"left out: an item of a kind that OTIO does not know ({kind})")
            return _gap(found) if isinstance(found, dict) and found.get("source_range") else None
        before = len(self.losses)
        try:
            self._effects(found)
            if kind == "Clip":
                return self._clip(found)
        except DAMAGE as error:
            del self.losses[before:]
            self._lose(found, f"it is damaged, and goes there as far as it was read: {error}")
        if kind in ("Stack", "Track"):
            inner, outer = (*around, id(found)), self.sound
            self.sound = outer or str(found.get("kind", "")).casefold() == "audio"
            children = [self._item(child, inner) for child in listed(found, "children")]
            found["children"] = [child for child in children if child is not None]
            self.sound = outer
        return found

    def _effects(self, item: Json) -> None:
        kept = []
        for effect in listed(item, "effects"):
            if schema(effect) in self.profile.effects:
                kept.append(effect)
            else:
                self._lose(item, f"effect {schema(effect)} is not known there and was left out")
        if "effects" in item:
            item["effects"] = kept
        for effect in time_effects(item):
            if schema(effect) == "TimeEffect" and not self.profile.ramps:
                self._lose(item, "its speed ramp is not understood there; it plays as shot")
            speed = 0 if schema(effect) == "FreezeFrame" else effect.get("time_scalar", 1)
            if speed <= 0 and schema(effect) != "TimeEffect" and not self.profile.backwards:
                self._lose(item, f"a speed of {speed} is not understood there; it stands still")

    def _clip(self, clip: Json) -> Json:
        several, active = references(clip)
        if self.profile.placeholders and _without_media(several.get(active)):
            span_ = clip.get("source_range") or (several.get(active) or {}).get("available_range")
            self._lose(clip, "it has no media (a title, or offline); a gap stands in its place")
            return _gap({**clip, "source_range": span_}) if span_ else clip
        for key, reference in several.items():
            if schema(reference) not in _REFERENCES:
                kind = schema(reference) or "none"
                self._lose(clip, f"media reference {key} ({kind}) is not known there")
                several[key] = _missing()
        plate = several.get(plate_key(clip))
        media = self._media(clip, plate, several.get(active))
        times = MediaTimes.of(media, plate, clip.get("source_range")) if media else None
        if self.profile.annotations:
            for what in openrv.annotate(clip, times, several, active):
                self._lose(clip, what)
        self._notes(clip)
        if times is not None:
            recount(clip, times, several.values(), several.get(active) or {}, self.profile.origin)
        for key, reference in several.items():
            several[key] = self._reference(clip, reference)
        if media is None or not media.still:
            self._look_at_length(clip, several, active)
        if not self.profile.several_references:
            self._flatten(clip, several, active)
        return clip

    def _media(self, clip: Json, reference: Any, active: Any) -> Media | None:
        """The pictures that a clip's reference names, whether the clip is a shot or not."""
        available = active.get("available_range") if isinstance(active, dict) else None
        source = span(clip.get("source_range") or available)
        if source is None or self.sound:
            return None
        try:
            return media_of(reference, self.folder, source)
        except Unfit as unfit:
            if unfit.kind is ProblemKind.UNSUPPORTED and self.profile.origin is not Origin.MEDIA:
                self._lose(clip, f"its ranges count as in the cut: {unfit.what}")
            return None

    def _look_at_length(self, clip: Json, several: dict[str, Any], active: str) -> None:
        reference = several.get(active) or {}
        source = clip.get("source_range")
        if "version" in ours(reference) and outside(source, reference.get("available_range")):
            self._lose(
                clip,
                f"{_called(clip, active)} holds what the cut shows, and less than the clip's "
                "source range, as the clip is retimed or trimmed by its nest",
            )

    def _reference(self, clip: Json, reference: Json) -> Json:
        """A media reference, named as the reader wants it."""
        how = self.profile.sequences
        found = None if how is Sequences.AS_IN_CUT else self._sequence(clip, reference)
        if found is None:
            url = reference.get("target_url")
            if self.profile.native_paths and isinstance(url, str) and url:
                try:
                    reference["target_url"] = file_path(url, self.folder)
                except Unfit as unfit:
                    self._lose(clip, unfit.what)
            return reference
        if how is Sequences.REFERENCE:
            return _as_sequence_reference(reference, found)
        path = _bracketed(found) if how is Sequences.BRACKETS else found.path
        common = common_part(reference)
        common["metadata"].setdefault(NAMESPACE, {})["first_frame"] = found.first
        return {"OTIO_SCHEMA": "ExternalReference.1", **common, "target_url": path}

    def _sequence(self, clip: Json, reference: Json) -> _Sequence | None:
        """The image sequence that a reference names, however it is spelled; None for others."""
        if schema(reference) == "ImageSequenceReference":
            available, own = span(reference.get("available_range")), reference.get("rate")
            # OTIO's default is 1, and says nothing; see references.py.
            rate = rate_of(own) if own and own != 1 else available and available.rate
            length = frames(available.duration, rate) if available and rate else None
            path = sequence_path(reference, self.folder)
            first = int(reference.get("start_frame") or 0)
            return _Sequence(path, first, length, None)
        source = span(clip.get("source_range") or reference.get("available_range"))
        if schema(reference) != "ExternalReference" or source is None or self.sound:
            return None
        try:
            media = media_of(reference, self.folder, source)
        except Unfit:
            return None
        numbered = ending_of(media.path) not in MOVIES and not media.still
        if not numbered or FRAME_NUMBER.search(media.path.rpartition("/")[2]) is None:
            return None
        times = MediaTimes.of(media, reference, clip.get("source_range"))
        return _Sequence(media.path, media.first, media.length, times)

    def _flatten(self, clip: Json, several: dict[str, Any], active: str) -> None:
        left = [key for key in several if key != active]
        if left:
            told = ", ".join("the plate" if key == plate_key(clip) else key for key in left)
            self._lose(clip, f"only {_called(clip, active)} goes there; left behind: {told}")
        clip["OTIO_SCHEMA"] = "Clip.1"
        clip.pop("media_references", None)
        clip.pop("active_media_reference_key", None)
        clip["media_reference"] = several.get(active) or _missing()

    def _notes(self, clip: Json) -> None:
        for marker in listed(clip, "markers"):
            if not isinstance(marker, dict):
                continue
            note = note_of(marker)
            if self.profile.resolve_notes and marker.get("comment"):
                metadata = marker.setdefault("metadata", {})
                metadata.setdefault("Resolve_OTIO", {})["Note"] = marker["comment"]
            if note is not None and self.profile.marker_colour:
                marker["color"] = self.profile.marker_colour
            if note is not None and note.strokes and not self.profile.annotations:
                count = len(note.strokes)
                drawn = f"{count} drawing{'s' if count > 1 else ''}"
                self._lose(clip, f"{drawn} of the note by {note.by} cannot be seen there")


class _Sequence(NamedTuple):
    """An image sequence: its pattern (``%04d``), first number, and how many frames are known."""

    path: str
    first: int
    length: int | None
    times: MediaTimes | None
    """None for a sequence reference, which needs none."""


def _as_sequence_reference(reference: Json, found: _Sequence) -> Json:
    if found.times is None:
        return reference
    common = common_part(reference)
    if common["available_range"] is None and found.length is not None:
        common["available_range"] = found.times.range(found.first, found.length)
    url = reference["target_url"]
    base = url[: max(url.rfind("/"), url.rfind("\\")) + 1]
    name = found.path.replace("\\", "/").rpartition("/")[2]
    return image_sequence(base, name, found.first, found.times.rate, common)


def _bracketed(media: _Sequence) -> str:
    """``plate.[1001-1100].exr``; the first file, where the last is not known."""
    if media.length is None:
        return frame_path(media.path, media.first)
    folder, slash, name = media.path.rpartition("/")
    number = FRAME_NUMBER.search(name)
    assert number is not None
    padding = int(number[1] or 0)
    last = media.first + media.length - 1
    numbers = f"[{media.first:0{padding}d}-{last:0{padding}d}]"
    return folder + slash + name[: number.start()] + numbers + name[number.end() :]


def _called(clip: Json, key: str) -> str:
    return "the plate" if key == plate_key(clip) else key


def _without_media(reference: Any) -> bool:
    return schema(reference) in ("", "MissingReference", "GeneratorReference")


def _missing() -> Json:
    return {
        "OTIO_SCHEMA": "MissingReference.1",
        "metadata": {},
        "name": "",
        "available_range": None,
    }


def _gap(item: Json) -> Json:
    """A gap of an item's length, with its name and what is pinned to it."""
    kept = ("name", "metadata", "markers", "source_range", "enabled")
    return {"OTIO_SCHEMA": "Gap.1", "effects": [], **{k: item[k] for k in kept if k in item}}
