"""Where results stand in the library and what their files are called."""

from __future__ import annotations

import string
from pathlib import Path, PurePosixPath

from bridge_core.errors import ConfigError
from bridge_core.models.media import frame_paths
from bridge_core.models.settings import GatewaySettings
from bridge_core.models.shots import ShotId

#: What a template may name.
FIELDS = ("show", "sequence", "shot", "service", "version")

LINEAGE = "lineage.json"
THUMBNAIL = "thumbnail.jpg"


def label(number: int) -> str:
    """``v001``."""
    return f"v{number:03d}"


class Naming:
    """Fills the configuration's templates.

    :raises ConfigError: a template names something else than :data:`FIELDS`.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self.library = settings.library_dir
        self._folder = settings.version_folder
        self._file = settings.file_name
        _known("version_folder", self._folder)
        _known("file_name", self._file)

    def version(self, shot: ShotId, service: str, number: int) -> Path:
        """Folder of a version; absolute."""
        return self._place(shot, service, label(number))

    def tried(self, shot: ShotId, service: str, job: str) -> Path:
        """Folder of a try, beside the versions of its shot and service; absolute."""
        return self._place(shot, service, f"tries/{job}")

    def stem(self, shot: ShotId, service: str, number: int | None) -> str:
        """Beginning of file names; a try has no number and says so."""
        version = "try" if number is None else label(number)
        return _fill(self._file, shot, service, version)

    def _place(self, shot: ShotId, service: str, version: str) -> Path:
        return self.library / PurePosixPath(_fill(self._folder, shot, service, version))


def output_pattern(stem: str, output: str, pattern: str) -> str:
    """Final name of an output's files: ``main.%04d.exr`` becomes ``STEM.%04d.exr``, any other
    output ``STEM_OUTPUT.%04d.exr``."""
    ending = PurePosixPath(pattern).name.removeprefix(f"{output}.")
    return f"{stem}.{ending}" if output == "main" else f"{stem}_{output}.{ending}"


def pattern_files(pattern: str, frames: tuple[int, ...]) -> list[str]:
    """The files of a pattern, each once: one for each frame, or the one movie."""
    return list(dict.fromkeys(frame_paths(pattern, frames)))


def _fill(template: str, shot: ShotId, service: str, version: str) -> str:
    return template.format(
        show=shot.show, sequence=shot.sequence, shot=shot.shot, service=service, version=version
    )


def _known(setting: str, template: str) -> None:
    try:
        named = [
            field for _, field, _, _ in string.Formatter().parse(template) if field is not None
        ]
    except ValueError as error:
        wrong = str(error)
    else:
        strange = [f"{{{field}}}" for field in named if field not in FIELDS]
        if not strange:
            return
        wrong = f"nothing is called {', '.join(strange)}"
    raise ConfigError(
        f"the template {template!r} cannot be filled: {wrong}",
        where=f"gateway.{setting}",
        next_step="name only " + ", ".join(f"{{{field}}}" for field in FIELDS),
    )
