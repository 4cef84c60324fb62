"""FFmpeg opens only the given file, whatever it contains, and reads tags in any encoding."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import synthetic_media as synthetic

from bridge_core.errors import UnreadableMedia
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import MOVIE_EXTENSIONS, Plate
from bridge_gateway.media.movie_reader import MovieReader
from bridge_gateway.media.plate_reader import probe

SECRET = "secret.mp4"


def _playlist(secret: Path) -> str:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n"


def _dash(secret: Path) -> str:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">'
        f'<Representation id="1" bandwidth="1"><BaseURL>{secret.as_uri()}</BaseURL>'
        "<SegmentBase/></Representation></AdaptationSet></Period></MPD>"
    )


#: What FFmpeg by default accepts as a list of other files, a pipe, a program or another medium.
LISTS: dict[str, Callable[[Path], str]] = {
    "m3u8": _playlist,
    "m3u8 by URL": lambda secret: _playlist(Path(secret.as_uri())),
    "concat": lambda secret: f"ffconcat version 1.0\nfile '{secret}'\n",
    "concat beside": lambda secret: f"ffconcat version 1.0\nfile {secret.parent.name}/{SECRET}\n",
    "dash": _dash,
    "sdp": lambda secret: "v=0\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
    "ffmetadata": lambda secret: f";FFMETADATA1\ntitle={secret}\n",
    "subtitles": lambda secret: "1\n00:00:00,000 --> 00:00:01,000\nWords\n",
    "ass": lambda secret: "[Script Info]\nScriptType: v4.00+\n[Events]\n",
    "text": lambda secret: f"{secret}\n" * 50,
    "vobsub": lambda secret: "# VobSub index file, v7\n",
    "rtsp redirect": lambda secret: f"[Reference]\nRef1=file://{secret}\n",
}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "outside" / SECRET
    path.parent.mkdir()
    synthetic.write_h264(path, 5, Fraction(24))
    return path


@pytest.mark.parametrize("suffix", sorted(MOVIE_EXTENSIONS))
@pytest.mark.parametrize("kind", LISTS)
def test_lists_of_other_files_are_refused(
    tmp_path: Path, secret: Path, kind: str, suffix: str
) -> None:
    path = tmp_path / f"plate{suffix}"
    path.write_text(LISTS[kind](secret))
    with pytest.raises(UnreadableMedia, match="plate"):
        MovieReader(path)


def test_ffmpeg_would_follow_a_list(tmp_path: Path, secret: Path) -> None:
    """Proves that the test above can fail."""
    path = tmp_path / "plate.mov"
    path.write_text(LISTS["concat beside"](secret))
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5


@pytest.mark.parametrize(
    "name", ["take%03d.mov", "take#1.mov", "concat:take.mov", "data:,x.mov", "a|b.mov", "-.mov"]
)
def test_names_with_a_meaning_to_ffmpeg_are_plain_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    synthetic.write_h264(path.with_name("made.mov"), 3, Fraction(24))
    path.with_name("made.mov").rename(path)
    with MovieReader(path) as movie:
        assert movie.info.frame_count == 3


def test_references_to_other_files_are_not_followed(tmp_path: Path, secret: Path) -> None:
    """QuickTime movies may refer to samples in another file, by an alias in ``dref``."""
    path = tmp_path / "plate.mov"
    synthetic.write_h264(path, 5, Fraction(24))
    data = path.read_bytes()
    at = data.index(b"dref")
    # A url with flag 1 means this file, an alias with a path (types 2 and 18) another one.
    target = str(secret).encode()
    tail = b"".join(
        kind.to_bytes(2, "big") + len(text).to_bytes(2, "big") + text + b"\0" * (len(text) % 2)
        for kind, text in ((2, target), (18, target))
    )
    alias = bytes(150) + tail + b"\xff\xff\0\0"
    entry = b"alis" + bytes(4) + alias
    entry = (len(entry) + 4).to_bytes(4, "big") + entry
    old = data[at + 12 : at + 24]
    assert old[4:8] == b"url "
    patched = data[: at + 12] + entry + data[at + 24 :]
    grown = len(entry) - len(old)
    # All enclosing boxes grow as well; sample offsets stay, since mdat comes first.
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        offset = patched.index(box) - 4
        size = int.from_bytes(patched[offset : offset + 4], "big") + grown
        patched = patched[:offset] + size.to_bytes(4, "big") + patched[offset + 4 :]
    path.write_bytes(patched)
    with pytest.raises(UnreadableMedia), MovieReader(path) as movie:
        movie.read(0)


# Tags in other encodings


def _with_title(path: Path, title: bytes) -> None:
    """Write a movie with these bytes as its title."""
    marker = "T" * len(title)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.metadata["title"] = marker
        stream.metadata["title"] = marker
        stream.metadata["handler_name"] = marker
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(
                np.full((64, 64, 3), 60 * number, np.uint8), format="rgb24"
            )
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    assert marker.encode() in data
    path.write_bytes(data.replace(marker.encode(), title))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi"])
@pytest.mark.parametrize(
    "title",
    ["Größe und Maß".encode("latin-1"), "映画".encode("shift-jis"), b"\xff\xfe\x80" * 4, b"\0" * 6],
)
def test_tags_in_any_encoding(tmp_path: Path, suffix: str, title: bytes) -> None:
    path = tmp_path / f"plate{suffix}"
    _with_title(path, title)
    with MovieReader(path) as movie:
        assert (movie.info.frame_count, movie.info.rate) == (3, 25)
        movie.read(2)


@pytest.mark.parametrize("text", ["x", "", "::::", "99:99:99:99", "01:00:00:30", "01:00:00;00"])
def test_an_invalid_timecode_is_ignored(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plate.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.metadata["timecode"] = text
        for number in range(2):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with MovieReader(path) as movie:
        assert movie.info.start_timecode is None
        assert movie.read(1).timecode is None


def test_errors_of_an_uploaded_movie_name_the_plate(tmp_path: Path) -> None:
    """An uploaded file is named by its hash."""
    path = tmp_path / ("0f" * 32)
    synthetic.write_h264(tmp_path / "made.mov", 3, Fraction(24))
    (tmp_path / "made.mov").rename(path)
    facts = probe(Plate(path="C:/plates/take.mov", range=FrameRange.of(1, 3)), {1: path})
    assert (facts.frame_count, facts.rate) == (3, 24)
