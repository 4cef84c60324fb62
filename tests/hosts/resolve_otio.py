"""Exports and imports OTIO like Resolve: its dialect, and what it drops.

From public exports of Resolve 21 and from ``api_truth.py`` of davinci-resolve-mcp (measured on
Studio 19.1.3 and 21.0): ranges count in the media's embedded timecode; ``Clip.2`` with one media
reference; bare paths; a constant retime is a ``LinearTimeWarp`` whose clip lasts as long as it
does in the cut; a failed import returns no timeline and no reason.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resolve_media import read_path

from bridge_core.models.frames import frame_to_timecode, to_rate

if TYPE_CHECKING:
    from resolve_fake import Resolve
    from resolve_pool import Folder, MediaPoolItem
    from resolve_timeline import Timeline, TimelineItem

#: OTIO's marker colours by Resolve's.
_COLOURS = {"Yellow": "YELLOW", "Purple": "PURPLE", "Blue": "BLUE", "Green": "GREEN"}


def _time(value: Fraction | int, rate: Fraction) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(value)}


def _range(start: Any, duration: Any) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": start, "duration": duration}


def write(timeline: Timeline, path: str) -> bool:
    rate = timeline._rate
    tracks = []
    for track in timeline._tracks["video"]:
        children: list[dict[str, Any]] = []
        at = timeline._first
        for item in track.items:
            if item._kind == "transition":
                continue
            if item._start > at:
                gap = _range(_time(0, rate), _time(item._start - at, rate))
                children.append({"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": gap})
            children += [
                _transition(one, item._start, rate)
                for one in track.items
                if one._kind == "transition" and one._start < item._start < one._end
            ]
            children.append(_clip(item, rate))
            at = item._end
        tracks.append(
            {
                "OTIO_SCHEMA": "Track.1",
                "name": track.name,
                "kind": "Video",
                "children": children,
                "metadata": {"Resolve_OTIO": {"Locked": False}},
                "enabled": True,
                "source_range": None,
            }
        )
    document = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": timeline._name,
        "metadata": {"Resolve_OTIO": {"Resolve OTIO Meta Version": "1.0"}},
        "global_start_time": _time(timeline._first, rate),
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "", "children": tracks, "source_range": None},
    }
    Path(path).write_text(json.dumps(document), encoding="utf-8")
    return True


def _transition(item: TimelineItem, cut: int, rate: Fraction) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Transition.1",
        "name": item._name,
        "transition_type": "SMPTE_Dissolve",
        "in_offset": _time(cut - item._start, rate),
        "out_offset": _time(item._end - cut, rate),
        "metadata": {"Resolve_OTIO": {}},
    }


def _clip(item: TimelineItem, rate: Fraction) -> dict[str, Any]:
    take = item._take
    effects: list[dict[str, Any]] = []
    if item._ramp is not None:
        effects.append(item._ramp)
    elif item._speed != 1:
        effects.append(
            {
                "OTIO_SCHEMA": "LinearTimeWarp.1",
                "name": "",
                "effect_name": "",
                "time_scalar": float(item._speed),
                "metadata": {},
            }
        )
    start, reference = _time(0, rate), _missing_reference()
    if take is not None:
        media = take.item._media
        start = _time(media.start + take.start, media.rate)
        reference = {
            "OTIO_SCHEMA": "ExternalReference.1",
            "name": take.item._properties["Clip Name"],
            "target_url": media.path,
            "available_range": _range(
                _time(media.start, media.rate), _time(media.frames, media.rate)
            ),
            "metadata": {},
        }
    elif item._offline is not None:
        start, reference = item._offline["start"], item._offline["reference"]
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": item.GetName(),
        "enabled": item._enabled,
        "source_range": _range(start, _time(item._duration, rate)),
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "effects": effects,
        "markers": [_marker(item, at, data) for at, data in sorted(item._markers.items())],
        "metadata": {"Resolve_OTIO": {"Link Group ID": 1}},
    }


def _marker(item: TimelineItem, at: float, data: dict[str, Any]) -> dict[str, Any]:
    take = item._take
    assert take is not None
    media = take.item._media
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": data["name"],
        "comment": "",
        "color": _COLOURS.get(data["color"], "RED"),
        "marked_range": _range(
            _time(media.start + Fraction(at), media.rate),
            _time(Fraction(data["duration"]), media.rate),
        ),
        # customData is not exported (stubs: "CustomData is not exposed via UI").
        "metadata": {"Resolve_OTIO": {"Note": data["note"]}},
    }


def _missing_reference() -> dict[str, Any]:
    return {"OTIO_SCHEMA": "MissingReference.1", "name": "", "metadata": {}}


class _ImportRefused(Exception):
    """Resolve would return no timeline."""


def read(
    app: Resolve, path: str, timeline: Timeline, folder: Folder, *, import_media: bool
) -> bool:
    """Fill an empty timeline from a file; False if Resolve would refuse it."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        start = document["global_start_time"]
        rate = to_rate(start["rate"])
        if rate != timeline._rate:
            timeline._settings["timelineFrameRate"] = f"{float(rate):.3f}".rstrip("0").rstrip(".")
        timeline._start_tc = frame_to_timecode(int(start["value"]), rate)
        timeline._tracks["video"].clear()
        for number, track in enumerate(document["tracks"]["children"], 1):
            if track.get("kind", "Video") == "Video":
                timeline._tracks["video"].append(
                    _OtioTrackReader(app, timeline, folder, import_media).read(track, number)
                )
    except (OSError, ValueError, KeyError, TypeError, _ImportRefused):
        return False
    return True


