"""The frames of a strip's mapping are those that Blender renders, at every speed."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import blender_sample_file as sample_file
import bpy
import pytest

FRAMES = range(1001, 1041)
REPEATS = pytest.mark.skipif(
    bpy.app.version >= (5, 0, 0),
    reason="without a window, Blender 5.2 sometimes renders an earlier frame",
)


@pytest.fixture
def pattern(tmp_path: Path) -> Iterator[Path]:
    sample_file.new_file()
    yield sample_file.plate(tmp_path / "plate", "p", FRAMES, size=(8, 8))


def _strip(pattern: Path, name: str = "p") -> Any:
    strip = sample_file.picture_strip(pattern, FRAMES, 1, 10, name)
    sample_file.trim(strip, 4, 3)
    return strip


def _reported_frames(strip: Any, effect: Any = None) -> list[int]:
    source = sample_file.extension_module("media").strip_media(strip, bpy.context.scene, effect)
    return [source.first_frame + index for index in source.frame_mapping.content_frames()]


def _rendered_frames(strip: Any) -> list[int]:
    left, right = sample_file.extension_module("sequencer_api").bounds(strip)
    return sample_file.shown_frames(range(left, right))


def _retime(strip: Any, percent: float) -> None:
    """Retime a strip as a person does."""
    window = bpy.context.window_manager.windows[0]
    area = max(window.screen.areas, key=lambda one: one.width * one.height)
    area.type = "SEQUENCE_EDITOR"
    region = next(one for one in area.regions if one.type == "WINDOW")
    for one in sample_file.strips():
        one.select = one == strip
    bpy.context.scene.sequence_editor.active_strip = strip
    with bpy.context.temp_override(window=window, area=area, region=region):
        more = {"keep_retiming": False} if bpy.app.version < (5, 0) else {}
        bpy.ops.sequencer.retiming_segment_speed_set(speed=percent, **more)


def _effect(strip: Any, control: str, factor: float) -> Any:
    api = sample_file.extension_module("sequencer_api")
    effect = api.new_effect(sample_file.strips(), "Speed", "SPEED", 5, api.bounds(strip), strip)
    effect.speed_control = control
    effect.speed_factor = factor
    effect.use_frame_interpolate = False
    return effect


def test_a_trimmed_strip(pattern: Path) -> None:
    strip = _strip(pattern)
    assert _reported_frames(strip) == _rendered_frames(strip) == list(range(1005, 1038))


def test_a_strip_longer_than_its_images_holds_the_last(pattern: Path) -> None:
    strip = _strip(pattern)
    sample_file.trim(strip, 0, -8)
    assert _reported_frames(strip) == _rendered_frames(strip)
    assert _reported_frames(strip)[-5:] == [1040] * 5


def test_a_reversed_strip(pattern: Path) -> None:
    strip = _strip(pattern)
    strip.use_reverse_frames = True
    assert _reported_frames(strip) == _rendered_frames(strip) == list(range(1036, 1003, -1))


def test_a_hard_trimmed_strip(pattern: Path) -> None:
    strip = sample_file.picture_strip(pattern, FRAMES, 1, 10)
    for name in ("content_trim_start", "animation_offset_start"):
        if hasattr(strip, name):
            setattr(strip, name, 6)
            break
    assert _reported_frames(strip) == _rendered_frames(strip)
    assert _reported_frames(strip)[0] == 1007


@pytest.mark.skipif(bpy.app.version < (4, 4), reason="this Blender retimes no images")
@pytest.mark.parametrize("percent", [200, 50, 80, 130, 333])
def test_retimed_strips(pattern: Path, percent: float) -> None:
    strip = sample_file.picture_strip(pattern, FRAMES, 1, 10)
    _retime(strip, percent)
    assert _reported_frames(strip) == _rendered_frames(strip)
    sample_file.trim(strip, 3, 2)
    assert _reported_frames(strip) == _rendered_frames(strip)


@REPEATS
@pytest.mark.parametrize(
    ("control", "factor"),
    [("MULTIPLY", 2.0), ("MULTIPLY", 0.5), ("MULTIPLY", 1.3), ("STRETCH", 1.0)],
)
def test_speed_effects(pattern: Path, control: str, factor: float) -> None:
    strip = _strip(pattern)
    effect = _effect(strip, control, factor)
    assert _reported_frames(strip, effect) == _rendered_frames(strip)


def test_a_speed_that_changes_is_reported(pattern: Path) -> None:
    strip = _strip(pattern)
    effect = _effect(strip, "MULTIPLY", 1.0)
    effect.speed_factor = 1.0
    effect.keyframe_insert("speed_factor", frame=12)
    effect.speed_factor = 3.0
    effect.keyframe_insert("speed_factor", frame=30)
    scene = sample_file.host().scene()
    assert scene.shots == ()
    (problem,) = scene.problems
    assert "speed" in problem.message and problem.next_step


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """40 frames at 25 a second, in an empty scene that counts 24."""
    path = sample_file.grey_movie(tmp_path / "grey.mkv", range(40))
    sample_file.new_file().render.fps = 24
    return path


def _add_movie(path: Path, *, adjust: bool) -> Any:
    """Add a movie as a person does, with the option for the playback rate."""
    sample_file.strips()
    window = bpy.context.window_manager.windows[0]
    area = max(window.screen.areas, key=lambda one: one.width * one.height)
    area.type = "SEQUENCE_EDITOR"
    region = next(one for one in area.regions if one.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.sequencer.movie_strip_add(
            filepath=str(path),
            frame_start=10,
            channel=1,
            sound=False,
            adjust_playback_rate=adjust,
            use_framerate=False,
        )
    (strip,) = (one for one in sample_file.strips() if one.type == "MOVIE")
    strip.colorspace_settings.name = "Non-Color"
    return strip


@pytest.mark.skipif(
    bpy.app.version >= (5, 0, 0),
    reason="without a window, Blender 5.2 crashes in its own operator that adds movies",
)
@pytest.mark.parametrize("adjust", [True, False])
def test_movies_of_another_rate(movie: Path, adjust: bool) -> None:
    strip = _add_movie(movie, adjust=adjust)
    source = sample_file.extension_module("media").strip_media(strip, bpy.context.scene)
    assert (source.plate.range.first, source.plate.range.last) == (0, 39)
    assert source.plate.range.rate == 25
    assert source.frame_mapping.to_retime(Fraction(24), Fraction(25)).is_identity == adjust

    def rendered() -> list[int]:
        left, right = sample_file.extension_module("sequencer_api").bounds(strip)
        return [
            round(value / sample_file.STEP)
            for value in sample_file.shown_values(range(left, right))
        ]

    assert _reported_frames(strip) == rendered()
    sample_file.trim(strip, 7, 5)
    assert _reported_frames(strip) == rendered()
