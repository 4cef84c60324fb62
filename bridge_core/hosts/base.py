"""The interface between the panel and its host, which every host implements.

The panel never checks which host it runs in. It uses :attr:`Host.capabilities` and shows only what
the host can do. Methods without the required capability raise
:class:`bridge_core.errors.HostError`. Every host passes the suite
``bridge_core.hosts.conformance``.

**Threads.** The methods of a host are called on its main thread and return within milliseconds:
they only read what the host has in memory. Only a step of :meth:`Host.render` may take as long as
the host needs to render one frame. A host with :attr:`HostCapability.ANY_THREAD` uses files
instead: its methods may be slow, and the panel calls them in other threads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import HostError

if TYPE_CHECKING:
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.notes import Note
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Version
    from bridge_core.timeline.cut import Cut, CutProblem


class HostCapability(StrEnum):
    """An optional feature of a host."""

    SELECTION = "selection"
    """Shots are selected in the host: the scene has only the selected ones."""
    CUT = "cut"
    """The shots are in a cut: :attr:`HostScene.cut` is set."""
    WATCH = "watch"
    """Reports changes of the scene: :meth:`Host.watch`."""
    OPEN = "open"
    """Opens a cut from a file: :meth:`Host.open_cut`."""
    PLACE = "place"
    """Places versions: :meth:`Host.place`."""
    RENDER = "render"
    """Has shots without a plate, and can render one: :meth:`Host.render`."""
    NOTES = "notes"
    """Notes can be written in the host: :meth:`Host.notes`, :meth:`Host.mark_note_synced`."""
    PLAYHEAD = "playhead"
    """Has a current frame: :meth:`Host.current_frame`, :meth:`Host.go_to_frame`."""
    ANY_THREAD = "any thread"
    """Is called in any thread, because it reads and writes files."""


#: What a program with an interface of its own can do, whatever it edits.
INTERACTIVE_CAPABILITIES = frozenset(
    {
        HostCapability.SELECTION,
        HostCapability.WATCH,
        HostCapability.PLACE,
        HostCapability.RENDER,
        HostCapability.PLAYHEAD,
    }
)


@dataclass(frozen=True, slots=True)
class HostShot:
    """A shot in the host. ``item_id`` identifies its item in the host (a node, a strip, a clip)
    within the scene; placements refer to it."""

    shot: Shot
    item_id: str
    label: str = ""
    """The item's name in the host: ``Read1``, ``V1``."""
    needs_render: bool = False
    """The plate has no files until :meth:`Host.render` has written them. Its range, size and
    colour space are those that would be written. Its path is a placeholder, which is stable as
    long as the rest does not change."""
    placed_version_ids: tuple[str, ...] = ()
    """Ids of the versions that are placed in the host for it, in order of placement."""
    active_version_id: str = ""
    """Id of the placed version that the host shows; empty: the plate, or something else."""


@dataclass(frozen=True, slots=True)
class HostProblem:
    """A problem with an item in the host that was skipped, or that became a shot nevertheless."""

    label: str
    message: str
    next_step: str
    skipped: bool = True
    """The item did not become a shot."""
    item_id: str = ""
    """The :attr:`HostShot.item_id` of its shot; empty if there is none."""
    record_range: FrameRange | None = None

    @classmethod
    def from_cut(cls, problem: CutProblem, cut: Cut) -> HostProblem:
        """A problem of a cut whose clips are the host's items."""
        location = (problem.clip_name, problem.track, problem.record_range)
        ids = (i.clip_id for i in cut if (i.clip_name, i.track, i.shot.record_range) == location)
        return cls(
            problem.clip_name or problem.track,
            problem.message,
            problem.next_step,
            problem.skipped,
            "" if problem.skipped else next(ids, ""),
            problem.record_range,
        )

    def __str__(self) -> str:
        return f"{self.label or 'unnamed'}: {self.message}. Next: {self.next_step}"


@dataclass(frozen=True, slots=True)
class HostScene:
    """The shots that can be sent. ``title``: name of the cut's file, the script or the project."""

    title: str
    show: str
    shots: tuple[HostShot, ...] = ()
    problems: tuple[HostProblem, ...] = ()
    cut: Cut | None = None
    """Set with :attr:`HostCapability.CUT`, if a cut is open."""
    is_selection: bool = False
    """The shots are those selected in the host; otherwise all."""


