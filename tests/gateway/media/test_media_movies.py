"""Movies return the right frame, at the right depth and in the right colours."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import synthetic_media as synthetic

from bridge_core.errors import CheckFailed, InvalidRequest, MissingFrames, UnreadableMedia
from bridge_gateway.media.movie_reader import MovieReader
from bridge_gateway.media.movie_writer import MovieCodec, write_movie
from bridge_gateway.media.yuv import BT601, BT709, BT2020, from_rgb, matrix_of, to_rgb

NTSC = Fraction(24000, 1001)
ENDINGS = {
    MovieCodec.PRORES_422_HQ: ".mov",
    MovieCodec.PRORES_4444: ".mov",
    MovieCodec.H264: ".mp4",
    MovieCodec.HEVC_10: ".mp4",
    MovieCodec.HEVC_12: ".mp4",
}
#: Forwards, backwards, across key frames, the same frame twice, first and last.
ORDER = (0, 1, 2, 299, 250, 249, 251, 3, 3, 130, 129, 0, 298, 299)


@pytest.mark.parametrize("codec", MovieCodec)
@pytest.mark.parametrize("rate", [Fraction(25), NTSC, Fraction(30000, 1001)])
def test_movies_return_frame_by_frame(tmp_path: Path, codec: MovieCodec, rate: Fraction) -> None:
    path = tmp_path / f"Schnitt ö{ENDINGS[codec]}"
    count = write_movie(
        path,
        (synthetic.numbered(i) for i in range(300)),
        codec=codec,
        rate=rate,
        start_timecode="09:59:58:00",
    )
    assert count == 300
    with MovieReader(path) as movie:
        assert movie.info.frame_count == 300
        assert movie.info.rate == rate
        assert movie.info.start_timecode == "09:59:58:00"
        assert movie.info.decoding == "BT.709, video range"
        assert [synthetic.number_in(movie.read(i).rgb()) for i in ORDER] == list(ORDER)
        picture = movie.read(100)
        assert picture.timecode == ("10:00:02:00" if rate == 25 else picture.timecode)
        error = np.abs(picture.rgb() - synthetic.numbered(100))
        assert error.mean() < 0.004
        assert np.abs((picture.rgb() - synthetic.numbered(100)).mean(axis=(0, 1))).max() < 0.004
        for beyond in (300, -1):
            with pytest.raises(MissingFrames):
                movie.read(beyond)


def test_timecode_advances_with_the_frames(tmp_path: Path) -> None:
    path = tmp_path / "cut.mov"
    write_movie(
        path,
        (synthetic.numbered(i) for i in range(3)),
        codec=MovieCodec.PRORES_422_HQ,
        rate=Fraction(30000, 1001),
        start_timecode="00:00:59;29",
    )
    with MovieReader(path) as movie:
        codes = [movie.read(i).timecode for i in range(3)]
    assert codes == ["00:00:59;29", "00:01:00;02", "00:01:00;03"]


def test_frames_beyond_39_have_no_timecode_in_the_header(tmp_path: Path) -> None:
    """SMPTE ST 12-1 has two bits for the tens of frames; 50 frames per second need more."""
    path = tmp_path / "cut.mov"
    pictures = (synthetic.numbered(i) for i in range(3))
    write_movie(
        path,
        pictures,
        codec=MovieCodec.PRORES_422_HQ,
        rate=Fraction(50),
        start_timecode="00:00:00:38",
    )
    with MovieReader(path) as movie:
        assert [movie.read(i).timecode for i in range(3)] == ["00:00:00:38", "00:00:00:39", None]
        assert movie.info.timecode_at(2) == "00:00:00:40"


def test_prores_keeps_more_than_eight_bits(tmp_path: Path) -> None:
    path = tmp_path / "ramp.mov"
    ramp = np.repeat(np.linspace(0, 1, 1024, dtype=np.float32)[None, :, None], 64, axis=0)
    ramp = np.repeat(ramp, 3, axis=2)
    write_movie(path, [ramp], codec=MovieCodec.PRORES_4444, rate=Fraction(24))
    with MovieReader(path) as movie:
        picture = movie.read(0)
        assert movie.info.bits > 8
    assert len(np.unique(picture.rgb()[32, :, 1].round(5))) > 700
    assert np.abs(picture.rgb() - ramp).max() < 2 / 1023


def test_head_and_footroom_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "bright.mov"
    grey = np.full((64, 64, 3), 1.05, np.float32)
    grey[:, :32] = -0.03
    write_movie(path, [grey], codec=MovieCodec.PRORES_4444, rate=Fraction(24))
    with MovieReader(path) as movie:
        rgb = movie.read(0).rgb()
    assert abs(rgb[32, 48].mean() - 1.05) < 0.003
    assert abs(rgb[32, 16].mean() + 0.03) < 0.003


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_b_frames_and_long_gops(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"camera{suffix}"
    synthetic.write_h264(path, 300, NTSC)
    with MovieReader(path) as movie:
        assert movie.info.frame_count == 300
        assert movie.info.rate == NTSC
        assert [synthetic.number_in(movie.read(i).rgb()) for i in ORDER] == list(ORDER)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_open_gops(tmp_path: Path, suffix: str) -> None:
    """Pictures displayed before a key frame, but stored after it, that refer to the GOP before."""
    path = tmp_path / f"open{suffix}"
    open_groups = "open-gop=1:keyint=12:min-keyint=12:scenecut=0:b-adapt=0"
    synthetic.write_h264(path, 120, Fraction(25), g="12", **{"x264-params": open_groups})
    wanted = [11, 60, 59, 100, 24, 23, 22, 21, 119, 35, 34, 33, 36, 47, 46, 45, 0, 96, 95, 94]
    with MovieReader(path) as movie:
        assert [synthetic.number_in(movie.read(i).rgb()) for i in wanted] == wanted


def test_a_variable_rate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "phone.mp4"
    times = [0, 40, 80, 120, 300, 340, 500, 540, 580, 620]
    synthetic.write_h264(path, 10, Fraction(25), times=times, bf="0")
    with pytest.raises(UnreadableMedia, match="variable frame rate"), MovieReader(path) as movie:
        for index in range(10):
            movie.read(index)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("front", [True, False])
def test_a_truncated_movie_is_reported(tmp_path: Path, share: float, front: bool) -> None:
    path = tmp_path / "cut.mov"
    with av.open(str(path), "w", options={"movflags": "faststart"} if front else {}) as container:
        stream = container.add_stream("prores_ks", rate=24)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv422p10le"
        for number in range(20):
            rgb = (synthetic.numbered(number) * 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UnreadableMedia), MovieReader(path) as movie:
        got = [synthetic.number_in(movie.read(i).rgb()) for i in range(20)]
        assert got == list(range(20))


def test_other_content_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.mov"
    for content in (b"", b"nothing" * 100):
        path.write_bytes(content)
        with pytest.raises(UnreadableMedia, match=r"cut\.mov"):
            MovieReader(path)
    with pytest.raises(UnreadableMedia):
        MovieReader(tmp_path / "gone.mov")


@pytest.mark.parametrize(
    ("pixels", "full"), [("yuv420p", False), ("yuvj420p", True), ("yuv444p", False)]
)
@pytest.mark.parametrize(("tag", "matrix"), [(1, BT709), (5, BT601), (9, BT2020), (2, None)])
def test_matrix_and_range_follow_the_tags(
    tmp_path: Path, pixels: str, full: bool, tag: int, matrix: object
) -> None:
    """Codes are written unchanged; the tags define their meaning."""
    path = tmp_path / "tagged.mp4"
    codes = (120, 90, 170)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
        stream.codec_context.colorspace = tag
        stream.codec_context.color_range = 2 if full else 1
        frame = av.VideoFrame(64, 64, pixels)
        for plane, code in zip(frame.planes, codes, strict=True):
            plane.update(bytes([code]) * plane.buffer_size)
        frame.colorspace, frame.color_range, frame.pts = tag, 2 if full else 1, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with MovieReader(path) as movie:
        rgb = movie.read(0).rgb()[32, 32].astype(float)
    kr, kb = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}.get(tag, (0.299, 0.114))
    y = codes[0] / 255 if full else (codes[0] - 16) / 219
    cb, cr = ((code - 128) / (255 if full else 224) for code in codes[1:])
    red, blue = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    assert np.abs(rgb - [red, green, blue]).max() < 1e-4


def test_untagged_pictures_are_bt709_from_hd_on() -> None:
    assert matrix_of(2, 1280, 720) is BT709
    assert matrix_of(2, 720, 576) is BT601
    assert matrix_of(14, 1920, 1080) is None


@pytest.mark.parametrize("matrix", [BT601, BT709, BT2020])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_matrices_are_inverse(matrix: object, bits: int) -> None:
    rgb = synthetic.gradient()
    back = to_rgb(from_rgb(rgb, bits, matrix), bits, matrix, full=False)  # type: ignore[arg-type]
    assert np.abs(back - rgb).max() < 2.0 / (1 << bits) * 1.2


def test_unsupported_movies_are_refused(tmp_path: Path) -> None:
    good = synthetic.numbered(0)
    odd = good[:, :159]
    with pytest.raises(InvalidRequest, match="even"):
        write_movie(tmp_path / "a.mp4", [odd], codec=MovieCodec.H264, rate=Fraction(24))
    with pytest.raises(InvalidRequest, match=r"\.mov"):
        write_movie(tmp_path / "a.mp4", [good], codec=MovieCodec.PRORES_4444, rate=Fraction(24))
    bad = good.copy()
    bad[3, 3, 0] = np.nan
    for pictures in ([], [good, odd], [good, bad]):
        with pytest.raises(CheckFailed):
            write_movie(
                tmp_path / "a.mov", pictures, codec=MovieCodec.PRORES_4444, rate=Fraction(24)
            )
    assert list(tmp_path.iterdir()) == []
