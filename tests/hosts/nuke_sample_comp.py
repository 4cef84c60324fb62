"""A small comp in the fake of Nuke, for the suite that every host passes and for others."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from nuke_fake import FakeNuke
from nuke_fake.nodes import Node
from sample_versions import make_version
from small_exr import exr

from bridge_core.models.shots import Shot
from bridge_core.models.versions import Version

SIZE = (16, 12)
FRAMES = range(1001, 1011)


def write_plate(folder: Path, name: str, frames: range = FRAMES) -> str:
    """Write EXR files; returns their pattern as an artist writes it."""
    where = folder / name
    where.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        (where / f"{name}.{frame:04d}.exr").write_bytes(exr((frame / 2048, 0.25, 0.5), SIZE))
    return f"{where.as_posix()}/{name}.####.exr"


def make_read(file: str, first: int = FRAMES[0], last: int = FRAMES[-1], **knobs: Any) -> Node:
    """A Read as created by dropping files into the graph."""
    import nuke

    return nuke.nodes.Read(  # type: ignore[return-value]
        file=file,
        first=first,
        last=last,
        origfirst=first,
        origlast=last,
        origset=True,
        format=nuke.addFormat(f"{SIZE[0]} {SIZE[1]} 0 0 {SIZE[0]} {SIZE[1]} 1 tiny"),
        **knobs,
    )


def set_script_settings(first: int = 1003, last: int = 1008) -> None:
    import nuke

    root = nuke.root()
    for name, value in {
        "first_frame": first,
        "last_frame": last,
        "fps": 25.0,
        "format": nuke.addFormat(f"{SIZE[0]} {SIZE[1]} 0 0 {SIZE[0]} {SIZE[1]} 1 tiny"),
        "colorManagement": "OCIO",
        "OCIO_config": "aces_1.2",
    }.items():
        root[name].setValue(value)


def sample_comp(folder: Path) -> FakeNuke:
    """Two plates of ten frames with the same name in folders of the same name, as renders often
    have; a grade on the first, and a Read without a file; all are selected. The saved script has
    the range 1003 to 1008 at 25 frames per second, and uses aces_1.2."""
    nuke = FakeNuke().start()
    set_script_settings()
    plates = folder / "plates"
    one = make_read(write_plate(plates, "A_010"), colorspace="ACES - ACEScg")
    two = make_read(write_plate(plates / "again", "A_010"), colorspace="ACES - ACEScg")
    two.setXYpos(300, 0)
    grade = nuke.module.nodes.Multiply(inputs=[one], value=[0.5, 0.5, 0.5, 1.0])
    grade.setXYpos(0, 100)
    empty = nuke.module.nodes.Read()
    empty.setXYpos(600, 0)
    nuke.select("Read1", "Read2", "Read3", "Multiply1")
    nuke.script.save(folder / "A_comp_v003.nk")
    return nuke


def render_state(nuke: FakeNuke) -> object:
    """State that rendering must not change."""
    return (
        nuke.script.snapshot(),
        nuke.script.modified,
        len(nuke.script.undos),
        nuke.script.disabled,
    )


def placed_versions(nuke: FakeNuke) -> dict[str, list[str]]:
    """Paths of the versions in the script by shot (``sequence/shot``), in order of placement, read
    from the knobs."""
    by_shot: dict[str, list[tuple[int, str]]] = {}
    for node in nuke.script.nodes:
        knobs = node.knobs()
        if "shotbridge_versions" not in knobs:
            continue
        for line in knobs["shotbridge_versions"].value().split():
            facts = dict(parse_qsl(line, keep_blank_values=True))
            listed = by_shot.setdefault(knobs["shotbridge_shot"].value(), [])
            listed.append((int(facts["placement_index"]), facts["path"]))
    return {shot: [path for _, path in sorted(listed)] for shot, listed in by_shot.items()}


def version(
    shot: Shot,
    number: int = 1,
    *,
    service: str = "upscale",
    output: str = "main",
    folder: Path = Path("/library"),
    **facts: Any,
) -> Version:
    """A version of a shot's work range with twice the size; ``facts`` override its output."""
    name = f"{shot.id.shot}_{service}_v{number:03d}"
    size = {"width": 2 * SIZE[0], "height": 2 * SIZE[1]}
    return make_version(
        shot,
        number,
        output={"name": output, "pattern": f"{name}.%04d.exr", **size, **facts},
        id=f"id-{name}-{output}",
        service=service,
        folder=str(folder / shot.id.shot / service / f"v{number:03d}"),
    )
