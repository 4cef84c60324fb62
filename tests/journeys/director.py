"""A director at the panel: everything by mouse and keys.

    python director.py CUT FOLDER

sends the two shots of a cut, looks, draws, says something, approves, and writes the cut and the
review to ``FOLDER``; the gateway is that of the environment's settings. The pictures of the panel
in ``docs`` are made on the same way, see :mod:`docs.screenshots`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hands import Hands, at_a_screen, until
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QMenu,
    QPushButton,
    QWidget,
)

from bridge_core.models.versions import ReviewStatus

if TYPE_CHECKING:
    from bridge_core.host import Host
    from bridge_core.models.settings import Settings
    from bridge_ui.panel.shell import Panel

SIZE = 1440, 880


class Director:
    """Each step ends when it is seen on the panel."""

    def __init__(self, panel: Panel, hands: Hands) -> None:
        self.panel, self.hands = panel, hands
        self._states: set[str] = set()

    @classmethod
    @contextmanager
    def sits_down(cls, hands: Hands, settings: Settings, host: Host) -> Iterator[Director]:
        """At a panel with this host, once the gateway answers; it closes in the end."""
        from bridge_ui.panel.opening import open_panel

        panel = open_panel(settings, host)
        panel.resize(*SIZE)
        panel.move(0, 0)
        panel.show()
        panel.activateWindow()
        director = cls(panel, hands)
        until(panel.isActiveWindow, "the panel to have the keys")
        until(lambda: hasattr(panel, "controllers"), "the panel")
        on = panel.controllers
        until(lambda: on.session.connection.value.up, "the gateway")
        until(lambda: on.shots.rows, "the cut's shots")
        until(lambda: on.send.state.value.service, "the services")
        on.jobs.rows.watch(
            lambda _change: director._states.update(row.sign.mark for row in on.jobs.rows)
        )
        try:
            yield director
        finally:
            assert panel.close_down(10.0) is None
            panel.close()
            panel.deleteLater()
            QApplication.processEvents()

    @property
    def states(self) -> set[str]:
        """Signs of the states that any job was in."""
        return self._states

    def select(self, at: int) -> None:
        view = self.panel.shots.view
        self.hands.click(view.viewport(), view.visualRect(view.model().index(at, 0)).center())
        key = self.panel.controllers.shots.rows[at].key
        until(lambda: self.panel.controllers.shots.state.value.selected == (key,), "the selection")

    def choose_service(self, words: str) -> None:
        self.hands.key("Ctrl+K")
        until(self.panel.services.isVisible, "the services to choose from")
        self.hands.type(words)
        self.hands.key("Return")
        until(
            lambda: (
                self.panel.services.isHidden()
                and words in self.panel.controllers.send.state.value.service.id
            ),
            f"{words} to be chosen",
        )

    def send(self) -> None:
        """What is selected; until it is a job."""
        jobs = self.panel.controllers.jobs.rows
        before, button = len(jobs), self.named("send")
        until(button.isEnabled, "the button to be ready")
        self.hands.click(button)
        until(lambda: len(jobs) > before, "the job in the list")

    def wait_for_versions(self, count: int, seconds: float = 90) -> None:
        jobs = self.panel.controllers.jobs.rows
        until(lambda: sum(bool(row.result) for row in jobs) == count, "the versions", seconds)

    def compare(self, side: str, words: str) -> None:
        """Choose what A or B shows, and give the keys to the picture."""
        lists = self.panel.room.findChildren(QComboBox)
        self.pick(next(o for o in lists if o.accessibleName() == f"What {side} shows"), words)
        self.hands.click(self.panel.room.canvas)

    def look(self) -> None:
        """Until the pictures of both sides are there."""
        review, player = self.panel.controllers.review, self.panel.room.player
        until(lambda: review.state.value.version, "a version under review")
        until(lambda: player.picture("A") and player.picture("B"), "pictures of both sides")

    def go_to(self, frame: int) -> None:
        self.hands.key("G")
        self.hands.type(str(frame))
        self.hands.key("Return")
        until(lambda: self.panel.room.frame == frame, f"frame {frame}")
        self.hands.key("Escape")

    def draw(self, *way: tuple[float, float]) -> None:
        """Drag over parts of the picture's width and height."""
        canvas = self.panel.room.canvas
        place = canvas.picture_rect()
        self.hands.drag(
            canvas,
            [
                QPointF(place.left() + x * place.width(), place.top() + y * place.height())
                for x, y in way
            ],
        )

    def draw_no_more(self) -> None:
        if self.panel.room.canvas.drawing:
            self.hands.click(self.panel.room.note_field.pencil)
            until(lambda: not self.panel.room.canvas.drawing, "the pen to be put away")

    def note(self, words: str, *, keep: bool = True) -> None:
        field, review = self.panel.room.note_field.words, self.panel.controllers.review
        before = len(review.state.value.notes)
        self.hands.key("N")
        until(field.hasFocus, "the line for a note")
        self.hands.type(words)
        until(lambda: field.text() == words, "the words")
        if keep:
            self.hands.key("Return")
            until(lambda: len(review.state.value.notes) > before, "the note to be safe")
            until(lambda: not field.text(), "room for another one")

    def decide(self, key: str, words: str) -> None:
        """``key`` of a decision; its words are left in their line."""
        comment = self.panel.room.comment.words
        self.hands.key(key)
        until(comment.hasFocus, "the line for a comment")
        self.hands.type(words)
        until(lambda: comment.text() == words, "the words")

    def say_so(self) -> None:
        """What was decided."""
        self.hands.key("Return")
        review, comment = self.panel.controllers.review, self.panel.room.comment
        until(lambda: review.state.value.decisions, "the decision")
        until(comment.isHidden, "its words to be safe")

    def show_page(self, name: str) -> None:
        tabs = self.panel.findChild(QWidget, "tabs")
        at = self.panel._tab_pages.index(name)
        self.hands.click(tabs, tabs.tabRect(at).center())
        until(lambda: self.panel.page == name, f"the page {name}")

    def save_as(self, button: QWidget, words: str, target: Path) -> None:
        """Choose an entry of the menu that a button opens, and a file in the dialog after it."""
        self.choose(button, words)
        dialog = self._dialog()
        kinds = dialog.findChild(QComboBox, "fileTypeCombo")
        self.pick(kinds, f"*{target.suffix}")
        assert Path(dialog.selectedFiles()[0]).suffix == target.suffix
        self.hands.click(dialog.findChild(QLineEdit, "fileNameEdit"))
        self.hands.key("Ctrl+A")
        self.hands.type(str(target))
        self.hands.key("Return")
        until(lambda: target.exists() and not self._dialogs(), target.name)

    def pick(self, choices: QComboBox, words: str) -> None:
        """From a list that opens, what has these words."""
        at = next(n for n in range(choices.count()) if words in choices.itemText(n))
        if at != choices.currentIndex():
            self.hands.click(choices)
            listed = choices.view()
            until(listed.isVisible, "the list")
            spot = listed.visualRect(choices.model().index(at, 0)).center()
            self.hands.click(listed.viewport(), spot)
            until(lambda: choices.currentIndex() == at, f"{words} to be chosen")

    def choose(self, button: QWidget, words: str) -> None:
        self.hands.click(button)
        until(QApplication.activePopupWidget, "the menu")
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        entry = next(action for action in menu.actions() if words in action.text())
        self.hands.click(menu, menu.actionGeometry(entry).center())

    def named(self, name: str) -> QPushButton:
        return self.panel.findChild(QPushButton, name)

    def _dialog(self) -> QFileDialog:
        until(self._dialogs, "the dialog")
        return self._dialogs()[-1]

    def _dialogs(self) -> Sequence[QFileDialog]:
        return [one for one in self.panel.findChildren(QFileDialog) if one.isVisible()]


