"""What there is to send in a .blend: strips, the camera's range, the last render, open images.

Strips that are selected go alone, where a sequencer is in sight. Otherwise all strips of the
sequencer are there, and with them the render range of the scene's camera, what was rendered last,
and the images in open Image Editors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from pydantic import ValidationError

from bridge_core.host import HostProblem, HostShot
from bridge_core.models.base import invalid
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate, pattern_of
from bridge_core.models.shots import Shot, ShotId, fit_name, unversioned
from bridge_core.timeline.naming import Candidate, settle, split_name

from . import colours, rendered
from . import sequencer_api as api
from .media import Source, absolute, movie_facts, rate_of, rendered_plate, source_of
from .open_editors import image_editors
from .placed import Placed, by_clip
from .remembered import plate_mark, show_of, version_mark
from .speed import Run, Unfit

if TYPE_CHECKING:
    from bridge_core.models.settings import WorkSettings

_UNSENT = {
    "META": ("it is a meta strip", "separate it (Ctrl-Alt-G), and send the strips in it"),
    "MOVIECLIP": ("it shows a movie clip", "add its file as a movie or image strip"),
    "MASK": ("it is a mask", "send the strip that it masks"),
}


class Kind(StrEnum):
    STRIP = "strip"
    CAMERA = "camera"
    RENDER = "render"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Found:
    """A shot and what it is in Blender: a strip, a scene (of a camera or a render) or an image."""

    item: HostShot
    kind: Kind
    thing: Any
    source: Source
    placed: tuple[Placed, ...] = ()
    """In the order of their placing."""


@dataclass(frozen=True, slots=True)
class Survey:
    title: str
    show: str
    found: tuple[Found, ...]
    problems: tuple[HostProblem, ...]
    selected: bool = False
    """Strips were selected, and only they were found."""

    def by_handle(self, handle: str) -> Found | None:
        return next((one for one in self.found if one.item.handle == handle), None)


@dataclass(frozen=True, slots=True)
class _Sighting:
    """Something on its way to become a shot."""

    kind: Kind
    thing: Any
    name: str
    source: Source
    record: FrameRange | None
    placed: tuple[Placed, ...]

    @property
    def handle(self) -> str:
        """Names of strips are their scene's own; a copied scene has the same ones again."""
        within = f"{self.thing.id_data.name}/" if self.kind is Kind.STRIP else ""
        return f"{self.kind}:{within}{self.name}"

    def is_wanted(self, chosen: frozenset[str]) -> bool:
        """A strip is where it is among those chosen, or, with none chosen, where it is seen."""
        if chosen:
            return self.kind is Kind.STRIP and self.name in chosen
        return self.kind is not Kind.STRIP or bool(self.placed) or not self.thing.mute


def survey(work: WorkSettings, *, everything: bool = False) -> Survey:
    """What a person sees to send; ``everything`` leaves selection and muting out of account.

    Names are given in view of everything in either case: what is selected renames no shot.
    """
    path = Path(bpy.data.filepath)
    title = path.name or "untitled.blend"
    scene = api.sequencer_scene()
    named = work.show or _kept_show(scene) or unversioned(path.stem)
    show = fit_name(named, otherwise="untitled")
    if scene is None:
        return Survey(title, show, (), ())
    strips = list(api.strips_of(scene.sequence_editor)) if scene.sequence_editor else []
    # What was selected in a workspace that nobody looks at is not meant.
    chosen = _chosen(strips) if api.is_in_sight() and not everything else frozenset()
    sightings: list[_Sighting] = []
    problems: list[HostProblem] = []
    for one in _look_at(scene, strips, chosen):
        if isinstance(one, _Sighting):
            sightings.append(one)
        elif not chosen or one.source in chosen:
            problems.append(one)
    found = []
    names = settle([_candidate(one, scene) for one in sightings])
    for one, (sequence, shot, _) in zip(sightings, names, strict=True):
        if not (everything or one.is_wanted(chosen)):
            continue
        try:
            found.append(_found(one, ShotId(show=show, sequence=sequence, shot=shot), work.handles))
        except ValidationError as error:
            told = invalid(error, what="strip").what
            problems.append(HostProblem(one.name, told, "correct it in Blender", True))
    if not named:
        problems += [_not_saved(one.item) for one in found]
    return Survey(title, show, tuple(found), tuple(problems), bool(chosen))


def _kept_show(scene: Any) -> str:
    return next((show for one in (scene, *bpy.data.scenes) if one and (show := show_of(one))), "")


