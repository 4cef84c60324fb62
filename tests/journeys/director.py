"""A director who uses the panel by mouse and keyboard.

    python director.py CUT FOLDER

sends the two shots of a cut, reviews, draws, writes a note, approves, and writes the cut and review
reports to ``FOLDER``. The gateway is that of the environment's settings. ``docs/screenshots.py``
uses the same class.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QTimer
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QMenu,
    QPushButton,
    QWidget,
)
from user_input import UserInput, start_user_input, wait_until

from bridge_core.models.versions import ReviewStatus

if TYPE_CHECKING:
    from bridge_core.hosts.base import Host
    from bridge_core.models.settings import Settings
    from bridge_ui.app.panel import Panel

SIZE = 1440, 880
#: Milliseconds; the click that opens a menu should end before an entry is clicked.
_MENU_DELAY = 200


class Director:
    """Each step returns once the panel shows its result."""

    def __init__(self, panel: Panel, user_input: UserInput) -> None:
        self.panel, self.user_input = panel, user_input
        self._job_signs: set[str] = set()

    @classmethod
    @contextmanager
    def open_panel(
        cls, user_input: UserInput, settings: Settings, host: Host
    ) -> Iterator[Director]:
        """Open a panel with this host, wait until it is connected, and close it at the end."""
        from bridge_ui.app.opening import open_panel

        panel = open_panel(settings, host)
        panel.resize(*SIZE)
        panel.move(0, 0)
        panel.show()
        panel.activateWindow()
        director = cls(panel, user_input)
        wait_until(panel.isActiveWindow, "the panel to be active")
        wait_until(lambda: hasattr(panel, "controllers"), "the panel")
        on = panel.controllers
        wait_until(lambda: on.session.connection.value.is_connected, "the gateway")
        wait_until(lambda: on.shots.rows, "the cut's shots")
        wait_until(lambda: on.send.state.value.service, "the services")
        on.jobs.rows.watch(
            lambda _change: director._job_signs.update(row.sign.symbol for row in on.jobs.rows)
        )
        try:
            yield director
        finally:
            assert panel.stop(10.0) is None
            panel.close()
            panel.deleteLater()
            QApplication.processEvents()

    @property
    def job_signs(self) -> set[str]:
        """Symbols of all states that any job was in."""
        return self._job_signs

    def select(self, row: int) -> None:
        view = self.panel.shots.view
        self.user_input.click(view.viewport(), view.visualRect(view.model().index(row, 0)).center())
        key = self.panel.controllers.shots.rows[row].key
        wait_until(
            lambda: self.panel.controllers.shots.state.value.selected == (key,), "the selection"
        )

    def choose_service(self, text: str) -> None:
        self.user_input.press_key("Ctrl+K")
        wait_until(self.panel.service_popover.isVisible, "the list of services")
        self.user_input.type_text(text)
        self.user_input.press_key("Return")
        wait_until(
            lambda: (
                self.panel.service_popover.isHidden()
                and text in self.panel.controllers.send.state.value.service.id
            ),
            f"{text} to be chosen",
        )

    def send(self) -> None:
        """Send the selection, and wait for its job."""
        jobs = self.panel.controllers.jobs.rows
        before, button = len(jobs), self.find_button("send")
        wait_until(button.isEnabled, "the button to be enabled")
        self.user_input.click(button)
        wait_until(lambda: len(jobs) > before, "the job in the list")

    def wait_for_versions(self, count: int, seconds: float = 90) -> None:
        jobs = self.panel.controllers.jobs.rows
        wait_until(
            lambda: sum(bool(row.result_id) for row in jobs) == count, "the versions", seconds
        )

    def compare(self, side: str, text: str) -> None:
        """Choose what A or B shows, and give the focus to the canvas."""
        lists = self.panel.review.findChildren(QComboBox)
        self.pick(next(o for o in lists if o.accessibleName() == f"What {side} shows"), text)
        self.user_input.click(self.panel.review.canvas)

    def wait_for_pictures(self) -> None:
        """Wait for the pictures of both sides."""
        review, player = self.panel.controllers.review, self.panel.review.player
        wait_until(lambda: review.state.value.version, "a version under review")
        wait_until(lambda: player.picture("A") and player.picture("B"), "pictures of both sides")

    def go_to_frame(self, frame: int) -> None:
        self.user_input.press_key("G")
        self.user_input.type_text(str(frame))
        self.user_input.press_key("Return")
        wait_until(lambda: self.panel.review.frame == frame, f"frame {frame}")
        self.user_input.press_key("Escape")

    def draw(self, *path: tuple[float, float]) -> None:
        """Drag along points, given as fractions of the picture's width and height."""
        canvas = self.panel.review.canvas
        rect = canvas.picture_rect()
        points = [
            QPointF(rect.left() + x * rect.width(), rect.top() + y * rect.height()) for x, y in path
        ]
        self.user_input.drag(canvas, points)

    def stop_drawing(self) -> None:
        if self.panel.review.canvas.is_drawing:
            self.user_input.click(self.panel.review.note_editor.draw_button)
            wait_until(lambda: not self.panel.review.canvas.is_drawing, "drawing to end")

    def note(self, text: str, *, submit: bool = True) -> None:
        line_edit, review = self.panel.review.note_editor.line_edit, self.panel.controllers.review
        before = len(review.state.value.notes)
        self.user_input.press_key("N")
        wait_until(line_edit.hasFocus, "the note editor")
        self.user_input.type_text(text)
        wait_until(lambda: line_edit.text() == text, "the text")
        if submit:
            self.user_input.press_key("Return")
            wait_until(lambda: len(review.state.value.notes) > before, "the note to be saved")
            wait_until(lambda: not line_edit.text(), "the note editor to be cleared")

    def decide(self, key: str, comment: str) -> None:
        """Open the form by the key of a decision, and type the comment."""
        line_edit = self.panel.review.decision_form.line_edit
        self.user_input.press_key(key)
        wait_until(line_edit.hasFocus, "the decision form")
        self.user_input.type_text(comment)
        wait_until(lambda: line_edit.text() == comment, "the comment")

    def confirm_decision(self) -> None:
        """Submit the decision form."""
        self.user_input.press_key("Return")
        review, form = self.panel.controllers.review, self.panel.review.decision_form
        wait_until(lambda: review.state.value.decisions, "the decision")
        wait_until(form.isHidden, "the decision form to close")

    def show_page(self, name: str) -> None:
        tabs = self.panel.findChild(QWidget, "tabs")
        index = self.panel._tab_pages.index(name)
        self.user_input.click(tabs, tabs.tabRect(index).center())
        wait_until(lambda: self.panel.current_page == name, f"the page {name}")

    def save_as(self, button: QWidget, text: str, target: Path) -> None:
        """Choose an entry of a button's menu, then the file in a dialog."""
        self.choose(button, text)
        dialog = self._dialog()
        file_types = dialog.findChild(QComboBox, "fileTypeCombo")
        self.pick(file_types, f"*{target.suffix}")
        assert Path(dialog.selectedFiles()[0]).suffix == target.suffix
        self.user_input.click(dialog.findChild(QLineEdit, "fileNameEdit"))
        self.user_input.press_key("Ctrl+A")
        self.user_input.type_text(str(target))
        self.user_input.press_key("Return")
        wait_until(lambda: target.exists() and not self._dialogs(), target.name)

    def pick(self, combo_box: QComboBox, text: str) -> None:
        """Choose the first entry that contains a text."""
        index = next(n for n in range(combo_box.count()) if text in combo_box.itemText(n))
        if index != combo_box.currentIndex():
            self.user_input.click(combo_box)
            view = combo_box.view()
            wait_until(view.isVisible, "the list")
            position = view.visualRect(combo_box.model().index(index, 0)).center()
            self.user_input.click(view.viewport(), position)
            wait_until(lambda: combo_box.currentIndex() == index, f"{text} to be chosen")

    def choose(self, button: QWidget, text: str) -> None:
        """Choose the first entry of a button's menu that contains a text.

        By a timer, since with Qt 6.5 the click on the button returns when the menu closes.
        """
        chosen: list[str] = []

        def choose_entry() -> None:
            menu = QApplication.activePopupWidget()
            if menu is None:
                QTimer.singleShot(_MENU_DELAY, choose_entry)
                return
            assert isinstance(menu, QMenu)
            entry = next(action for action in menu.actions() if text in action.text())
            self.user_input.click(menu, menu.actionGeometry(entry).center())
            chosen.append(text)

        QTimer.singleShot(_MENU_DELAY, choose_entry)
        self.user_input.click(button)
        wait_until(lambda: chosen, f"{text} to be chosen")

    def find_button(self, name: str) -> QPushButton:
        return self.panel.findChild(QPushButton, name)

    def _dialog(self) -> QFileDialog:
        wait_until(self._dialogs, "the dialog")
        return self._dialogs()[-1]

    def _dialogs(self) -> Sequence[QFileDialog]:
        return [one for one in self.panel.findChildren(QFileDialog) if one.isVisible()]


