"""Settings in the panel: values, origins, and the few that can be edited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.config import ConfigLayer, LoadedSettings, SettingOrigin, load_settings, user_file
from bridge_core.config.setting_keys import format_value
from bridge_core.config.user_config import set_user_setting
from bridge_ui.core.observable import ActionState, Observable, unwatch_all
from bridge_ui.core.thread_pool import BackgroundTask, LatestCall
from bridge_ui.core.translate import tr

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings
    from bridge_ui.core.session import Session

USER_KEY, URL_KEY = "client.user", "client.url"

#: Layers that override the user's file; their values cannot be edited.
_OVERRIDING_LAYERS = (ConfigLayer.ENVIRONMENT, ConfigLayer.ARGUMENTS)


@dataclass(frozen=True, slots=True)
class SettingLine:
    key: str
    title: str
    value: str
    """The effective value in this panel."""
    origin: str = ""
    """Where the value comes from: ``your own file``; empty while loading."""
    user_value: str = ""
    """The value in the user's file, for editing; empty: none."""
    editable: bool = False


@dataclass(frozen=True, slots=True)
class SettingsState(ActionState):
    lines: tuple[SettingLine, ...] = ()
    file: Path = Path()
    """The user's configuration file, which need not exist."""


class SettingsController:
    """A change of the user's name takes effect immediately; everything else when the panel is
    opened again."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._load_call: LatestCall[LoadedSettings] = LatestCall(session.disk_pool)
        self._save_call: LatestCall[tuple[Path, LoadedSettings]] = LatestCall(session.disk_pool)
        self.close = unwatch_all(self._load_call.cancel, self._save_call.cancel)
        lines = _setting_lines(session.settings, session.user, None)
        self.state = Observable(SettingsState(lines=lines, file=user_file()))

    def refresh(self) -> None:
        """Read values and origins from the configuration files."""
        show = self._session.settings.work.show
        self._load_call.run(lambda _: load_settings(show=show), self._loaded, self.state.show_error)

    def save(self, key: str, text: str) -> None:
        """Write a value to the user's file; an empty text removes it."""
        show = self._session.settings.work.show

        def write(_: BackgroundTask) -> tuple[Path, LoadedSettings]:
            return set_user_setting(key, text.strip() or None), load_settings(show=show)

        def written(result: tuple[Path, LoadedSettings]) -> None:
            file, loaded = result
            message = tr("Saved in {file}. Takes effect when the panel is opened again.", file=file)
            if key == USER_KEY:
                self._session.set_user(loaded.settings.client.user)
                message = tr("Saved in {file}. Takes effect now.", file=file)
            self.state.update(message=message, problem="", next_step="")
            self.refresh()

        self.state.update(message="", problem="", next_step="")
        self._save_call.run(write, written, self.state.show_error)

    def _loaded(self, loaded: LoadedSettings) -> None:
        session = self._session
        self.state.update(lines=_setting_lines(session.settings, session.user, loaded))


def _setting_lines(
    settings: Settings, user: str, loaded: LoadedSettings | None
) -> tuple[SettingLine, ...]:
    client, work = settings.client, settings.work
    values = (
        (USER_KEY, tr("User"), client.user, user),
        (URL_KEY, tr("Gateway"), client.url, client.url or tr("your own, on this machine")),
        ("work.handles", tr("Handles"), work.handles, tr("{n} frames", n=work.handles)),
        (
            "work.download_dir",
            tr("Versions folder"),
            work.download_dir,
            str(work.download_dir or tr("beside the cut")),
        ),
        ("client.state_dir", tr("Outbox and logs"), client.state_dir, str(client.state_dir)),
    )
    rows_by_key = {s.key: s for s in loaded.rows()} if loaded is not None else {}
    lines = []
    for key, title, value, text in values:
        row = rows_by_key.get(key)
        if row is None:
            lines.append(SettingLine(key, title, text))
            continue
        # The host or the command line may have overridden the files.
        same = format_value(row.value) == format_value(value)
        changed = tr("set when the panel was opened, or changed since")
        origin = _origin_text(row.origin) if same else changed
        user_value = ""
        if loaded is not None and row.origin.layer is ConfigLayer.USER:
            in_file = loaded.settings.client
            user_value = {USER_KEY: in_file.user, URL_KEY: in_file.url}.get(key) or ""
        editable = key in (USER_KEY, URL_KEY) and row.origin.layer not in _OVERRIDING_LAYERS
        lines.append(SettingLine(key, title, text, origin, user_value, editable))
    return tuple(lines)


def _origin_text(origin: SettingOrigin) -> str:
    match origin.layer:
        case ConfigLayer.DEFAULT:
            return tr("default")
        case ConfigLayer.SITE:
            return tr("the studio's file, {where}", where=origin.where)
        case ConfigLayer.SHOW:
            return tr("the show's file, {where}", where=origin.where)
        case ConfigLayer.USER:
            return tr("your own file")
        case ConfigLayer.ENVIRONMENT:
            return tr("environment variable {where}", where=origin.where)
        case ConfigLayer.ARGUMENTS:
            return tr("set when the panel was opened")
