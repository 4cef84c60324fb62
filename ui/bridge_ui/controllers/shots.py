"""The list of shots: what the host has to send, and how each of them stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_ui.controllers.observable import Observable, Rows, Unwatch
from bridge_ui.controllers.words import Sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge_core.models.shots import Shot
    from bridge_ui.controllers.session import Session


class Show(StrEnum):
    """Which rows are listed."""

    ALL = "all"
    CHANGED = "changed"
    """Shows other pictures than in the cut that it is compared with."""
    NEEDS_YOU = "needs you"
    """A version waits for review, or something about the shot has to be mended."""


@dataclass(frozen=True, slots=True)
class ShotRow:
    """A shot as the list shows it."""

    key: str
    """The host's handle of it; the row's identity."""
    shot: Shot | None
    """None: it cannot be sent, ``problem`` says why."""
    name: str
    source: str
    """What the host calls it: a track, a node."""
    ranges: str
    """``1001–1132 · 132 + 16 handles · 50 %``"""
    sign: Sign
    """What matters most about it now: a problem, a running job, the newest version, or that
    nothing was sent yet."""
    fraction: float | None
    """0 to 1 of a running job; None otherwise."""
    newest: str | None
    """Id of its newest version."""
    problem: str
    next_step: str
    changes: str
    """What is different in the cut that it is compared with, in words; empty otherwise."""
    changed: bool
    needs_you: bool


@dataclass(frozen=True, slots=True)
class ShotsState:
    title: str = ""
    """The cut's file, the script; empty while nothing is open."""
    show: str = ""
    total: int = 0
    changed: int = 0
    needs_you: int = 0
    listed: Show = Show.ALL
    search: str = ""
    compared_with: str = ""
    """Name of the other cut; empty: not compared."""
    gone: int = 0
    """Shots of the other cut that this one has no longer."""
    busy: bool = False
    problem: str = ""
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

    def reload(self) -> None:
        """Ask the host anew what there is."""
        raise NotImplementedError

    def open(self, path: Path) -> None:
        """Work on another cut; only where the host can open one."""
        raise NotImplementedError

    def compare_with(self, path: Path | None) -> None:
        """Find what is different from an older cut; None ends that."""
        raise NotImplementedError

    def list_only(self, which: Show) -> None:
        raise NotImplementedError

    def search(self, text: str) -> None:
        """List only rows in which every word is found: name, sequence, source, state."""
        raise NotImplementedError

    def select(self, keys: Iterable[str]) -> None:
        """Selected stay selected while a filter hides them not; hidden ones are let go."""
        raise NotImplementedError

    def select_changed(self) -> None:
        """All that changed and can be sent."""
        raise NotImplementedError

    @property
    def selected(self) -> tuple[ShotRow, ...]:
        raise NotImplementedError

    def row(self, key: str) -> ShotRow | None:
        raise NotImplementedError

    def want_thumbnails(self, keys: Iterable[str]) -> None:
        """These rows are in sight: fetch their pictures, and forget what was wanted before."""
        raise NotImplementedError

    def thumbnail(self, key: str) -> bytes | None:
        """JPEG of a row's newest version or plate, if it is here already."""
        raise NotImplementedError

    def watch_thumbnails(self, callback: Callable[[str], None]) -> Unwatch:
        """Told the key of a row whose picture has come."""
        raise NotImplementedError

    def export(self, target: Path, reader: str = "generic") -> None:
        """Write the cut with every version and note that the gateway has for its shots, as
        ``reader`` (generic, resolve, nuke, openrv) takes it."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
