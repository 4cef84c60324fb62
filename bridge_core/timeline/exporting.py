"""A cut in the dialect of its reader, with everything that the dialect cannot carry told in words.

The cut is the truth and stays as it is; an export is made of it, used, and thrown away.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge_core.errors import TimelineError
from bridge_core.models.frames import FrameRange, to_rate
from bridge_core.models.media import MOVIES, ending_of, frame_path
from bridge_core.timeline import openrv
from bridge_core.timeline.clock import frames, rate_of, rational_time, seconds, span
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
from bridge_core.timeline.markers import note_of
from bridge_core.timeline.profiles import Origin, Profile, Sequences, profile
from bridge_core.timeline.reading import survey
from bridge_core.timeline.references import Media, Unfit, file_path, sequence_path
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
    source: str | Path,
    target: str | Path,
    profile_name: str,
    *,
    overwrite: bool = False,
    timeline: str | None = None,
    rate: Any = None,
) -> Report:
    """Write the cut ``source`` for one kind of reader to ``target``, an ``.otio`` file.

    ``profile_name`` is one of :data:`bridge_core.timeline.profiles.PROFILES`; ``timeline`` and
    ``rate`` say how ``source`` is read, as in :func:`bridge_core.timeline.reading.read_cut`.

    :raises InvalidRequest: no such profile.
    :raises TimelineError: the cut cannot be read, or the target exists and ``overwrite`` is unset.
    :raises NotWritable: the target cannot be written.
    """
    chosen = profile(profile_name)
    counted = to_rate(rate) if rate is not None else None
    document = load(source, timeline=timeline, rate=counted)
    target = Path(target)
    if target.exists() and target.samefile(document.path):
        raise TimelineError(
            "an export would take the place of the cut that it is made of",
            where=str(target),
            next_step="give the export a name of its own",
        )
    losses = _Export(document, chosen, counted).run()
    save(document.root, target, overwrite=overwrite)
    return Report(chosen.name, target, tuple(losses), chosen.remarks)


class _Export:
    def __init__(self, document: Document, chosen: Profile, rate: Fraction | None) -> None:
        self.document = document
        self.profile = chosen
        self.folder = document.path.absolute().parent
        self.losses: list[Loss] = []
        found = survey(document, rate=rate)
        # Looked up by the object itself, before any of them is changed.
        self.media = {id(node): found.media[clip] for clip, node in found.clips.items()}
        self.track = ""

    def run(self) -> list[Loss]:
        timeline = self.document.timeline
        stack = timeline.get("tracks")
        children = listed(stack, "children")
        for number, track in enumerate(children, 1):
            self.track = str((isinstance(track, dict) and track.get("name")) or f"V{number}")
            children[number - 1] = self._item(track, (id(stack),))
        if isinstance(stack, dict):
            stack["children"] = [child for child in children if child is not None]
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
            media = self.media.get(id(found))
            found = copy.deepcopy(found)
            found.pop("OTIO_REF_ID", None)
            if media is not None:
                self.media[id(found)] = media
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
            inner = (*around, id(found))
            children = [self._item(child, inner) for child in listed(found, "children")]
            found["children"] = [child for child in children if child is not None]
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
        media = self.media.get(id(clip))
        for key, reference in several.items():
            if schema(reference) not in _REFERENCES:
                kind = schema(reference) or "none"
                self._lose(clip, f"media reference {key} ({kind}) is not known there")
                several[key] = _missing()
        if self.profile.annotations:
            self._annotate(clip, media, several, active)
        self._notes(clip)
        if not self._count_from_zero(clip, media, several.get(active)):
            self._shift(clip, media, several)
        for key, reference in several.items():
            several[key] = self._reference(clip, reference)
        if not self.profile.several_references:
            self._flatten(clip, several, active)
        return clip

    def _shift(self, clip: Json, media: Media | None, several: dict[str, Any]) -> None:
        """Count the clip's media time from where the reader does."""
        if media is None or self.profile.origin is Origin.MEDIA:
            return
        if ending_of(media.path) in MOVIES:
            return  # counted from its own timecode, or from 0: both agree with the files
        if self.profile.origin is Origin.TIMECODE and media.start_timecode is not None:
            return
        by = media.first / media.rate - media.start
        _move(clip, several.values(), by)

    def _count_from_zero(self, clip: Json, media: Media | None, active: Any) -> bool:
        """A version that is a movie has a timecode only where its plate has one. Without, a reader
        by timecode counts it from 0, and turns down a cut that says otherwise."""
        if media is None or media.start_timecode is not None or "version" not in ours(active):
            return False
        if self.profile.origin is not Origin.TIMECODE or not active.get("available_range"):
            return False
        if ending_of(str(active.get("target_url") or "")) not in MOVIES:
            return False
        _move(clip, [active], -seconds(active["available_range"]["start_time"]))
        return True

    def _reference(self, clip: Json, reference: Json) -> Json:
        """A media reference, named as the reader wants it."""
        kind = schema(reference)
        if kind == "ExternalReference":
            if self.profile.native_paths and isinstance(reference.get("target_url"), str):
                try:
                    reference["target_url"] = file_path(reference["target_url"], self.folder)
                except Unfit as unfit:
                    self._lose(clip, unfit.what)
            return reference
        if kind != "ImageSequenceReference" or self.profile.sequences is Sequences.REFERENCE:
            return reference
        path = sequence_path(reference, self.folder)
        first = int(reference.get("start_frame") or 0)
        if self.profile.sequences is Sequences.BRACKETS:
            path = self._bracketed(reference, path, first)
        metadata = reference.get("metadata") or {}
        metadata.setdefault(NAMESPACE, {})["first_frame"] = first
        return {
            "OTIO_SCHEMA": "ExternalReference.1",
            "metadata": metadata,
            "name": reference.get("name") or "",
            "available_range": reference.get("available_range"),
            "available_image_bounds": reference.get("available_image_bounds"),
            "target_url": path,
        }

    def _bracketed(self, reference: Json, path: str, first: int) -> str:
        """``plate.[1001-1100].exr``; the first file, where nobody knows the last."""
        available = span(reference.get("available_range"))
        if available is None:
            return frame_path(path, first)
        last = first + frames(available.duration, available.rate) - 1
        folder, _, name = path.rpartition("/")
        padding = int(reference.get("frame_zero_padding") or 0)
        number = f"%0{padding}d" if padding else "%d"
        return f"{folder}/{name.replace(number, f'[{first:0{padding}d}-{last:0{padding}d}]')}"

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

    def _annotate(
        self, clip: Json, media: Media | None, several: dict[str, Any], active: str
    ) -> None:
        clip["effects"] = [
            effect
            for effect in listed(clip, "effects")
            if not (schema(effect) == "Annotation" and "note_id" in ours(effect))
        ]
        for marker in listed(clip, "markers"):
            note = note_of(marker)
            if note is None or not note.strokes:
                continue
            canvas = _canvas(several, note.version, active)
            if canvas is None or media is None:
                self._lose(
                    clip,
                    f"the drawings of the note by {note.by} have no place there: the picture's "
                    "size is not known",
                )
                continue
            on = note.frames or self._shown(clip, media)
            if note.drawn_on is not None:
                on = on.shifted(note.drawn_on - on.first)
            if ending_of(media.path) in MOVIES:
                on = on.shifted(1 - media.first)
            label = str(ours(marker).get("label", ""))
            clip["effects"].append(openrv.annotation_of(note, label, on, canvas))

    def _shown(self, clip: Json, media: Media) -> FrameRange:
        """The first frame that the clip shows."""
        source = span(clip.get("source_range"))
        first = media.frame_at(source.start) if source else media.first
        return FrameRange(first=first, last=first, rate=media.rate)


def _move(clip: Json, references_: Iterable[Any], by: Fraction) -> None:
    """Count a clip, its markers and these references of it from elsewhere, ``by`` seconds later."""
    ranges = [clip.get("source_range")]
    ranges += [reference.get("available_range") for reference in references_]
    ranges += [marker.get("marked_range") for marker in listed(clip, "markers")]
    for one in ranges:
        if one is not None:
            start = one["start_time"]
            rate = rate_of(start["rate"])
            one["start_time"] = rational_time((seconds(start) + by) * rate, rate)


def _canvas(several: dict[str, Any], version: str, active: str) -> openrv.Canvas | None:
    of_version = [item for item in several.values() if ours(item).get("version") == version]
    for reference in [*of_version, several.get(active)]:
        if not isinstance(reference, dict):
            continue
        bounds = reference.get("available_image_bounds")
        if bounds:
            return openrv.Canvas.of_bounds(bounds)
        told = ours(reference)
        if told.get("width") and told.get("height"):
            return openrv.Canvas.of_size(
                told["width"], told["height"], told.get("pixel_aspect", 1.0)
            )
    return None


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
