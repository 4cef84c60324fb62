"""Places versions in the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.errors import NotFound
from bridge_core.hosts.base import HostCapability, Placement, PlacementResult
from bridge_core.models.enumerations import ReviewStatus
from bridge_core.system.private_files import make_private_folder
from bridge_ui.core.observable import ActionState, Observable
from bridge_ui.core.thread_pool import BackgroundTask
from bridge_ui.core.translate import tr

if TYPE_CHECKING:
    from bridge_core.models.versions import Version
    from bridge_ui.core.session import Session
    from bridge_ui.shots.shot_row import ShotRow


@dataclass(frozen=True, slots=True)
class PlacementOption:
    """A placement mode of the host and an output of the version."""

    mode_id: str
    output: str
    title: str


class PlacementController:
    """``on_placed`` is called after versions were placed, when the scene has changed."""

    def __init__(self, session: Session, on_placed: Callable[[], None]) -> None:
        self.state: Observable[ActionState] = Observable(ActionState())
        self._session = session
        self._on_placed = on_placed
        self._task: BackgroundTask | None = None

    @property
    def is_supported(self) -> bool:
        """Whether the host can place versions."""
        return HostCapability.PLACE in self._session.host.capabilities

    def options(self, version: Version) -> tuple[PlacementOption, ...]:
        """Options for a version; the main output in the host's default mode is first."""
        if not self.is_supported:
            return ()
        host = self._session.host
        modes = [(mode.id, mode.title) for mode in host.placement_modes]
        modes = modes or [("", tr("In {host}", host=host.title))]
        names = (output.name for output in version.outputs)
        outputs = sorted(names, key=lambda name: name != "main")
        return tuple(
            PlacementOption(mode_id, output, title if output == "main" else f"{output}: {title}")
            for output in outputs
            for mode_id, title in modes
        )

    def place(self, row: ShotRow, version: Version, option: PlacementOption) -> None:
        """Place a version for one of the host's shots."""
        self._place(lambda task: [self._make_placement(task, row.key, version, option)])

    def place_approved(self, rows: Sequence[ShotRow], mode_id: str = "") -> None:
        """Place the latest approved version of each shot; ``mode_id``: empty for the default."""
        shots = [(shot_row.key, shot_row.shot.id) for shot_row in rows if shot_row.shot]
        client = self._session.client

        def choose(task: BackgroundTask) -> list[Placement]:
            placements = []
            for item_id, shot in shots:
                versions = client.versions(show=shot.show, sequence=shot.sequence, shot=shot.shot)
                if (version := _last_approved(versions)) is not None:
                    option = PlacementOption(mode_id, "main", "")
                    placements.append(self._make_placement(task, item_id, version, option))
            if not placements:
                raise NotFound(
                    tr("none of these shots has an approved version"),
                    next_step=tr("approve one in the review first"),
                )
            return placements

        self._place(choose)

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _make_placement(
        self, task: BackgroundTask, item_id: str, version: Version, option: PlacementOption
    ) -> Placement:
        session = self._session
        folder = session.settings.client.state_dir / "versions"
        with suppress(OSError):  # fetch() reports it
            make_private_folder(folder)
        return Placement(
            item_id,
            version,
            session.client.fetch(version, folder, cancel=task.cancel_event),
            option.output,
            tuple(session.client.notes(version.id)),
            option.mode_id,
        )

    def _place(self, gather: Callable[[BackgroundTask], list[Placement]]) -> None:
        if self.state.value.busy:
            return
        self.state.update(busy=True, message="", problem="", next_step="")
        self._task = self._session.transfer_pool.run(
            gather, self._place_gathered, self.state.show_error
        )

    def _place_gathered(self, placements: list[Placement]) -> None:
        host = self._session.host
        self._session.call_host(lambda _: host.place(placements), self._done, self.state.show_error)

    def _done(self, placed: PlacementResult) -> None:
        self.state.update(busy=False, message=placed.message)
        self._on_placed()


def host_status_text(row: ShotRow, version: Version) -> str:
    """Status of a version in the host; empty if it is not placed."""
    if version.id == row.active_version_id:
        return tr("in use")
    if version.id in row.placed_version_ids:
        return tr("placed")
    return ""


def _last_approved(versions: Sequence[Version]) -> Version | None:
    approved = [version for version in versions if version.status is ReviewStatus.APPROVED]
    return max(approved, key=lambda version: version.decisions[-1].at, default=None)
