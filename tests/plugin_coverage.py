"""Measures which lines of ``plugins/`` are run by their tests: ``make coverage``.

Much of the plugins runs in other processes: a Blender, entry files as hosts start them, a companion
window. So every Python that the tests start measures itself, by a ``sitecustomize`` on
``PYTHONPATH``, in other virtual environments too. What only a real Nuke, a real Resolve or a
Blender with a window runs is not measured.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import coverage

REPO = Path(__file__).parents[1]
FOLDER = REPO / ".cache" / "coverage"
PLUGINS = sorted(path.parent.name for path in REPO.glob("plugins/*/bridge_*"))
TESTS = (
    "tests/plugins",
    "tests/contracts/test_host_contract.py",
    "tests/journeys/test_journey_nuke.py",
    "tests/journeys/test_journey_resolve.py",
)
#: Blender runs the extension from its folder of extensions. Files that nothing loads count too.
CONFIGURATION = """
[run]
parallel = true
data_file = {folder}/data
source =
    {plugins}
source_pkgs =
    bl_ext.user_default.shotbridge
disable_warnings = module-not-imported, module-not-measured, no-data-collected
[paths]
blender =
    {plugins}/blender
    */extensions/user_default/shotbridge
[report]
include_namespace_packages = true
"""


def main(arguments: list[str]) -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    start, configuration = FOLDER / "start", FOLDER / "configuration"
    start.mkdir(parents=True)
    configuration.write_text(CONFIGURATION.format(folder=FOLDER, plugins=REPO / "plugins"))
    (start / "sitecustomize.py").write_text("import coverage\n\ncoverage.process_startup()\n")
    # Blender's Python has no coverage package.
    (start / "coverage").symlink_to(Path(coverage.__file__).parent)
    measured = {"COVERAGE_PROCESS_START": str(configuration), "PYTHONPATH": str(start)}
    tests = [sys.executable, "-m", "pytest", "-q", *TESTS, *arguments]
    code = subprocess.run(tests, env={**os.environ, **measured}, cwd=REPO, check=False).returncode
    _coverage("combine", "--quiet")
    print(_coverage("report"))
    for plugin in PLUGINS:
        lines = _coverage("report", "--format=total", f"--include={REPO}/plugins/{plugin}/*")
        print(f"plugins/{plugin:<8} {lines.strip():>3} % of lines")
    return code


def _coverage(command: str, *arguments: str) -> str:
    completed = subprocess.run(
        [
            sys.executable,
            "-m",
            "coverage",
            command,
            *arguments,
            f"--rcfile={FOLDER / 'configuration'}",
        ],
        cwd=REPO,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return completed.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
