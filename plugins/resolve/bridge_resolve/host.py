"""DaVinci Resolve as a host."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from bridge_core.errors import HostError
from bridge_core.hosts.base import (
    INTERACTIVE_CAPABILITIES,
    Host,
    HostCapability,
    HostNote,
    HostProblem,
    HostScene,
    HostShot,
    Placement,
    PlacementResult,
    RenderStep,
)
from bridge_core.hosts.plate_rendering import shot_to_render
from bridge_core.models.frames import FrameRange, frame_to_timecode
from bridge_core.system.private_files import make_private_folder
from bridge_resolve.api_checks import has_method, require
from bridge_resolve.api_thread import ApiThread
from bridge_resolve.clip_markers import NoteMarker, encode_custom_data
from bridge_resolve.clips import read_clips, timeline_rate, video_items
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
    from bridge_core.timeline.cut import CutShot

#: Seconds for a rendering to stop when the window is closed.
_CLOSE_SECONDS = 15.0

P = ParamSpec("P")
R = TypeVar("R")


def _on_api_thread(
    method: Callable[Concatenate[ResolveHost, P], R],
) -> Callable[Concatenate[ResolveHost, P], R]:
    """A method that runs on the host's API thread, whichever thread calls it."""

    @wraps(method)
    def call(self: ResolveHost, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._thread.call(partial(method, self, *args, **kwargs))

    return call


class ResolveHost(Host):
    """Works on the timeline that is open in Resolve.

    Resolve is called on one thread (:mod:`bridge_resolve.api_thread`); the host's methods may be
    called from any thread. Cuts are written into ``client.state_dir``.

    :param find_resolve: connects to Resolve; called again if Resolve was closed and restarted.
    :param post_to_main: calls a function on the panel's main thread.
    :param poll_interval: seconds between two queries of the render queue.
    :raises HostError: ``find_resolve`` raises it.
    """

    capabilities = INTERACTIVE_CAPABILITIES | {
        HostCapability.CUT,
        HostCapability.NOTES,
        HostCapability.ANY_THREAD,
    }
    placement_modes = PLACEMENT_MODES

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

    def close(self) -> None:
        """Stop renderings, restore Resolve's settings, and end the thread, unless Resolve hangs."""
        self._thread.close(_CLOSE_SECONDS, self._stop_renderings)

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

    def render(
        self, item_id: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[RenderStep, None, None]:
        """Each step queries the render queue, which takes only a moment."""
        steps = self._start_rendering(item_id, folder, frames)
        self._renderings.append(steps)
        try:
            while (step := self._thread.call(lambda: next(steps, None))) is not None:
                yield step
                time.sleep(self._poll_interval)
        finally:
            if steps in self._renderings:  # otherwise close() has stopped it
                self._renderings.remove(steps)
                self._thread.call(steps.close)

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
        resolve = self._connected_resolve()
        manager = require(resolve.GetProjectManager(), "return its project manager")
        return require(manager.GetCurrentProject(), "return the open project")

    def _timeline(self) -> Timeline:
        timeline, next_step = self._project().GetCurrentTimeline(), "open a timeline in Resolve"
        return require(timeline, "return an open timeline", next_step=next_step)

    def _fingerprint(self) -> tuple[object, ...]:
        """A few values that change when the scene changes."""
        project = self._project()
        timeline = project.GetCurrentTimeline()
        if timeline is None:
            return (project.GetUniqueId(),)
        counts = tuple(sorted(Counter(track for track, _ in video_items(timeline)).items()))
        in_out = str(timeline.GetMarkInOut() if has_method(timeline, "GetMarkInOut") else "")
        ids = (project.GetUniqueId(), timeline.GetUniqueId())
        return (*ids, timeline.GetEndFrame(), counts, in_out)

    @_on_api_thread
    def scene(self) -> HostScene:
        project = self._project()
        show = self._settings.work.show or str(project.GetName())
        timeline = project.GetCurrentTimeline()
        folder = self._settings.client.state_dir / "resolve"
        if timeline is None:
            return HostScene("", show)
        make_private_folder(folder)
        target = folder / f"{timeline.GetUniqueId()}.otio"
        snapshot = self._read_snapshot(project, timeline, target, in_to_out=True)
        cut = snapshot.cut
        return HostScene(
            title=cut.name + (", In to Out" if snapshot.is_in_out_range else ""),
            show=cut.show,
            shots=tuple(_host_shot(item, snapshot) for item in cut.shots),
            problems=tuple(HostProblem.from_cut(problem, cut) for problem in cut.problems),
            cut=cut,
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

    @_on_api_thread
    def place(self, placements: Sequence[Placement]) -> PlacementResult:
        if not placements:
            return PlacementResult("nothing to place")
        with self._current_snapshot() as (project, snapshot):
            planned = [check_placement(snapshot, placement) for placement in placements]
            in_new_timeline = [placement.plan.mode_id == TIMELINE for placement in planned]
            if all(in_new_timeline):
                target = snapshot.cut.path.with_name("new.otio")
                read = partial(self._read_snapshot, project, target=target)
                made = place_in_new_timeline(project, snapshot, planned, read)
                location = f"in the new timeline {made}"
                return PlacementResult(f"{_placement_names(planned)} placed {location}")
            if any(in_new_timeline):
                message = "versions are placed in a new timeline all together, or not at all"
                next_step = "place them in two steps, one for each placement mode"
                raise HostError(message, next_step=next_step)
            PlacementTransaction(project, snapshot).place(planned)
        are_takes = all(placement.plan.mode_id == TAKE for placement in planned)
        location = f"{'as a take' if are_takes else 'in the timeline'} in {snapshot.cut.name}"
        return PlacementResult(f"{_placement_names(planned)} placed {location}")

    @_on_api_thread
    def _start_rendering(
        self, item_id: str, folder: Path, frames: Sequence[int]
    ) -> Generator[RenderStep, None, None]:
        with self._current_snapshot() as (project, snapshot):
            cut_shot = snapshot.cut.find_shot(item_id)
        item = _host_shot(cut_shot, snapshot) if cut_shot is not None else None
        shot = shot_to_render(item, item_id, where=snapshot.cut.name)
        return render(project, snapshot.colour, snapshot.clips[item_id], shot, folder, frames)

    @_on_api_thread
    def notes(self) -> tuple[HostNote, ...]:
        clips, notes = read_clips(self._timeline()), []
        for clip in clips.values():
            placed = clip.placed_versions(clips)
            active = clip.active_version(clips) or (placed[-1] if placed else None)
            if active is None:
                continue
            for marker in clip.markers.user_markers:
                start = first_frame_number(clip.plate) + marker.frame
                frames = FrameRange.of(start, start + marker.duration - 1, clip.plate.rate)
                note_key = f"{clip.id}@{marker.frame}"
                notes.append(HostNote(note_key, active.version_id, marker.text, frames))
        return tuple(notes)

    @_on_api_thread
    def mark_note_synced(self, note_key: str, note: Note) -> None:
        item_id, _, frame = note_key.rpartition("@")
        clip = read_clips(self._timeline()).get(item_id)
        if clip is None:
            message = f"the open timeline has no clip {item_id or note_key}"
            next_step = "open the timeline in which the note was written, and reload"
            raise HostError(message, next_step=next_step)
        data = encode_custom_data(NoteMarker(note.id, note.version_id))
        updated = clip.item.UpdateMarkerCustomData(int(frame), data)
        require(updated, f"mark the marker at frame {frame} of {clip.plate.name} as sent")

    # The playhead

    def _timecode_base(self, timeline: Timeline) -> tuple[Fraction, bool, int]:
        """The timeline's rate, whether its timecode drops frames, and the offset from a timecode's
        frame to Resolve's: 0 as long as Resolve counts as SMPTE does."""
        rate, drop = timeline_rate(timeline)
        start = resolve_timecode_to_frame(str(timeline.GetStartTimecode()), rate, drop_frame=drop)
        return rate, drop, int(timeline.GetStartFrame()) - start

    @_on_api_thread
    def current_frame(self) -> int | None:
        timeline = self._project().GetCurrentTimeline()
        if timeline is None:
            return None
        rate, drop, offset = self._timecode_base(timeline)
        timecode = timeline.GetCurrentTimecode()
        if not timecode:
            return None
        return resolve_timecode_to_frame(str(timecode), rate, drop_frame=drop) + offset

    @_on_api_thread
    def go_to_frame(self, frame: int) -> None:
        timeline = self._timeline()
        rate, drop, offset = self._timecode_base(timeline)
        at = frame_to_timecode(frame - offset, rate, drop_frame=drop)
        require(timeline.SetCurrentTimecode(at), f"go to {at}", where=str(timeline.GetName()))


def _placement_names(planned: Sequence[ResolvePlacement]) -> str:
    names = [f"{placement.plan.title} of {placement.clip_name}" for placement in planned]
    return names[0] if len(names) == 1 else f"{len(names)} versions"


def _host_shot(item: CutShot, snapshot: TimelineSnapshot) -> HostShot:
    clip, shot = snapshot.clips[item.clip_id], snapshot.shot(item.clip_id)
    assert shot is not None
    active = clip.active_version(snapshot.clips)
    placed_ids = (version.version_id for version in clip.placed_versions(snapshot.clips))
    return HostShot(
        shot=shot,
        item_id=item.clip_id,
        label=item.track,
        needs_render=not clip.plate.is_readable,
        placed_version_ids=tuple(dict.fromkeys(placed_ids)),
        active_version_id=active.version_id if active is not None else "",
    )
