"""The matte of a request: only what is white in it may change."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy

from bridge_core.models.enumerations import RegionKind
from bridge_core.models.media import PICTURE_EXTENSIONS
from bridge_ui.core.display_text import file_names
from bridge_ui.core.translate import tr
from bridge_ui.send.controller import SendController
from bridge_ui.send.state import SendState
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import ElidedLabel, ProblemText, button, hbox, label, vbox
from bridge_ui.widgets.file_dialogs import FileDropArea, open_file_dialog


class MatteWidget(FileDropArea):
    """The name of the file, a button to choose one and a button to remove it; hidden where the
    service takes no mattes."""

    def __init__(self, send: SendController, colours: ThemeColours) -> None:
        super().__init__()
        self._send = send
        # Both ends tell names apart.
        self._file = ElidedLabel(elide=Qt.TextElideMode.ElideMiddle)
        self._file.setObjectName("matte-file")
        self._choose = button(tr("Choose …"), on_click=self._choose_file, name="choose-matte")
        self._choose.setToolTip(
            tr("Choose a picture, or any frame of a sequence; it can also be dropped here")
        )
        self._choose.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._remove = button(
            "",
            "quiet",
            icon_name="x",
            colour=colours.dim,
            tip=tr("Remove the matte: the whole picture may change"),
            on_click=send.remove_mattes,
            name="remove-matte",
        )
        self._problem = ProblemText()
        row = hbox(self._file, self._choose, self._remove, gap=8, grows=0)
        self.setLayout(vbox(label(tr("Matte"), "dim"), row, self._problem, gap=5))
        self.files_dropped.connect(lambda paths: send.choose_matte(paths[0]))

    def show_state(self, state: SendState) -> None:
        service, paths = state.service, [matte.path for matte in state.mattes]
        accepts_mattes = service is not None and RegionKind.MATTE in service.accepts.regions
        self.setVisible(accepts_mattes or bool(paths))
        none = tr("None") if state.regions else tr("None: the whole picture may change")
        text = file_names(paths) or none
        self._file.show_text(text, tip="\n".join(paths))
        self._file.setAccessibleName(text)
        set_style_class(self._file, "" if paths else "dim")
        self._remove.setVisible(bool(paths))
        self._problem.show_problem(state.matte_problem, state.matte_next_step)

    def _choose_file(self) -> None:
        patterns = " ".join(f"*{extension}" for extension in sorted(PICTURE_EXTENSIONS))
        filters = tr("Pictures") + f" ({patterns})"
        open_file_dialog(
            self, tr("Matte"), filters, lambda path: self._send.choose_matte(str(path))
        )
