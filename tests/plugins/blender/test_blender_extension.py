"""The built zip in a real Blender."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from real_blender import BlenderInstallation

REPO = Path(__file__).parents[3]


def test_the_zip_has_the_client_and_no_gateway(blender: BlenderInstallation) -> None:
    with zipfile.ZipFile(blender.package) as package:
        [name] = [n for n in package.namelist() if n.startswith("wheels/shotbridge-")]
        assert "LICENSE-APACHE" in package.namelist()
        with package.open(name) as wheel, zipfile.ZipFile(wheel) as inside:
            tops = {member.split("/")[0] for member in inside.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bridge_core", "bridge_ui"}


def test_its_libraries_are_imported_from_the_extension(blender: BlenderInstallation) -> None:
    """Not from other packages on this machine."""
    answer = blender.run(
        "import json, bridge_core, bridge_ui, PySide6.QtSvg, PySide6.QtWidgets, pydantic,"
        " requests, yaml, opentimelineio\n"
        "modules = (bridge_core, bridge_ui, PySide6, pydantic, requests, yaml, opentimelineio)\n"
        "print(json.dumps([m.__file__ for m in modules]))"
    )
    files = [Path(file) for file in json.loads(answer.stdout.splitlines()[-1])]
    elsewhere = [file for file in files if not file.is_relative_to(blender.resources)]
    assert not elsewhere


def test_qt_reads_the_image_formats_of_the_panel(blender: BlenderInstallation) -> None:
    """Its plug-ins are files that nothing imports: trimming could remove them."""
    answer = blender.run(
        "from PySide6.QtGui import QImageReader\n"
        "print(*(bytes(one).decode() for one in QImageReader.supportedImageFormats()))"
    )
    assert {"png", "jpg", "svg", "tiff", "webp"} <= set(answer.stdout.splitlines()[-1].split())


def test_enabled_it_adds_nothing_to_the_module_path(blender: BlenderInstallation) -> None:
    answer = blender.run("import sys; print(*sys.path, sep='\\n')")
    assert "user_default/shotbridge" not in answer.stdout


def test_the_panel_opens_without_the_clients_models(
    blender: BlenderInstallation,
) -> None:
    """They take a third of a second to import; the panel does that on a thread."""
    blender.run(
        "import sys\n"
        "from importlib import import_module\n"
        "before = set(sys.modules)\n"  # Blender 5.2 has requests itself
        "import_module(extension.__name__ + '.bridge_blender.window').open_window()\n"
        "assert 'PySide6.QtWidgets' in sys.modules\n"
        "heavy = {'pydantic', 'requests', 'yaml', 'opentimelineio'} & set(sys.modules) - before\n"
        "assert not heavy, heavy"
    )
