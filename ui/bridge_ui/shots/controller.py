"""The list of the host's shots with their status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.hosts.base import HostCapability, HostScene
from bridge_core.models.enumerations import ReviewStatus
from bridge_ui.core.observable import ActionState, Observable, ObservableList, Unwatch, unwatch_all
from bridge_ui.core.store import StoreChange, batches
from bridge_ui.core.thread_pool import BackgroundTask, LatestCall
from bridge_ui.core.translate import tr
from bridge_ui.shots.cut_comparison import CutComparison, compare_cuts
from bridge_ui.shots.cut_export import CutExport, export_cut
from bridge_ui.shots.row_index import RowIndex, carry_over
from bridge_ui.shots.shot_row import ShotRow, with_status
from bridge_ui.shots.thumbnail_loader import ThumbnailKey, ThumbnailLoader

if TYPE_CHECKING:
    from bridge_core.models.versions import Version
    from bridge_ui.core.session import Session

__all__ = ["ShotFilter", "ShotRow", "ShotsController", "ShotsState"]


class ShotFilter(StrEnum):
    """Which rows are listed."""

    ALL = "all"
    CHANGED = "changed"
    """Shows other frames than in the compared cut."""
    NEEDS_ATTENTION = "needs attention"
    """A version waits for review, a job failed, or the shot cannot be sent."""


@dataclass(frozen=True, slots=True)
class ShotsState(ActionState):
    title: str = ""
    """File name of the cut or the script; empty if nothing is open."""
    show: str = ""
    total: int = 0
    changed_count: int = 0
    attention_count: int = 0
    """Number of versions to review, failed jobs and clips that cannot be sent; not of shots."""
    shot_filter: ShotFilter = ShotFilter.ALL
    search: str = ""
    compared_cut: str = ""
    """Name of the compared cut; empty: none."""
    removed_count: int = 0
    """Shots of the compared cut that this one no longer has."""
    selected: tuple[str, ...] = ()
    """Keys of the selected rows, in the list's order."""


#: The status of this many rows is computed at once; it takes 20 microseconds each.
_STATUS_AT_ONCE = 100


