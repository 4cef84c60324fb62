"""What every host has to keep to; each host is set up by an entry of ``HOSTS``."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_exr import exr

from bridge_core.errors import HostError, ShotbridgeError, TimelineError
from bridge_core.host import Capability, Host, HostShot, Placement, Scene
from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.models.settings import Settings
from bridge_core.models.shots import Shot
from bridge_core.models.versions import DecisionRecord, Output, Proxies, ReviewStatus, Version
from bridge_core.timeline.reading import read_cut
from bridge_ui.standalone_host import StandaloneHost

otio = pytest.importorskip("opentimelineio")

RATE = 25.0
AT = datetime(2026, 11, 1, 9, tzinfo=UTC)


@dataclass
class Stage:
    """A host with something in it, and what the suite has to know to judge it."""

    host: Host
    empty: Host
    """The same kind of host with nothing in it."""
    plates: Path
    """Folder of the plates; nothing in it may ever change."""
    shots: int
    problems: int
    other: Path | None = None
    """A cut that it can open, with one shot."""
    placed: Callable[[], dict[str, list[str]]] | None = None
    """Which versions are placed now: paths of their pictures by handle."""
    state: Callable[[], object] = lambda: None
    """What rendering may not change: render settings, nodes, the mark of a changed script."""
    write_note: Callable[[str, str], None] | None = None
    """A person writes a note (handle, text) in the host on the version that stands there."""
    end: Callable[[], None] = lambda: None
    """Ends the program that the host sits in."""

    @property
    def library(self) -> Path:
        """Where versions' files are."""
        return self.plates.parent / "library"


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


def standalone(folder: Path) -> Stage:
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
        return {item.clip: [v.path for v in item.versions] for item in read_cut(host.output)}

    return Stage(host, StandaloneHost(settings), plates, 2, 1, other, placed)


def resolve(folder: Path) -> Stage:
    """The fake of the stubs of 21.0.0: two plates, a camera file to render, and two clips that
    cannot be sent (a title, and media that is gone)."""
    import resolve_worlds
    from resolve_fake import Resolve

    from bridge_resolve.host import ResolveHost

    plates = folder / "plates"
    app, timeline, _ = resolve_worlds.reel(plates)
    settings = Settings.model_validate(
        {"work": {"handles": 2}, "client": {"state_dir": folder / "state"}}
    )

    def write_note(handle: str, text: str) -> None:
        item = next(item for item in timeline._items if item._id == handle)
        assert item.AddMarker(5, "Blue", "Marker 7", text, 1)

    host, empty = ResolveHost(settings, lambda: app, pause=0), ResolveHost(settings, Resolve)

    def end() -> None:
        host.close()
        empty.close()

    return Stage(
        host,
        empty,
        plates,
        shots=3,
        problems=2,
        placed=lambda: resolve_worlds.placed(timeline),
        state=lambda: resolve_worlds.state_of(app),
        write_note=write_note,
        end=end,
    )


def nuke(folder: Path) -> Stage:
    """The fake of the stubs of 13.2: two plates, a grade to render, a Read without a file."""
    import nuke_worlds

    program = nuke_worlds.comp(folder)
    # Importable once a Nuke runs.
    from bridge_nuke.host import NukeHost

    settings = Settings.model_validate({"work": {"handles": 2, "show": "contract"}})
    host = NukeHost(lambda: settings)

    class Elsewhere(NukeHost):
        def scene(self) -> Scene:
            with program.other_script():
                return super().scene()

    def placed() -> dict[str, list[str]]:
        standing = nuke_worlds.standing(program)
        ids = {one.handle: one.shot.id for one in host.scene().shots}
        found = {handle: f"{one.sequence}/{one.shot}" for handle, one in ids.items()}
        return {handle: standing[shot] for handle, shot in found.items() if shot in standing}

    return Stage(
        host,
        Elsewhere(lambda: settings),
        folder / "plates",
        shots=3,
        problems=1,
        placed=placed,
        state=lambda: nuke_worlds.state(program),
        end=program.close,
    )


