"""Every provider passes the suite that the gateway ships."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from job_helpers import harness

from bridge_core.models.settings import GatewaySettings
from bridge_gateway.providers.base import Provider
from bridge_gateway.providers.conformance.pytest_suite import ProviderConformance
from bridge_gateway.providers.local.provider import LocalProvider

REPO = Path(__file__).parents[2]


class LocalProviderTests(ProviderConformance):
    def make_provider(self) -> Provider:
        models = os.environ.get("SHOTBRIDGE_TEST_MODELS", str(REPO / ".cache" / "models"))
        return LocalProvider(GatewaySettings(models_dir=Path(models)))


class RemoteProviderTests(ProviderConformance):
    """A remote provider that is a folder, which all of its objects share."""

    folder = Path(tempfile.gettempdir()) / f"shotbridge-remote-{os.getpid()}"

    def make_provider(self) -> Provider:
        provider: Provider = harness.load_remote().CountingRemoteProvider(self.folder)
        return provider
