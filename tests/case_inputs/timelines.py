"""Inputs for reading cuts: retimes, tracks, files and names."""

from __future__ import annotations

import json
import math
from pathlib import Path

import opentimelineio as otio

from case_inputs.builders import (
    case,
    clip,
    cut,
    external,
    frames,
    movie,
    numbered_bars,
    picture,
    save,
    schema,
    sequence,
    span,
    speed,
    time_at,
    write,
)


def _fcp7(length: int, speed_percent: int, reverse: bool, media: Path) -> str:
    """A sequence of one clip with a Time Remap, from its media's start, ``length`` frames long."""
    rate = "<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xmeml>
<xmeml version="5">
 <sequence id="seq1"><name>remap</name><duration>{length}</duration>{rate}
  <timecode>{rate}<string>01:00:00:00</string><frame>86400</frame><displayformat>NDF</displayformat></timecode>
  <media><video>
   <format><samplecharacteristics>{rate}<width>64</width><height>36</height></samplecharacteristics></format>
   <track>
    <clipitem id="ci1"><name>sh010</name><enabled>TRUE</enabled><duration>60</duration>{rate}
     <start>0</start><end>{length}</end><in>0</in><out>{length}</out>
     <file id="f1"><name>m24.mov</name><pathurl>{media.as_uri()}</pathurl><duration>60</duration>{rate}
      <timecode>{rate}<string>00:00:00:00</string><frame>0</frame><displayformat>NDF</displayformat></timecode>
      <media><video><duration>60</duration><samplecharacteristics><width>64</width><height>36</height></samplecharacteristics></video></media>
     </file>
     <filter><effect><name>Time Remap</name><effectid>timeremap</effectid><effectcategory>motion</effectcategory>
      <effecttype>motion</effecttype><mediatype>video</mediatype>
      <parameter><parameterid>variablespeed</parameterid><name>variablespeed</name><value>0</value></parameter>
      <parameter><parameterid>speed</parameterid><name>speed</name><value>{speed_percent}</value></parameter>
      <parameter><parameterid>reverse</parameterid><name>reverse</name><value>{str(reverse).upper()}</value></parameter>
     </effect></filter>
    </clipitem>
   </track>
  </video></media>
 </sequence>
</xmeml>
"""


@case
def fcp7_time_remap(out: Path) -> None:
    """40 frames at 25 %, and all 60 of the media backwards at 100 %, in FCP 7 XML."""
    media = movie(out / "m24.mov", 60)
    write(out / "speed25.xml", _fcp7(40, 25, False, media))
    write(out / "reverse.xml", _fcp7(60, 100, True, media))


@case
def retime_disabled(out: Path) -> None:
    """A disabled speed of 200 %: ``effect.enabled = False``."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1061))
    effect = speed(2)
    effect.enabled = False
    reference = sequence("plate/", available=span(0, 60))
    cut(out / "cut.otio", clip("sh010", reference, span(10, 20), effect))


@case
def track_starts_negative(out: Path) -> None:
    """An EDL with a record start of 01:00:00:00, as OTIO's reader returns it, saved as .otio.

    The track's source range starts at minus the record start; three clips of 20 frames.
    """
    frames(out / "plate", "plate.%04d.exr", range(1001, 1061))
    timeline = schema.Timeline("converted")
    track = schema.Track("V", kind="Video", source_range=span(-86400, 60))
    timeline.tracks.append(track)
    for index in range(3):
        reference = sequence("plate/", available=span(0, 60))
        track.append(clip(f"sh0{index + 1}0", reference, span(20 * index, 20)))
    save(out / "cut.otio", timeline)


@case
def track_kinds(out: Path) -> None:
    """Tracks whose kind is not exactly ``Video`` or ``Audio``."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1061))
    for name, kind in (("lower", "video"), ("empty", ""), ("subtitle", "Subtitle")):
        reference = sequence("plate/", available=span(0, 60))
        cut(out / f"{name}.otio", clip("sh010", reference, span(10, 20)), kind=kind)


@case
def still_held_numbered(out: Path) -> None:
    """A still whose name ends in a version number, held for 48 frames by its available range."""
    picture(out / "title_v02.png", numbered_bars(2), "uint8")
    cut(out / "cut.otio", clip("title", external("title_v02.png", span(0, 48)), span(0, 48)))


@case
def movie_names(out: Path) -> None:
    """Movies whose names contain the characters of patterns: @, #, %d."""
    names = {"at": "A001@24fps.mov", "hash": "take#1.mov", "percent": "100%d one.mov"}
    for name, file in names.items():
        cut(
            out / f"{name}.otio",
            clip("sh010", external(movie(out / file, 48), span(0, 48)), span(10, 20)),
        )


