"""Every setting of Shotbridge, for the client and for the gateway, with its default.

One file holds both, so that one document describes them and one loader
(:mod:`bridge_core.config`) layers them. The client uses ``client`` and ``work``; the
gateway uses ``gateway``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from bridge_core.models.base import PersonName, StrictModel

Seconds = Annotated[float, Field(gt=0, le=86400)]
Megabytes = Annotated[int, Field(ge=1, le=1_000_000)]


def default_state_dir() -> Path:
    """Where a user's programs keep what they need again, per operating system."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "shotbridge"


def _expanded(path: Path) -> Path:
    return path.expanduser()


class SettingsSection(StrictModel):
    @field_validator("*", mode="after")
    @classmethod
    def _expand(cls, value: object) -> object:
        if isinstance(value, Path):
            return _expanded(value)
        if isinstance(value, tuple) and value and all(isinstance(v, Path) for v in value):
            return tuple(_expanded(v) for v in value)
        return value


class ClientSettings(SettingsSection):
    """How panels and the command line reach the gateway."""

    url: str | None = Field(default=None, pattern=r"^https?://[^/\s]+(/.*)?$")
    """Address of the studio's gateway; none: a gateway of one's own is started on this machine."""
    token_file: Path | None = None
    """File that holds the token of the studio's gateway; not used with a gateway of one's own."""
    gateway_command: tuple[str, ...] = ()
    """Command line that starts a gateway; empty: the Python that runs the client, where it has
    the gateway installed, else ``shotbridge-gateway`` on the ``PATH``."""
    state_dir: Path = Field(default_factory=default_state_dir)
    """Outbox, the running gateway's address and token, logs."""
    connect_timeout: Seconds = 5.0
    """Seconds until a gateway that does not take a connection counts as not there."""
    read_timeout: Seconds = 60.0
    """Seconds without a byte of an answer until the gateway counts as gone."""
    start_timeout: Seconds = 60.0
    """Seconds that a gateway of one's own may take to answer for the first time."""
    retries: int = Field(default=4, ge=0, le=20)
    """Further tries of a call that may safely be repeated."""
    parallel_transfers: int = Field(default=4, ge=1, le=32)
    """Files sent or fetched at once."""
    user: PersonName | None = None
    """Name under which requests and decisions are recorded; none: the login name."""


class WorkSettings(SettingsSection):
    """How shots are cut out of a timeline."""

    show: str | None = None
    """Name of the show, for cuts that do not name it."""
    handles: int = Field(default=8, ge=0, le=1000)
    """Frames before and after the cut range that are sent along, as far as they exist."""
    download_dir: Path | None = None
    """Where versions are put that a gateway elsewhere made; none: ``versions`` beside the cut."""
    show_config: Path | None = None
    """Path of a show's own configuration, with ``{show}`` in it; read between site and user."""


class ColourSettings(SettingsSection):
    """OpenColorIO on the gateway's side."""

    config: str = "ocio://studio-config-latest"
    """A config file or a built-in one. ``$OCIO`` goes before the default."""
    default_colour_space: str | None = None
    """For plates that name no colour space and that no file rule knows; none: refused."""
    display: str | None = None
    """Display of the proxies; none: the config's default."""
    view: str | None = None
    """View of the proxies; none: the display's default."""


class ProxySettings(SettingsSection):
    """Small pictures of every frame, for looking."""

    width: int = Field(default=960, ge=64, le=8192)
    """Greatest width of a proxy in pixels; smaller pictures stay as they are."""
    quality: int = Field(default=90, ge=1, le=100)
    """JPEG quality of proxies and thumbnails."""
    thumbnail_width: int = Field(default=320, ge=32, le=2048)
    """Greatest width of a version's thumbnail in pixels."""


class GatewaySettings(SettingsSection):
    """The studio's AI service."""

    host: str = "127.0.0.1"
    """Address that the gateway listens at; loopback keeps it to this machine."""
    port: int = Field(default=0, ge=0, le=65535)
    """Port that the gateway listens at; 0: any free one."""
    data_dir: Path = Field(default_factory=lambda: default_state_dir() / "gateway")
    """Databases, contents sent, work in progress. On a local disk."""
    library_dir: Path = Field(default_factory=lambda: default_state_dir() / "library")
    """Where versions are published."""
    models_dir: Path = Field(default_factory=lambda: default_state_dir() / "models")
    """Weights that ``shotbridge models install`` put there."""
    media_roots: tuple[Path, ...] = ()
    """Folders that plates may be read from where they lie. Others are sent by the client."""
    database_url: str | None = None
    """SQLAlchemy URL; none: SQLite in ``data_dir``."""
    version_folder_template: str = "{show}/{sequence}/{shot}/{service}/{version}"
    """Folder of a version under ``library_dir``; ``{version}`` is v001, v002, ..."""
    file_name_template: str = "{shot}_{service}_{version}"
    """Beginning of the names of a version's files; frame number and ending follow."""
    workers: int = Field(default=1, ge=1, le=64)
    """Model processes, and so jobs worked on at once."""
    threads: int = Field(default=0, ge=0, le=256)
    """Threads of each model process; 0: the machine's cores shared out."""
    model_idle_seconds: Seconds = 300.0
    """After so many seconds without a frame a model process is ended, its memory given back."""
    idle_exit_seconds: float = Field(default=1800.0, ge=0)
    """A gateway started by a panel ends after so many seconds without a call or job; 0: never."""
    content_limit_mb: Megabytes = 200_000
    """Greatest size in MB of all contents kept for clients that send their pictures."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names under which the gateway may be called, besides loopback."""
    colour: ColourSettings = ColourSettings()
    proxies: ProxySettings = ProxySettings()

    @field_validator("version_folder_template")
    @classmethod
    def _validate_version_folder(cls, value: str) -> str:
        fields = ("{show}", "{sequence}", "{shot}", "{service}", "{version}")
        missing = [field for field in fields if field not in value]
        if missing:
            raise ValueError(f"names versions apart only with {', '.join(missing)} in it")
        parts = value.replace("\\", "/").split("/")
        if value.startswith(("/", "\\", "~")) or ".." in parts or ":" in value:
            raise ValueError("is a folder under library_dir: no drive, no leading slash, no '..'")
        return value

    @field_validator("file_name_template")
    @classmethod
    def _validate_file_name(cls, value: str) -> str:
        if "{version}" not in value or "/" in value or "\\" in value:
            raise ValueError("is a file's name with {version} in it, without a folder")
        return value


class Settings(StrictModel):
    client: ClientSettings = Field(default_factory=ClientSettings)
    work: WorkSettings = Field(default_factory=WorkSettings)
    gateway: GatewaySettings = Field(default_factory=GatewaySettings)