def _not_saved(item: HostShot) -> HostProblem:
    return HostProblem(
        item.source,
        "the file has no name yet, and its shots take their show from it",
        "save the file before you send, or versions will not find back to this shot",
        skipped=False,
        handle=item.handle,
    )


def speed_effects(strips: Any) -> dict[str, Any]:
    """Speed effects by the name of the strip that they work on."""
    return {
        one.name: strip for strip in strips if strip.type == "SPEED" for one in api.inputs_of(strip)
    }


def _look_at(
    scene: Any, strips: list[Any], chosen: frozenset[str]
) -> Iterator[_Sighting | HostProblem]:
    placed = by_clip()
    yield from _strips(scene, strips, chosen, placed)
    window_scene = bpy.context.scene
    if window_scene.camera is not None:
        yield _camera(window_scene, placed)
    last = rendered.last()
    if last is not None and last.scene in bpy.data.scenes:
        yield _render(last, placed)
    for image, user in _open_images():
        yield from _image(image, user, placed)


def _chosen(strips: list[Any]) -> frozenset[str]:
    """Names of the strips that are selected. A version stands for its plate, an effect for what it
    is on; sound is left alone."""
    chosen: set[str] = set()
    for strip in strips:
        if strip.select and strip.type != "SOUND":
            for one in api.inputs_of(strip) or (strip,):
                chosen.add(_plate_of(one, strips).name)
    return frozenset(chosen)


def _plate_of(strip: Any, strips: list[Any]) -> Any:
    mark = version_mark(strip)
    plates = [one for one in strips if mark and (own := plate_mark(one)) and own.clip == mark.clip]
    return next((one for one in plates if meet(one, strip)), plates[0] if plates else strip)


def _strips(
    scene: Any, strips: list[Any], chosen: frozenset[str], placed: dict[str, list[Placed]]
) -> Iterator[_Sighting | HostProblem]:
    effects = speed_effects(strips)
    rate = rate_of(scene)
    known = Counter(plate.clip for strip in strips if (plate := plate_mark(strip)))
    for strip in sorted(strips, key=lambda one: (api.bounds(one)[0], one.name)):
        mark = version_mark(strip)
        if mark is not None and mark.clip in known:
            continue
        if strip.type not in api.PICTURES:
            yield from _unsent(strip, chosen=strip.name in chosen)
            continue
        left, right = api.bounds(strip)
        record = FrameRange(first=left, last=right - 1, rate=rate)
        try:
            source = source_of(strip, scene, effects.get(strip.name))
        except Unfit as unfit:
            yield HostProblem(strip.name, unfit.what, unfit.next_step, True, record=record)
            continue
        except (ValidationError, ValueError) as error:
            yield HostProblem(strip.name, str(error), "correct the strip", True, record=record)
            continue
        own = plate_mark(strip)
        mine = _of_this(placed.get(own.clip, []), strip, known[own.clip] > 1) if own else []
        yield _Sighting(Kind.STRIP, strip, strip.name, source, record, tuple(mine))


def _of_this(placed: list[Placed], plate: Any, copied: bool) -> list[Placed]:
    """Copies of a plate's strip bring its identity along, and so do copies of a scene: then those
    versions are its own that stand over it."""

    def mine(thing: Any) -> bool:
        if not hasattr(thing, "channel"):
            return True  # an image
        return thing.id_data == plate.id_data and (not copied or meet(thing, plate))

    return [one for one in placed if mine(one.thing)]


def meet(one: Any, other: Any) -> bool:
    """Two strips stand at the same time."""
    (left, right), (first, end) = api.bounds(one), api.bounds(other)
    return left < end and first < right


def _unsent(strip: Any, *, chosen: bool) -> Iterator[HostProblem]:
    told = _UNSENT.get(strip.type)
    if told is None and chosen:
        told = ("it has no pictures of its own", "select movie, image or scene strips")
    if told is not None:
        yield HostProblem(strip.name, *told)


def _camera(scene: Any, placed: dict[str, list[Placed]]) -> _Sighting:
    frames = FrameRange.of(scene.frame_start, scene.frame_end, rate_of(scene))
    source = _plain(rendered_plate(scene, frames), to_render=True)
    name = f"{scene.name}/{scene.camera.name}"
    mine = placed.get(f"{Kind.CAMERA}:{name}", [])
    return _Sighting(Kind.CAMERA, scene, name, source, frames, tuple(mine))


