"""Has a review sheet made: asks where to, writes it on a worker thread, says how it went."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from bridge_core.errors import ShotbridgeError
from bridge_ui.controllers.sheets import Sheet, gather
from bridge_ui.panel.files import ask_for_target
from bridge_ui.review.more import Scope
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from bridge_core.models.shots import Shot
    from bridge_ui.controllers.pool import Task
    from bridge_ui.controllers.review import ReviewController
    from bridge_ui.controllers.session import Session
    from bridge_ui.controllers.shots import ShotsController

_KINDS = "PDF (*.pdf);;HTML (*.html)"


class SheetExport:
    """``say(words, problem)`` is told what happens."""

    def __init__(
        self,
        session: Session,
        review: ReviewController,
        shots: ShotsController,
        say: Callable[[str, bool], None],
    ) -> None:
        self._session, self._review, self._shots, self._say = session, review, shots, say
        self._task: Task | None = None

    def offers(self) -> list[tuple[Scope, str]]:
        """The sheets that can be made now, in words."""
        found = []
        version, selected = self._version(), self._shots_of(Scope.SELECTED)
        if version is not None:
            found.append((Scope.VERSION, version[1]))
        if len(selected) == 1:
            found.append((Scope.SELECTED, selected[0].id.shot))
        elif selected:
            count = counted(len(selected), "{n} selected shot", "{n} selected shots")
            found.append((Scope.SELECTED, count))
        if self._shots_of(Scope.CUT):
            found.append((Scope.CUT, self._title(Scope.CUT)))
        return found

    def ask(self, scope: Scope, parent: QWidget) -> None:
        """Ask for a file, and write the sheet to it; its ending says which kind."""
        stem = "".join(c if c.isalnum() or c in "-_." else "_" for c in self._title(scope))
        name = f"{stem.removesuffix('.otio')}_review.pdf"
        ask_for_target(
            parent,
            tr("Write a review sheet"),
            name,
            _KINDS,
            lambda path: self.write(scope, Path(path)),
        )

    def write(self, scope: Scope, path: Path) -> None:
        """Write the sheet; an earlier one that is still being written is given up."""
        session, version = self._session, self._version()
        if scope is Scope.VERSION and version is None:
            return
        only = version[0] if scope is Scope.VERSION and version is not None else None
        shots, title, by = self._shots_of(scope), self._title(scope), session.user
        self.give_up()

        def write(task: Task) -> tuple[Path, Sheet]:
            from bridge_ui.review.sheet import write_sheet

            def pause() -> None:
                if task.cancelled:
                    raise _GivenUp("the sheet is not wanted any more")

            found = gather(session.client, shots, session.service_title, only=only, pause=pause)
            sheet = Sheet(title, by, datetime.now(UTC), found)
            return write_sheet(path, sheet, pause), sheet

        def written(answer: tuple[Path, Sheet]) -> None:
            file, sheet = answer
            self._say(tr("{file} written; {summary}", file=file.name, summary=sheet.summary), False)

        def failed(error: ShotbridgeError) -> None:
            self._say(f"{error.what}. {error.next_step}", True)

        self._say(tr("Writing {file} …", file=path.name), False)
        self._task = session.transfers.run(write, written, failed)

    def give_up(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _version(self) -> tuple[str, str] | None:
        """Id and title of what is under review."""
        state = self._review.state.value
        if state.version is None or state.shot is None:
            return None
        which = state.version.id
        label = next((c.label for c in state.choices if c.id == which), state.version.label)
        return which, f"{state.shot.id.shot} {label}"

    def _shots_of(self, scope: Scope) -> list[Shot]:
        if scope is Scope.VERSION:
            shot = self._review.state.value.shot
            return [shot] if shot is not None else []
        if scope is Scope.SELECTED:
            return [row.shot for row in self._shots.selected if row.shot is not None]
        scene = self._shots.scene
        return [one.shot for one in scene.shots] if scene is not None else []

    def _title(self, scope: Scope) -> str:
        version = self._version()
        if scope is Scope.VERSION and version is not None:
            return version[1]
        selected = self._shots_of(Scope.SELECTED)
        if scope is Scope.SELECTED and len(selected) == 1:
            return selected[0].id.shot
        return self._shots.state.value.title or tr("the whole cut")


class _GivenUp(ShotbridgeError):
    """Ends the work of a cancelled task; nobody is told."""