class _OtioTrackReader:
    def __init__(self, app: Resolve, timeline: Timeline, folder: Folder, import_media: bool):
        self.app, self.timeline, self.folder = app, timeline, folder
        self.import_media = import_media

    def read(self, track: dict[str, Any], number: int) -> Any:
        from resolve_timeline import TimelineItem, Track

        made = Track(track.get("name") or f"Video {number}")
        rate = self.timeline._rate
        at = Fraction(self.timeline._first)
        for child in track["children"]:
            kind = child["OTIO_SCHEMA"].partition(".")[0]
            if kind == "Transition":
                before, after = (
                    _frames(child["in_offset"], rate),
                    _frames(child["out_offset"], rate),
                )
                made.put(
                    TimelineItem(
                        self.app,
                        child.get("name") or "Cross Dissolve",
                        round(at - before),
                        round(before + after),
                        [],
                        kind="transition",
                    )
                )
                continue
            duration = _frames(child["source_range"]["duration"], rate)
            if kind == "Clip":
                made.put(self._clip(child, round(at), round(at + duration) - round(at)))
            elif kind != "Gap":
                raise _ImportRefused(kind)
            at += duration
        return made

    def _clip(self, clip: dict[str, Any], at: int, duration: int) -> TimelineItem:
        from resolve_timeline import TimelineItem, TimelineTake

        if "media_references" in clip:  # only the active one is taken; the others are dropped
            reference = clip["media_references"][clip["active_media_reference_key"]]
        else:
            reference = clip["media_reference"]
        kind = reference["OTIO_SCHEMA"].partition(".")[0]
        if kind == "MissingReference":
            raise _ImportRefused("a title stops the whole import")
        item = self._media(reference) if kind == "ExternalReference" else None
        takes = []
        speed, ramp = _retime(clip)
        if item is not None:
            media = item._media
            start = _frames(clip["source_range"]["start_time"], media.rate) - media.start
            if not 0 <= start < media.frames:
                raise _ImportRefused("the clip lies outside its media's timecode")
            end = start + duration / self.timeline._rate * abs(speed) * media.rate
            takes = [TimelineTake(item, start, end)]
        made = TimelineItem(
            self.app, clip.get("name", ""), at, duration, takes, speed=speed, ramp=ramp
        )
        made._enabled = clip.get("enabled", True)
        if item is None:
            made._offline = {"start": clip["source_range"]["start_time"], "reference": reference}
        else:
            for marker in clip.get("markers", []):
                first = _frames(marker["marked_range"]["start_time"], item._media.rate)
                made._add_marker(
                    float(first - item._media.start),
                    "Yellow",
                    marker.get("name", ""),
                    # "comment" is lost (facts: Resolve 21 reads its own key only).
                    marker.get("metadata", {}).get("Resolve_OTIO", {}).get("Note", ""),
                    max(1.0, float(_frames(marker["marked_range"]["duration"], item._media.rate))),
                    None,
                )
        return made

    def _media(self, reference: dict[str, Any]) -> MediaPoolItem | None:
        path = reference["target_url"]
        for item in self.app._all_media():
            if item._media.path == path:
                return item
        if not self.import_media or path.startswith("file:"):
            return None
        available = reference.get("available_range")
        rate = to_rate(available["duration"]["rate"]) if available else self.timeline._rate
        media = read_path(path, rate)
        return self.app._add_media(media, self.folder) if media is not None else None


def _frames(time: dict[str, Any], rate: Fraction) -> Fraction:
    return Fraction(time["value"]).limit_denominator(10**6) * rate / to_rate(time["rate"])


def _retime(clip: dict[str, Any]) -> tuple[Fraction, dict[str, Any] | None]:
    for effect in clip.get("effects", []):
        kind = effect["OTIO_SCHEMA"].partition(".")[0]
        if kind == "LinearTimeWarp":
            return Fraction(effect["time_scalar"]).limit_denominator(100_000), None
        if kind == "FreezeFrame":
            return Fraction(0), None
        if kind == "TimeEffect":
            return Fraction(1), effect
    return Fraction(1), None