def approve_a_version(director: Director, folder: Path) -> None:
    panel, user_input = director.panel, director.user_input
    # Send two shots to three services.
    player = panel.review.player
    for row, service in ((0, "upscale"), (1, "matte"), (0, "round_trip")):
        director.select(row)
        director.choose_service(service)
        assert director.find_button("send").text() == "Make v001"
        director.send()
        # Right after the click, Space plays and does not press the button again.
        user_input.press_key("Space")
        wait_until(lambda: player.clock.is_playing, "Space to play")
        user_input.press_key("Space")
        wait_until(lambda: not player.clock.is_playing, "Space to stop")
    director.wait_for_versions(3)
    assert {"▸", "✓"} <= director.job_signs, "the panel showed jobs running and done"

    # Compare a version with its plate: play, step, wipe.
    director.select(0)
    director.compare("B", "Upscale v001")
    director.wait_for_pictures()
    review_widget, canvas = panel.review, panel.review.canvas
    assert player.picture("B").width() == 2 * player.picture("A").width()
    user_input.click(canvas)
    played_frames: list[int] = []
    review_widget.frame_changed.connect(played_frames.append)
    user_input.press_key("Space")
    wait_until(lambda: len(set(played_frames)) == 8, "every frame to be played")
    user_input.press_key("K")
    wait_until(lambda: not player.clock.is_playing, "playback to stop")
    user_input.press_key("Home")
    user_input.press_key("Right")
    wait_until(lambda: review_widget.frame == 1002, "the second frame")
    user_input.press_key("W")
    director.draw((0.5, 0.5), (0.3, 0.5), (0.25, 0.5))
    wait_until(lambda: abs(canvas.settings.wipe - 0.25) < 0.02, "the wipe")

    user_input.type_text("?")
    wait_until(lambda: panel.has_part("shortcuts") and panel.shortcuts.isVisible(), "the shortcuts")
    user_input.press_key("Escape")
    wait_until(panel.shortcuts.isHidden, "the shortcuts to close")

    # Write a note with a drawing.
    user_input.press_key("D")
    director.draw((0.2, 0.5), (0.5, 0.5), (0.8, 0.5))
    director.note("Hold the horizon")

    # Approve the visible version with a comment: A alone, while B is newer.
    user_input.press_key("Escape")
    director.compare("A", "Upscale v001")
    director.compare("B", "Round trip v001")
    approve = review_widget.decision_buttons.button(ReviewStatus.APPROVED)
    assert approve.text() == "Approve Round trip v001"
    user_input.press_key("1")
    wait_until(lambda: approve.text() == "Approve Upscale v001", "the visible version")
    director.decide("Shift+A", "Lovely")
    director.confirm_decision()
    director.show_page("lineage")
    lineage, review = panel.controllers.lineage, panel.controllers.review
    wait_until(lambda: lineage.state.value.facts, "the lineage")
    assert lineage.state.value.result == review.state.value.version.id

    assert len(panel.controllers.jobs.rows) == 3, "no key has sent another job"

    # Write the cut and the review reports.
    director.save_as(panel.toolbar.menu_button, "OpenRV", folder / "with versions.otio")
    for name in ("review.pdf", "review.html"):
        director.save_as(review_widget.menu_button, "of reel 1", folder / name)


def main(cut: Path, folder: Path) -> None:
    from bridge_core.config import load_settings
    from bridge_ui.app.standalone_host import StandaloneHost

    with (
        tempfile.TemporaryDirectory() as screen_folder,
        start_user_input(Path(screen_folder)) as user_input,
    ):
        app = QApplication(["shotbridge-tests"])
        print("the platform is", app.platformName())
        settings = load_settings().settings
        with Director.open_panel(user_input, settings, StandaloneHost(settings, cut)) as director:
            approve_a_version(director, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