def blender(folder: Path) -> Stage:
    """A real one; tests/plugins/blender/test_blender_host.py runs the suite inside of it."""
    import blender_stage

    edit = blender_stage.Edit(folder)
    host = blender_stage.host()
    empty = blender_stage.EmptyFile(host)
    return Stage(host, empty, edit.plates, 4, 1, placed=edit.placed, state=edit.state)


HOSTS: dict[str, Callable[[Path], Stage]] = {
    "standalone": standalone,
    "nuke": nuke,
    "resolve": resolve,
}
if "bpy" in sys.modules:
    HOSTS = {"blender": blender}

#: What belongs to each capability: calls that do not work without it.
CALLS: dict[Capability, Callable[[Host], object]] = {
    Capability.FOLLOW: lambda host: host.watch(lambda: None),
    Capability.OPEN: lambda host: host.open(Path("nothing.otio")),
    Capability.PLACE: lambda host: host.place([]),
    Capability.PLAYHEAD: lambda host: host.frame(),
    Capability.RENDER: lambda host: list(host.render("A", Path("nowhere"))),
    Capability.NOTES: lambda host: host.notes(),
}


@pytest.fixture(params=list(HOSTS))
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    folder = tmp_path / "Größe und Länge"
    folder.mkdir()
    made = HOSTS[request.param](folder)
    yield made
    made.end()


def state_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def version(
    stage: Stage, shot: Shot, number: int, *, first: int | None = None, here: str = ""
) -> Version:
    """A version with its files: some hosts look at them. ``here`` names a folder beside the
    gateway's, where the files are in its place."""
    span = shot.work_range if first is None else FrameRange.of(first, first, 25)
    folder = stage.library / shot.id.shot / f"v{number:03d}"
    pictures = stage.library / here if here else folder
    pictures.mkdir(parents=True, exist_ok=True)
    for frame in span.frames():
        (pictures / f"main.{frame:04d}.exr").write_bytes(exr((0, 0, 0), (64, 36)))
    at = datetime(2026, 11, 1, number, tzinfo=UTC)
    return Version(
        id=f"id-{shot.id.shot}-{number}",
        shot=shot.id,
        service="upscale",
        job=f"job-{number}",
        folder=str(folder),
        frames=tuple(span.frames()),
        outputs=(
            Output(
                name="main",
                pattern="main.%04d.exr",
                range=span,
                colour_space="ACEScg",
                width=64,
                height=36,
                channels=("R", "G", "B"),
                depth="half",
            ),
        ),
        proxies=Proxies(pattern="p.%d.jpg", width=64, height=36, display="sRGB", view="ACES"),
        created=at,
        asked_by="Ada",
        number=number,
        status=ReviewStatus.APPROVED,
        decisions=(DecisionRecord(status=ReviewStatus.APPROVED, by="Ada", at=at),),
    )


def needs(stage: Stage, capability: Capability) -> None:
    if capability not in stage.host.capabilities:
        pytest.skip(f"this host has no {capability}")


def test_it_says_who_it_is_and_what_it_can(stage: Stage) -> None:
    assert stage.host.title.strip()
    assert stage.host.capabilities <= set(Capability)
    assert stage.host.capabilities == stage.host.capabilities


@pytest.mark.parametrize("capability", list(CALLS))
def test_what_it_cannot_do_it_refuses_in_words(stage: Stage, capability: Capability) -> None:
    if capability in stage.host.capabilities:
        pytest.skip("it can")
    with pytest.raises(HostError) as told:
        CALLS[capability](stage.host)
    assert capability.value in told.value.what
    assert told.value.next_step


def test_its_shots_can_be_told_apart_and_sent(stage: Stage) -> None:
    scene = stage.host.scene()
    assert len(scene.shots) == stage.shots
    assert not scene.selected or Capability.SELECTION in stage.host.capabilities
    assert len({shot.handle for shot in scene.shots}) == stage.shots
    assert scene.title
    for item in scene.shots:
        shot = item.shot
        assert shot.id.show == scene.show
        assert shot.plate.range.covers(shot.work_range)
        if item.to_render:
            assert Capability.RENDER in stage.host.capabilities
            assert shot.plate.colour_space
            continue
        assert Path(shot.plate.file(shot.cut_range.first)).is_absolute()
        for frame in shot.work_range.frames():
            assert Path(shot.plate.file(frame)).is_file()


