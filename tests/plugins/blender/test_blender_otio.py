"""Blender's OTIO in another editor."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import av
import melt
import numpy as np
import pytest

if TYPE_CHECKING:
    from real_blender import BlenderInstallation

WIDTH, HEIGHT = 320, 180

#: Three strips of one film on two channels, gaps before, between and after the first two.
EDIT = """
import sys
from pathlib import Path
sys.path.append(str(Path({hosts!r})))
import bpy
import blender_sample_file as sample_file

bounds = sample_file.extension_module("sequencer_api").bounds
export_cut = sample_file.extension_module("otio_export").export_cut
sample_file.new_file()
bpy.context.scene.frame_start = 1
for name, channel, start, head, count in {strips!r}:
    strip = sample_file.strips().new_movie(name, {film!r}, channel, start - head)
    sample_file.trim(strip, head, bounds(strip)[1] - start - count)
warnings = export_cut(bpy.context.scene, Path({target!r}))
assert not warnings, warnings
"""
#: Name, channel, first frame in the scene, first frame of the film, frames.
STRIPS = [("one", 1, 11, 5, 20), ("two", 1, 41, 60, 15), ("three", 2, 52, 100, 24)]


@pytest.mark.skipif(bool(melt.missing_reason()), reason=melt.missing_reason())
def test_another_editor_shows_the_same_frames(
    blender: BlenderInstallation, models_dir: Path, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    shutil.copy(models_dir / "big-buck-bunny" / "bigbuckbunny.mp4", film)
    target = tmp_path / "cut.otio"
    hosts = Path(__file__).parents[2] / "hosts"
    blender.run(EDIT.format(hosts=str(hosts), strips=STRIPS, film=str(film), target=str(target)))
    shown = melt.render_frames(target, tmp_path, width=WIDTH, height=HEIGHT)
    assert len(shown) == 52 + 24 - 1
    with av.open(str(film)) as container:
        frames = [
            frame.to_ndarray(width=WIDTH, height=HEIGHT, format="rgb24")
            for frame in container.decode(video=0)
        ]
    expected: dict[int, int] = {}
    for _, _, start, head, count in STRIPS:
        # Upper channels cover lower ones; the edit starts at frame 1.
        expected.update({start - 1 + k: head + k for k in range(count)})
    for at, picture in enumerate(shown):
        if at not in expected:
            assert np.max(picture) < 30, f"frame {at} is not black"
            continue
        wanted = expected[at]
        near = {n: melt.psnr(picture, frames[n]) for n in range(wanted - 2, min(wanted + 3, 132))}
        assert near[wanted] > 28, f"frame {at}: {near}"
        assert max(near, key=lambda n: near[n]) == wanted
