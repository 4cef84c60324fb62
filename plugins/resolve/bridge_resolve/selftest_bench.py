"""Where the self-test works: a bin, a timeline and pictures of its own, removed afterwards."""

from __future__ import annotations

import contextlib
import functools
import json
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.selftest import Differs, NotSeen, expect

if TYPE_CHECKING:
    from fusionscript import (
        Folder,
        MediaPool,
        MediaPoolItem,
        Project,
        Resolve,
        Timeline,
        TimelineItem,
    )

    from bridge_resolve.host import ResolveHost

NAME = "Shotbridge self-test"
FRAMES = range(1001, 1025)
SIZE = 64


@dataclass
class Bench:
    """A timeline with one clip: 10 frames from the fifth on of a sequence 1001-1024."""

    resolve: Resolve
    project: Project
    pool: MediaPool
    bin: Folder
    timeline: Timeline
    media: MediaPoolItem
    clip: TimelineItem
    folder: Path

    def exported(self) -> Any:
        path = self.folder / "export.otio"
        done = self.timeline.Export(str(path), self.resolve.EXPORT_OTIO, self.resolve.EXPORT_NONE)
        expect("Export to OTIO", done, True)
        return json.loads(path.read_text(encoding="utf-8"))

    def stands(self) -> tuple[int, int]:
        from bridge_resolve.clips import stands

        return stands(self.clip)


@functools.cache
def running() -> Resolve:
    from bridge_resolve.connecting import find_resolve

    return find_resolve()


@contextlib.contextmanager
def bench() -> Iterator[Bench]:
    from bridge_resolve.clips import cut_in

    resolve = running()
    project = resolve.GetProjectManager().GetCurrentProject()
    if project is None:
        raise NotSeen("open a project of no value, and run this again")
    pool, users = project.GetMediaPool(), project.GetCurrentTimeline()
    users_bin = pool.GetCurrentFolder()
    with tempfile.TemporaryDirectory(prefix="shotbridge-") as name, contextlib.ExitStack() as undo:
        folder = Path(name)
        bin_ = pool.AddSubFolder(pool.GetRootFolder(), NAME)
        expect("AddSubFolder gives a bin", bin_ is not None, True)
        undo.callback(pool.DeleteFolders, [bin_])
        undo.callback(pool.SetCurrentFolder, users_bin)
        expect("SetCurrentFolder", pool.SetCurrentFolder(bin_), True)
        pattern = _pictures(folder)
        made = pool.ImportMedia(
            [{"FilePath": pattern, "StartIndex": FRAMES[0], "EndIndex": FRAMES[-1]}]
        )
        expect("items of an imported sequence", len(made or []), 1)
        undo.callback(pool.DeleteClips, made)
        timeline = pool.CreateEmptyTimeline(NAME)
        expect("CreateEmptyTimeline gives a timeline", timeline is not None, True)
        undo.callback(pool.DeleteTimelines, [timeline])
        if users is not None:
            undo.callback(project.SetCurrentTimeline, users)
        expect("SetCurrentTimeline", project.SetCurrentTimeline(timeline), True)
        clip = cut_in(pool, made[0], (4, 14), 1, int(timeline.GetStartFrame()))
        if clip is None:
            raise Differs("AppendToTimeline gave nothing")
        yield Bench(resolve, project, pool, bin_, timeline, made[0], clip, folder)


def on_bench(look: Callable[[Bench], str]) -> Callable[[], str]:
    @functools.wraps(look)
    def looked() -> str:
        with bench() as there:
            return look(there)

    return looked


def _pictures(folder: Path) -> str:
    """A PNG for each frame; gives the pattern."""
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
    return next(one for one in children if one["OTIO_SCHEMA"].startswith("Clip"))


@contextlib.contextmanager
def host_of(there: Bench) -> Iterator[ResolveHost]:
    from bridge_core.models.settings import Settings
    from bridge_resolve.host import ResolveHost

    settings = Settings.model_validate({"client": {"state_dir": there.folder / "state"}})
    host = ResolveHost(settings, lambda: there.resolve)
    try:
        yield host
    finally:
        host.close()
