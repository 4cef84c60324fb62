"""DaVinci Resolve as a host."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import HostError
from bridge_core.hosts.base import (
    Capability,
    Host,
    HostNote,
    HostProblem,
    HostScene,
    HostShot,
    Placement,
    PlacementMode,
    PlacementResult,
    RenderStep,
)
from bridge_core.models.frames import FrameRange, frame_to_timecode
from bridge_core.system.private_files import make_private_folder
from bridge_resolve.api_checks import has_method, require
from bridge_resolve.api_thread import ApiThread
from bridge_resolve.clip_markers import NoteMarker, encode_custom_data
from bridge_resolve.clips import read_clips, timeline_rate
from bridge_resolve.colour_spaces import read_project_colour
from bridge_resolve.connection import product_name
from bridge_resolve.media import first_frame_number, resolve_timecode_to_frame
from bridge_resolve.otio_round_trip import place_in_new_timeline
from bridge_resolve.placement import (
    PLACEMENT_MODES,
    TAKE,
    TIMELINE,
    PlacementTransaction,
    ResolvePlacement,
    check_placement,
)
from bridge_resolve.rendering import render
from bridge_resolve.timeline_snapshot import TimelineSnapshot, read_snapshot

if TYPE_CHECKING:
    from fractions import Fraction

    from fusionscript import Project, Resolve, Timeline

    from bridge_core.models.notes import Note
    from bridge_core.models.settings import Settings
    from bridge_core.timeline.cut import CutProblem

_CAPABILITIES = frozenset(
    {
        Capability.SELECTION,
        Capability.CUT,
        Capability.WATCH,
        Capability.PLACE,
        Capability.RENDER,
        Capability.NOTES,
        Capability.PLAYHEAD,
        Capability.ANY_THREAD,
    }
)

#: Seconds for a rendering to stop when the window is closed.
_CLOSE_SECONDS = 15.0


class ResolveHost(Host):
    """Works on the timeline that is open in Resolve.

    Resolve is called on one thread (:mod:`bridge_resolve.api_thread`); the host's methods may be
    called from any thread. Cuts are written into ``client.state_dir``.

    :param find_resolve: connects to Resolve; called again if Resolve was closed and restarted.
    :param post_to_main: calls a function on the panel's main thread.
    :param poll_interval: seconds between two queries of the render queue.
    :raises HostError: ``find_resolve`` raises it.
    """

    def __init__(
        self,
        settings: Settings,
        find_resolve: Callable[[], Resolve],
        thread: ApiThread | None = None,
        post_to_main: Callable[[Callable[[], None]], None] = lambda call: call(),
        poll_interval: float = 0.25,
    ) -> None:
        self._settings = settings
        self._find_resolve = find_resolve
        self._resolve: Resolve | None = None
        self._post_to_main = post_to_main
        self._poll_interval = poll_interval
        self._renderings: list[Generator[RenderStep, None, None]] = []
        self._thread = thread or ApiThread()
        self._title = self._thread.call(self._read_title)

    @property
    def title(self) -> str:
        return self._title

    @property
    def capabilities(self) -> frozenset[Capability]:
        return _CAPABILITIES

    @property
    def placement_modes(self) -> tuple[PlacementMode, ...]:
        return PLACEMENT_MODES

    def close(self) -> None:
        """Stop renderings, restore Resolve's settings, and end the thread, unless Resolve hangs."""
        self._thread.close(_CLOSE_SECONDS, self._stop_renderings)

    def scene(self) -> HostScene:
        return self._thread.call(self._read_scene)

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Reports another timeline or project, added and removed clips, and changes of In and Out.
        A trim that does not change the timeline's length is seen when the panel reloads. Resolve
        has no callbacks, so it is polled every few seconds while there are no other calls."""
        last: list[tuple[object, ...]] = [self._thread.call(self._fingerprint)]

        def poll() -> None:
            before, last[0] = last[0], ()  # if Resolve is closed, its return is a change
            last[0] = self._fingerprint()
            if last[0] != before:
                self._post_to_main(on_change)

        return self._thread.add_idle_callback(poll)

    def place(self, placements: Sequence[Placement]) -> PlacementResult:
        return self._thread.call(lambda: self._place_versions(placements))

    def render(
        self, item_id: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[RenderStep, None, None]:
        """Each step queries the render queue, which takes only a moment."""
        steps = self._thread.call(lambda: self._start_rendering(item_id, folder, frames))
        self._renderings.append(steps)
        try:
            while (step := self._thread.call(lambda: next(steps, None))) is not None:
                yield step
                time.sleep(self._poll_interval)
        finally:
            if steps in self._renderings:  # otherwise close() has stopped it
                self._renderings.remove(steps)
                self._thread.call(steps.close)

    def notes(self) -> tuple[HostNote, ...]:
        return self._thread.call(lambda: tuple(self._read_notes()))

    def mark_note_synced(self, note_key: str, note: Note) -> None:
        self._thread.call(lambda: self._mark_note_synced(note_key, note))

    def current_frame(self) -> int | None:
        return self._thread.call(self._read_current_frame)

    def go_to_frame(self, frame: int) -> None:
        self._thread.call(lambda: self._set_timecode(frame))

    # On the API thread

    def _stop_renderings(self) -> None:
        while self._renderings:
            self._renderings.pop().close()

    def _connected_resolve(self) -> Resolve:
        if self._resolve is None or not product_name(self._resolve):
            self._resolve = self._find_resolve()
        return self._resolve

    def _read_title(self) -> str:
        resolve = self._connected_resolve()
        version = ".".join(str(part) for part in resolve.GetVersion()[:3])
        return f"{product_name(resolve)} {version}"

    def _project(self) -> Project:
        manager = require(
            self._connected_resolve().GetProjectManager(), "return its project manager"
        )
        return require(manager.GetCurrentProject(), "return the open project")

    def _timeline(self) -> Timeline:
        return require(
            self._project().GetCurrentTimeline(),
            "return an open timeline",
            next_step="open a timeline in Resolve",
        )

    def _fingerprint(self) -> tuple[object, ...]:
        """A few values that change when the scene changes."""
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
            str(timeline.GetMarkInOut() if has_method(timeline, "GetMarkInOut") else ""),
        )

    def _read_scene(self) -> HostScene:
        project = self._project()
        show = self._settings.work.show or str(project.GetName())
        timeline = project.GetCurrentTimeline()
        folder = self._settings.client.state_dir / "resolve"
        if timeline is None:
            return HostScene("", show)
        make_private_folder(folder)
        target = folder / f"{timeline.GetUniqueId()}.otio"
        snapshot = self._read_snapshot(project, timeline, target, in_to_out=True)
        return HostScene(
            title=snapshot.cut.name + (", In to Out" if snapshot.is_in_out_range else ""),
            show=snapshot.cut.show,
            shots=tuple(_host_shots(snapshot)),
            problems=tuple(_host_problem(problem, snapshot) for problem in snapshot.cut.problems),
            cut=snapshot.cut,
            is_selection=snapshot.is_in_out_range,
        )

    def _read_snapshot(
        self, project: Project, timeline: Timeline, target: Path, *, in_to_out: bool = False
    ) -> TimelineSnapshot:
        work = self._settings.work
        return read_snapshot(
            self._connected_resolve(),
            timeline,
            target,
            show=work.show or str(project.GetName()),
            handles=work.handles,
            in_out_only=in_to_out,
            colour=read_project_colour(project),
        )

    @contextmanager
    def _current_snapshot(self) -> Iterator[tuple[Project, TimelineSnapshot]]:
        """The whole current timeline, whatever In and Out are. The scene's own cut file is not
        changed."""
        project = self._project()
        with tempfile.TemporaryDirectory(prefix="shotbridge-") as folder:
            yield project, self._read_snapshot(project, self._timeline(), Path(folder) / "now.otio")

    def _place_versions(self, placements: Sequence[Placement]) -> PlacementResult:
        if not placements:
            return PlacementResult("nothing to place")
        with self._current_snapshot() as (project, snapshot):
            planned = [check_placement(snapshot, placement) for placement in placements]
            in_new_timeline = [one.plan.mode_id == TIMELINE for one in planned]
            if all(in_new_timeline):
                target = snapshot.cut.path.with_name("new.otio")
                new_timeline = place_in_new_timeline(
                    project,
                    snapshot,
                    planned,
                    lambda new: self._read_snapshot(project, new, target),
                )
                return PlacementResult(
                    f"{_placement_names(planned)} placed in the new timeline {new_timeline}"
                )
            if any(in_new_timeline):
                raise HostError(
                    "versions are placed in a new timeline all together, or not at all",
                    next_step="place them in two steps, one for each placement mode",
                )
            with PlacementTransaction(project, snapshot) as placing:
                placing.place(planned)
                placing.commit()
        location = (
            "as a take" if {one.plan.mode_id for one in planned} == {TAKE} else "in the timeline"
        )
        return PlacementResult(
            f"{_placement_names(planned)} placed {location} in {snapshot.cut.name}"
        )

    def _start_rendering(
        self, item_id: str, folder: Path, frames: Sequence[int]
    ) -> Generator[RenderStep, None, None]:
        with self._current_snapshot() as (project, snapshot):
            shot = snapshot.shot(item_id)
        if shot is None:
            raise HostError(
                f"the open timeline has no clip {item_id} that is a shot",
                next_step="open the timeline that holds it, and reload",
            )
        clip = snapshot.clips[item_id]
        if clip.plate.is_readable:
            raise HostError(
                f"{clip.plate.name} needs no rendering: services can read its files",
                where=clip.plate.path,
                next_step="send the shot without rendering it",
            )
        return render(project, snapshot.colour, clip, shot, folder, frames)

    def _read_notes(self) -> Iterator[HostNote]:
        clips = read_clips(self._timeline())
        for clip in clips.values():
            placed = clip.placed_versions(clips)
            active = clip.active_version(clips) or (placed[-1] if placed else None)
            if active is None:
                continue
            first = first_frame_number(clip.plate)
            for marker in clip.markers.user_markers:
                start = first + marker.frame
                rate = clip.plate.rate
                yield HostNote(
                    note_key=f"{clip.id}@{marker.frame}",
                    version_id=active.version_id,
                    text=marker.text,
                    frames=FrameRange.of(start, start + marker.duration - 1, rate),
                )

    def _mark_note_synced(self, note_key: str, note: Note) -> None:
        item_id, _, frame = note_key.rpartition("@")
        clip = read_clips(self._timeline()).get(item_id)
        if clip is None:
            raise HostError(
                f"the open timeline has no clip {item_id or note_key}",
                next_step="open the timeline in which the note was written, and reload",
            )
        data = encode_custom_data(NoteMarker(note.id, note.version_id))
        require(
            clip.item.UpdateMarkerCustomData(int(frame), data),
            f"mark the marker at frame {frame} of {clip.plate.name} as sent",
        )

    # The playhead

    def _timecode_base(self, timeline: Timeline) -> tuple[Fraction, bool, int]:
        """The timeline's rate, whether its timecode drops frames, and the offset from a timecode's
        frame to Resolve's: 0 as long as Resolve counts as SMPTE does."""
        rate, drop = timeline_rate(timeline)
        start = resolve_timecode_to_frame(str(timeline.GetStartTimecode()), rate, drop_frame=drop)
        return rate, drop, int(timeline.GetStartFrame()) - start

    def _read_current_frame(self) -> int | None:
        timeline = self._project().GetCurrentTimeline()
        if timeline is None:
            return None
        rate, drop, offset = self._timecode_base(timeline)
        timecode_text = timeline.GetCurrentTimecode()
        return (
            resolve_timecode_to_frame(str(timecode_text), rate, drop_frame=drop) + offset
            if timecode_text
            else None
        )

    def _set_timecode(self, frame: int) -> None:
        timeline = self._timeline()
        rate, drop, offset = self._timecode_base(timeline)
        at = frame_to_timecode(frame - offset, rate, drop_frame=drop)
        require(timeline.SetCurrentTimecode(at), f"go to {at}", where=str(timeline.GetName()))


