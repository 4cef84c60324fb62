"""Every setting of Shotbridge, for the client and for the gateway, with its default.

Both are defined here, so that they share one reference (docs/configuration.md) and one loader
(:mod:`bridge_core.config`). The client uses ``client`` and ``work``; the gateway uses
``gateway``.
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
    """The user's folder for application state on this operating system."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "shotbridge"


class SettingsSection(StrictModel):
    @field_validator("*", mode="after")
    @classmethod
    def _expand(cls, value: object) -> object:
        if isinstance(value, Path):
            return value.expanduser()
        if isinstance(value, tuple) and value and all(isinstance(v, Path) for v in value):
            return tuple(path.expanduser() for path in value)
        return value


class ClientSettings(SettingsSection):
    """How panels and the command line reach the gateway."""

    url: str | None = Field(default=None, pattern=r"^https?://[^/\s]+(/.*)?$")
    """URL of the studio's gateway; null: a local gateway is started on this machine."""
    token_file: Path | None = None
    """File with the token for the studio's gateway; not used with a local gateway."""
    gateway_command: tuple[str, ...] = ()
    """Command line that starts a local gateway; empty: the Python that runs the client, if the
    gateway is installed in it, else ``shotbridge-gateway`` on the ``PATH``."""
    state_dir: Path = Field(default_factory=default_state_dir)
    """Folder of the outbox, the local gateway's address and token, hashes of sent files, and
    logs."""
    connect_timeout: Seconds = 5.0
    """Seconds to wait for a connection to the gateway."""
    read_timeout: Seconds = 60.0
    """Seconds to wait for data of a response before the connection counts as lost."""
    start_timeout: Seconds = 60.0
    """Seconds that a local gateway may take to start."""
    retries: int = Field(default=4, ge=0, le=20)
    """Number of retries of a call that can safely be repeated."""
    parallel_transfers: int = Field(default=4, ge=1, le=32)
    """Number of files uploaded or downloaded at the same time."""
    user: PersonName | None = None
    """Name that requests, notes and decisions are recorded under; null: the login name."""


class WorkSettings(SettingsSection):
    """How shots are read from a timeline, and where versions go."""

    show: str | None = None
    """Name of the show, for cuts that do not state it."""
    handles: int = Field(default=8, ge=0, le=1000)
    """Frames before and after the cut range to include, as far as the plate has them."""
    download_dir: Path | None = None
    """Folder for versions downloaded from a gateway; null: ``versions`` beside the cut."""
    show_config: Path | None = None
    """Path of the show's configuration file, with ``{show}`` in it."""


class ColourSettings(SettingsSection):
    """OpenColorIO in the gateway."""

    config: str = "ocio://studio-config-latest"
    """A config file or a built-in config. ``$OCIO`` overrides the default."""
    default_colour_space: str | None = None
    """For plates without a colour space that match no file rule; null: they are refused."""
    display: str | None = None
    """Display of the proxies; null: the config's default."""
    view: str | None = None
    """View of the proxies; null: the display's default."""


class ProxySettings(SettingsSection):
    """JPEGs of every frame, for viewing."""

    width: int = Field(default=960, ge=64, le=8192)
    """Maximum width of a proxy in pixels; smaller pictures are not enlarged."""
    quality: int = Field(default=90, ge=1, le=100)
    """JPEG quality of proxies and thumbnails."""
    thumbnail_width: int = Field(default=320, ge=32, le=2048)
    """Maximum width of a version's thumbnail in pixels."""


class GatewaySettings(SettingsSection):
    """The studio's AI service."""

    host: str = "127.0.0.1"
    """Address that the gateway listens on; a loopback address limits it to this machine."""
    port: int = Field(default=0, ge=0, le=65535)
    """Port that the gateway listens on; 0: any free port."""
    data_dir: Path = Field(default_factory=lambda: default_state_dir() / "gateway")
    """Folder of the databases, uploads and work in progress. Must be on a local disk."""
    library_dir: Path = Field(default_factory=lambda: default_state_dir() / "library")
    """Folder that versions are published to."""
    models_dir: Path = Field(default_factory=lambda: default_state_dir() / "models")
    """Folder of the model weights that ``shotbridge models install`` installs."""
    media_roots: tuple[Path, ...] = ()
    """Folders that the gateway may read plates from. Other plates are uploaded by the client."""
    database_url: str | None = None
    """SQLAlchemy URL; null: SQLite in ``data_dir``."""
    version_folder_template: str = "{show}/{sequence}/{shot}/{service}/{version}"
    """Folder of a version under ``library_dir``; ``{version}`` is v001, v002, ..."""
    file_name_template: str = "{shot}_{service}_{version}"
    """Base name of a version's files; frame number and extension are appended."""
    providers: tuple[str, ...] = ("local",)
    """Names of the providers whose services are offered; see docs/providers.md."""
    workers: int = Field(default=1, ge=1, le=64)
    """Number of worker processes, and so of jobs that run at the same time."""
    threads: int = Field(default=0, ge=0, le=256)
    """Threads of each worker process; 0: the machine's cores, divided by the workers."""
    model_memory_mb: Megabytes = 1000
    """Memory in MB that a network may use for a part of a picture; larger pictures are divided
    into more parts."""
    model_idle_seconds: Seconds = 300.0
    """Seconds without work after which a worker process is ended, to free its memory."""
    idle_exit_seconds: float = Field(default=1800.0, ge=0)
    """Seconds without a call or job after which a local gateway stops; 0: never."""
    content_limit_mb: Megabytes = 200_000
    """Maximum size in MB of all uploads that are kept."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names under which the gateway may be called, besides loopback."""
    colour: ColourSettings = ColourSettings()
    proxies: ProxySettings = ProxySettings()

    @field_validator("version_folder_template")
    @classmethod
    def _validate_version_folder(cls, value: str) -> str:
        fields = ("{show}", "{sequence}", "{shot}", "{service}", "{version}")
        missing = [field for field in fields if field not in value]
        if missing:
            raise ValueError(f"needs {', '.join(missing)} to tell versions apart")
        parts = value.replace("\\", "/").split("/")
        if value.startswith(("/", "\\", "~")) or ".." in parts or ":" in value:
            rule = "no drive, no leading slash, no '..'"
            raise ValueError(f"must be a path under library_dir: {rule}")
        return value

    @field_validator("file_name_template")
    @classmethod
    def _validate_file_name(cls, value: str) -> str:
        if "{version}" not in value or "/" in value or "\\" in value:
            raise ValueError("must be a file name with {version} in it, without a folder")
        return value


class Settings(StrictModel):
    client: ClientSettings = Field(default_factory=ClientSettings)
    work: WorkSettings = Field(default_factory=WorkSettings)
    gateway: GatewaySettings = Field(default_factory=GatewaySettings)
