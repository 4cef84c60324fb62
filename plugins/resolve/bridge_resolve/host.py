"""DaVinci Resolve as a host of the panel."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import HostError
from bridge_core.host import (
    Capability,
    Host,
    HostNote,
    HostProblem,
    HostShot,
    PlaceAs,
    Placed,
    Placement,
    Rendered,
    Scene,
)
from bridge_core.models.frames import FrameRange, timecode
from bridge_core.private_files import private_folder
from bridge_resolve.answers import ensure, knows
from bridge_resolve.api_thread import ApiThread
from bridge_resolve.clips import clips_of, rate_and_drop
from bridge_resolve.colour import colour_of
from bridge_resolve.connecting import product_of
from bridge_resolve.exchange import place_in_new
from bridge_resolve.marks import NoteMark, written
from bridge_resolve.media import first_number, timecode_frame
from bridge_resolve.open_timeline import Sheet, read_timeline
from bridge_resolve.placing import TAKE, TIMELINE, WAYS, Placing, Wanted, check
from bridge_resolve.rendering import render

if TYPE_CHECKING:
    from fractions import Fraction

    from fusionscript import Project, Resolve, Timeline

    from bridge_core.models.notes import Note
    from bridge_core.models.settings import Settings
    from bridge_core.timeline.cut import CutProblem

_CAN = frozenset(
    {
        Capability.SELECTION,
        Capability.CUT,
        Capability.FOLLOW,
        Capability.PLACE,
        Capability.RENDER,
        Capability.NOTES,
        Capability.PLAYHEAD,
        Capability.ANY_THREAD,
    }
)


#: Seconds that a rendering gets to stop when the window is closed.
_CLOSE_SECONDS = 15.0


class ResolveHost(Host):
    """Works on whichever timeline is open in Resolve.

    All calls of Resolve's are made on one thread (:mod:`bridge_resolve.api_thread`), so this host
    is called from any; there ``find`` gets hold of Resolve, and again when it has been closed and
    started anew. ``post`` carries a call to the panel's main thread; ``pause`` is how many seconds
    Resolve has to itself between two looks at its render queue. Cuts are written into
    ``client.state_dir``; nothing of Resolve's own is.

    :raises HostError: as ``find`` does.
    """

    def __init__(
        self,
        settings: Settings,
        find: Callable[[], Resolve],
        thread: ApiThread | None = None,
        post: Callable[[Callable[[], None]], None] = lambda call: call(),
        pause: float = 0.25,
    ) -> None:
        self._settings = settings
        self._find = find
        self._resolve: Resolve | None = None
        self._post = post
        self._pause = pause
        self._renderings: list[Generator[Rendered, None, None]] = []
        self._thread = thread or ApiThread()
        self._title = self._thread.call(self._name)

    @property
    def title(self) -> str:
        return self._title

    @property
    def capabilities(self) -> frozenset[Capability]:
        return _CAN

    @property
    def place_as(self) -> tuple[PlaceAs, ...]:
        return WAYS

    def close(self) -> None:
        """Stop what is being rendered, put everything back, and call Resolve no more; one that
        hangs is left behind."""
        self._thread.close(_CLOSE_SECONDS, self._stop_renderings)

    def scene(self) -> Scene:
        return self._thread.call(self._scene)

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Told of another timeline or project, of clips that come and go, and of In and Out; a trim
        that leaves the timeline as long as it was is seen when the panel reloads. Resolve calls
        nobody, so it is asked every few seconds in which it has nothing else to do for us."""
        last: list[tuple[object, ...]] = [self._thread.call(self._glance)]

        def look() -> None:
            before, last[0] = last[0], ()  # where Resolve is gone, its return is a change
            last[0] = self._glance()
            if last[0] != before:
                self._post(changed)

        return self._thread.whenever_idle(look)

    def place(self, placements: Sequence[Placement]) -> Placed:
        return self._thread.call(lambda: self._place(placements))

    def render(
        self, handle: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[Rendered, None, None]:
        """Steps look at the render queue; they take a moment, whatever Resolve does."""
        steps = self._thread.call(lambda: self._rendering(handle, folder, frames))
        self._renderings.append(steps)
        try:
            while (step := self._thread.call(lambda: next(steps, None))) is not None:
                yield step
                time.sleep(self._pause)
        finally:
            if steps in self._renderings:  # else close() has stopped it
                self._renderings.remove(steps)
                self._thread.call(steps.close)

    def notes(self) -> tuple[HostNote, ...]:
        return self._thread.call(lambda: tuple(self._notes()))

    def noted(self, key: str, note: Note) -> None:
        self._thread.call(lambda: self._noted(key, note))

    def frame(self) -> int | None:
        return self._thread.call(self._frame)

    def go_to(self, frame: int) -> None:
        self._thread.call(lambda: self._go_to(frame))

    # On Resolve's thread

    def _stop_renderings(self) -> None:
        while self._renderings:
            self._renderings.pop().close()

    def _running(self) -> Resolve:
        if self._resolve is None or not product_of(self._resolve):
            self._resolve = self._find()
        return self._resolve

    def _name(self) -> str:
        resolve = self._running()
        version = ".".join(str(part) for part in resolve.GetVersion()[:3])
        return f"{product_of(resolve)} {version}"

    def _project(self) -> Project:
        manager = ensure(self._running().GetProjectManager(), "show its projects")
        return ensure(manager.GetCurrentProject(), "show the open project")

    def _timeline(self) -> Timeline:
        return ensure(
            self._project().GetCurrentTimeline(),
            "show an open timeline",
            next_step="open a timeline in Resolve",
        )

    def _glance(self) -> tuple[object, ...]:
        """What changes when the scene does, in a handful of calls."""
        project = self._project()
        timeline = project.GetCurrentTimeline()
        if timeline is None:
            return (project.GetUniqueId(),)
        tracks = range(1, timeline.GetTrackCount("video") + 1)
        counts = tuple(len(timeline.GetItemListInTrack("video", n) or []) for n in tracks)
        return (
            project.GetUniqueId(),
            timeline.GetUniqueId(),
            timeline.GetEndFrame(),
            counts,
            str(timeline.GetMarkInOut() if knows(timeline, "GetMarkInOut") else ""),
        )

    def _scene(self) -> Scene:
        project = self._project()
        show = self._settings.work.show or str(project.GetName())
        timeline = project.GetCurrentTimeline()
        folder = self._settings.client.state_dir / "resolve"
        if timeline is None:
            return Scene("", show)
        private_folder(folder)
        target = folder / f"{timeline.GetUniqueId()}.otio"
        sheet = self._read(project, timeline, target, in_to_out=True)
        return Scene(
            title=f"{sheet.cut.name}, In to Out" if sheet.part else sheet.cut.name,
            show=sheet.cut.show,
            shots=tuple(_shots(sheet)),
            problems=tuple(_told(problem, sheet) for problem in sheet.cut.problems),
            cut=sheet.cut,
            selected=sheet.part,
        )

    def _read(
        self, project: Project, timeline: Timeline, target: Path, *, in_to_out: bool = False
    ) -> Sheet:
        work = self._settings.work
        return read_timeline(
            self._running(),
            timeline,
            target,
            show=work.show or str(project.GetName()),
            handles=work.handles,
            in_to_out=in_to_out,
            colour=colour_of(project),
        )

    @contextmanager
    def _now(self) -> Iterator[tuple[Project, Sheet]]:
        """All of the timeline as it stands at this moment, whatever In and Out are by now; the
        scene's own cut stays as it is."""
        project = self._project()
        with tempfile.TemporaryDirectory(prefix="shotbridge-") as folder:
            yield project, self._read(project, self._timeline(), Path(folder) / "now.otio")

    def _place(self, placements: Sequence[Placement]) -> Placed:
        if not placements:
            return Placed("nothing to place")
        with self._now() as (project, sheet):
            wanted = [check(sheet, placement) for placement in placements]
            anew = [one.way == TIMELINE for one in wanted]
            if all(anew):
                target = sheet.cut.path.with_name("new.otio")
                made = place_in_new(
                    project, sheet, placements, lambda new: self._read(project, new, target)
                )
                return Placed(f"{_named(wanted)} placed in the new timeline {made}")
            if any(anew):
                raise HostError(
                    "versions go into a new timeline all together, or none of them",
                    next_step="place them in one way, then the others in another",
                )
            with Placing(project, sheet) as placing:
                placing.place(wanted)
                placing.keep()
        way = "as a take" if {one.way for one in wanted} == {TAKE} else "in the timeline"
        return Placed(f"{_named(wanted)} placed {way} in {sheet.cut.name}")

    def _rendering(
        self, handle: str, folder: Path, frames: Sequence[int]
    ) -> Generator[Rendered, None, None]:
        with self._now() as (project, sheet):
            shot = sheet.shot(handle)
        if shot is None:
            raise HostError(
                f"the open timeline has no clip {handle} that is a shot",
                next_step="open the timeline that holds it, and reload",
            )
        clip = sheet.clips[handle]
        if clip.plate.readable:
            raise HostError(
                f"{clip.plate.name} needs no rendering: services read it as it is",
                where=clip.plate.path,
                next_step="send its own files",
            )
        return render(project, sheet.colour, clip, shot, folder, frames)

    def _notes(self) -> Iterator[HostNote]:
        clips = clips_of(self._timeline())
        for clip in clips.values():
            there = clip.standing(clips)
            shown = clip.in_use(clips) or (there[-1] if there else None)
            if shown is None:
                continue
            first = first_number(clip.plate)
            for found in clip.marks.foreign:
                start = first + found.frame
                rate = clip.plate.rate
                yield HostNote(
                    key=f"{clip.id}@{found.frame}",
                    version=shown.version,
                    text=found.text,
                    frames=FrameRange.of(start, start + found.duration - 1, rate),
                )

    def _noted(self, key: str, note: Note) -> None:
        handle, _, frame = key.rpartition("@")
        clip = clips_of(self._timeline()).get(handle)
        if clip is None:
            raise HostError(
                f"the open timeline has no clip {handle or key}",
                next_step="open the timeline in which the note was written, and reload",
            )
        data = written(NoteMark(note.id, note.version))
        ensure(
            clip.item.UpdateMarkerCustomData(int(frame), data),
            f"remember that the marker at frame {frame} of {clip.plate.name} was sent as a note",
        )

    # The playhead

    def _counting(self, timeline: Timeline) -> tuple[Fraction, bool, int]:
        """The timeline's rate, whether its timecode drops frames, and the frame that must be added
        to a timecode's own, which is 0 wherever Resolve counts as SMPTE does."""
        rate, drop = rate_and_drop(timeline)
        start = timecode_frame(str(timeline.GetStartTimecode()), rate, drop=drop)
        return rate, drop, int(timeline.GetStartFrame()) - start

    def _frame(self) -> int | None:
        timeline = self._project().GetCurrentTimeline()
        if timeline is None:
            return None
        rate, drop, more = self._counting(timeline)
        told = timeline.GetCurrentTimecode()
        return timecode_frame(str(told), rate, drop=drop) + more if told else None

    def _go_to(self, frame: int) -> None:
        timeline = self._timeline()
        rate, drop, more = self._counting(timeline)
        at = timecode(frame - more, rate, drop_frame=drop)
        ensure(timeline.SetCurrentTimecode(at), f"go to {at}", where=str(timeline.GetName()))


def _named(wanted: Sequence[Wanted]) -> str:
    names = [f"{one.title} of {one.shot.name}" for one in wanted]
    return names[0] if len(names) == 1 else f"{len(names)} versions"


def _shots(sheet: Sheet) -> Iterator[HostShot]:
    for item in sheet.cut.shots:
        clip, shot = sheet.clips[item.clip], sheet.shot(item.clip)
        assert shot is not None
        shown = clip.in_use(sheet.clips)
        yield HostShot(
            shot=shot,
            handle=item.clip,
            source=item.track,
            to_render=not clip.plate.readable,
            placed=tuple(dict.fromkeys(one.version for one in clip.standing(sheet.clips))),
            in_use=shown.version if shown is not None else "",
        )


def _told(problem: CutProblem, sheet: Sheet) -> HostProblem:
    handle = ""
    if not problem.skipped:
        place = (problem.clip, problem.track, problem.record)
        found = (i.clip for i in sheet.cut if (i.name, i.track, i.shot.record_range) == place)
        handle = next(found, "")
    return HostProblem(
        source=problem.clip or problem.track,
        what=problem.what,
        next_step=problem.next_step,
        skipped=problem.skipped,
        handle=handle,
        record=problem.record,
    )
