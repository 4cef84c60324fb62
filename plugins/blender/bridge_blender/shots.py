"""Reads shots from a .blend: strips, the camera's range, the last rendering, open images.

If strips are selected and a sequencer is visible, only they are shots. Otherwise all strips of the
sequencer are, and also the render range of the scene's camera, the last rendering, and the images
in open Image Editors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from pydantic import ValidationError

from bridge_core.hosts.base import HostProblem, HostShot
from bridge_core.models.base import validation_error, validation_message
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate, detect_pattern
from bridge_core.models.shots import Shot, ShotId, sanitise_name, strip_version
from bridge_core.timeline.shot_naming import NameCandidate, assign_unique_names, split_name

from . import render_monitor
from . import sequencer_api as api
from .custom_properties import plate_properties, stored_show, version_properties
from .media import (
    StripMedia,
    absolute_path,
    file_plate,
    movie_info,
    plate_to_render,
    scene_rate,
    strip_media,
)
from .placed_items import PlacedItem, placed_items_by_clip
from .retime import FrameMapping, UnsupportedStripError

if TYPE_CHECKING:
    from bridge_core.models.settings import WorkSettings

_UNSUPPORTED_TYPES = {
    "META": ("it is a meta strip", "ungroup it (Ctrl-Alt-G), and send the strips inside"),
    "MOVIECLIP": ("it shows a movie clip", "add its file as a movie or image strip"),
    "MASK": ("it is a mask", "send the strip that it masks"),
}


class SourceKind(StrEnum):
    STRIP = "strip"
    CAMERA = "camera"
    RENDER = "render"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class BlenderShot:
    """A shot and its Blender data: a strip, a scene (for a camera or a rendering) or an image."""

    host_shot: HostShot
    kind: SourceKind
    target: Any
    media: StripMedia
    placed_items: tuple[PlacedItem, ...] = ()
    """In order of placement."""

    @property
    def next_placement_index(self) -> int:
        return 1 + max((item.properties.placement_index for item in self.placed_items), default=0)


@dataclass(frozen=True, slots=True)
class BlenderShotList:
    title: str
    show: str
    shots: tuple[BlenderShot, ...]
    problems: tuple[HostProblem, ...]
    is_selection: bool = False
    """The list has only the selected strips."""

    def by_item_id(self, item_id: str) -> BlenderShot | None:
        return next((shot for shot in self.shots if shot.host_shot.item_id == item_id), None)


@dataclass(frozen=True, slots=True)
class _ShotCandidate:
    """Blender data that may become a shot."""

    kind: SourceKind
    target: Any
    name: str
    media: StripMedia
    record_range: FrameRange | None
    placed_items: tuple[PlacedItem, ...] = ()

    @property
    def item_id(self) -> str:
        """Unique in the file: strip names are unique only within their scene."""
        within = f"{self.target.id_data.name}/" if self.kind is SourceKind.STRIP else ""
        return f"{self.kind}:{within}{self.name}"

    def is_included(self, selected_names: frozenset[str]) -> bool:
        """Whether it is listed: a selected strip, or anything visible without a selection."""
        if selected_names:
            return self.kind is SourceKind.STRIP and self.name in selected_names
        return self.kind is not SourceKind.STRIP or bool(self.placed_items) or not self.target.mute


def collect_shots(work: WorkSettings, *, ignore_selection: bool = False) -> BlenderShotList:
    """The shots to list. With ``ignore_selection``, muted strips are listed as well.

    Names are always assigned for the whole scene, so that the selection does not change them.
    """
    path = Path(bpy.data.filepath)
    title = path.name or "untitled.blend"
    scene = api.sequencer_scene()
    show_name = work.show or _stored_show(scene) or strip_version(path.stem)
    show = sanitise_name(show_name, default="untitled")
    if scene is None:
        return BlenderShotList(title, show, (), ())
    strips = list(api.strips_of(scene.sequence_editor)) if scene.sequence_editor else []
    # A selection in a workspace that is not visible does not count.
    is_ignored = ignore_selection or not api.is_sequencer_visible()
    selected_names = frozenset() if is_ignored else _selected_names(strips)
    candidates: list[_ShotCandidate] = []
    problems: list[HostProblem] = []
    for candidate in _find_candidates(scene, strips, selected_names):
        if isinstance(candidate, _ShotCandidate):
            candidates.append(candidate)
        elif not selected_names or candidate.label in selected_names:
            problems.append(candidate)
    shots = []
    names = assign_unique_names([_name_candidate(candidate, scene) for candidate in candidates])
    for candidate, (sequence, shot, _) in zip(candidates, names, strict=True):
        if not (ignore_selection or candidate.is_included(selected_names)):
            continue
        try:
            shot_id = ShotId(show=show, sequence=sequence, shot=shot)
            shots.append(_build_shot(candidate, shot_id, work.handles))
        except ValidationError as error:
            message = validation_error(error, label="strip").message
            problems.append(HostProblem(candidate.name, message, "correct it in Blender", True))
    if not show_name:
        problems += [_unsaved_problem(shot.host_shot) for shot in shots]
    return BlenderShotList(title, show, tuple(shots), tuple(problems), bool(selected_names))


def _stored_show(scene: Any) -> str:
    scenes = (candidate for candidate in (scene, *bpy.data.scenes) if candidate)
    return next(filter(None, map(stored_show, scenes)), "")


def _unsaved_problem(item: HostShot) -> HostProblem:
    message = "the file is not saved yet, and its name is the show of its shots"
    next_step = "save the file before you send, or versions will not be matched to this shot"
    return HostProblem(item.label, message, next_step, skipped=False, item_id=item.item_id)


def speed_effects(strips: Any) -> dict[str, Any]:
    """Speed effects by the name of their input strip."""
    effects = (strip for strip in strips if strip.type == "SPEED")
    return {strip.name: effect for effect in effects for strip in api.inputs_of(effect)}


def _find_candidates(
    scene: Any, strips: list[Any], selected_names: frozenset[str]
) -> Iterator[_ShotCandidate | HostProblem]:
    placed_items = placed_items_by_clip()
    yield from _strip_candidates(scene, strips, selected_names, placed_items)
    for found in _candidates_without_strip():
        if isinstance(found, _ShotCandidate):
            # Their item id is the plate's identity.
            found = replace(found, placed_items=tuple(placed_items.get(found.item_id, ())))
        yield found


def _candidates_without_strip() -> Iterator[_ShotCandidate | HostProblem]:
    window_scene = bpy.context.scene
    if window_scene.camera is not None:
        yield _camera_candidate(window_scene)
    last = render_monitor.state.last_render
    if last is not None and last.scene in bpy.data.scenes:
        yield _render_candidate(last)
    for image, user in _open_images():
        yield from _image_candidate(image, user)


def _selected_names(strips: list[Any]) -> frozenset[str]:
    """Names of the selected strips. A version selects its plate, an effect its inputs; sound is
    ignored."""
    names: set[str] = set()
    for strip in strips:
        if strip.select and strip.type != "SOUND":
            for shown in api.inputs_of(strip) or (strip,):
                names.add(_plate_of(shown, strips).name)
    return frozenset(names)


def _plate_of(strip: Any, strips: list[Any]) -> Any:
    properties = version_properties(strip)
    plates = plates_with_id(strips, properties.clip_id) if properties else []
    overlapping = (plate for plate in plates if overlaps(plate, strip))
    return next(overlapping, plates[0] if plates else strip)


def plates_with_id(strips: Iterable[Any], clip_id: str) -> list[Any]:
    """The plates with this identity: a copied strip has the same."""
    return [strip for strip in strips if (p := plate_properties(strip)) and p.clip_id == clip_id]


def _strip_candidates(
    scene: Any,
    strips: list[Any],
    selected_names: frozenset[str],
    placed_items: dict[str, list[PlacedItem]],
) -> Iterator[_ShotCandidate | HostProblem]:
    effects = speed_effects(strips)
    rate = scene_rate(scene)
    plate_counts = Counter(plate.clip_id for strip in strips if (plate := plate_properties(strip)))
    for strip in sorted(strips, key=lambda strip: (api.bounds(strip)[0], strip.name)):
        properties = version_properties(strip)
        if properties is not None and properties.clip_id in plate_counts:
            continue
        if strip.type not in api.PICTURE_TYPES:
            yield from _unsupported_problem(strip, is_selected=strip.name in selected_names)
            continue
        left, right = api.bounds(strip)
        record = FrameRange(first=left, last=right - 1, rate=rate)
        try:
            source = strip_media(strip, scene, effects.get(strip.name))
        except UnsupportedStripError as error:
            yield HostProblem(strip.name, error.message, error.next_step, True, record_range=record)
            continue
        except ValueError as error:
            message = validation_message(error)
            yield HostProblem(strip.name, message, "correct the strip", True, record_range=record)
            continue
        own_plate, own_items = plate_properties(strip), []
        if own_plate is not None:
            items, count = placed_items.get(own_plate.clip_id, []), plate_counts[own_plate.clip_id]
            own_items = _items_on_plate(items, strip, is_copied=count > 1)
        yield _ShotCandidate(SourceKind.STRIP, strip, strip.name, source, record, tuple(own_items))


def _items_on_plate(items: list[PlacedItem], plate: Any, *, is_copied: bool) -> list[PlacedItem]:
    """The placed items of a plate. A copied strip or scene has the same identity; then only the
    versions that overlap the strip belong to it."""

    def is_on_plate(target: Any) -> bool:
        if not api.is_strip(target):
            return True  # an image
        return target.id_data == plate.id_data and (not is_copied or overlaps(target, plate))

    return [item for item in items if is_on_plate(item.target)]


def overlaps(one: Any, other: Any) -> bool:
    """Whether two strips overlap in time."""
    (left, right), (first, end) = api.bounds(one), api.bounds(other)
    return left < end and first < right


def _unsupported_problem(strip: Any, *, is_selected: bool) -> Iterator[HostProblem]:
    explanation = _UNSUPPORTED_TYPES.get(strip.type)
    if explanation is None and is_selected:
        explanation = ("it has no pictures of its own", "select movie, image or scene strips")
    if explanation is not None:
        yield HostProblem(strip.name, *explanation)


def _camera_candidate(scene: Any) -> _ShotCandidate:
    frames = FrameRange.of(scene.frame_start, scene.frame_end, scene_rate(scene))
    media = _whole_plate(plate_to_render(scene, frames), needs_render=True)
    name = f"{scene.name}/{scene.camera.name}"
    return _ShotCandidate(SourceKind.CAMERA, scene, name, media, frames)


def _render_candidate(last: render_monitor.RenderedFrame) -> _ShotCandidate:
    scene = bpy.data.scenes[last.scene]
    frames = FrameRange.of(last.frame, last.frame, scene_rate(scene))
    size = {"width": last.width, "height": last.height}
    plate = plate_to_render(scene, frames).model_copy(update=size)
    media = _whole_plate(plate, needs_render=True)
    return _ShotCandidate(SourceKind.RENDER, scene, scene.name, media, frames)


def _open_images() -> Iterator[tuple[Any, Any]]:
    """Images in Image Editors, each once with its image user."""
    listed = set()
    for editor in api.image_editors():
        if editor.image not in listed and version_properties(editor.image) is None:
            listed.add(editor.image)
            yield editor.image, editor.image_user


def _image_candidate(image: Any, user: Any) -> Iterator[_ShotCandidate | HostProblem]:
    if image.type in ("RENDER_RESULT", "COMPOSITING"):
        return  # the last rendering is a candidate of its own
    scene = bpy.context.scene
    rate = scene_rate(scene)
    path = absolute_path(image.filepath)
    if image.source not in ("FILE", "SEQUENCE", "MOVIE") or image.packed_file or not image.filepath:
        yield HostProblem(image.name, "it is not saved in a file", "save it (Alt-S), then send it")
        return
    if image.is_dirty:
        yield HostProblem(image.name, "its changes are not saved", "save it (Alt-S), then send it")
        return
    pattern, frames = path, FrameRange.from_half_open(0, 1, rate)
    if image.source == "MOVIE":
        frames = FrameRange.from_half_open(0, max(1, movie_info(path)[0]), rate)
    elif image.source == "SEQUENCE":
        detected = detect_pattern(path)
        if detected is None:
            yield HostProblem(image.name, "its files have no frame numbers", "number its files")
            return
        first = 1 + user.frame_offset
        pattern = str(Path(detected[0]))
        frames = FrameRange.from_half_open(first, max(1, user.frame_duration), rate)
    plate = file_plate(image, pattern, frames, image.size)
    record = frames.shifted(user.frame_start - frames.first) if frames.count > 1 else None
    yield _ShotCandidate(SourceKind.IMAGE, image, image.name, _whole_plate(plate), record)


def _whole_plate(plate: Plate, *, needs_render: bool = False) -> StripMedia:
    mapping = FrameMapping(plate.range.count, plate.range.count)
    return StripMedia(plate, mapping, plate.range.first, needs_render)


def _name_candidate(candidate: _ShotCandidate, scene: Any) -> NameCandidate:
    plate = plate_properties(candidate.target) if candidate.kind is SourceKind.STRIP else None
    sequence, shot = split_name(candidate.name.rpartition("/")[2], scene.name)
    if candidate.kind is SourceKind.RENDER:
        shot = sanitise_name(f"{candidate.name} render", default="render")
    start = candidate.record_range.first if candidate.record_range else 0
    return NameCandidate(
        sequence=plate.sequence if plate else sequence,
        shot=plate.shot if plate else shot,
        clip_id=candidate.item_id,
        has_stored_name=plate is not None,
        sort_key=(candidate.media.plate.path, candidate.media.cut_range.first, "", Fraction(start)),
    )


def _build_shot(candidate: _ShotCandidate, shot: ShotId, handles: int) -> BlenderShot:
    source, media_rate = candidate.media, candidate.media.plate.range.rate
    scene_rate = candidate.record_range.rate if candidate.record_range else media_rate
    built = Shot(
        id=shot,
        plate=source.plate,
        cut_range=source.cut_range,
        head_handle=handles,
        tail_handle=handles,
        retime=source.frame_mapping.to_retime(scene_rate, media_rate),
        record_range=candidate.record_range,
    )
    placed_ids = (placed.properties.version_id for placed in candidate.placed_items)
    item = HostShot(
        shot=built,
        item_id=candidate.item_id,
        label=candidate.name,
        needs_render=source.needs_render,
        placed_version_ids=tuple(dict.fromkeys(placed_ids)),
        active_version_id=_active_version(candidate.placed_items),
    )
    return BlenderShot(item, candidate.kind, candidate.target, source, candidate.placed_items)


def _active_version(items: tuple[PlacedItem, ...]) -> str:
    """Id of the visible version: the topmost strip that is not muted."""
    strips = [item for item in items if api.is_strip(item.target) and not item.target.mute]
    return max(strips, key=lambda item: item.target.channel).properties.version_id if strips else ""
