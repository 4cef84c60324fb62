"""A cut whose items are parsed one by one is the same as one that is parsed as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from random_media_timelines import generate_timeline
from random_retime_timelines import RandomRetimedTimeline

from bridge_core.errors import TimelineError
from bridge_core.timeline.cut import Cut
from bridge_core.timeline.cut_reader import index_cut, read_cut
from bridge_core.timeline.document import load_document
from bridge_core.timeline.item_parser import ItemByItemError, UnparsedItems, parse_outline


def _read_whole(path: Path) -> Cut:
    return index_cut(load_document(path)).cut


def _is_item_by_item(path: Path) -> bool:
    """Whether all items of the file's tracks can be parsed one by one."""
    document = load_document(path, item_by_item=True)
    try:
        for items in document.unparsed:
            items.check()
    except ItemByItemError:
        return False
    return bool(document.unparsed)


def _resolve(node: Any) -> Any:
    """A node with all items parsed."""
    if isinstance(node, dict):
        return {key: _resolve(value) for key, value in node.items()}
    return [_resolve(one) for one in node] if isinstance(node, list | UnparsedItems) else node


@pytest.mark.parametrize("make", [generate_timeline, RandomRetimedTimeline])
def test_random_cuts_are_the_same(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "cut.otio"
    for seed in range(150):
        otio.adapters.write_to_file(make(seed).timeline, str(path))
        assert _is_item_by_item(path), seed
        root = load_document(path, item_by_item=True).root
        assert json.dumps(_resolve(root)) == json.dumps(load_document(path).root), seed
        assert read_cut(path) == _read_whole(path), seed


def _indented(root: Any, **options: Any) -> str:
    return json.dumps(root, **({"indent": 4} | options))


@pytest.fixture
def root(kit: Any) -> Any:
    """The JSON of a cut with a dissolve, a nest, markers and a track of sound."""
    half = otio.opentime.RationalTime(6, 24)
    dissolve = otio.schema.Transition("dissolve", "SMPTE_Dissolve", half, half)
    nest = otio.schema.Stack("nest", [otio.schema.Track("inner", [kit.clip("sc030")])])
    clip = kit.clip("sc020")
    clip.markers.append(otio.schema.Marker("]", kit.range(10, 1)))
    timeline = kit.timeline([kit.clip("sc010"), dissolve, clip, kit.gap(5), nest])
    sound = otio.schema.Track("A1", [kit.clip("sound")], kind="Audio")
    timeline.tracks.append(sound)
    return json.loads(timeline.to_json_string())


@pytest.mark.parametrize("options", [{"indent": 2}, {"indent": "\t"}, {"indent": 0}])
def test_any_indent(root: Any, options: Any, tmp_path: Path) -> None:
    path = tmp_path / "cut.otio"
    path.write_text(_indented(root, **options))
    # Without an indent, the first bracket at the start of a line ends another list.
    assert _is_item_by_item(path) is (options["indent"] != 0)
    assert [item.clip_name for item in read_cut(path)] == ["sc010", "sc020", "sc030"]
    assert read_cut(path) == _read_whole(path)


def test_what_has_to_be_parsed_as_a_whole(root: Any, tmp_path: Path) -> None:
    """Files of other programs, and objects that refer to each other."""
    path = tmp_path / "cut.otio"
    track = root["tracks"]["children"][0]
    track["children"][0]["OTIO_REF_ID"] = "first"
    referring = {"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "first"}
    text = _indented(root)
    again = _indented(root | {"tracks": root["tracks"] | {"children": [track, referring]}})
    track["children"].append(referring)
    infinite = text.replace('"sc030"', '"sc030", "metadata": {"far": Inf}', 1)
    end = text.rindex("\n                ]")
    for other in (
        json.dumps(root),
        _indented(root),
        again,
        infinite,
        text.replace("sc030", "sc\\ud800"),
        f"{text[:end]}{text[end:].lstrip()}",
        text.replace('"children"', '"\\u0063hildren"'),
        _indented({"OTIO_SCHEMA": "SerializableCollection.1", "children": [root]}),
    ):
        path.write_text(other)
        assert len(read_cut(path).shots) >= 3
        assert read_cut(path) == _read_whole(path)


@pytest.mark.parametrize("tracks", [None, [], "x", {}, {"children": None}, {"children": [1, []]}])
def test_tracks_that_are_none(root: Any, tracks: Any, tmp_path: Path) -> None:
    path = tmp_path / "cut.otio"
    path.write_text(_indented(root | {"tracks": tracks}))
    assert read_cut(path) == _read_whole(path)


def test_a_damaged_file_is_reported_as_before(root: Any, tmp_path: Path) -> None:
    """Also where the damage is in items that are not read, such as those of a track of sound."""
    path = tmp_path / "cut.otio"
    text = _indented(root)
    sound = text.index('"sound"')
    damaged = [
        *(text[:end] for end in range(0, len(text), 97)),
        f"{text[:sound]}{text[sound + 1 :]}",
        text.replace("{", "[", 1),
        text.replace("},", "}", 3),
        text + "x",
        text.replace('"sc020"', "[" * 5000, 1),
    ]
    for other in damaged:
        path.write_text(other)
        with pytest.raises(TimelineError) as expected:
            load_document(path)
        with pytest.raises(TimelineError) as raised:
            read_cut(path)
        assert str(raised.value) == str(expected.value)


def test_items_are_not_kept(root: Any) -> None:
    """An item can be freed before the next is parsed."""
    outline, (video, sound) = parse_outline(_indented(root))
    assert outline["tracks"]["children"][0]["children"] is video
    first, again = next(iter(video)), next(iter(video))
    assert first == again == root["tracks"]["children"][0]["children"][0]
    assert first is not again
    assert [item["name"] for item in sound] == ["sound"]
