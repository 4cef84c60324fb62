"""A fake Resolve with a project: plates on disk, a camera file, a timeline."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
from resolve_fake import Resolve
from resolve_media import Picture, ResolveMedia
from resolve_pool import MediaPoolItem
from resolve_timeline import Timeline, TimelineItem

WIDTH, HEIGHT = 48, 32


def picture(frame: int) -> Picture:
    """A frame whose brightness is its number."""
    return np.full((HEIGHT, WIDTH, 3), frame / 1000, np.float32)


def write_plate(
    folder: Path, name: str, frames: range, pixels: Callable[[int], Any] = picture
) -> Path:
    """Write half-float EXR frames; returns the pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        shown = np.ascontiguousarray(pixels(frame))
        spec = oiio.ImageSpec(shown.shape[1], shown.shape[0], 3, oiio.HALF)
        out = oiio.ImageOutput.create("x.exr")
        path = folder / f"{name}.{frame:04d}.exr"
        assert out.open(str(path), spec), out.geterror()
        assert out.write_image(shown)
        out.close()
    return folder / f"{name}.%04d.exr"


def import_plate(
    app: Resolve,
    folder: Path,
    name: str,
    frames: range,
    colour: str = "ACEScg",
    pixels: Callable[[int], Any] = picture,
) -> MediaPoolItem:
    """Import a sequence and set its input colour space, as a person does."""
    assert app._project is not None
    pattern = write_plate(folder / name, name, frames, pixels)
    info = {"FilePath": str(pattern), "StartIndex": frames.start, "EndIndex": frames[-1]}
    (item,) = app._project._pool.ImportMedia([info])
    item._properties["Input Color Space"] = colour
    return item


def camera_file(
    app: Resolve,
    folder: Path,
    name: str,
    *,
    frames: int = 200,
    start: int = 90000,
    rate: str | Fraction = "25",
    drop: bool = False,
) -> MediaPoolItem:
    """A Blackmagic RAW file, which only Resolve can read."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"camera")
    media = ResolveMedia(
        path=str(path),
        frames=frames,
        rate=Fraction(rate),
        start=start,
        drop=drop,
        width=WIDTH,
        height=HEIGHT,
        codec="Blackmagic RAW",
        picture=picture,
    )
    return app._add_media(media)


def sample_project(
    folder: Path, frames: range = range(1001, 1011), **how: Any
) -> tuple[Resolve, Timeline, list[TimelineItem]]:
    """Two plates with a gap between them, a camera file, a title and a clip with missing
    media. Plates show all but two frames at both ends."""
    app = Resolve("25")
    timeline = app._new_timeline("Reel 1")
    at = timeline.GetStartFrame()
    shown = len(frames) - 4
    items = []
    for number, name in enumerate(("AB_0010", "AB_0020")):
        plate = import_plate(app, folder, name, frames, **how)
        items.append(app._cut_in(timeline, plate, at + number * (shown + 5), shown, 2))
    raw = camera_file(app, folder / "camera", "A001_C003.braw")
    items.append(app._cut_in(timeline, raw, at + 2 * (shown + 5), 6, 40))
    gone = import_plate(app, folder, "AB_0040", range(1001, 1005))
    for path in (folder / "AB_0040").iterdir():
        path.unlink()
    app._cut_in(timeline, gone, at + 2 * (shown + 5) + 10, 4, 0)
    title = TimelineItem(app, "Text+", at + 2 * (shown + 5) + 20, 5, [], kind="title")
    timeline._tracks["video"][0].put(title)
    return app, timeline, items


def render_state(app: Resolve) -> object:
    """State that rendering must not change."""
    project = app._project
    assert project is not None
    return (
        dict(project._render_settings),
        dict(project._format),
        project._mode,
        list(project._presets),
        list(project._jobs),
        [timeline._name for timeline in project._timelines],
        project._current and project._current._name,
        project._pool._current._name,
        [folder._name for folder in project._pool._root._walk()],
    )


def placed_versions(timeline: Timeline) -> dict[str, list[str]]:
    """Paths of the placed versions by clip id: takes, then clips above, then takes of the same clip
    in other timelines."""
    by_clip: dict[str, list[str]] = {}
    for item in timeline._tracks["video"][0].items:
        paths = [take.item._media.path for take in item._takes[1:]]
        paths += [
            over._takes[0].item._media.path
            for track in timeline._tracks["video"][1:]
            for over in track.items
            if over._start == item._start
        ]
        paths += [
            take.item._media.path
            for other in timeline._app._project._timelines
            for twin in other._tracks["video"][0].items
            if other is not timeline and twin._start == item._start
            for take in twin._takes[1:]
        ]
        if paths:
            by_clip[item._id] = paths
    return by_clip
