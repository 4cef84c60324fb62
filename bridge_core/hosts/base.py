"""What a panel asks of the program that it sits in: the contract for every host.

A panel never asks which host it is in; it asks :attr:`Host.capabilities` what the host can do, and
shows only that. Everything that a capability does not promise raises :class:`HostError`.
``tests/contracts/test_host_contract.py`` is the suite that every host passes.

**Threads.** A host's functions are called on its main thread and return within milliseconds: they
look at what the host has in memory, never at a network; only a step of :meth:`Host.render` may take
as long as the host needs to render one frame. A host with :attr:`Capability.ANY_THREAD` keeps its
things in files instead: its functions may take their time, so panels call them off the main thread.
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
    from bridge_core.timeline.cut import Cut


class Capability(StrEnum):
    """Something that a host can do besides telling its :meth:`Host.scene`."""

    SELECTION = "selection"
    """A person selects shots in the host itself: the scene holds the selected ones."""
    CUT = "cut"
    """The shots stand in a cut: :attr:`Scene.cut` is set."""
    WATCH = "watch"
    """Tells when the scene has changed: :meth:`Host.watch`."""
    OPEN = "open"
    """Opens a cut from a file: :meth:`Host.open`."""
    PLACE = "place"
    """Puts versions where they belong: :meth:`Host.place`."""
    RENDER = "render"
    """Has shots without a plate, and writes one: :meth:`Host.render`."""
    NOTES = "notes"
    """People write notes in the host itself: :meth:`Host.notes`, :meth:`Host.noted`."""
    PLAYHEAD = "playhead"
    """Has a current frame, and goes to one: :meth:`Host.frame`, :meth:`Host.go_to`."""
    ANY_THREAD = "any thread"
    """Is called off the main thread, because it reads and writes files."""


@dataclass(frozen=True, slots=True)
class HostShot:
    """A shot in the host. ``handle`` is the host's own name of the thing that it stands for (a
    node, a strip, a clip), unique in its scene; placements bring it back."""

    shot: Shot
    item_id: str
    label: str = ""
    """What a person calls that thing: ``Read1``, ``V1``."""
    needs_render: bool = False
    """The plate's files are not there until :meth:`Host.render` has written them. What the plate
    says of range, size and colour space is what would be written; its path means nothing yet, and
    stays the same while the rest does."""
    placed_version_ids: tuple[str, ...] = ()
    """Ids of the versions that stand in the host for it, in the order of their placing."""
    active_version_id: str = ""
    """Id of the one among them that the host shows; empty: the plate itself, or something else."""


@dataclass(frozen=True, slots=True)
class HostProblem:
    """Something in the host that did not become a shot, or did with a reservation."""

    label: str
    message: str
    next_step: str
    skipped: bool = True
    """It did not become a shot."""
    item_id: str = ""
    """The shot that it is about; empty where there is none."""
    record_range: FrameRange | None = None

    def __str__(self) -> str:
        return f"{self.label or 'unnamed'}: {self.message}. Next: {self.next_step}"


@dataclass(frozen=True, slots=True)
class HostScene:
    """What there is to send. ``title`` names it: the cut's file, the script, the project."""

    title: str
    show: str
    shots: tuple[HostShot, ...] = ()
    problems: tuple[HostProblem, ...] = ()
    cut: Cut | None = None
    """With :attr:`Capability.CUT`, unless none is open."""
    is_selection: bool = False
    """The shots are those that a person selected in the host; otherwise all that there are."""


@dataclass(frozen=True, slots=True)
class PlacementMode:
    """A way of placing that a person can choose: ``PlaceAs("above", "Strip above the plate")``."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Placement:
    """A version for one of the host's shots, and where this machine has its files."""

    item_id: str
    version: Version
    folder: Path | None = None
    """The result's files on this machine; None: under the gateway's own path."""
    output: str = "main"
    notes: tuple[Note, ...] = ()
    mode_id: str = ""
    """Id of one of the host's :attr:`Host.place_as`; empty: its first."""