def _render(last: rendered.RenderedFrame, placed: dict[str, list[Placed]]) -> _Sighting:
    scene = bpy.data.scenes[last.scene]
    frames = FrameRange.of(last.frame, last.frame, rate_of(scene))
    plate = rendered_plate(scene, frames).model_copy(
        update={"width": last.width, "height": last.height}
    )
    mine = placed.get(f"{Kind.RENDER}:{scene.name}", [])
    source = _plain(plate, to_render=True)
    return _Sighting(Kind.RENDER, scene, scene.name, source, frames, tuple(mine))


def _open_images() -> Iterator[tuple[Any, Any]]:
    """Images in Image Editors, each once, with how its frames are counted there."""
    seen = set()
    for editor in image_editors():
        if editor.image not in seen and version_mark(editor.image) is None:
            seen.add(editor.image)
            yield editor.image, editor.image_user


def _image(
    image: Any, user: Any, placed: dict[str, list[Placed]]
) -> Iterator[_Sighting | HostProblem]:
    if image.type in ("RENDER_RESULT", "COMPOSITING"):
        return  # the last render is there by itself
    scene = bpy.context.scene
    rate = rate_of(scene)
    path = absolute(image.filepath)
    if image.source not in ("FILE", "SEQUENCE", "MOVIE") or image.packed_file or not image.filepath:
        yield HostProblem(image.name, "it is in no file", "save it (Alt-S), and send it then")
        return
    if image.is_dirty:
        yield HostProblem(
            image.name, "what was painted in it is not saved", "save it (Alt-S), and send it then"
        )
        return
    pattern, frames = path, FrameRange.from_half_open(0, 1, rate)
    if image.source == "MOVIE":
        frames = FrameRange.from_half_open(0, max(1, movie_facts(path)[0]), rate)
    elif image.source == "SEQUENCE":
        found = pattern_of(path)
        if found is None:
            yield HostProblem(image.name, "its files have no numbers", "number its files")
            return
        first = 1 + user.frame_offset
        pattern = str(Path(found[0]))
        frames = FrameRange.from_half_open(first, max(1, user.frame_duration), rate)
    plate = Plate(
        path=pattern,
        range=frames,
        colour_space=colours.public_name(image.colorspace_settings.name) or None,
        width=image.size[0] or None,
        height=image.size[1] or None,
    )
    mine = placed.get(f"{Kind.IMAGE}:{image.name}", [])
    record = frames.shifted(user.frame_start - frames.first) if frames.count > 1 else None
    yield _Sighting(Kind.IMAGE, image, image.name, _plain(plate), record, tuple(mine))


def _plain(plate: Plate, *, to_render: bool = False) -> Source:
    run = Run(plate.range.count, plate.range.count)
    return Source(plate, run, plate.range.first, to_render)


def _candidate(one: _Sighting, scene: Any) -> Candidate:
    own = plate_mark(one.thing) if one.kind is Kind.STRIP else None
    sequence, shot = split_name(one.name.rpartition("/")[2], scene.name)
    if one.kind is Kind.RENDER:
        shot = fit_name(f"{one.name} render", otherwise="render")
    start = one.record.first if one.record else 0
    return Candidate(
        sequence=own.sequence if own else sequence,
        shot=own.shot if own else shot,
        identity=one.handle,
        named=own is not None,
        order=(one.source.plate.path, one.source.cut_range.first, "", Fraction(start)),
    )


def _found(one: _Sighting, shot: ShotId, handles: int) -> Found:
    source = one.source
    made = Shot(
        id=shot,
        plate=source.plate,
        cut_range=source.cut_range,
        head_handle=handles,
        tail_handle=handles,
        retime=_retime(one),
        record_range=one.record,
    )
    item = HostShot(
        shot=made,
        handle=one.handle,
        source=one.name,
        to_render=source.to_render,
        placed=tuple(dict.fromkeys(placed.mark.version for placed in one.placed)),
        in_use=_in_use(one.placed),
    )
    return Found(item, one.kind, one.thing, source, one.placed)


def _retime(one: _Sighting) -> Any:
    rate = one.source.plate.range.rate
    return one.source.run.retime(one.record.rate if one.record else rate, rate)


def _in_use(placed: tuple[Placed, ...]) -> str:
    """The version that is seen: the uppermost strip that is not muted."""
    strips = [one for one in placed if hasattr(one.thing, "channel") and not one.thing.mute]
    return max(strips, key=lambda one: one.thing.channel).mark.version if strips else ""