@dataclass(frozen=True, slots=True)
class PlacementMode:
    """A way of placing that a user can choose, such as "Strip above the plate"."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Placement:
    """A version to place for a shot of the host, and its files on this machine."""

    item_id: str
    version: Version
    folder: Path | None = None
    """Folder of the version's files; None: the gateway's own path."""
    output: str = "main"
    notes: tuple[Note, ...] = ()
    mode_id: str = ""
    """Id of one of the host's :attr:`Host.placement_modes`; empty: the first."""


@dataclass(frozen=True, slots=True)
class PlacementResult:
    """The result of :meth:`Host.place`: a message for the user, and the file written, if any."""

    message: str
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class RenderStep:
    """Progress of a render: ``completed`` of ``total`` frames are written. The last step has the
    ``shot``, whose plate now has files."""

    completed: int
    total: int
    shot: Shot | None = None


@dataclass(frozen=True, slots=True)
class HostNote:
    """A note that was written in the host on a placed version. ``note_key`` identifies it in the
    host; ``frames`` are plate frames, None: the note is about the version as a whole."""

    note_key: str
    version_id: str
    text: str
    frames: FrameRange | None = None


def item_gone_error(item_id: str, where: str, then: str) -> HostError:
    """The error for an item that the scene ``where`` does not have; ``then`` follows reloading."""
    next_step = f"it was renamed or removed, or another scene is open: reload, and {then}"
    return HostError(f"{item_id!r} no longer exists", where=where, next_step=next_step)


class Host(ABC):
    """A host. No method changes existing plates or versions."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Name and version of the host: ``Nuke 16.0``. For display only."""

    @property
    @abstractmethod
    def capabilities(self) -> frozenset[HostCapability]:
        """The capabilities of the host, which do not change."""

    @abstractmethod
    def scene(self) -> HostScene:
        """The shots that can be sent now; it may have none.

        :raises HostError: the host cannot be queried.
        :raises TimelineError: the cut cannot be read.
        """

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call ``on_change`` on the main thread whenever the scene may have changed. Returns a
        function that ends this, and that can be called more than once."""
        raise self._unsupported(HostCapability.WATCH)

    def open_cut(self, path: Path) -> None:
        """Open a cut.

        :raises TimelineError: it cannot be read; the previous one stays open.
        """
        raise self._unsupported(HostCapability.OPEN)

    @property
    def placement_modes(self) -> tuple[PlacementMode, ...]:
        """The ways of placing, with the default first; empty if there is no choice."""
        return ()

    def place(self, placements: Sequence[Placement]) -> PlacementResult:
        """Place versions: as media references of clips, read nodes or takes. Placing the same again
        changes nothing, except in a mode that adds a new item each time. Either all versions are
        placed, or none.

        :raises HostError: an item does not exist in the scene.
        :raises ShotbridgeError: the versions cannot be placed; nothing was changed.
        """
        raise self._unsupported(HostCapability.PLACE)

    def render(
        self, item_id: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[RenderStep, None, None]:
        """Render the plate of a shot with :attr:`~HostShot.needs_render` into an empty ``folder``:
        its work range, or only ``frames`` of it, in the frame numbers of the scene's plate.

        Each step renders a frame, or polls a renderer that runs in the background. The caller gives
        the host time between two steps, and iterates until the generator ends. Closing it earlier
        stops the render, at the latest after the current frame, and removes the files. In any case
        the host's render settings are restored, and its script, scene or project is neither changed
        nor marked as modified.

        :raises HostError: the item does not exist, does not need to be rendered, or cannot be
            rendered; nothing is left in the folder.
        """
        raise self._unsupported(HostCapability.RENDER)

    def notes(self) -> tuple[HostNote, ...]:
        """Notes that were written in the host on placed versions, except those added by
        :meth:`place` and those already synced by :meth:`mark_note_synced`."""
        raise self._unsupported(HostCapability.NOTES)

    def mark_note_synced(self, note_key: str, note: Note) -> None:
        """Record that a note of :meth:`notes` is now stored at the gateway as ``note``."""
        raise self._unsupported(HostCapability.NOTES)

    def current_frame(self) -> int | None:
        """The record frame that the host shows; None if it shows none."""
        raise self._unsupported(HostCapability.PLAYHEAD)

    def go_to_frame(self, frame: int) -> None:
        """Show a record frame."""
        raise self._unsupported(HostCapability.PLAYHEAD)

    def _unsupported(self, capability: HostCapability) -> HostError:
        message = f"{self.title} does not support {capability.value!r}"
        next_step = "check Host.capabilities before the call"
        return HostError(message, where=f"host {type(self).__name__}", next_step=next_step)
