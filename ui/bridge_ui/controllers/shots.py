"""The list of shots: what the host has to send, and how each of them stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import ShotbridgeError
from bridge_core.host import Capability, Scene
from bridge_core.models.versions import ReviewStatus
from bridge_ui.controllers.board import BoardChange, portions
from bridge_ui.controllers.exporting import Exported, export_cut
from bridge_ui.controllers.host_calls import ask_host
from bridge_ui.controllers.observable import Observable, Rows, Unwatch
from bridge_ui.controllers.pool import Latest, Task
from bridge_ui.controllers.shot_rows import ShotRow, base_rows, standing, with_change
from bridge_ui.controllers.thumbnails import Picture, Thumbnails
from bridge_ui.translate import tr

if TYPE_CHECKING:
    from bridge_core.models.shots import ShotId
    from bridge_core.models.versions import Version
    from bridge_core.timeline.changes import Change, Changes
    from bridge_ui.controllers.session import Session

__all__ = ["ShotRow", "ShotsController", "ShotsState", "Show"]


class Show(StrEnum):
    """Which rows are listed."""

    ALL = "all"
    CHANGED = "changed"
    """Shows other pictures than in the cut that it is compared with."""
    NEEDS_YOU = "needs you"
    """A version waits for review, or something about the shot has to be mended."""


@dataclass(frozen=True, slots=True)
class ShotsState:
    title: str = ""
    """The cut's file, the script; empty while nothing is open."""
    show: str = ""
    total: int = 0
    changed: int = 0
    needs_you: int = 0
    """How many versions wait for review, jobs failed and clips cannot be sent; not shots."""
    listed: Show = Show.ALL
    search: str = ""
    compared_with: str = ""
    """Name of the other cut; empty: not compared."""
    gone: int = 0
    """Shots of the other cut that this one has no longer."""
    busy: bool = False
    problem: str = ""
    """Why the last thing did not work."""
    next_step: str = ""
    told: str = ""
    """What was done last, in words: where a cut was written."""
    selected: tuple[str, ...] = ()
    """Keys of the selected rows, in the list's order."""


