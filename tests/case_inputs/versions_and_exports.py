"""Inputs for placing versions, exporting cuts and comparing them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from case_inputs.builders import (
    case,
    clip,
    cut,
    external,
    frames,
    movie,
    schema,
    sequence,
    span,
    speed,
    time_at,
)


def _plate(out: Path, last: int = 1060) -> None:
    frames(out / "plate", "plate.%04d.exr", range(1001, last + 1))


@case
def retimed_versions_short(out: Path) -> None:
    """Slow motion and a freeze: the clip is longer than its version."""
    _plate(out)

    def reference() -> Any:
        return sequence(out / "plate", available=span(1001, 60))

    cut(
        out / "cut.otio",
        clip("slow", reference(), span(1011, 40), speed(0.5)),
        clip("freeze", reference(), span(1020, 40), schema.FreezeFrame()),
    )


@case
def relative_media_moved(out: Path) -> None:
    """Relative references in a cut that is written to another folder."""
    frames(out / "source" / "plate", "plate.%04d.exr", range(1001, 1031))
    cut(
        out / "source" / "cut.otio",
        clip("sh010", sequence("plate/", available=span(1001, 30)), span(1005, 10)),
        clip("sh020", external("plate/plate.1001.exr", span(1001, 30)), span(1015, 10)),
    )


@case
def place_replaces(out: Path) -> None:
    """A cut, and an existing file that ``place`` is asked to write."""
    _plate(out, 1020)
    cut(out / "cut.otio", clip("sh010", sequence("plate/", available=span(0, 20)), span(5, 10)))
    cut(out / "precious.otio", schema.Gap(source_range=span(0, 24)), name="somebody's work")


@case
def diff_upper_folder(out: Path) -> None:
    """Clips relinked to another version or shot: only a folder further up differs."""

    def versions(*takes: str) -> list[Any]:
        return [
            clip(
                f"sh0{k}0",
                sequence(f"file:///show/sh0{k}0/{take}/exr/", available=span(0, 60)),
                span(10, 20),
            )
            for k, take in enumerate(takes, 1)
        ]

    cut(out / "old.otio", *versions("v001", "v001", "v001"), name="reel")
    cut(out / "new.otio", *versions("v001", "v002", "v001"), name="reel")

    def shots(*folders: str) -> list[Any]:
        return [
            clip(
                f"sh0{k}0",
                sequence(f"file:///show/{folder}/exr/", available=span(0, 60)),
                span(10, 20),
            )
            for k, folder in enumerate(folders, 1)
        ]

    cut(out / "old_shots.otio", *shots("a", "b", "c"), name="reel")
    cut(out / "new_shots.otio", *shots("a", "c", "b"), name="reel")


@case
def diff_own_export(out: Path) -> None:
    """Two clips of one plate, whose versions are placed and exported, then compared."""
    _plate(out)
    cut(
        out / "cut.otio",
        clip("sh010", sequence(out / "plate", available=span(86400, 60)), span(86405, 20)),
        clip("sh020", sequence(out / "plate", available=span(86400, 60)), span(86430, 20)),
        start=time_at(86400),
    )


@case
def export_not_recounted(out: Path) -> None:
    """A shot and clips that cannot become shots; media counts from 0, files from 1001."""
    _plate(out)

    def one(name: str, start: int, *effects: Any, **more: Any) -> Any:
        return clip(
            name, sequence(out / "plate", available=span(0, 60)), span(start, 10), *effects, **more
        )

    nest = schema.Stack("nest")
    inner = schema.Track("inner", kind="Video")
    inner.append(one("nested", 4))
    nest.append(inner)
    nest.effects.append(speed(2))
    off = one("disabled", 4)
    off.enabled = False
    cut(
        out / "cut.otio",
        one("shot", 4),
        off,
        one("outside", 55),
        one("retimed", 4, schema.TimeEffect()),
        nest,
    )


@case
def export_patterns(out: Path) -> None:
    """One sequence in every spelling that can be read; each export has one of them."""
    _plate(out, 1030)
    base = (out / "plate").as_uri() + "/"
    cut(
        out / "cut.otio",
        clip("brackets", external(f"{base}plate.[1001-1030].exr", span(1001, 30)), span(1005, 10)),
        clip("brackets_0", external(f"{base}plate.[1001-1030].exr", span(0, 30)), span(4, 10)),
        clip("percent", external(f"{base}plate.%04d.exr", span(1001, 30)), span(1005, 10)),
        clip("hashes", external(f"{base}plate.%23%23%23%23.exr", span(1001, 30)), span(1005, 10)),
        clip("first_file", external(f"{base}plate.1001.exr", span(0, 30)), span(4, 10)),
        clip("sequence", sequence(out / "plate", available=span(0, 30)), span(4, 10)),
    )


@case
def version_names(out: Path) -> None:
    """Two clips, each with a version of its own."""
    _plate(out)
    cut(
        out / "cut.otio",
        clip("sh010", sequence(out / "plate", available=span(0, 60)), span(10, 10)),
        clip("sh020", sequence(out / "plate", available=span(0, 60)), span(40, 10)),
    )


@case
def nuke_movie_version(out: Path) -> None:
    """A movie without timecode, whose version is a movie of some of its frames."""
    film = movie(out / "m24.mov", 60, codec="prores_ks", pixels="yuv422p10le")
    cut(out / "cut.otio", clip("sh010", external(film, span(0, 60)), span(20, 20)))


@case
def renamed_clip(out: Path) -> None:
    """A cut in which the first clip was renamed."""
    _plate(out)
    for file, name in (("cut.otio", "sh010"), ("renamed.otio", "sh010_hero")):
        cut(
            out / file,
            clip(name, sequence(out / "plate", available=span(0, 60)), span(10, 10)),
            clip("sh020", sequence(out / "plate", available=span(0, 60)), span(40, 10)),
            name="reel",
        )


@case
def diff_wording(out: Path) -> None:
    """A dissolve is added between two clips: their ranges stay, their handles grow."""

    def one(name: str, start: int) -> Any:
        return clip(name, sequence("plate/", available=span(86400, 60)), span(start, 12))

    def mix() -> Any:
        return schema.Transition("", "SMPTE_Dissolve", time_at(4), time_at(4))

    cut(out / "old.otio", one("sh010", 86410), one("sh020", 86430), name="reel")
    cut(out / "new.otio", one("sh010", 86410), mix(), one("sh020", 86430), name="reel")


@case
def openrv_pen(out: Path) -> None:
    """Notes with one kind of stroke each, as markers written by Shotbridge."""
    _plate(out)
    points = {
        "pen": [[0.1, 0.1], [0.5, 0.5], [0.9, 0.2]],
        "box": [[0.2, 0.3], [0.6, 0.7]],
        "ellipse": [[0.2, 0.3], [0.6, 0.7]],
        "arrow": [[0.2, 0.3], [0.6, 0.7]],
        "text": [[0.2, 0.3]],
    }
    for tool, stroke_points in points.items():
        reference = sequence(out / "plate", available=span(1001, 60))
        reference.metadata["shotbridge"] = {"width": 64, "height": 36}
        new_clip = clip("sh010", reference, span(1011, 20))
        stroke = {
            "tool": tool,
            "points": stroke_points,
            "colour": "#ff0000",
            "width": 0.01,
            "text": "here" if tool == "text" else "",
        }
        note = {
            "id": "0" * 31 + "1",
            "version_id": "0" * 32,
            "frames": {"first": 1015, "last": 1015, "rate": "24"},
            "text": "sharper",
            "strokes": [stroke],
            "drawn_on": 1015,
            "by": "director",
            "at": "2026-01-01T12:00:00Z",
        }
        marker = schema.Marker("v001 director", span(1015, 1), "ORANGE")
        marker.metadata["shotbridge"] = {"label": "v001", "note": note}
        new_clip.markers.append(marker)
        cut(out / f"{tool}.otio", new_clip)
