"""Folders and file names of results in the library."""

from __future__ import annotations

import os
import string
from pathlib import Path, PurePosixPath

from bridge_core.errors import ConfigError, InvalidRequest
from bridge_core.models.media import frame_paths
from bridge_core.models.settings import GatewaySettings
from bridge_core.models.shots import ShotId
from bridge_core.models.versions import version_label
from bridge_gateway.library.work_dir import WORK_DIR_NAME

#: Fields that a template may use.
TEMPLATE_FIELDS = ("show", "sequence", "shot", "service", "version")

#: The highest version number, with more digits than any show needs.
_HIGHEST_VERSION = 99_999
#: The longest text that can follow a stem: output, frame and extension.
_LONGEST_SUFFIX = "_" + "o" * 24 + ".-0000000.exr"

LINEAGE_NAME = "lineage.json"
THUMBNAIL_NAME = "thumbnail.jpg"
FINDINGS_NAME = "findings.json"


def text_path(name: str) -> str:
    """The path of a text in a result: ``texts/NAME``."""
    return f"texts/{name}"


class LibraryPaths:
    """Fills the templates of the settings.

    :raises ConfigError: a template uses other fields than :data:`TEMPLATE_FIELDS`.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self.library = settings.library_dir
        self._folder_template = settings.version_folder_template
        self._file_template = settings.file_name_template
        _check_template("version_folder_template", self._folder_template)
        _check_template("file_name_template", self._file_template)

        if PurePosixPath(self._folder_template).parts[0] == WORK_DIR_NAME:
            raise ConfigError(
                f"{WORK_DIR_NAME} in the library is for work in progress, and is emptied",
                where="gateway.version_folder_template",
                next_step="start the template with another folder",
            )
        self._max_name_bytes, self._max_path_bytes = _name_limits(self.library)

    def check_name_lengths(self, shot: ShotId, service: str) -> None:
        """Check that the names of a version fit on the library's disk, whatever its number and
        frames.

        :raises InvalidRequest: a name, or the whole path, is longer than the disk allows. Disks
            count bytes: a character beyond ASCII has two to four.
        """
        stem = self.file_stem(shot, service, _HIGHEST_VERSION)
        folders = (
            self.version_folder(shot, service, _HIGHEST_VERSION),
            self.test_frame_folder(shot, service, "0" * 32),
        )
        files = [folder / (stem + _LONGEST_SUFFIX) for folder in folders]
        names = {part for file in files for part in file.relative_to(self.library).parts}
        for name in sorted(names):
            if (size := len(os.fsencode(name))) > self._max_name_bytes:
                raise _name_too_long(name, size, self._max_name_bytes)
        longest = max((len(os.fsencode(file)), str(file)) for file in files)
        if longest[0] >= self._max_path_bytes:
            raise _name_too_long(longest[1], longest[0], self._max_path_bytes - 1)

    def version_folder(self, shot: ShotId, service: str, number: int) -> Path:
        """The absolute path of a version's folder."""
        return self._result_folder(shot, service, version_label(number))

    def test_frame_folder(self, shot: ShotId, service: str, job: str) -> Path:
        """The absolute path of a test frame's folder, next to the shot's versions."""
        return self._result_folder(shot, service, f"test_frames/{job}")

    def file_stem(self, shot: ShotId, service: str, number: int | None) -> str:
        """The beginning of file names; ``number`` is None for a test frame."""
        version = "test" if number is None else version_label(number)
        return _fill_template(self._file_template, shot, service, version)

    def _result_folder(self, shot: ShotId, service: str, version: str) -> Path:
        return self.library / PurePosixPath(
            _fill_template(self._folder_template, shot, service, version)
        )


def _name_limits(folder: Path) -> tuple[int, int]:
    """The longest name and the longest path (with its terminator) on a disk, in bytes."""
    if not hasattr(os, "pathconf"):
        return 255, 260  # Windows, unless long paths are enabled
    while not folder.exists():
        folder = folder.parent
    return os.pathconf(folder, "PC_NAME_MAX"), os.pathconf(folder, "PC_PATH_MAX")


def _name_too_long(name: str, size: int, limit: int) -> InvalidRequest:
    return InvalidRequest(
        f"a name in the library would have {size} bytes, and its disk allows {limit}",
        where=name,
        next_step="shorten the names of show, sequence or shot, or the templates "
        "gateway.version_folder_template and gateway.file_name_template",
    )


def final_pattern(stem: str, output: str, pattern: str) -> str:
    """The final pattern of an output: ``main.%04d.exr`` becomes ``STEM.%04d.exr``, that of any
    other output ``STEM_OUTPUT.%04d.exr``."""
    suffix = PurePosixPath(pattern).name.removeprefix(f"{output}.")
    return f"{stem}.{suffix}" if output == "main" else f"{stem}_{output}.{suffix}"


def pattern_files(pattern: str, frames: tuple[int, ...]) -> list[str]:
    """The files of a pattern without repetition: one for each frame, or the one movie."""
    return list(dict.fromkeys(frame_paths(pattern, frames)))


def _fill_template(template: str, shot: ShotId, service: str, version: str) -> str:
    return template.format(
        show=shot.show, sequence=shot.sequence, shot=shot.shot, service=service, version=version
    )


def _check_template(setting: str, template: str) -> None:
    try:
        fields = [
            field for _, field, _, _ in string.Formatter().parse(template) if field is not None
        ]
    except ValueError as error:
        reason = str(error)
    else:
        unknown = [f"{{{field}}}" for field in fields if field not in TEMPLATE_FIELDS]
        if not unknown:
            return
        reason = f"there is no field {', '.join(unknown)}"
    raise ConfigError(
        f"the template {template!r} cannot be filled: {reason}",
        where=f"gateway.{setting}",
        next_step="use only " + ", ".join(f"{{{field}}}" for field in TEMPLATE_FIELDS),
    )
