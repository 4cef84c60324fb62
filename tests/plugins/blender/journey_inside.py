"""The steps of an artist in Blender, from the strip to the placed version; run by a journey.

Arguments: ``send`` or ``open``, then a folder with ``plate.mov`` in it. Prints JSON as its last
line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "hosts"))

import blender_sample_file as sample_file  # noqa: E402
import bpy  # noqa: E402

from bridge_core.client import Client  # noqa: E402
from bridge_core.config import load_settings  # noqa: E402
from bridge_core.hosts.base import Placement  # noqa: E402
from bridge_core.models.requests import Request  # noqa: E402
from bridge_core.models.versions import Decision, ReviewStatus  # noqa: E402

SIZE = (256, 144)


def send(folder: Path) -> dict[str, Any]:
    scene = sample_file.new_file()
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    strip = sample_file.strips().new_movie(
        "BBB_0010", str(folder / "plate.mov"), 1, 20, fit_method="FIT"
    )
    sample_file.trim(strip, 3, 3)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "cut.blend"))
    settings = load_settings().settings
    host = sample_file.extension_module("host").BlenderHost(lambda: settings)
    (item,) = host.scene().shots
    with Client(settings) as client:
        job = client.submit(Request(shot=item.shot, service="upscale"))
        (done,) = client.wait([job.id], timeout=200)
        assert done.version_id, done
        decision = Decision(
            status=ReviewStatus.APPROVED,
            content_hash=client.version(done.version_id).content_hash,
        )
        version = client.decide(done.version_id, decision)
        files = client.fetch(version, settings.client.state_dir / "versions")
    result = host.place([Placement(item.item_id, version, files)])
    bpy.ops.wm.save_mainfile()
    whole = version.model_dump(mode="json")
    return {"placed_summary": result.message, "version": whole, **describe_shot(host, folder)}


def open_again(folder: Path) -> dict[str, Any]:
    bpy.ops.wm.open_mainfile(filepath=str(folder / "cut.blend"))
    host = sample_file.extension_module("host").BlenderHost(lambda: load_settings().settings)
    return describe_shot(host, folder)


def describe_shot(host: Any, folder: Path) -> dict[str, Any]:
    """The shot's properties in the host, and the frames that the sequencer renders."""
    (item,) = host.scene().shots
    shot = item.shot
    record = shot.record_range
    assert record is not None
    scene = bpy.context.scene
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_depth = "32"
    pictures = []
    for frame in record.frames():
        scene.frame_set(frame)
        with sample_file.restore_artists_render():
            bpy.ops.render.render()
        pictures.append(str(folder / f"rendered.{frame}.exr"))
        bpy.data.images["Render Result"].save_render(pictures[-1], scene=scene)
    return {
        "shot": str(shot.id),
        "cut": list(shot.cut_range.frames()),
        "work": list(shot.work_range.frames()),
        "record": list(record.frames()),
        "placed": item.placed_version_ids,
        "active": item.active_version_id,
        "pictures": pictures,
        "strips": sorted(strip.name for strip in sample_file.strips()),
    }


what, where = sys.argv[1:]
print(json.dumps({"send": send, "open": open_again}[what](Path(where))))
