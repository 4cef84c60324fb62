"""The timeline that is open in Resolve, as a cut.

Resolve exports it as OTIO, since its scripting API tells neither retimes nor transitions. What the
file lacks is put back from the API: each clip's own id, the plate in place of a version whose take
is selected, and colour spaces. The result is a file of ours that :func:`bridge_core.timeline` reads
like any other cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.models.shots import Shot
from bridge_core.timeline.clock import frames, rational_time, seconds, span
from bridge_core.timeline.cut import Cut, CutProblem, CutShot, CutSource, ProblemKind
from bridge_core.timeline.document import (
    DAMAGE,
    DEFAULT_KEY,
    NAMESPACE,
    Document,
    Json,
    listed,
    load,
    save,
    schema,
)
from bridge_core.timeline.document import references as references_of
from bridge_core.timeline.lookup import look_for_media
from bridge_core.timeline.reading import survey
from bridge_resolve.answers import ensure, knows
from bridge_resolve.clips import Clip, clips_of, rate_and_drop
from bridge_resolve.colour import ProjectColour
from bridge_resolve.marks import VersionMark
from bridge_resolve.media import first_number, reference_of

if TYPE_CHECKING:
    from fusionscript import Resolve, Timeline

#: Where a camera file is kept among a clip's references; the plate is its rendering.
CAMERA_KEY = f"{NAMESPACE}:camera file"
#: Digits of the frame numbers of a plate that is yet to be rendered: a day of timecode and more.
DIGITS = 8


@dataclass(frozen=True, slots=True)
class Sheet:
    """The open timeline, read. ``clips`` holds all its clips by id, ``cut`` those that became
    shots; ``above`` are ids of clips that are versions on a track of their own."""

    timeline: Timeline
    cut: Cut
    clips: dict[str, Clip]
    above: frozenset[str]
    part: bool
    """Only what lies between the timeline's In and Out."""
    colour: ProjectColour

    def shot(self, clip: str) -> Shot | None:
        """A shot as it would be sent: what must be rendered first has its work range alone."""
        item = self.cut.shot(clip)
        if item is None:
            return None
        if self.clips[clip].plate.readable:
            return item.shot
        plate = item.shot.plate.model_copy(update={"range": item.shot.work_range})
        return item.shot.model_copy(update={"plate": plate})


def read_timeline(
    resolve: Resolve,
    timeline: Timeline,
    target: Path,
    *,
    show: str,
    handles: int,
    in_to_out: bool,
    colour: ProjectColour,
) -> Sheet:
    """Read the open timeline; the cut is written to ``target``. With ``in_to_out`` it holds only
    what lies between the timeline's In and Out, where they are set.

    ``colour`` is how the project manages colour: where nobody can say what it renders, clips that
    would have to be rendered become problems.

    :raises HostError: Resolve does not export it.
    :raises TimelineError: what it exported cannot be read.
    """
    clips = clips_of(timeline)
    above = frozenset(v.item for c in clips.values() for v in c.marks.versions if v.item in clips)
    export = target.with_name(f"{target.stem}_export.otio")
    try:
        ensure(
            timeline.Export(str(export), resolve.EXPORT_OTIO, resolve.EXPORT_NONE),
            f"export the timeline {timeline.GetName()} as OTIO",
            where=str(export),
        )
        document = load(export)
    finally:
        export.unlink(missing_ok=True)
    rate, _ = rate_and_drop(timeline)
    _Restoring(document, rate, clips, above, colour).run()
    save(document.root, target, overwrite=True)
    document.source = CutSource(target)
    found = survey(document, show=show, handles=handles)
    cut, part = _marked(found.cut, timeline) if in_to_out else (found.cut, False)
    return Sheet(timeline, _looked_at(cut, clips, colour), clips, above, part, colour)