@case
def several_timelines(out: Path) -> None:
    """A collection of two timelines, as from a bin or an AAF with two compositions."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1061))
    collection = schema.SerializableCollection("bin")
    for name in ("reel_01", "reel_02"):
        timeline = schema.Timeline(name)
        track = schema.Track("V1", kind="Video")
        track.append(clip("sh010", sequence("plate/", available=span(0, 60)), span(10, 20)))
        timeline.tracks.append(track)
        collection.append(timeline)
    save(out / "bin.otio", collection)


@case
def metadata_infinity(out: Path) -> None:
    """Metadata with infinity and NaN; OTIO's reader accepts ``Inf`` as well as ``Infinity``."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1061))
    new_clip = clip("sh010", sequence("plate/", available=span(0, 60)), span(10, 20))
    new_clip.metadata["other"] = {"far": math.inf, "near": -math.inf, "none": math.nan}
    cut(out / "cut.otio", new_clip)
    text = (out / "cut.otio").read_text(encoding="utf-8")
    write(out / "short.otio", text.replace('"far": Infinity', '"far": Inf'))


@case
def bundles(out: Path) -> None:
    """One cut as .otio, .otioz and .otiod, written by OTIO with its media inside."""
    still = picture(out / "source" / "card.png", numbered_bars(7), "uint8")
    film = movie(out / "source" / "m24.mov", 48)
    timeline = cut(
        out / "cut.otio",
        clip("card", external(still, span(0, 1)), span(0, 1)),
        clip("sh010", external(film, span(0, 48)), span(10, 20)),
    )
    for ending in ("otioz", "otiod"):
        otio.adapters.write_to_file(timeline, str(out / f"cut.{ending}"))


@case
def lone_surrogate(out: Path) -> None:
    """A lone surrogate in a clip's name, which JSON's escapes allow and JavaScript writes."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1061))
    cut(out / "cut.otio", clip("HALF", sequence("plate/", available=span(0, 60)), span(10, 20)))
    path = out / "cut.otio"
    text = path.read_text(encoding="utf-8").replace('"HALF"', '"sh010 \\ud83d"')
    path.write_text(text, encoding="utf-8")
    json.loads(text)


@case
def adapter_prints(out: Path) -> None:
    """An AAF whose only clip references a mob that is not in the file; its reader prints that.

    Written by pyaaf2, which OTIO's AAF reader needs as well; without it, no file is made.
    """
    try:
        import aaf2
    except ImportError:
        return
    with aaf2.open(str(out / "cut.aaf"), "w") as file:
        mob = file.create.CompositionMob("cut")
        file.content.mobs.append(mob)
        slot = mob.create_timeline_slot(24)
        slot.slot_id = 1
        parts = file.create.Sequence(media_kind="picture")
        slot.segment = parts
        missing_clip = file.create.SourceClip(media_kind="picture", start=0, length=24)
        missing_clip["SourceID"].value = aaf2.mobid.MobID.new()
        missing_clip["SourceMobSlotID"].value = 1
        parts.components.append(missing_clip)


@case
def media_patterns(out: Path) -> None:
    """One sequence in the spellings of several hosts."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1011))
    for name, spelt in (
        ("houdini", "plate.$F4.exr"),
        ("frame", "plate.<frame>.exr"),
        ("star", "plate.*.exr"),
        ("rv", "plate.1001-1010@@@@.exr"),
        ("rv_hash", "plate.1001-1010#.exr"),
    ):
        reference = external(f"plate/{spelt}", span(1001, 10))
        cut(out / f"{name}.otio", clip("sh010", reference, span(1003, 6)))


@case
def cut_colour_space(out: Path) -> None:
    """A cut whose plates have no colour space; it is given to ``send``."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1005))
    cut(
        out / "cut.otio",
        clip("sh010", sequence("plate/", available=span(0, 4)), span(0, 4)),
        start=time_at(0),
    )
