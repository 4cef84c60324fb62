"""The kinds of machine and Python that the Blender extension is built for.

A zip contains the wheels for one platform and one Python: Blender chooses wheels by platform, but
of several Pythons it takes the last by name, whichever Python it runs.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """``platform`` has Blender's name; ``python`` is the major and minor version."""

    platform: str
    python: tuple[int, int]

    @property
    def tag(self) -> str:
        """The interpreter as wheels name it: ``cp311``."""
        return f"cp{self.python[0]}{self.python[1]}"

    @property
    def name(self) -> str:
        return f"{self.platform}-{self.tag}"

    @property
    def wheel_platforms(self) -> tuple[str, ...]:
        """Platform tags of the wheels that run there, for pip, where no tag implies another.

        Blender requires glibc 2.28, and macOS 11 (Intel) or 11.2 (Apple); PySide6 6.8 requires
        macOS 12.
        """
        return _WHEEL_PLATFORMS[self.platform]


_WHEEL_PLATFORMS = {
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_12_0_universal2", "macosx_12_0_arm64", "macosx_11_0_arm64"),
}

#: Blender 4.2 to 5.0 run Python 3.11, 5.1 and newer 3.13; Debian's 4.3 runs 3.13 too. Macs with
#: Intel processors are left out: OpenTimelineIO has no wheels for them any more, and Blender 5
#: does not run on them.
TARGETS = (
    Target("linux-x64", (3, 11)),
    Target("linux-x64", (3, 13)),
    Target("windows-x64", (3, 11)),
    Target("windows-x64", (3, 13)),
    Target("macos-arm64", (3, 11)),
    Target("macos-arm64", (3, 13)),
)


def this_platform() -> str:
    """Blender's name of this platform."""
    system = {"darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    return f"{system}-{'x64' if machine in ('x86_64', 'amd64') else 'arm64'}"


def target(name: str) -> Target:
    """
    :raises SystemExit: there is no such target; the message lists all targets.
    """
    for one in TARGETS:
        if one.name == name:
            return one
    raise SystemExit(f"no target {name!r}; the targets are: {', '.join(t.name for t in TARGETS)}")
