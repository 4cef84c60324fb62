"""Which providers are found and what is said about those that cannot be used."""

from __future__ import annotations

import threading
import time
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from bridge_core.errors import ConfigError, UnknownService
from bridge_core.models.services import DataLocality, Service
from bridge_core.models.settings import GatewaySettings
from bridge_gateway.providers import registry as registry_module
from bridge_gateway.providers.base import FrameProvider, ProviderTask, TaskMonitor, TaskResult
from bridge_gateway.providers.registry import ProviderRegistry, load_provider, require_provider


class ListedProvider(FrameProvider):
    """Lists one service, and counts how often it is asked."""

    def __init__(self, name: str, service: str = "grade", *, available: bool = True) -> None:
        self.id = name
        self.service = service
        self.available = available
        self.asked = 0
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def list_services(self) -> tuple[Service, ...]:
        self.asked += 1
        assert self.gate.wait(60)
        if self.error is not None:
            raise self.error
        return (
            Service(
                id=self.service,
                title="Grade",
                summary="A grade.",
                provider=self.id,
                data_locality=DataLocality.LOCAL,
                available=self.available,
                unavailable_reason="" if self.available else "wait",
            ),
        )

    def run(self, task: ProviderTask, monitor: TaskMonitor) -> TaskResult:
        raise AssertionError("the registry runs nothing")


def ids(registry: ProviderRegistry) -> dict[str, bool]:
    return {service.id: service.available for service in registry.list_services()}


def install(monkeypatch: pytest.MonkeyPatch, **factories: Any) -> None:
    """Have these factories be the entry points of installed packages."""
    for name, factory in factories.items():
        monkeypatch.setattr(registry_module, f"factory_{name}", factory, raising=False)
    points = [
        EntryPoint(name, f"{registry_module.__name__}:factory_{name}", "bridge_gateway.providers")
        for name in factories
    ]
    monkeypatch.setattr(registry_module, "entry_points", lambda group: points)


def test_the_local_provider_needs_no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, local=lambda settings: pytest.fail("another package took the name"))
    provider = load_provider("local", GatewaySettings())
    assert provider.id == "local"
    provider.close()


def test_a_provider_is_loaded_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    def create(settings: GatewaySettings) -> ListedProvider:
        loaded.append(settings)
        return ListedProvider("grader")

    install(monkeypatch, grader=create)
    settings = GatewaySettings(providers=("grader",))
    registry = ProviderRegistry(settings)
    assert loaded == []
    assert registry.find_service("grade")[1].id == "grader"
    registry.list_services()
    assert loaded == [settings]


def test_what_cannot_be_loaded_is_listed_and_harms_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(settings: GatewaySettings) -> object:
        raise OSError("the licence server does not answer")

    install(
        monkeypatch,
        broken=broken,
        wrong=lambda settings: object(),
        renamed=lambda settings: ListedProvider("other"),
        fine=lambda settings: ListedProvider("fine"),
    )
    registry = ProviderRegistry(
        GatewaySettings(providers=("broken", "wrong", "renamed", "absent", "fine"))
    )
    assert ids(registry) == {
        "unavailable_broken": False,
        "unavailable_wrong": False,
        "unavailable_renamed": False,
        "unavailable_absent": False,
        "grade": True,
    }
    problems = registry.problems()
    assert "the licence server does not answer" in problems["broken"]
    assert "'run'" in problems["wrong"] and "'submit'" in problems["wrong"]
    assert "the id 'other'" in problems["renamed"]
    assert "not installed" in problems["absent"] and "fine" in problems["absent"]
    assert problems["fine"] == ""
    with pytest.raises(UnknownService, match="licence server"):
        registry.get_provider("broken")
    registry.close()


def test_it_says_all_that_an_object_lacks() -> None:
    class Half:
        id = "half"

        def submit(self) -> None: ...

    with pytest.raises(ConfigError) as caught:
        require_provider(Half(), "half")
    for missing in ("queue", "list_services", "quote", "close", "poll", "fetch", "cancel", "find"):
        assert f"'{missing}'" in caught.value.message
    assert "'submit'" not in caught.value.message


def test_services_are_asked_for_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    provider, now = ListedProvider("grader"), [1000.0]
    monkeypatch.setattr(registry_module.time, "monotonic", lambda: now[0])
    registry = ProviderRegistry.of([provider])
    for _ in range(5):
        registry.list_services()
    assert provider.asked == 1
    now[0] += 61
    provider.available = False
    registry.list_services()
    assert provider.asked == 2
    now[0] += 1.5  # what is not available may become so soon
    registry.list_services()
    assert provider.asked == 3


