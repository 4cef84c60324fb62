"""Bin, timeline and pictures for the self-test, removed afterwards."""

from __future__ import annotations

import contextlib
import functools
import json
import struct
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.hosts.selftest import BehaviourDiffers, CheckSkipped, expect_equal

if TYPE_CHECKING:
    from fusionscript import MediaPool, MediaPoolItem, Project, Resolve, Timeline, TimelineItem

    from bridge_resolve.host import ResolveHost

FIXTURE_NAME = "Shotbridge self-test"
FRAMES = range(1001, 1025)
SIZE = 64


@dataclass
class SelfTestTimeline:
    """A timeline with one clip: 10 frames of a sequence 1001-1024, from the fifth on."""

    resolve: Resolve
    project: Project
    pool: MediaPool
    timeline: Timeline
    media: MediaPoolItem
    clip: TimelineItem
    folder: Path

    def export_otio(self) -> Any:
        path = self.folder / "export.otio"
        done = self.timeline.Export(str(path), self.resolve.EXPORT_OTIO, self.resolve.EXPORT_NONE)
        expect_equal("Export to OTIO", done, True)
        return json.loads(path.read_text(encoding="utf-8"))

    def add_take(self, *, select: bool = False) -> None:
        """Add a second take, from the seventh frame on."""
        expect_equal("AddTake", self.clip.AddTake(self.media, 6, 16), True)
        if select:
            expect_equal("SelectTakeByIndex", self.clip.SelectTakeByIndex(2), True)

    def clip_position(self) -> tuple[int, int]:
        from bridge_resolve.clips import record_position

        return record_position(self.clip)


@functools.cache
def running_resolve() -> Resolve:
    from bridge_resolve.connection import find_resolve

    return find_resolve()


@contextlib.contextmanager
def self_test_timeline() -> Iterator[SelfTestTimeline]:
    from bridge_resolve.clips import append_clip

    resolve = running_resolve()
    project = resolve.GetProjectManager().GetCurrentProject()
    if project is None:
        raise CheckSkipped("open a project without any value, and run this again")
    pool, user_timeline = project.GetMediaPool(), project.GetCurrentTimeline()
    user_bin = pool.GetCurrentFolder()
    with (
        tempfile.TemporaryDirectory(prefix="shotbridge-") as name,
        contextlib.ExitStack() as cleanup,
    ):
        folder = Path(name)
        bin_ = pool.AddSubFolder(pool.GetRootFolder(), FIXTURE_NAME)
        expect_equal("AddSubFolder returns a bin", bin_ is not None, True)
        cleanup.callback(pool.DeleteFolders, [bin_])
        cleanup.callback(pool.SetCurrentFolder, user_bin)
        expect_equal("SetCurrentFolder", pool.SetCurrentFolder(bin_), True)
        pattern = _write_pictures(folder)
        items = pool.ImportMedia(
            [{"FilePath": pattern, "StartIndex": FRAMES[0], "EndIndex": FRAMES[-1]}]
        )
        expect_equal("items of an imported sequence", len(items or []), 1)
        cleanup.callback(pool.DeleteClips, items)
        timeline = pool.CreateEmptyTimeline(FIXTURE_NAME)
        expect_equal("CreateEmptyTimeline returns a timeline", timeline is not None, True)
        cleanup.callback(pool.DeleteTimelines, [timeline])
        if user_timeline is not None:
            cleanup.callback(project.SetCurrentTimeline, user_timeline)
        expect_equal("SetCurrentTimeline", project.SetCurrentTimeline(timeline), True)
        clip = append_clip(pool, items[0], (4, 14), 1, int(timeline.GetStartFrame()))
        if clip is None:
            raise BehaviourDiffers("AppendToTimeline returned nothing")
        yield SelfTestTimeline(resolve, project, pool, timeline, items[0], clip, folder)


def _write_pictures(folder: Path) -> str:
    """Write a PNG for each frame; returns the pattern."""
    for frame in FRAMES:
        row = b"\0" + bytes([frame - FRAMES[0]]) * 3 * SIZE
        header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
        chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(row * SIZE)), (b"IEND", b"")]
        data = b"\x89PNG\r\n\x1a\n"
        for kind, body in chunks:
            data += struct.pack(">I", len(body)) + kind + body
            data += struct.pack(">I", zlib.crc32(kind + body))
        (folder / f"selftest.{frame}.png").write_bytes(data)
    return str(folder / "selftest.%04d.png")


def first_clip(document: Any) -> Any:
    children = document["tracks"]["children"][0]["children"]
    return next(child for child in children if child["OTIO_SCHEMA"].startswith("Clip"))


@contextlib.contextmanager
def open_host(fixture: SelfTestTimeline) -> Iterator[ResolveHost]:
    from bridge_core.models.settings import Settings
    from bridge_resolve.host import ResolveHost

    settings = Settings.model_validate({"client": {"state_dir": fixture.folder / "state"}})
    host = ResolveHost(settings, lambda: fixture.resolve)
    try:
        yield host
    finally:
        host.close()
