"""The suite as a pytest class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_gateway.providers.base import Provider
from bridge_gateway.providers.conformance.cases import CASES, ConformanceCase
from bridge_gateway.providers.conformance.tasks import ConformanceContext


class ProviderConformance(ABC):
    """Inherit from it, and return a new provider from :meth:`make_provider`.

    One provider is used for all cases. Each case that is for its kind is one test.
    """

    #: Seconds that a remote job may take.
    remote_seconds = 600.0

    @abstractmethod
    def make_provider(self) -> Provider:
        """A new provider; called more than once."""

    @pytest.fixture(scope="class")
    @classmethod
    def provider(cls) -> Iterator[Provider]:
        created = cls().make_provider()
        yield created
        created.close()

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.title.replace(" ", "-"))
    def test_conformance(self, case: ConformanceCase, provider: Provider, tmp_path: Path) -> None:
        context = ConformanceContext(provider, self.make_provider, tmp_path, self.remote_seconds)
        if not case.run(context):
            pytest.skip("not for this kind of provider")