@dataclass(frozen=True, slots=True)
class PlacementResult:
    """What :meth:`Host.place` did, in words for a person, with the file that it wrote, if any."""

    message: str
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class RenderStep:
    """How far a rendering is. ``frames`` of ``total`` are written; with the last of them comes the
    ``shot``, whose plate's files are there now."""

    completed: int
    total: int
    shot: Shot | None = None


@dataclass(frozen=True, slots=True)
class HostNote:
    """Something that a person wrote in the host on a version that stands there. ``key`` is the
    host's own name of it; ``frames`` count in the plate, None: on the version as a whole."""

    note_key: str
    version_id: str
    text: str
    frames: FrameRange | None = None


class Host(ABC):
    """One host. Plates and versions that are there stay untouched, whatever is called."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What the host calls itself, with its version: ``Nuke 15.1``. For people, never for
        decisions."""

    @property
    @abstractmethod
    def capabilities(self) -> frozenset[Capability]:
        """What it can do; the same for as long as it lives."""

    @abstractmethod
    def scene(self) -> HostScene:
        """What there is to send, as it stands now. Without anything to send, no shots.

        :raises HostError: the host cannot tell.
        :raises TimelineError: the cut cannot be read.
        """

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call ``changed`` on the main thread whenever the scene may have changed; what is given
        back ends that, and may be called twice."""
        raise self._unsupported(Capability.WATCH)

    def open_cut(self, path: Path) -> None:
        """Make a cut the one to work on.

        :raises TimelineError: it cannot be read; the one that was open stays.
        """
        raise self._unsupported(Capability.OPEN)

    @property
    def placement_modes(self) -> tuple[PlacementMode, ...]:
        """The ways of placing to choose from, the usual first; none without a choice."""
        return ()

    def place(self, placements: Sequence[Placement]) -> PlacementResult:
        """Put versions where they belong: further media of the cut's clips, read nodes, takes.
        Placing the same again changes nothing, except in a way that makes something new each time.
        All are placed, or none.

        :raises HostError: a handle that the scene does not have.
        :raises ShotbridgeError: it cannot be done, and nothing was.
        """
        raise self._unsupported(Capability.PLACE)

    def render(
        self, item_id: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[RenderStep, None, None]:
        """Write the plate of a shot :attr:`~HostShot.to_render` into ``folder``, which is empty:
        its work range, or only ``frames`` of it, in the numbering of the scene's plate.

        Each step takes as long as the host needs for a frame, or looks how far a renderer is that
        works by itself; whoever asks leaves the host a moment between two, and asks until the
        generator has ended. One that is closed before that stops the rendering, at the latest after
        the frame at work, and takes away what it wrote. However it ends, the host's render settings
        are what they were, and its script, scene or project is neither changed nor marked as
        changed.

        :raises HostError: the scene has no such handle, it needs no rendering, or the host cannot
            render it; nothing is left in the folder.
        """
        raise self._unsupported(Capability.RENDER)

    def notes(self) -> tuple[HostNote, ...]:
        """What people wrote in the host on versions that stand there, without what
        :meth:`place` brought and what :meth:`noted` was called for."""
        raise self._unsupported(Capability.NOTES)

    def mark_note_synced(self, note_key: str, note: Note) -> None:
        """The gateway keeps a note of :meth:`notes` now, as ``note``."""
        raise self._unsupported(Capability.NOTES)

    def current_frame(self) -> int | None:
        """The record frame that the host shows; None where it shows none."""
        raise self._unsupported(Capability.PLAYHEAD)

    def go_to_frame(self, frame: int) -> None:
        """Show a record frame."""
        raise self._unsupported(Capability.PLAYHEAD)

    def _unsupported(self, capability: Capability) -> HostError:
        return HostError(
            f"{self.title} has no {capability.value}",
            where=f"host {type(self).__name__}",
            next_step="ask Host.capabilities before calling",
        )
