"""All commands except ``serve``. Each takes the arguments that :mod:`.__main__` has parsed."""

from __future__ import annotations

import json
import platform
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import bridge_core
from bridge_core.config import load_settings
from bridge_core.errors import CheckFailed, ConfigError
from bridge_core.models.settings import GatewaySettings

_NOT_APPLICABLE = "not for this kind of provider"


def load_gateway_settings(args: Namespace) -> GatewaySettings:
    """
    :raises ConfigError: a ``--set`` without a key, or invalid settings.
    """
    arguments = {}
    for text in args.set or ():
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise ConfigError(
                "this is not a setting",
                where=f"argument --set {text}",
                next_step="write --set section.key=value, such as --set gateway.port=8470",
            )
        arguments[key.strip()] = value
    return load_settings(arguments).settings.gateway


def print_openapi(_: Namespace) -> None:
    """Print the OpenAPI document."""
    from bridge_gateway.api.app import create_routes_app

    _print_json(create_routes_app().openapi())


def print_about(_: Namespace) -> None:
    """Print the versions of the gateway and of the clients that it supports, as JSON."""
    from bridge_gateway.api.auth.middleware import MIN_CLIENT_VERSION

    versions = {
        "version": bridge_core.__version__,
        "api_version": bridge_core.API_VERSION,
        "min_client_version": MIN_CLIENT_VERSION,
        "python": platform.python_version(),
    }
    _print_json(versions)


def run_models(args: Namespace) -> None:
    """Install or list models and footage.

    :raises NotFound: an id that is not in the catalogue.
    :raises ShotbridgeError: as :func:`bridge_gateway.inference.installer.install` does.
    """
    models_dir = args.models_dir or load_gateway_settings(args).models_dir
    if args.action == "install":
        _install_models(args, models_dir)
    else:
        _list_models(args, models_dir)


def _install_models(args: Namespace, models_dir: Path) -> None:
    """Install with progress on standard error."""
    from bridge_gateway.inference import installer

    def report_progress(name: str, done: float, message: str) -> None:
        if not args.quiet:
            print(f"{name}: {message}", file=sys.stderr)
        elif done == 1.0 and message == "installed":
            print(f"{name} installed", file=sys.stderr)

    installed = installer.install(models_dir, args.id or None, progress=report_progress)
    if args.json:
        _print_json(
            [
                {"id": model.id, "path": str(model.path), "sha256": model.sha256}
                for model in installed
            ]
        )


def _list_models(args: Namespace, models_dir: Path) -> None:
    """Print the catalogue, and which of its entries are installed and intact."""
    from bridge_gateway.inference.catalogue import bundled_catalogue
    from bridge_gateway.inference.model_store import find_installed

    catalogue = bundled_catalogue()
    entries = [catalogue.get_entry(name) for name in args.id] if args.id else catalogue.entries
    models = []
    for entry in entries:
        installed = find_installed(models_dir, entry)
        is_missing = isinstance(installed, str)  # why it is
        status = f"not installed: {installed}" if is_missing else "installed"
        models.append(
            {
                "id": entry.id,
                "kind": entry.kind,
                "title": entry.title,
                "licence": entry.licence,
                "installed": not is_missing,
                "status": status,
            }
        )
    if args.json:
        _print_json(models)
        return
    for model in models:
        line = f"{model['id']:<20} {model['kind']:<8} {model['licence']:<12} "
        print(f"{line}{model['title']}; {model['status']}")


def run_providers(args: Namespace) -> None:
    """List the installed providers, or check one.

    :raises ConfigError: none is named, it cannot be loaded, or it may charge for the work and
        ``--accept-costs`` is not there.
    :raises CheckFailed: it does not fulfil the contract.
    """
    settings = load_gateway_settings(args)
    if args.action == "list":
        _list_providers(args, settings)
    elif args.name is None:
        raise ConfigError("name the provider to check", where="argument NAME")
    else:
        _check_provider(args, settings)


def _list_providers(args: Namespace, settings: GatewaySettings) -> None:
    """Print the installed providers, which are enabled, and what is wrong with those."""
    from bridge_gateway.providers.registry import ProviderRegistry, installed_providers

    registry = ProviderRegistry(settings)
    problems = registry.problems()
    packages = installed_providers()
    providers = [
        {
            "name": name,
            "package": packages.get(name, ""),
            "enabled": name in settings.providers,
            "problem": problems.get(name, ""),
        }
        for name in dict.fromkeys([*settings.providers, *packages])
    ]
    registry.close()
    if args.json:
        _print_json(providers)
        return
    for provider in providers:
        enabled = "enabled" if provider["enabled"] else "installed, not enabled"
        state = provider["problem"] or enabled
        print(f"{provider['name']:<16} {provider['package']:<24} {state}")


def _check_provider(args: Namespace, settings: GatewaySettings) -> None:
    """Run the conformance suite on an installed provider and print each case's outcome."""
    import tempfile

    from bridge_core.models.services import DataLocality
    from bridge_gateway.providers.conformance.cases import CASES
    from bridge_gateway.providers.conformance.tasks import ConformanceContext, ConformanceError
    from bridge_gateway.providers.registry import load_provider

    where = f"provider {args.name}"
    provider = load_provider(args.name, settings)
    outcomes: list[dict[str, str]] = []
    try:
        costly = [
            service.id
            for service in provider.list_services()
            if service.pricing.amount or service.data_locality is DataLocality.EXTERNAL
        ]
        if costly and not args.accept_costs:
            raise ConfigError(
                f"checking this provider submits real work, which may cost money: "
                f"{', '.join(costly)}",
                where=where,
                next_step="use a test account, then repeat the command with --accept-costs",
            )
        for case in CASES:
            with tempfile.TemporaryDirectory(prefix="shotbridge-check-") as folder:
                context = ConformanceContext(
                    provider, lambda: load_provider(args.name, settings), Path(folder)
                )
                try:
                    outcome = "passed" if case.run(context) else _NOT_APPLICABLE
                except ConformanceError as error:
                    outcome = str(error)
                except Exception as error:
                    outcome = f"{type(error).__name__}: {error}"
            outcomes.append({"case": case.title, "outcome": outcome})
            if not args.json:
                print(f"{case.title}: {outcome}")
    finally:
        provider.close()
    if args.json:
        _print_json(outcomes)
    fine = ("passed", _NOT_APPLICABLE)
    failed = [item["case"] for item in outcomes if item["outcome"] not in fine]
    if failed:
        raise CheckFailed(
            f"{len(failed)} of {len(outcomes)} cases failed: {'; '.join(failed)}",
            where=where,
            next_step="see docs/providers.md",
        )


def make_demo_plates(args: Namespace) -> None:
    """Make the demo's plates and print their properties, as JSON.

    :raises ModelMissing: the footage is not installed.
    """
    from bridge_gateway.demo.plates import make_plates

    _print_json(make_plates(load_gateway_settings(args).models_dir, args.out))


def draw_contact_sheet(args: Namespace) -> None:
    """Draw the contact sheet of a JSON file: ``heading, subtitle, view, rows``.

    :raises InvalidRequest: the file is not valid.
    """
    from bridge_gateway.demo.contact_sheet import DemoSheet, write_contact_sheet

    write_contact_sheet(args.out, DemoSheet.read(args.rows))


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1))
