"""Putting versions where they belong in the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bridge_core.errors import NotFound
from bridge_core.host import Capability, Placed, Placement
from bridge_core.models.versions import ReviewStatus
from bridge_core.private_files import private_folder
from bridge_ui.controllers.host_calls import ask_host
from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.pool import Task
from bridge_ui.translate import tr

if TYPE_CHECKING:
    from bridge_core.errors import ShotbridgeError
    from bridge_core.models.versions import Version
    from bridge_ui.controllers.session import Session
    from bridge_ui.controllers.shot_rows import ShotRow


@dataclass(frozen=True, slots=True)
class Way:
    """A way of placing to choose from: how, and which pictures of the version."""

    place_as: str
    output: str
    title: str


@dataclass(frozen=True, slots=True)
class PlacingState:
    busy: bool = False
    told: str = ""
    """What was done last, in words."""
    problem: str = ""
    next_step: str = ""


class PlacingController:
    """``placed`` is called when versions were placed: the scene is another one now."""

    def __init__(self, session: Session, placed: Callable[[], None]) -> None:
        self.state: Observable[PlacingState] = Observable(PlacingState())
        self._session = session
        self._placed = placed
        self._task: Task | None = None

    @property
    def can(self) -> bool:
        """Whether the host takes versions at all."""
        return Capability.PLACE in self._session.host.capabilities

    def ways(self, version: Version) -> tuple[Way, ...]:
        """The pictures that go into the cut first, in the host's usual way first."""
        if not self.can:
            return ()
        host = self._session.host
        manners = [(one.id, one.title) for one in host.place_as]
        manners = manners or [("", tr("In {host}", host=host.title))]
        outputs = sorted((one.name for one in version.outputs), key=lambda name: name != "main")
        return tuple(
            Way(id, output, title if output == "main" else f"{output}: {title}")
            for output in outputs
            for id, title in manners  # noqa: A001
        )

    def place(self, row: ShotRow, version: Version, way: Way) -> None:
        """One version, for one of the host's shots."""
        self._place(lambda task: [self._placement(task, row.key, version, way)])

    def place_approved(self, rows: Sequence[ShotRow], place_as: str = "") -> None:
        """Of each of these shots the version that was approved last, in one of the host's ways;
        empty: the usual one."""
        wanted = [(row.key, row.shot.id) for row in rows if row.shot is not None]
        client = self._session.client

        def choose(task: Task) -> list[Placement]:
            found = []
            for handle, which in wanted:
                versions = client.versions(
                    show=which.show, sequence=which.sequence, shot=which.shot
                )
                if (version := _approved(versions)) is not None:
                    way = Way(place_as, "main", "")
                    found.append(self._placement(task, handle, version, way))
            if not found:
                raise NotFound(
                    tr("none of these shots has an approved version"),
                    next_step=tr("approve one in the review, then place it"),
                )
            return found

        self._place(choose)

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _placement(self, task: Task, handle: str, version: Version, way: Way) -> Placement:
        session = self._session
        folder = session.settings.client.state_dir / "versions"
        with suppress(OSError):  # which fetching tells in words
            private_folder(folder)
        return Placement(
            handle,
            version,
            session.client.fetch(version, folder, cancel=task.flag),
            way.output,
            tuple(session.client.notes(version.id)),
            way.place_as,
        )

    def _place(self, gather: Callable[[Task], list[Placement]]) -> None:
        if self.state.value.busy:
            return
        self._tell(busy=True, told="", problem="", next_step="")
        self._task = self._session.transfers.run(gather, self._gathered, self._failed)

    def _gathered(self, placements: list[Placement]) -> None:
        host = self._session.host
        ask_host(
            host, self._session.disk.run, lambda _: host.place(placements), self._done, self._failed
        )

    def _done(self, placed: Placed) -> None:
        self._tell(busy=False, told=placed.words)
        self._placed()

    def _failed(self, error: ShotbridgeError) -> None:
        self._tell(busy=False, problem=error.what, next_step=error.next_step)

    def _tell(self, **changed: Any) -> None:
        self.state.set(replace(self.state.value, **changed))


def standing_in_host(row: ShotRow, version: Version) -> str:
    """How a version stands in the host, in words; empty: it does not."""
    if version.id == row.in_use:
        return tr("in use")
    if version.id in row.placed:
        return tr("placed")
    return ""


def _approved(versions: Sequence[Version]) -> Version | None:
    """The one approved last."""
    approved = [one for one in versions if one.status is ReviewStatus.APPROVED]
    return max(approved, key=lambda one: one.decisions[-1].at, default=None)
