"""All commands except ``serve``."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import bridge_core


def print_openapi() -> None:
    """Print the OpenAPI document."""
    from bridge_gateway.api.app import create_routes_app

    print(json.dumps(create_routes_app().openapi(), indent=1))


def print_about() -> None:
    """Print the versions of the gateway and of the clients that it supports, as JSON."""
    from bridge_gateway.api.auth.middleware import MIN_CLIENT_VERSION

    versions = {
        "version": bridge_core.__version__,
        "api_version": bridge_core.API_VERSION,
        "min_client_version": MIN_CLIENT_VERSION,
        "python": platform.python_version(),
    }
    print(json.dumps(versions, indent=1))


def install_models(models_dir: Path, ids: Sequence[str], *, quiet: bool, as_json: bool) -> None:
    """Install models and footage, with progress on standard error.

    :raises ShotbridgeError: as :func:`bridge_gateway.inference.installer.install` does.
    """
    from bridge_gateway.inference import installer

    def report_progress(name: str, done: float, message: str) -> None:
        if not quiet:
            print(f"{name}: {message}", file=sys.stderr)
        elif done == 1.0 and message == "installed":
            print(f"{name} installed", file=sys.stderr)

    installed = installer.install(models_dir, ids or None, progress=report_progress)
    if as_json:
        rows = [
            {"id": model.id, "path": str(model.path), "sha256": model.sha256} for model in installed
        ]
        print(json.dumps(rows, indent=1))


def list_models(models_dir: Path, ids: Sequence[str], *, as_json: bool) -> None:
    """Print the catalogue, and which of its entries are installed and intact.

    :raises NotFound: an id that is not in the catalogue.
    """
    from bridge_gateway.inference.catalogue import bundled_catalogue
    from bridge_gateway.inference.model_store import find_installed

    entries = (
        [bundled_catalogue().get_entry(name) for name in ids]
        if ids
        else bundled_catalogue().entries
    )
    rows = []
    for entry in entries:
        installed = find_installed(models_dir, entry)
        status = f"not installed: {installed}" if isinstance(installed, str) else "installed"
        rows.append(
            {
                "id": entry.id,
                "kind": entry.kind,
                "title": entry.title,
                "licence": entry.licence,
                "installed": not isinstance(installed, str),
                "status": status,
            }
        )
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        print(
            f"{row['id']:<20} {row['kind']:<8} {row['licence']:<12} {row['title']}; {row['status']}"
        )


def make_demo_plates(models_dir: Path, folder: Path) -> None:
    """Make the demo's plates and print their properties, as JSON.

    :raises ModelMissing: the footage is not installed.
    """
    from bridge_gateway.demo.plates import make_plates

    print(json.dumps(make_plates(models_dir, folder), indent=1))


def draw_contact_sheet(rows: Path, target: Path) -> None:
    """Draw the contact sheet of a JSON file: ``heading, subtitle, view, rows``.

    :raises InvalidRequest: the file is not valid.
    """
    from bridge_gateway.demo.contact_sheet import DemoSheet, write_contact_sheet

    write_contact_sheet(target, DemoSheet.read(rows))