def test_what_cannot_be_sent_is_told_with_a_next_step(stage: Stage) -> None:
    scene = stage.host.scene()
    skipped = [problem for problem in scene.problems if problem.skipped]
    assert len(skipped) == stage.problems
    handles = {shot.handle for shot in scene.shots}
    for problem in scene.problems:
        assert problem.what
        assert problem.next_step
        assert problem.handle in {"", *handles}


def test_a_scene_has_a_cut_exactly_where_it_says_so(stage: Stage) -> None:
    scene = stage.host.scene()
    assert (scene.cut is not None) == (Capability.CUT in stage.host.capabilities)
    if scene.cut is not None:
        assert {item.clip for item in scene.cut} == {shot.handle for shot in scene.shots}


def test_looking_twice_says_the_same_and_touches_nothing(stage: Stage) -> None:
    before = state_of(stage.plates)
    assert stage.host.scene() == stage.host.scene()
    assert state_of(stage.plates) == before


def test_with_nothing_in_it_there_are_no_shots(stage: Stage) -> None:
    assert stage.empty.scene().shots == ()


def test_another_cut_is_opened_or_the_old_one_stays(stage: Stage) -> None:
    needs(stage, Capability.OPEN)
    assert stage.other is not None
    before = stage.host.scene()
    broken = stage.other.with_name("broken.otio")
    broken.write_text("this is no timeline")
    for path in (broken, stage.other.with_name("gone.otio")):
        with pytest.raises(TimelineError):
            stage.host.open(path)
        assert stage.host.scene() == before
    stage.host.open(stage.other)
    assert len(stage.host.scene().shots) == 1


def test_versions_are_placed_once_and_nothing_else_changes(stage: Stage) -> None:
    needs(stage, Capability.PLACE)
    assert stage.placed is not None
    scene = stage.host.scene()
    plates = state_of(stage.plates)
    cut = scene.cut.path.read_bytes() if scene.cut is not None else b""
    one, two = scene.shots[:2]
    made = stage.host.place([Placement(one.handle, version(stage, one.shot, 1))])
    assert made.words
    for _ in range(2):
        stage.host.place(
            [
                Placement(
                    one.handle,
                    version(stage, one.shot, 2, here="here/v002"),
                    stage.library / "here/v002",
                ),
                Placement(two.handle, version(stage, two.shot, 1)),
            ]
        )
    placed = stage.placed()
    assert [Path(path).parent for path in placed[one.handle]] == [
        stage.library / one.shot.id.shot / "v001",
        stage.library / "here/v002",
    ]
    assert len(placed[two.handle]) == 1
    assert state_of(stage.plates) == plates
    if scene.cut is not None:
        assert scene.cut.path.read_bytes() == cut
    after = {item.handle: item for item in stage.host.scene().shots}
    assert list(after) == [s.handle for s in scene.shots]
    # The standalone host places in a cut of its own; the one that it shows has none.
    if after[one.handle].placed:
        assert after[one.handle].placed == (
            version(stage, one.shot, 1).id,
            version(stage, one.shot, 2).id,
        )
        assert after[one.handle].in_use == version(stage, one.shot, 2).id


def test_every_way_of_placing_can_be_chosen(stage: Stage) -> None:
    needs(stage, Capability.PLACE)
    assert stage.placed is not None
    ways = stage.host.place_as
    assert len({way.id for way in ways}) == len(ways)
    assert all(way.title for way in ways)
    one = stage.host.scene().shots[0]
    for number, way in enumerate(ways, 1):
        made = stage.host.place(
            [Placement(one.handle, version(stage, one.shot, number), place_as=way.id)]
        )
        assert made.words
    assert len(stage.placed().get(one.handle, [])) == len(ways)
    with pytest.raises(HostError) as told:
        stage.host.place([Placement(one.handle, version(stage, one.shot, 9), place_as="sideways")])
    assert "sideways" in told.value.what
    assert len(stage.placed().get(one.handle, [])) == len(ways)