class ShotsController:
    """``rows`` are the filtered rows; ``state`` counts all."""

    def __init__(self, session: Session) -> None:
        self.rows: ObservableList[ShotRow] = ObservableList()
        self.state: Observable[ShotsState] = Observable(ShotsState())
        self._session = session
        self._scene: HostScene | None = None
        self._index = RowIndex()
        self._attention_counts: Counter[str] = Counter()
        """Number of rows by attention id: two clips of a shot share its versions."""
        self._visible_index_by_key: dict[str, int] = {}
        """Position in the filtered rows, by key."""
        self._scene_call: LatestCall[tuple[HostScene, RowIndex]] = LatestCall(session.disk_pool)
        self._compare_call: LatestCall[CutComparison] = LatestCall(session.disk_pool)
        self._versions_call: LatestCall[None] = LatestCall(session.request_pool)
        self._export_call: LatestCall[CutExport] = LatestCall(session.transfer_pool)
        self._thumbnails = ThumbnailLoader(session)
        self._visible_keys: tuple[str, ...] = ()
        watches_host = HostCapability.WATCH in session.host.capabilities
        self.close = unwatch_all(
            session.store.watch(self._store_changed),
            session.on_connected(self._fetch_versions),
            session.services.watch(
                lambda _: self._refresh_status(self._known_keys()), immediately=False
            ),
            *([session.host.watch(self.reload)] if watches_host else []),
            self._thumbnails.close,
            self._scene_call.cancel,
            self._compare_call.cancel,
            self._versions_call.cancel,
            self._export_call.cancel,
        )

    @property
    def scene(self) -> HostScene | None:
        """The scene when it was last read."""
        return self._scene

    # Scene

    def reload(self) -> None:
        """Read the scene again."""
        self._load(lambda: None)

    def open(self, path: Path) -> None:
        """Open another cut, if the host can; ends a comparison."""
        self._compare_call.cancel()
        self._load(lambda: self._session.host.open_cut(path), is_new_cut=True)

    def _load(self, prepare: Callable[[], None], *, is_new_cut: bool = False) -> None:
        host, before = self._session.host, self._index
        snapshot = before.snapshot()

        def load(_: BackgroundTask) -> tuple[HostScene, RowIndex]:
            prepare()
            scene = host.scene()
            return scene, RowIndex.from_scene(scene, snapshot, is_new_cut=is_new_cut)

        def loaded(result: tuple[HostScene, RowIndex]) -> None:
            scene, index = result
            for old in before.changed_since(snapshot):
                if (position := index.positions.get(old.key)) is not None:
                    row = index.rows[position]
                    index.rows[position] = carry_over(row, old, with_changes=not is_new_cut)
            self._apply_scene(scene, index, is_new_cut=is_new_cut)

        self.state.update(busy=True, problem="", next_step="")
        self._session.call_host(load, loaded, self.state.show_error, self._scene_call.run)

    def _apply_scene(self, scene: HostScene, index: RowIndex, *, is_new_cut: bool) -> None:
        selected_before = self._scene is not None and self._scene.is_selection
        before, self._index, self._scene = self._index, index, scene
        known_keys: list[str] = []
        if index.new_keys:
            known_keys = [key for key in self._known_keys() if key in index.new_keys]
        for key in known_keys[:_STATUS_AT_ONCE]:
            self._compute_status(key)
        # In one update: watchers read the selection as soon as the scene changes.
        selected = self.state.value.selected
        kept = tuple(key for key in selected if key in index.positions)
        sendable = index.sendable_keys
        if scene.is_selection and not (
            selected_before and before.positions.keys() == index.positions.keys()
        ):
            kept = sendable  # selected in the host
        elif selected and not kept:
            kept = sendable[:1]
        cleared = (
            {"compared_cut": "", "removed_count": 0, "shot_filter": ShotFilter.ALL, "search": ""}
            if is_new_cut
            else {}
        )
        self.state.update(title=scene.title, show=scene.show, busy=False, selected=kept, **cleared)
        self._refresh_rows()

        def refresh(keys: Sequence[str]) -> None:
            if self._index is index:
                self._refresh_status(keys)

        for batch in batches(known_keys[_STATUS_AT_ONCE:]):
            self._session.post(partial(refresh, batch))
        if self._session.connection.value.is_connected:
            self._fetch_versions()

    # Comparison

    def compare_with(self, path: Path | None) -> None:
        """Find the changes since an older cut; None ends the comparison."""
        if path is None:
            self._compare_call.cancel()
            self._index.rows[:] = self._index.with_changes({})
            self._changes_applied("", 0)
            return
        cut = self._scene.cut if self._scene is not None else None
        if cut is None:
            problem = tr("there is no cut open to compare")
            self.state.show_problem(problem, tr("open a cut, then compare"))
            return
        work, snapshot = self._session.settings.work, self._index.snapshot()

        def compared(comparison: CutComparison) -> None:
            comparison.apply(self._index)
            self._changes_applied(path.name, comparison.removed_count)

        self.state.update(busy=True, problem="", next_step="")
        self._compare_call.run(
            lambda _: compare_cuts(path, cut, work, snapshot), compared, self.state.show_error
        )

    def _changes_applied(self, name: str, removed_count: int) -> None:
        shot_filter = self.state.value.shot_filter
        if not name and shot_filter is ShotFilter.CHANGED:
            shot_filter = ShotFilter.ALL
        self.state.update(
            compared_cut=name, removed_count=removed_count, busy=False, shot_filter=shot_filter
        )
        self._refresh_rows()

    # Filter and selection

    def set_filter(self, shot_filter: ShotFilter) -> None:
        self.state.update(shot_filter=shot_filter)
        self._refresh_rows()

    def search(self, text: str) -> None:
        """List only rows that contain every word in name, sequence, source or status."""
        if text != self.state.value.search:
            self.state.update(search=text)
            self._refresh_rows()

    def select(self, keys: Iterable[str]) -> None:
        """Select listed rows; rows that a filter hides are deselected."""
        selected_keys, listed_keys = set(keys), (shot_row.key for shot_row in self.rows)
        self.state.update(selected=tuple(key for key in listed_keys if key in selected_keys))

    def select_changed(self) -> None:
        """Select all changed shots that can be sent."""
        self.set_filter(ShotFilter.CHANGED)
        self.select(row.key for row in self.rows if row.item is not None)

    @property
    def selected(self) -> tuple[ShotRow, ...]:
        rows, positions = self._index.rows, self._index.positions
        return tuple(rows[positions[key]] for key in self.state.value.selected)

    def row(self, key: str) -> ShotRow | None:
        return self._index.row(key)

    # Thumbnails

    def request_thumbnails(self, keys: Iterable[str]) -> None:
        """Load the thumbnails of the visible rows; earlier requests are dropped."""
        self._visible_keys = tuple(keys)
        thumbnail_keys = {key: self._thumbnail_key(key) for key in self._visible_keys}
        self._thumbnails.request({key: p for key, p in thumbnail_keys.items() if p is not None})

    def thumbnail(self, key: str) -> bytes | None:
        """JPEG of a row's newest version or plate, if loaded."""
        thumbnail_key = self._thumbnail_key(key)
        return self._thumbnails.get(thumbnail_key) if thumbnail_key is not None else None

    def watch_thumbnails(self, callback: Callable[[str], None]) -> Unwatch:
        """Call ``callback`` with the key of a row when its thumbnail is loaded."""
        return self._thumbnails.watch(callback)

    def _thumbnail_key(self, key: str) -> ThumbnailKey | None:
        shot_row = self.row(key)
        if shot_row is None or shot_row.shot is None:
            return None
        newest = self._session.store.versions.get(shot_row.newest_version_id or "")
        version_id = newest.id if newest is not None and newest.proxies is not None else None
        if version_id is None and shot_row.needs_render:
            return None
        return ThumbnailKey(shot_row.shot, version_id)

    # Export

    def export(self, target: Path, reader: str = "generic") -> None:
        """Write the cut with all versions and notes of its shots, for ``reader`` (generic,
        resolve, nuke, openrv). Replaces an existing file, but never the cut itself."""
        cut = self._scene.cut if self._scene is not None else None
        if cut is None:
            problem = tr("there is no cut open to export")
            self.state.show_problem(problem, tr("open a cut first"))
            return

        def done(written: CutExport) -> None:
            self.state.update(busy=False, message=written.text)

        self.state.update(busy=True, problem="", next_step="", message="")
        client = self._session.client
        self._export_call.run(
            lambda _: export_cut(client, cut, target, reader), done, self.state.show_error
        )

    def _refresh_rows(self) -> None:
        state = self.state.value
        terms = state.search.lower().split()
        all_rows = self._index.rows
        if state.shot_filter is ShotFilter.ALL and not terms:
            visible_rows, self._visible_index_by_key = all_rows, self._index.positions
        else:
            visible_rows = [
                row
                for row in all_rows
                if _matches_filter(row, state.shot_filter) and (not terms or row.matches(terms))
            ]
            self._visible_index_by_key = {row.key: at for at, row in enumerate(visible_rows)}
        kept = tuple(key for key in state.selected if key in self._visible_index_by_key)
        self.rows.replace(visible_rows)
        self._attention_counts = Counter(chain.from_iterable(row.attention_ids for row in all_rows))
        self.state.update(
            total=len(all_rows),
            changed_count=sum(row.is_changed for row in all_rows),
            attention_count=len(self._attention_counts),
            selected=kept,
        )

    # Status

    def _fetch_versions(self) -> None:
        """Fetch the versions that rows show: the newest of each shot, and all that are approved or
        pending review. The review fetches the others of its shot. Page by page: parsing
        thousands of versions at once would hold the GIL for longer than a frame may take."""
        sequences = sorted({(show, sequence) for show, sequence, _ in self._index.keys_by_shot})
        session = self._session
        pending_ids = {
            one.id
            for one in session.store.versions.values()
            if one.status is ReviewStatus.PENDING and self._index.keys_of(one.shot)
        }

        def merge(task: BackgroundTask, versions: Sequence[Version]) -> None:
            if not task.cancelled:
                session.store.merge(versions=versions)

        def fetch(task: BackgroundTask) -> None:
            client = session.client
            fetched_ids: set[str] = set()
            for show, sequence in sequences:
                pages = partial(client.version_pages, show=show, sequence=sequence)
                for page in chain(
                    pages(newest=True),
                    pages(status=ReviewStatus.PENDING),
                    pages(status=ReviewStatus.APPROVED),
                ):
                    # Only once: reporting a version twice would paint its rows twice.
                    new = [version for version in page if version.id not in fetched_ids]
                    fetched_ids.update(version.id for version in new)
                    for batch in batches(new):
                        session.post(partial(merge, task, batch))
                    if task.cancelled:
                        return
            # Reviewed while the panel was not connected.
            for missing_id in sorted(pending_ids - fetched_ids):
                if task.cancelled:
                    return
                session.post(partial(merge, task, [client.version(missing_id)]))

        # Errors mean that the connection is lost; this runs again after reconnecting.
        self._versions_call.run(fetch, lambda _: None)

    def _store_changed(self, change: StoreChange) -> None:
        store = self._session.store
        shots = {store.jobs[one].request.shot.id for one in change.jobs}
        shots |= {store.versions[one].shot for one in change.versions}
        keys = [key for which in shots for key in self._index.keys_of(which)]
        if keys:
            self._refresh_status(keys)

    def _known_keys(self) -> list[str]:
        """Keys of the rows of whose shots any job or version is known."""
        known_shots = self._session.store.known_shots()
        keys = {key for shot in known_shots for key in self._index.keys_of(shot)}
        return sorted(keys, key=self._index.positions.__getitem__)

    def _compute_status(self, key: str) -> tuple[ShotRow, ShotRow]:
        """Replace a row by one with its present status; returns both."""
        rows, position = self._index.rows, self._index.positions[key]
        old = rows[position]
        rows[position] = new = with_status(old, self._session.store, self._session.service_title)
        return old, new

    def _refresh_status(self, keys: Collection[str]) -> None:
        shot_filter = self.state.value.shot_filter
        changed, moved = {}, False
        for key in keys:
            old, new = self._compute_status(key)
            self._attention_counts.update(new.attention_ids)
            for attention_id in old.attention_ids:
                self._attention_counts[attention_id] -= 1
                if not self._attention_counts[attention_id]:
                    del self._attention_counts[attention_id]
            index = self._visible_index_by_key.get(key)
            moved = moved or (index is not None) != _matches_filter(new, shot_filter)
            if index is not None:
                changed[index] = new
        if moved and shot_filter is not ShotFilter.ALL:
            self._refresh_rows()
            return
        self.rows.update(changed)
        self.state.update(attention_count=len(self._attention_counts))
        if not set(keys).isdisjoint(self._visible_keys):
            self.request_thumbnails(self._visible_keys)  # a new version has its own thumbnail


def _matches_filter(shot_row: ShotRow, shot_filter: ShotFilter) -> bool:
    match shot_filter:
        case ShotFilter.ALL:
            return True
        case ShotFilter.CHANGED:
            return shot_row.is_changed
        case ShotFilter.NEEDS_ATTENTION:
            return shot_row.needs_attention
