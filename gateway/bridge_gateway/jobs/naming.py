"""Where results stand in the library and what their files are called."""

from __future__ import annotations

import os
import string
from pathlib import Path, PurePosixPath

from bridge_core.errors import ConfigError, InvalidRequest
from bridge_core.models.media import frame_paths
from bridge_core.models.settings import GatewaySettings
from bridge_core.models.shots import ShotId
from bridge_gateway.jobs.work import WORK_DIR

#: What a template may name.
FIELDS = ("show", "sequence", "shot", "service", "version")

#: With more digits than any version will need.
_HIGHEST = 99_999
#: The longest that can follow a stem: output, frame and ending.
_ENDING = "_" + "o" * 24 + ".-0000000.exr"

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

        if PurePosixPath(self._folder).parts[0] == WORK_DIR:
            raise ConfigError(
                f"{WORK_DIR} in the library holds work in progress, and is emptied",
                where="gateway.version_folder",
                next_step="begin the template with another folder",
            )
        self._name_bytes, self._path_bytes = _limits(self.library)

    def require_fit(self, shot: ShotId, service: str) -> None:
        """Check that the names of a version fit into the library, whatever its number and frames.

        :raises InvalidRequest: a name, or the whole path, is longer than the disk allows. Disks
            count bytes: a letter beyond ASCII has two to four.
        """
        stem = self.stem(shot, service, _HIGHEST)
        folders = (self.version(shot, service, _HIGHEST), self.tried(shot, service, "0" * 32))
        files = [folder / (stem + _ENDING) for folder in folders]
        names = {part for file in files for part in file.relative_to(self.library).parts}
        for name in sorted(names):
            if (size := len(os.fsencode(name))) > self._name_bytes:
                raise _too_long(name, size, self._name_bytes)
        longest = max((len(os.fsencode(file)), str(file)) for file in files)
        if longest[0] >= self._path_bytes:
            raise _too_long(longest[1], longest[0], self._path_bytes - 1)

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


def _limits(folder: Path) -> tuple[int, int]:
    """Bytes of the longest name and of the longest path (with its terminator) on a disk."""
    if not hasattr(os, "pathconf"):
        return 255, 260  # Windows, unless somebody allowed long paths
    while not folder.exists():
        folder = folder.parent
    return os.pathconf(folder, "PC_NAME_MAX"), os.pathconf(folder, "PC_PATH_MAX")


def _too_long(name: str, size: int, limit: int) -> InvalidRequest:
    return InvalidRequest(
        f"a name in the library would have {size} bytes, and its disk allows {limit}",
        where=name,
        next_step="shorten the names of show, sequence or shot, or the templates "
        "gateway.version_folder and gateway.file_name",
    )


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