def _placement_names(planned: Sequence[ResolvePlacement]) -> str:
    names = [f"{one.plan.title} of {one.clip_name}" for one in planned]
    return names[0] if len(names) == 1 else f"{len(names)} versions"


def _host_shots(snapshot: TimelineSnapshot) -> Iterator[HostShot]:
    for item in snapshot.cut.shots:
        clip, shot = snapshot.clips[item.clip_id], snapshot.shot(item.clip_id)
        assert shot is not None
        active = clip.active_version(snapshot.clips)
        yield HostShot(
            shot=shot,
            item_id=item.clip_id,
            label=item.track,
            needs_render=not clip.plate.is_readable,
            placed_version_ids=tuple(
                dict.fromkeys(one.version_id for one in clip.placed_versions(snapshot.clips))
            ),
            active_version_id=active.version_id if active is not None else "",
        )


def _host_problem(problem: CutProblem, snapshot: TimelineSnapshot) -> HostProblem:
    item_id = ""
    if not problem.skipped:
        position = (problem.clip_name, problem.track, problem.record_range)
        matching_clips = (
            i.clip_id
            for i in snapshot.cut
            if (i.clip_name, i.track, i.shot.record_range) == position
        )
        item_id = next(matching_clips, "")
    return HostProblem(
        label=problem.clip_name or problem.track,
        message=problem.message,
        next_step=problem.next_step,
        skipped=problem.skipped,
        item_id=item_id,
        record_range=problem.record_range,
    )