def test_what_cannot_all_be_placed_is_not_placed_at_all(stage: Stage) -> None:
    needs(stage, Capability.PLACE)
    assert stage.placed is not None
    one, two = stage.host.scene().shots[:2]
    fine = Placement(one.handle, version(stage, one.shot, 1))
    before = stage.placed()
    with pytest.raises(HostError) as told:
        stage.host.place([fine, Placement("no-such-handle", version(stage, one.shot, 2))])
    assert "no-such-handle" in told.value.what
    with pytest.raises(ShotbridgeError):
        stage.host.place([fine, Placement(two.handle, version(stage, two.shot, 1, first=1001))])
    assert stage.placed() == before


def test_changes_are_told_until_nobody_listens(stage: Stage) -> None:
    needs(stage, Capability.FOLLOW)
    ended = stage.host.watch(lambda: None)
    ended()
    ended()


def to_render(stage: Stage) -> HostShot:
    needs(stage, Capability.RENDER)
    return next(item for item in stage.host.scene().shots if item.to_render)


def test_a_shot_without_a_plate_is_rendered_and_nothing_else_changes(
    stage: Stage, tmp_path: Path
) -> None:
    item = to_render(stage)
    # What is asked of it is written down, and found again by the shot.
    assert Shot.model_validate_json(item.shot.model_dump_json()) == item.shot
    scene, state, plates = stage.host.scene(), stage.state(), state_of(stage.plates)
    folder = tmp_path / "rendered"
    folder.mkdir()
    steps = list(stage.host.render(item.handle, folder))
    shot = steps[-1].shot
    assert shot is not None
    assert [step.frames for step in steps] == sorted(step.frames for step in steps)
    assert steps[-1].frames == steps[-1].total == item.shot.work_range.count
    assert (shot.id, shot.cut_range, shot.work_range) == (
        item.shot.id,
        item.shot.cut_range,
        item.shot.work_range,
    )
    assert shot.plate.colour_space == item.shot.plate.colour_space
    files = {Path(shot.plate.file(frame)) for frame in shot.work_range.frames()}
    assert files == {path for path in folder.iterdir() if path.is_file()}
    assert stage.state() == state
    assert stage.host.scene() == scene
    assert state_of(stage.plates) == plates


def test_a_single_frame_is_rendered_to_be_tried(stage: Stage, tmp_path: Path) -> None:
    item = to_render(stage)
    folder = tmp_path / "rendered"
    folder.mkdir()
    frame = item.shot.cut_range.last
    *_, last = stage.host.render(item.handle, folder, [frame])
    assert last.shot is not None
    assert [path.name for path in folder.iterdir()] == [Path(last.shot.plate.file(frame)).name]
    assert last.shot.work_range == item.shot.work_range


def test_a_rendering_that_is_stopped_leaves_nothing(stage: Stage, tmp_path: Path) -> None:
    item = to_render(stage)
    state = stage.state()
    folder = tmp_path / "rendered"
    folder.mkdir()
    rendering = stage.host.render(item.handle, folder)
    next(rendering)
    rendering.close()
    assert list(folder.iterdir()) == []
    assert stage.state() == state
    with pytest.raises(HostError) as told:
        list(stage.host.render("no-such-handle", folder))
    assert "no-such-handle" in told.value.what
    assert list(folder.iterdir()) == []


def test_what_people_write_in_the_host_is_told_until_the_gateway_has_it(stage: Stage) -> None:
    needs(stage, Capability.NOTES)
    assert stage.write_note is not None
    one = stage.host.scene().shots[0]
    kept = Note(
        id="n-1", version=version(stage, one.shot, 1).id, text="there already", by="Ada", at=AT
    )
    stage.host.place([Placement(one.handle, version(stage, one.shot, 1), notes=(kept,))])
    assert stage.host.notes() == ()
    stage.write_note(one.handle, "the sky is too bright")
    (told,) = stage.host.notes()
    assert (told.version, told.text) == (kept.version, "the sky is too bright")
    assert stage.host.notes() == (told,)
    stage.host.noted(told.key, kept.model_copy(update={"id": "n-2", "text": told.text}))
    assert stage.host.notes() == ()
