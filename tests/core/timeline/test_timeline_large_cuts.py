"""What keeps large cuts fast: counts of objects and of pauses, not times."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from bridge_core.models.frames import FrameRange
from bridge_core.models.shots import Shot, ShotId
from bridge_core.system import pacing
from bridge_core.timeline.cut import Cut
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.diff import diff_cuts
from bridge_core.timeline.document import load_document, save_otio

CLIPS = 400


@pytest.fixture
def large_cut(kit: Any) -> Path:
    clips = [
        kit.clip(f"sq{at // 100:03d}_sh{at:04d}", source=(8 + at % 7, 20 + at % 5))
        for at in range(CLIPS)
    ]
    return kit.cut(*clips)


@pytest.fixture
def built_models(monkeypatch: pytest.MonkeyPatch) -> list[type[BaseModel]]:
    """The models that were built."""
    built: list[type[BaseModel]] = []
    for model in (FrameRange, Shot, ShotId):
        original = model.__init__

        def count(self: Any, _original: Any = original, **values: Any) -> None:
            built.append(type(self))
            _original(self, **values)

        monkeypatch.setattr(model, "__init__", count)
    return built


def _in_thread(call: Callable[[], Any]) -> Any:
    results = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    return results[0]


def test_reading_and_comparing_build_no_models(
    large_cut: Path, built_models: list[type[BaseModel]]
) -> None:
    cut = read_cut(large_cut)
    assert len(cut.shots) == CLIPS
    assert len(diff_cuts(cut, read_cut(large_cut)).changes) == CLIPS
    assert built_models == []
    first = cut.shots[0].shot
    assert set(built_models) == {Shot, ShotId, FrameRange}
    assert cut.shots[0].shot is first  # built once


def test_a_shot_that_was_read_is_few_objects_for_the_garbage_collector(large_cut: Path) -> None:
    cut = read_cut(large_cut)
    gc.collect()
    before = len(gc.get_objects())
    del cut
    gc.collect()
    assert before - len(gc.get_objects()) < 4 * CLIPS


def test_names_and_plates_of_the_file_are_checked_when_it_is_read(kit: Any) -> None:
    """What our metadata say comes from the file; it must not fail when the shot is first used."""
    renamed, sized = kit.clip("sc010"), kit.clip("sc020")
    renamed.metadata["shotbridge"] = {"clip": "a", "sequence": "sq", "shot": "a/b"}
    sized.media_reference.metadata["shotbridge"] = {"width": -1}
    cut = read_cut(kit.cut(renamed, sized, kit.clip("sc030")))
    assert [item.name for item in cut] == ["sc030"]
    assert ["shot: " in cut.problems[1].message, "width: " in cut.problems[0].message] == [True] * 2


def test_in_a_background_thread_a_long_loop_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    clock = iter(range(1000))
    # Not time's own functions, which other threads of the process call as well.
    fake_time = SimpleNamespace(sleep=pauses.append, monotonic=lambda: next(clock))
    monkeypatch.setattr(pacing, "time", fake_time)
    assert _in_thread(lambda: list(pacing.paced("abc"))) == ["a", "b", "c"]
    assert len(pauses) == 3
    assert list(pacing.paced("abc")) == ["a", "b", "c"]  # the main thread does not
    assert len(pauses) == 3


def test_in_a_background_thread_a_cut_is_read_compared_and_saved_with_pauses(
    large_cut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause is possible after every item."""
    calls = 0
    monotonic = time.monotonic

    def count() -> float:
        nonlocal calls
        calls += 1
        return monotonic()

    def work() -> Cut:
        cut = read_cut(large_cut)
        diff_cuts(cut, cut)
        save_otio(load_document(large_cut).root, tmp_path / "saved.otio", overwrite=True)
        return cut

    expected = work()
    monkeypatch.setattr(pacing, "time", SimpleNamespace(sleep=time.sleep, monotonic=count))
    assert _in_thread(work) == expected
    # Parsing the file twice; placing, parsing, naming, building and freeing; pairs and changes.
    assert calls > 20 * CLIPS


_ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"])),
)
_TREES = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["children", "tracks", "metadata"]), st.text(max_size=3)),
            inner,
            max_size=4,
        ),
    ),
)


@given(tree=_TREES)
def test_what_is_written_is_read_again(tree: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "tree.otio"
    root = {"OTIO_SCHEMA": "Timeline.1", "tracks": {"children": [tree]}, "metadata": {"x": tree}}
    save_otio(root, path, overwrite=True)
    written = path.read_text("utf-8")
    expected = json.dumps(root, indent=4, ensure_ascii=False)
    assert json.dumps(json.loads(written)) == json.dumps(root)  # NaN is not equal to itself
    assert written.count("\n") == expected.count("\n")


def test_a_saved_timeline_is_indented_as_otio_indents_it(kit: Any, tmp_path: Path) -> None:
    nest = otio.schema.Stack("nest", [otio.schema.Track("inner", [kit.clip("größe")])])
    root = load_document(kit.cut(kit.clip(), nest, kit.gap(5))).root
    target = tmp_path / "saved.otio"
    save_otio(root, target)
    assert target.read_text("utf-8") == json.dumps(root, indent=4, ensure_ascii=False)


def test_metadata_nested_two_hundred_deep_is_written(kit: Any, tmp_path: Path) -> None:
    root = load_document(kit.cut(kit.clip())).root
    deep: Any = "end"
    for _ in range(400):
        deep = {"inner": deep}
    root["tracks"]["children"][0]["children"][0]["metadata"]["deep"] = deep
    save_otio(root, tmp_path / "saved.otio")
    assert json.loads((tmp_path / "saved.otio").read_text()) == root
