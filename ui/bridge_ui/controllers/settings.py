"""What is set, where it comes from, and the few things that an artist sets in the panel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.config import Layer, Loaded, Origin, load, user_file
from bridge_core.config.keys import shown
from bridge_core.config.user import set_own
from bridge_core.errors import ShotbridgeError
from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.pool import Latest, Task
from bridge_ui.translate import tr

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings
    from bridge_ui.controllers.session import Session

USER, URL = "client.user", "client.url"

#: Layers that go before the user's own file: what they say cannot be changed there.
_ABOVE = (Layer.ENVIRONMENT, Layer.ARGUMENTS)


@dataclass(frozen=True, slots=True)
class Line:
    """A setting in words."""

    key: str
    title: str
    value: str
    """As it holds in this panel."""
    origin: str = ""
    """Where it comes from: ``your own file``; empty while that is looked for."""
    own: str = ""
    """What the user's file says, to be changed; empty: nothing."""
    editable: bool = False


@dataclass(frozen=True, slots=True)
class SettingsState:
    lines: tuple[Line, ...] = ()
    file: Path = Path()
    """The user's own, which need not exist."""
    told: str = ""
    problem: str = ""
    next_step: str = ""


class SettingsController:
    """``state`` is what there is to read. The user's name holds as soon as it is written; for the
    rest a panel goes on with what it was opened with."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reading: Latest[Loaded] = Latest(session.disk)
        self._writing: Latest[tuple[Path, Loaded]] = Latest(session.disk)
        self.state: Observable[SettingsState] = Observable(
            SettingsState(_lines(session.settings, session.user, None), user_file())
        )

    def look(self) -> None:
        """Find out where everything comes from, as the files are now."""
        show = self._session.settings.work.show
        self._reading.ask(lambda _: load(show=show), self._found, self._failed)

    def set_own(self, key: str, text: str) -> None:
        """Write a value into the user's file; the empty text takes it out."""

        show = self._session.settings.work.show

        def write(_: Task) -> tuple[Path, Loaded]:
            return set_own(key, text.strip() or None), load(show=show)

        def written(done: tuple[Path, Loaded]) -> None:
            file, loaded = done
            told = tr("Saved in {file}. It holds when the panel is opened again.", file=file)
            if key == USER:
                self._session.name_user(loaded.settings.client.user)
                told = tr("Saved in {file}. It holds from now on.", file=file)
            self._tell(told=told, problem="", next_step="")
            self.look()

        self._tell(told="", problem="", next_step="")
        self._writing.ask(write, written, self._failed)

    def close(self) -> None:
        self._reading.cancel()
        self._writing.cancel()

    def _found(self, loaded: Loaded) -> None:
        session = self._session
        self._tell(lines=_lines(session.settings, session.user, loaded))

    def _failed(self, error: ShotbridgeError) -> None:
        self._tell(problem=error.what, next_step=error.next_step)

    def _tell(self, **changed: Any) -> None:
        self.state.set(replace(self.state.value, **changed))


def _lines(settings: Settings, user: str, loaded: Loaded | None) -> tuple[Line, ...]:
    client, work = settings.client, settings.work
    values = (
        (USER, tr("You are"), client.user, user),
        (URL, tr("Gateway"), client.url, client.url or tr("one of your own, on this machine")),
        ("work.handles", tr("Handles"), work.handles, tr("{n} frames", n=work.handles)),
        (
            "work.download_dir",
            tr("Versions go"),
            work.download_dir,
            str(work.download_dir or tr("beside the cut")),
        ),
        ("client.state_dir", tr("Outbox, logs"), client.state_dir, str(client.state_dir)),
    )
    found = {row.key: row for row in loaded.rows()} if loaded is not None else {}
    lines = []
    for key, title, value, words in values:
        row = found.get(key)
        if row is None:
            lines.append(Line(key, title, words))
            continue
        # The host or the command line may have given this panel something else than the files say.
        same = shown(row.value) == shown(value)
        origin = _words(row.origin) if same else tr("given at the opening, or changed since")
        own = ""
        if loaded is not None and row.origin.layer is Layer.USER:
            mine = {USER: loaded.settings.client.user, URL: loaded.settings.client.url}
            own = mine.get(key) or ""
        editable = key in (USER, URL) and row.origin.layer not in _ABOVE
        lines.append(Line(key, title, words, origin, own, editable))
    return tuple(lines)


def _words(origin: Origin) -> str:
    match origin.layer:
        case Layer.DEFAULT:
            return tr("the default: nobody set it")
        case Layer.SITE:
            return tr("the studio's file, {where}", where=origin.where)
        case Layer.SHOW:
            return tr("the show's file, {where}", where=origin.where)
        case Layer.USER:
            return tr("your own file")
        case Layer.ENVIRONMENT:
            return tr("the variable {where}", where=origin.where)
        case Layer.ARGUMENTS:
            return tr("given when the panel was opened")