class _Restoring:
    """Puts into an exported document what Resolve leaves out of it."""

    def __init__(
        self,
        document: Document,
        rate: Fraction,
        clips: dict[str, Clip],
        above: frozenset[str],
        colour: ProjectColour,
    ) -> None:
        self.document = document
        self.by_place = {(clip.track, clip.start): clip for clip in clips.values()}
        self.above = above
        self.colour = colour
        start = document.timeline.get("global_start_time")
        self.start = seconds(start) if start else Fraction(0)
        self.rate = rate

    def run(self) -> None:
        for number, track in enumerate(_picture_tracks(self.document.timeline), 1):
            children = listed(track, "children")
            for index, node, at in _clips(children, self.start):
                clip = self.by_place.get((number, frames(at, self.rate)))
                if clip is None:
                    continue
                if clip.id in self.above:
                    children[index] = _gap(node)
                else:
                    self._clip(node, clip)

    def _clip(self, node: Json, clip: Clip) -> None:
        several, active = references_of(node)
        several = {DEFAULT_KEY: several.get(active)}
        node.pop("media_reference", None)
        node["OTIO_SCHEMA"] = "Clip.2"
        node["media_references"] = several
        node["active_media_reference_key"] = DEFAULT_KEY
        told = node.setdefault("metadata", {}).setdefault(NAMESPACE, {})
        told["clip"] = clip.id
        # Without our data they would be a person's: versions bring theirs themselves.
        node["markers"] = [
            marker for marker in listed(node, "markers") if _said(marker) not in clip.marks.ours
        ]
        shown = clip.shown_version
        if shown is not None:
            self._back_to_plate(node, several, clip, shown)
        if clip.marks.versions:
            last = clip.marks.versions[-1]
            told["sequence"], told["shot"] = last.sequence, last.shot
        reference = several[DEFAULT_KEY]
        if not clip.plate.readable and schema(reference) == "ExternalReference":
            # The camera file stays the one that readers of the cut get; the plate is what is sent.
            several[CAMERA_KEY] = reference
            node["active_media_reference_key"] = CAMERA_KEY
            told["plate"] = DEFAULT_KEY
            reference = several[DEFAULT_KEY] = self._to_render(reference, clip)
            node["name"] = Path(clip.plate.name).stem
        self._hints(reference, clip)

    def _back_to_plate(
        self, node: Json, several: dict[str, Any], clip: Clip, shown: VersionMark
    ) -> None:
        """The plate in the place of a version: frame for frame the same, since versions keep the
        plate's numbers."""
        source = span(node["source_range"])
        version = span(several[DEFAULT_KEY]["available_range"])
        assert source is not None
        assert version is not None
        number = shown.first + frames(source.start - version.start, version.rate)
        reference = several[DEFAULT_KEY] = reference_of(clip.plate)
        rate = clip.plate.rate
        at = clip.plate.start + number - first_number(clip.plate)
        node["name"] = clip.plate.name
        node["source_range"]["start_time"] = rational_time(Fraction(at), rate)
        reference["name"] = clip.plate.name

    def _to_render(self, reference: Json, clip: Clip) -> Json:
        """The picture sequence that a rendering of camera files would give."""
        folder = self.document.path.parent / "to render" / clip.id
        return {
            "OTIO_SCHEMA": "ImageSequenceReference.1",
            "name": reference.get("name", ""),
            "metadata": {
                NAMESPACE: {
                    "colour_space": self.colour.rendered,
                    "start_timecode": clip.plate.timecode(clip.plate.start),
                }
            },
            "available_range": reference["available_range"],
            "target_url_base": folder.absolute().as_uri() + "/",
            "name_prefix": f"{Path(clip.plate.name).stem}.",
            "name_suffix": ".exr",
            "start_frame": clip.plate.start,
            "frame_step": 1,
            "rate": float(clip.plate.rate),
            "frame_zero_padding": DIGITS,
            "missing_frame_policy": "error",
        }

    def _hints(self, reference: Any, clip: Clip) -> None:
        if not isinstance(reference, dict):
            return
        told = reference.setdefault("metadata", {}).setdefault(NAMESPACE, {})
        if clip.plate.width and clip.plate.height:
            told.setdefault("width", clip.plate.width)
            told.setdefault("height", clip.plate.height)
        space = self.colour.space(clip.plate)
        if space and clip.plate.readable:
            told.setdefault("colour_space", space)