def from_a_cut_to_an_approved_version(director: Director, folder: Path) -> None:
    panel, hands = director.panel, director.hands
    # Two shots, three services.
    player = panel.room.player
    for at, service in ((0, "upscale"), (1, "matte"), (0, "round_trip")):
        director.select(at)
        director.choose_service(service)
        assert director.named("send").text() == "Make v001"
        director.send()
        # Right after the click: it plays, and makes nothing.
        hands.key("Space")
        until(lambda: player.clock.playing, "Space to play")
        hands.key("Space")
        until(lambda: not player.clock.playing, "Space to stop it")
    director.wait_for_versions(3)
    assert {"▸", "✓"} <= director.states, "it was seen to run, and to end"

    # Look: plate beside version, play, wipe.
    director.select(0)
    director.compare("B", "Upscale v001")
    director.look()
    room, canvas = panel.room, panel.room.canvas
    assert player.picture("B").width() == 2 * player.picture("A").width()
    hands.click(canvas)
    seen: list[int] = []
    room.frame_changed.connect(seen.append)
    hands.key("Space")
    until(lambda: len(set(seen)) == 8, "every frame to be played")
    hands.key("K")
    until(lambda: not player.clock.playing, "it to stand still")
    hands.key("Home")
    hands.key("Right")
    until(lambda: room.frame == 1002, "the second frame")
    hands.key("W")
    director.draw((0.5, 0.5), (0.3, 0.5), (0.25, 0.5))
    until(lambda: abs(canvas.look.wipe - 0.25) < 0.02, "the wipe")

    hands.type("?")
    until(lambda: panel.has("keys") and panel.keys.isVisible(), "the sheet of all keys")
    hands.key("Escape")
    until(panel.keys.isHidden, "the sheet to go")

    # Say something, with a drawing.
    hands.key("D")
    director.draw((0.2, 0.5), (0.5, 0.5), (0.8, 0.5))
    director.note("Hold the horizon")

    # Approve what is shown, with a word: A alone, while B is newer.
    hands.key("Escape")
    director.compare("A", "Upscale v001")
    director.compare("B", "Round trip v001")
    approve = room.decisions.button(ReviewStatus.APPROVED)
    assert approve.text() == "Approve Round trip v001"
    hands.key("1")
    until(lambda: approve.text() == "Approve Upscale v001", "the version that is shown")
    director.decide("Shift+A", "Lovely")
    director.say_so()
    director.show_page("made_by")
    lineage, review = panel.controllers.lineage, panel.controllers.review
    until(lambda: lineage.state.value.facts, "the lineage")
    assert lineage.state.value.result == review.state.value.version.id

    assert len(panel.controllers.jobs.rows) == 3, "no key made anything"

    # Hand on: the cut, and the review.
    director.save_as(panel.top.menu_button, "OpenRV", folder / "with versions.otio")
    for name in ("review.pdf", "review.html"):
        director.save_as(room.more, "of reel 1", folder / name)


def main(cut: Path, folder: Path) -> None:
    from bridge_core.config import load
    from bridge_ui.standalone_host import StandaloneHost

    with tempfile.TemporaryDirectory() as room, at_a_screen(Path(room)) as hands:
        app = QApplication(["shotbridge-tests"])
        print("the platform is", app.platformName())
        settings = load().settings
        with Director.sits_down(hands, settings, StandaloneHost(settings, cut)) as director:
            from_a_cut_to_an_approved_version(director, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
