"""``shotbridge blender``: exports and imports cuts of .blend files in a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from small_exr import exr

from bridge_core.timeline.cut_reader import read_cut

if TYPE_CHECKING:
    from real_blender import BlenderInstallation

#: Blender as a Python module has no command line: this replaces its ``--command``.
PROGRAM = """#!{python}
import subprocess, sys
assert sys.argv[1:3] == ["--command", "shotbridge"]
text = "import sys; sys.exit(extension.bridge_blender.background_command.run(sys.argv[1:]))"
done = subprocess.run([{blender!r}, {inside!r}, "-c", text, *sys.argv[3:]], env={environment!r})
sys.exit(done.returncode)
"""


@pytest.fixture
def program(blender: BlenderInstallation, tmp_path: Path) -> Path:
    path = tmp_path / "blender"
    path.write_text(
        PROGRAM.format(
            python=sys.executable,
            blender=str(blender.python),
            inside=str(Path(__file__).with_name("run_inside.py")),
            environment=blender.environment,
        )
    )
    path.chmod(0o755)
    return path


def _shotbridge(*words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "bridge_core.cli.main", "blender", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def _cut(folder: Path) -> Path:
    import opentimelineio as otio

    (folder / "plate").mkdir()
    for frame in range(1001, 1011):
        (folder / "plate" / f"p.{frame}.exr").write_bytes(exr((0, 0, 0), (8, 8)))

    def span(start: int, count: int) -> otio.opentime.TimeRange:
        time = otio.opentime.RationalTime
        return otio.opentime.TimeRange(time(start, 24), time(count, 24))

    media = otio.schema.ImageSequenceReference(
        target_url_base=(folder / "plate").as_uri() + "/",
        name_prefix="p.",
        name_suffix=".exr",
        start_frame=1001,
        rate=24,
        frame_zero_padding=4,
        available_range=span(1001, 10),
    )
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    track.append(otio.schema.Gap(source_range=span(0, 7)))
    track.append(otio.schema.Clip("p", media_reference=media, source_range=span(1003, 5)))
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(folder / "cut.otio"))
    return folder / "cut.otio"


def test_a_cut_is_imported_into_a_blend_and_exported_again(program: Path, tmp_path: Path) -> None:
    cut, blend, back = _cut(tmp_path), tmp_path / "cut.blend", tmp_path / "back.otio"
    _shotbridge("import", cut, "-o", blend, "--program", program)
    report = _shotbridge("export", blend, "-o", back, "--program", program, "--json")
    assert json.loads(report.stdout) == {"file": str(back), "warnings": []}
    (before,), (after,) = read_cut(cut).shots, read_cut(back).shots
    assert after.shot.record_range == before.shot.record_range
    assert after.shot.cut_range == before.shot.cut_range
    # Nothing is overwritten without --overwrite.
    refused = _shotbridge("export", blend, "-o", back, "--program", program, code=6)
    assert "would be overwritten" in refused.stderr


def test_a_folder_with_its_blend_can_be_moved(program: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    cut, back = _cut(tmp_path / "here"), tmp_path / "back.otio"
    _shotbridge("import", cut, "-o", tmp_path / "here" / "cut.blend", "--program", program)
    there = (tmp_path / "here").rename(tmp_path / "there")
    _shotbridge("export", there / "cut.blend", "-o", back, "--program", program)
    (item,) = read_cut(back).shots
    assert item.shot.plate.path == str(there / "plate" / "p.%04d.exr")


def test_a_blender_without_the_extension_is_reported(tmp_path: Path) -> None:
    refused = _shotbridge(
        "export", tmp_path / "a.blend", "-o", tmp_path / "b.otio", "--program", "/bin/false", code=1
    )
    assert "install and enable the Shotbridge extension" in refused.stderr
    refused = _shotbridge(
        "export", tmp_path / "a.blend", "-o", tmp_path / "b.otio", "--program", "/no/such", code=3
    )
    assert "--program" in refused.stderr