def _picture_tracks(timeline: Json) -> list[Json]:
    stack = timeline.get("tracks")
    return [track for track in listed(stack, "children") if track.get("kind", "Video") == "Video"]


def _clips(children: list[Any], start: Fraction) -> Iterator[tuple[int, Json, Fraction]]:
    """Clips of a track with their places, and the second at which each stands.

    Nothing comes after an item whose length cannot be read: the reader of the cut tells of it.
    """
    at = start
    for index, child in enumerate(children):
        kind = schema(child)
        if kind == "Transition":
            continue
        try:
            length = seconds(child["source_range"]["duration"])
        except DAMAGE:
            return
        if kind == "Clip":
            yield index, child, at
        at += length


def _said(marker: Any) -> tuple[str, str] | None:
    """Name and text of a marker, as Resolve writes them."""
    if not isinstance(marker, dict):
        return None
    told = (marker.get("metadata") or {}).get("Resolve_OTIO") or {}
    return str(marker.get("name") or ""), str(told.get("Note") or "")


def _gap(clip: Json) -> Json:
    duration = clip["source_range"]["duration"]
    start = {**duration, "value": 0.0}
    length = {"OTIO_SCHEMA": "TimeRange.1", "start_time": start, "duration": duration}
    return {"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": length}


def _marked(cut: Cut, timeline: Timeline) -> tuple[Cut, bool]:
    """The cut between the timeline's In and Out, where they are set: Resolve tells no script which
    clips are selected, and this is what editors have instead."""
    if not knows(timeline, "GetMarkInOut"):
        return cut, False
    told: Any = timeline.GetMarkInOut() or {}
    marked = told.get("video") or {}
    if "in" not in marked or "out" not in marked:
        return cut, False
    first, last = (timeline.GetStartFrame() + int(marked[key]) for key in ("in", "out"))

    def within(record: Any) -> bool:
        return record is None or (record.first <= last and first <= record.last)

    shots = tuple(item for item in cut.shots if within(item.shot.record_range))
    problems = tuple(problem for problem in cut.problems if within(problem.record))
    return replace(cut, shots=shots, problems=problems), True


def _looked_at(cut: Cut, clips: dict[str, Clip], colour: ProjectColour) -> Cut:
    """The cut without what cannot be sent from here; what would be rendered is not looked for."""
    files, kept, problems = [], set(), []
    for item in cut.shots:
        plate = clips[item.clip].plate if item.clip in clips else None
        if plate is None:
            problems.append(_stranger(item))
        elif plate.readable:
            files.append(item)
            if name := colour.unknown(plate):
                problems.append(_unnamed(item, name))
        elif colour.rendered is None:
            problems.append(_unrendered(item, colour))
        else:
            kept.add(item.clip)
    looked = look_for_media(replace(cut, shots=tuple(files)))
    found = {item.clip: item for item in looked.shots}
    shots = (found.get(item.clip, item) for item in cut.shots if item.clip in found.keys() | kept)
    return replace(cut, shots=tuple(shots), problems=(*looked.problems, *problems))


def _stranger(item: CutShot) -> CutProblem:
    what = "Resolve exports this clip, and its timeline does not show it at this place"
    return _problem(
        item, ProblemKind.BROKEN, what, "reload; if it stays, cut the clip in anew", skipped=True
    )


def _unrendered(item: CutShot, colour: ProjectColour) -> CutProblem:
    what = f"Resolve would have to render this camera file: {colour.why}"
    return _problem(item, ProblemKind.UNSUPPORTED, what, colour.next_step, skipped=True)


def _unnamed(item: CutShot, name: str) -> CutProblem:
    return _problem(
        item,
        ProblemKind.ASSUMED,
        f"Resolve reads it as {name}, which has no OCIO name that is known here: the gateway's own "
        "rules say in which colour space it is",
        "set the clip's Input Color Space to what it was shot in, if that is something else",
        skipped=False,
    )


def _problem(
    item: CutShot, kind: ProblemKind, what: str, next_step: str, *, skipped: bool
) -> CutProblem:
    return CutProblem(kind, what, next_step, item.name, item.track, item.shot.record_range, skipped)
