"""The contract that every host must fulfil, by the suite that is shipped for hosts of other
packages. ``HOSTS`` sets up each host of this repository."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_exr import exr

from bridge_core.hosts.base import HostScene
from bridge_core.hosts.conformance import HostUnderTest
from bridge_core.hosts.conformance.suite import *  # noqa: F403 - the tests
from bridge_core.models.settings import Settings
from bridge_core.timeline.cut_reader import read_cut
from bridge_ui.app.standalone_host import StandaloneHost

otio = pytest.importorskip("opentimelineio")

RATE = 25.0


def _clip(folder: Path, name: str, frames: range, *, exists: bool = True) -> object:
    plate = folder / name
    if exists:
        plate.mkdir(parents=True, exist_ok=True)
        for frame in frames:
            (plate / f"{name}.{frame}.exr").write_bytes(b"picture %d" % frame)
    media = otio.schema.ImageSequenceReference(
        target_url_base=plate.as_uri() + "/",
        name_prefix=f"{name}.",
        name_suffix=".exr",
        start_frame=frames.start,
        rate=RATE,
        frame_zero_padding=4,
        available_range=otio.opentime.TimeRange(
            otio.opentime.RationalTime(frames.start, RATE),
            otio.opentime.RationalTime(len(frames), RATE),
        ),
        metadata={"shotbridge": {"colour_space": "ACEScg"}},
    )
    span = otio.opentime.TimeRange(
        otio.opentime.RationalTime(frames.start + 2, RATE),
        otio.opentime.RationalTime(len(frames) - 4, RATE),
    )
    return otio.schema.Clip(name, media_reference=media, source_range=span)


def _cut(path: Path, clips: list[object]) -> Path:
    timeline = otio.schema.Timeline("contract")
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    track.extend(clips)
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(path))
    return path


def standalone(folder: Path) -> HostUnderTest:
    plates = folder / "plates"
    frames = range(1001, 1011)
    clips = [_clip(plates, name, frames) for name in ("A_010", "A_020")]
    clips.append(_clip(plates, "A_030", frames, exists=False))
    cut = _cut(folder / "reel.otio", clips)
    other = _cut(folder / "other.otio", [_clip(plates, "B_010", frames)])
    settings = Settings.model_validate({"work": {"handles": 2, "show": "contract"}})
    host = StandaloneHost(settings, cut)

    def placed() -> dict[str, list[str]]:
        assert host.output is not None
        if not host.output.exists():
            return {}
        return {item.clip_id: [v.path for v in item.versions] for item in read_cut(host.output)}

    return HostUnderTest(host, StandaloneHost(settings), plates, 2, 1, other, placed)


def resolve(folder: Path) -> HostUnderTest:
    """The fake of Resolve: two plates, a camera file to render, and two clips that cannot be sent
    (a title, and missing media)."""
    import resolve_sample_project
    from resolve_fake import Resolve

    from bridge_resolve.host import ResolveHost

    plates = folder / "plates"
    app, timeline, _ = resolve_sample_project.sample_project(plates)
    settings = Settings.model_validate(
        {"work": {"handles": 2}, "client": {"state_dir": folder / "state"}}
    )

    def write_note(item_id: str, text: str) -> None:
        item = next(item for item in timeline._items if item._id == item_id)
        assert item.AddMarker(5, "Blue", "Marker 7", text, 1)

    host, empty = (
        ResolveHost(settings, lambda: app, poll_interval=0),
        ResolveHost(settings, Resolve),
    )

    def end() -> None:
        host.close()
        empty.close()

    return HostUnderTest(
        host,
        empty,
        plates,
        shots=3,
        problems=2,
        placed=lambda: resolve_sample_project.placed_versions(timeline),
        state=lambda: resolve_sample_project.render_state(app),
        write_note=write_note,
        end=end,
    )


def nuke(folder: Path) -> HostUnderTest:
    """The fake of Nuke: two plates, a grade to render, a Read without a file."""
    import nuke_sample_comp

    program = nuke_sample_comp.sample_comp(folder)
    # Importable once a Nuke runs.
    from bridge_nuke.host import NukeHost

    settings = Settings.model_validate({"work": {"handles": 2, "show": "contract"}})
    host = NukeHost(lambda: settings)

    class OtherScriptHost(NukeHost):
        def scene(self) -> HostScene:
            with program.other_script():
                return super().scene()

    def placed() -> dict[str, list[str]]:
        by_shot = nuke_sample_comp.placed_versions(program)
        ids = {one.item_id: one.shot.id for one in host.scene().shots}
        names = {item_id: f"{one.sequence}/{one.shot}" for item_id, one in ids.items()}
        return {item_id: by_shot[shot] for item_id, shot in names.items() if shot in by_shot}

    return HostUnderTest(
        host,
        OtherScriptHost(lambda: settings),
        folder / "plates",
        shots=3,
        problems=1,
        placed=placed,
        state=lambda: nuke_sample_comp.render_state(program),
        end=program.close,
    )


def blender(folder: Path) -> HostUnderTest:
    """A real Blender; tests/plugins/blender/test_blender_host.py runs the suite inside it."""
    import blender_sample_file

    edit = blender_sample_file.SampleEdit(folder)
    host = blender_sample_file.host()
    empty = blender_sample_file.EmptyFileHost(host)
    return HostUnderTest(host, empty, edit.plates, 4, 1, placed=edit.placed, state=edit.state)


HOSTS: dict[str, Callable[[Path], HostUnderTest]] = {
    "standalone": standalone,
    "nuke": nuke,
    "resolve": resolve,
}
if "bpy" in sys.modules:
    HOSTS = {"blender": blender}


@pytest.fixture(params=list(HOSTS))
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HostUnderTest]:
    folder = tmp_path / "Größe und Länge"
    folder.mkdir()
    new_subject = HOSTS[request.param](folder)
    new_subject.picture = exr((0, 0, 0), (64, 36))
    yield new_subject
    new_subject.end()
