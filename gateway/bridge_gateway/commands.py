"""All commands except ``serve``."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import bridge_core
from bridge_core.models.settings import GatewaySettings


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


def list_providers(settings: GatewaySettings, *, as_json: bool) -> None:
    """Print the installed providers, which are enabled, and what is wrong with those."""
    from bridge_gateway.providers.registry import ProviderRegistry, installed_providers

    registry = ProviderRegistry(settings)
    problems = registry.problems()
    packages = installed_providers()
    rows = [
        {
            "name": name,
            "package": packages.get(name, ""),
            "enabled": name in settings.providers,
            "problem": problems.get(name, ""),
        }
        for name in dict.fromkeys([*settings.providers, *packages])
    ]
    registry.close()
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        state = row["problem"] or ("enabled" if row["enabled"] else "installed, not enabled")
        print(f"{row['name']:<16} {row['package']:<24} {state}")


def check_provider(
    settings: GatewaySettings, name: str, *, accept_costs: bool, as_json: bool
) -> None:
    """Run the conformance suite on an installed provider and print each case's outcome.

    :raises ConfigError: it cannot be loaded, or may charge for the work and ``accept_costs`` is
        false.
    :raises CheckFailed: it does not fulfil the contract.
    """
    import tempfile

    from bridge_core.errors import CheckFailed, ConfigError
    from bridge_core.models.services import DataLocality
    from bridge_gateway.providers.conformance.cases import CASES
    from bridge_gateway.providers.conformance.tasks import ConformanceContext, ConformanceError
    from bridge_gateway.providers.registry import load_provider

    provider = load_provider(name, settings)
    rows: list[dict[str, str]] = []
    try:
        costly = [
            service.id
            for service in provider.list_services()
            if service.pricing.amount or service.data_locality is DataLocality.EXTERNAL
        ]
        if costly and not accept_costs:
            raise ConfigError(
                f"checking this provider submits real work, which may cost money: "
                f"{', '.join(costly)}",
                where=f"provider {name}",
                next_step="use a test account, then repeat the command with --accept-costs",
            )
        for case in CASES:
            with tempfile.TemporaryDirectory(prefix="shotbridge-check-") as folder:
                context = ConformanceContext(
                    provider, lambda: load_provider(name, settings), Path(folder)
                )
                try:
                    outcome = "passed" if case.run(context) else "not for this kind of provider"
                except ConformanceError as error:
                    outcome = str(error)
                except Exception as error:
                    outcome = f"{type(error).__name__}: {error}"
            rows.append({"case": case.title, "outcome": outcome})
            if not as_json:
                print(f"{case.title}: {outcome}")
    finally:
        provider.close()
    if as_json:
        print(json.dumps(rows, indent=1))
    failed = [
        row["case"]
        for row in rows
        if row["outcome"] not in ("passed", "not for this kind of provider")
    ]
    if failed:
        raise CheckFailed(
            f"{len(failed)} of {len(rows)} cases failed: {'; '.join(failed)}",
            where=f"provider {name}",
            next_step="see docs/providers.md",
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