def test_a_list_that_fails_keeps_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    provider, now = ListedProvider("grader"), [1000.0]
    monkeypatch.setattr(registry_module.time, "monotonic", lambda: now[0])
    registry = ProviderRegistry.of([provider])
    assert ids(registry) == {"grade": True}
    provider.error = OSError("no route")
    now[0] += 61
    assert ids(registry) == {"grade": True}
    assert "no route" in registry.problems()["grader"]
    provider.error = None
    now[0] += 1.5
    assert ids(registry) == {"grade": True}
    assert registry.problems()["grader"] == ""


@pytest.mark.parametrize("has_list", [False, True])
def test_a_list_that_failed_is_not_asked_for_again_at_once(
    monkeypatch: pytest.MonkeyPatch, has_list: bool
) -> None:
    """A batch of quotes looks for a service many times."""
    broken, local, now = ListedProvider("broken", "remote"), ListedProvider("grader"), [1000.0]
    monkeypatch.setattr(registry_module.time, "monotonic", lambda: now[0])
    registry = ProviderRegistry.of([broken, local])
    if has_list:
        registry.list_services()
        now[0] += 61
    broken.error, broken.asked = OSError("no route"), 0
    for _ in range(5):
        assert registry.find_service("grade")[1] is local
        with pytest.raises(UnknownService):
            registry.find_service("absent")
        assert ("remote" in ids(registry)) is has_list
        assert "no route" in registry.problems()["broken"]
    assert broken.asked == 1
    now[0] += 1.5
    broken.error = None
    assert ids(registry)["remote"] and registry.problems()["broken"] == ""


def test_a_list_that_hangs_delays_no_other_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "_FIRST_LIST_SECONDS", 0.2)
    hanging = ListedProvider("hanging")
    hanging.gate.clear()
    registry = ProviderRegistry.of([hanging, ListedProvider("grader")])
    assert ids(registry) == {"unavailable_hanging": False, "grade": True}
    assert ids(registry)["grade"] and hanging.asked == 1  # the call that hangs is not repeated
    hanging.gate.set()


@pytest.mark.parametrize("has_list", [False, True])
def test_a_list_that_hangs_is_waited_for_once(
    monkeypatch: pytest.MonkeyPatch, has_list: bool
) -> None:
    now, waited, real_wait = [1000.0], [], registry_module.wait

    def wait(readings: list[Any], timeout: float) -> None:
        waited.append(timeout)
        if real_wait(readings, timeout=timeout).not_done:
            now[0] += timeout

    monkeypatch.setattr(registry_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(registry_module, "wait", wait)
    for limit in ("_FIRST_LIST_SECONDS", "_NEXT_LIST_SECONDS"):
        monkeypatch.setattr(registry_module, limit, 0.5)
    hanging, local = ListedProvider("hanging", "remote"), ListedProvider("grader")
    registry = ProviderRegistry.of([hanging, local])
    if has_list:
        registry.list_services()
        now[0] += 61
    hanging.gate.clear()
    assert registry.find_service("grade")[1] is local
    assert waited[-2] == 0.5  # for the list that hangs; the other is for the local one
    waited.clear()
    started = time.perf_counter()
    assert registry.find_service("grade")[1] is local
    assert time.perf_counter() - started < 0.1
    with pytest.raises(UnknownService, match="'absent'"):
        registry.find_service("absent")
    assert set(waited) == {0.0}
    assert ("remote" in ids(registry)) is has_list
    hanging.gate.set()


def test_finding_a_service_asks_no_provider_after_its_own() -> None:
    local, other = ListedProvider("grader"), ListedProvider("other", "remote")
    assert ProviderRegistry.of([local, other]).find_service("grade")[1] is local
    assert other.asked == 0


def test_services_and_problems_come_from_one_reading() -> None:
    grader, broken = ListedProvider("grader"), ListedProvider("broken", "remote")
    broken.error = OSError("no route")
    services, problems = ProviderRegistry.of([grader, broken]).check_services()
    assert [service.id for service in services] == ["grade"]
    assert problems["grader"] == "" and "no route" in problems["broken"]
    assert grader.asked == broken.asked == 1


def test_a_service_id_belongs_to_one_provider() -> None:
    registry = ProviderRegistry.of([ListedProvider("first"), ListedProvider("second")])
    assert registry.find_service("grade")[1].id == "first"
    assert "'first'" in registry.problems()["second"]