class ShotsController:
    """``rows`` are those that filter and search leave; ``state`` counts all."""

    def __init__(self, session: Session) -> None:
        self.rows: Rows[ShotRow] = Rows()
        self.state: Observable[ShotsState] = Observable(ShotsState())
        self._session = session
        self._scene: Scene | None = None
        self._all: list[ShotRow] = []
        self._needs: Counter[str] = Counter()
        """What needs somebody, with the number of rows: a shot that is cut twice has its versions
        once."""
        self._at: dict[str, int] = {}
        """Position among all, by key."""
        self._listed_at: dict[str, int] = {}
        """Position among those listed, by key."""
        self._keys_of: dict[ShotId, list[str]] = {}
        self._loading: Latest[tuple[Scene, list[ShotRow]]] = Latest(session.disk)
        self._comparing: Latest[Changes] = Latest(session.disk)
        self._asking: Latest[None] = Latest(session.pool)
        self._exporting: Latest[Exported] = Latest(session.transfers)
        self._thumbnails = Thumbnails(session)
        self._in_sight: tuple[str, ...] = ()
        self._unwatch = [
            session.board.watch(self._learned),
            session.on_connected(self._ask_versions),
            session.services.watch(lambda _: self._tell_standing(self._at), at_once=False),
        ]
        if Capability.FOLLOW in session.host.capabilities:
            self._unwatch.append(session.host.watch(self.reload))

    @property
    def scene(self) -> Scene | None:
        """What the host had when it was last asked."""
        return self._scene

    # What is there

    def reload(self) -> None:
        """Ask the host anew what there is."""
        self._load(lambda: None)

    def open(self, path: Path) -> None:
        """Work on another cut; only where the host can open one. A comparison ends."""
        self._comparing.cancel()
        self._load(lambda: self._session.host.open(path), anew=True)

    def _load(self, before: Callable[[], None], *, anew: bool = False) -> None:
        host = self._session.host

        def load(_: Task) -> tuple[Scene, list[ShotRow]]:
            before()
            scene = host.scene()
            return scene, base_rows(scene)

        def loaded(answer: tuple[Scene, list[ShotRow]]) -> None:
            self._take(*answer, anew=anew)

        self._tell(busy=True, problem="", next_step="")
        ask_host(host, self._loading.ask, load, loaded, self._failed)

    def _take(self, scene: Scene, rows: list[ShotRow], *, anew: bool) -> None:
        selected_before = self._scene is not None and self._scene.selected
        self._scene = scene
        board, title = self._session.board, self._session.service_title
        before = {row.key: row for row in self._all}
        if not anew:
            rows = [
                replace(row, changes=old.changes, changed=old.changed)
                if (old := before.get(row.key)) is not None and old.changes
                else row
                for row in rows
            ]
        self._all = [
            standing(row, board, title) if row.shot and board.knows(row.shot.id) else row
            for row in rows
        ]
        self._at = {row.key: at for at, row in enumerate(rows)}
        self._keys_of = {}
        for row in rows:
            if row.shot is not None:
                self._keys_of.setdefault(row.shot.id, []).append(row.key)
        # In one go: whoever is told of the new scene asks at once what of it is selected.
        selected = self.state.value.selected
        kept = tuple(key for key in selected if key in self._at)
        sendable = tuple(row.key for row in rows if row.shot is not None)
        if scene.selected and not (selected_before and before.keys() == self._at.keys()):
            kept = sendable  # somebody selected these in the host
        elif selected and not kept:
            kept = sendable[:1]
        fresh = {"compared_with": "", "gone": 0, "listed": Show.ALL, "search": ""} if anew else {}
        self._tell(title=scene.title, show=scene.show, busy=False, selected=kept, **fresh)
        self._list()
        if self._session.connection.value.up:
            self._ask_versions()

    # What changed

    def compare_with(self, path: Path | None) -> None:
        """Find what is different from an older cut; None ends that."""
        if path is None:
            self._comparing.cancel()
            self._compared({}, "", 0)
            return
        cut = self._scene.cut if self._scene is not None else None
        if cut is None:
            self._tell(
                problem=tr("there is no cut open to compare"),
                next_step=tr("open a cut, then compare"),
            )
            return
        work = self._session.settings.work

        def compare_cuts(_: Task) -> Changes:
            from bridge_core.timeline.changes import compare
            from bridge_core.timeline.reading import read_cut

            return compare(
                read_cut(path, show=work.show, handles=work.handles, rate=cut.source.rate), cut
            )

        def compared(found: Changes) -> None:
            by_key = {c.new.clip: c for c in found.changes if c.new is not None}
            self._compared(by_key, path.name, len(found.gone))

        self._tell(busy=True, problem="", next_step="")
        self._comparing.ask(compare_cuts, compared, self._failed)

    def _compared(self, changes: dict[str, Change], name: str, gone: int) -> None:
        self._all = [with_change(row, changes.get(row.key)) for row in self._all]
        listed = self.state.value.listed
        if not name and listed is Show.CHANGED:
            listed = Show.ALL
        self._tell(compared_with=name, gone=gone, busy=False, listed=listed)
        self._list()

    # What is listed and selected

    def list_only(self, which: Show) -> None:
        self._tell(listed=which)
        self._list()

    def search(self, text: str) -> None:
        """List only rows in which every word is found: name, sequence, source, state."""
        if text != self.state.value.search:
            self._tell(search=text)
            self._list()

    def select(self, keys: Iterable[str]) -> None:
        """Only rows that are listed can be selected; a filter that hides them lets them go."""
        wanted = set(keys)
        self._tell(selected=tuple(row.key for row in self.rows if row.key in wanted))

    def select_changed(self) -> None:
        """All that changed and can be sent."""
        self.list_only(Show.CHANGED)
        self.select(row.key for row in self.rows if row.shot is not None)

    @property
    def selected(self) -> tuple[ShotRow, ...]:
        return tuple(self._all[self._at[key]] for key in self.state.value.selected)

    def row(self, key: str) -> ShotRow | None:
        at = self._at.get(key)
        return self._all[at] if at is not None else None

    # Pictures

    def want_thumbnails(self, keys: Iterable[str]) -> None:
        """These rows are in sight: fetch their pictures, and forget what was wanted before."""
        self._in_sight = tuple(keys)
        found = {key: self._picture(key) for key in self._in_sight}
        self._thumbnails.want({key: p for key, p in found.items() if p is not None})

    def thumbnail(self, key: str) -> bytes | None:
        """JPEG of a row's newest version or plate, if it is here already."""
        picture = self._picture(key)
        return self._thumbnails.get(picture) if picture is not None else None

    def watch_thumbnails(self, callback: Callable[[str], None]) -> Unwatch:
        """Told the key of a row whose picture has come."""
        return self._thumbnails.watch(callback)

    def _picture(self, key: str) -> Picture | None:
        row = self.row(key)
        if row is None or row.shot is None or (row.to_render and row.newest is None):
            return None
        return Picture(row.shot, row.newest)

    # The way out

    def export(self, target: Path, reader: str = "generic") -> None:
        """Write the cut with every version and note that the gateway has for its shots, as
        ``reader`` (generic, resolve, nuke, openrv) takes it. A file that is there is replaced;
        the cut itself never is."""
        cut = self._scene.cut if self._scene is not None else None
        if cut is None:
            self._tell(
                problem=tr("there is no cut open to export"), next_step=tr("open a cut first")
            )
            return

        def done(found: Exported) -> None:
            self._tell(busy=False, told=found.words)

        self._tell(busy=True, problem="", next_step="", told="")
        client = self._session.client
        self._exporting.ask(lambda _: export_cut(client, cut, target, reader), done, self._failed)

    def close(self) -> None:
        for unwatch in self._unwatch:
            unwatch()
        self._thumbnails.close()
        for asked in (self._loading, self._comparing, self._asking, self._exporting):
            asked.cancel()

    def _list(self) -> None:
        state = self.state.value
        words = state.search.lower().split()
        listed = [
            row for row in self._all if _is(row, state.listed) and (not words or row.holds(words))
        ]
        self._listed_at = {row.key: at for at, row in enumerate(listed)}
        kept = tuple(key for key in state.selected if key in self._listed_at)
        self.rows.replace(listed)
        self._needs = Counter(chain.from_iterable(row.needs for row in self._all))
        self._tell(
            total=len(self._all),
            changed=sum(row.changed for row in self._all),
            needs_you=len(self._needs),
            selected=kept,
        )

    # What the gateway says

    def _ask_versions(self) -> None:
        """The newest of each shot, and all that are approved or wait for review, which is all that
        rows show; the review asks for the others of the shot that it looks at. Page by page: an
        answer of thousands of versions would hold Python's lock for longer than a picture may take
        to be drawn."""
        places = sorted({(which.show, which.sequence) for which in self._keys_of})
        session = self._session
        waited = {
            one.id
            for one in session.board.versions.values()
            if one.status is ReviewStatus.PENDING and one.shot in self._keys_of
        }

        def learn(task: Task, found: Sequence[Version]) -> None:
            if not task.cancelled:
                session.board.learn(versions=found)

        def ask(task: Task) -> None:
            client = session.client
            seen: set[str] = set()
            for show, sequence in places:
                for page in chain(
                    client.version_pages(show=show, sequence=sequence, newest=True),
                    client.version_pages(show=show, sequence=sequence, status=ReviewStatus.PENDING),
                    client.version_pages(
                        show=show, sequence=sequence, status=ReviewStatus.APPROVED
                    ),
                ):
                    # Once only: a thousand versions reported twice would be drawn twice.
                    fresh = [version for version in page if version.id not in seen]
                    seen.update(version.id for version in fresh)
                    for portion in portions(fresh):
                        session.post(partial(learn, task, portion))
                    if task.cancelled:
                        return
            # Decided about while the panel was not connected.
            for missed in sorted(waited - seen):
                if task.cancelled:
                    return
                session.post(partial(learn, task, [client.version(missed)]))

        # Where it fails the line is gone, and this is asked again when it is back.
        self._asking.ask(ask, lambda _: None)

    def _learned(self, change: BoardChange) -> None:
        board = self._session.board
        shots = {board.jobs[one].request.shot.id for one in change.jobs}
        shots |= {board.versions[one].shot for one in change.versions}
        keys = [key for which in shots for key in self._keys_of.get(which, ())]
        if keys:
            self._tell_standing(keys)

    def _tell_standing(self, keys: Collection[str]) -> None:
        board, title = self._session.board, self._session.service_title
        listed = self.state.value.listed
        changed, moved = {}, False
        for key in keys:
            old = self._all[self._at[key]]
            if old.shot is None or not board.knows(old.shot.id):
                continue
            new = standing(old, board, title)
            self._all[self._at[key]] = new
            self._needs.update(new.needs)
            for one in old.needs:
                self._needs[one] -= 1
                if not self._needs[one]:
                    del self._needs[one]
            at = self._listed_at.get(key)
            moved = moved or (at is not None) != _is(new, listed)
            if at is not None:
                changed[at] = new
        if moved and listed is not Show.ALL:
            self._list()
            return
        self.rows.update(changed)
        self._tell(needs_you=len(self._needs))
        if not set(keys).isdisjoint(self._in_sight):
            self.want_thumbnails(self._in_sight)  # a new version has a picture of its own

    def _failed(self, error: ShotbridgeError) -> None:
        self._tell(busy=False, problem=error.what, next_step=error.next_step)

    def _tell(self, **changed: object) -> None:
        self.state.set(replace(self.state.value, **changed))  # type: ignore[arg-type]


def _is(row: ShotRow, listed: Show) -> bool:
    match listed:
        case Show.ALL:
            return True
        case Show.CHANGED:
            return row.changed
        case Show.NEEDS_YOU:
            return row.needs_you
