"""Damaged files are refused, full disks are reported, and incomplete files get no final name."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
import synthetic_media as synthetic
from synthetic_media import SyntheticLayer

from bridge_core.errors import DiskFull, NotWritable, StorageError, UnreadableMedia
from bridge_core.models.frames import to_rate
from bridge_core.system import files
from bridge_gateway.media.colour import ColourManager
from bridge_gateway.media.movie_writer import MovieCodec, write_movie
from bridge_gateway.media.picture import Picture
from bridge_gateway.media.picture_reader import read_picture
from bridge_gateway.media.picture_writer import write_picture
from bridge_gateway.media.proxy_writer import write_proxy

RGB = dict.fromkeys("RGB", "half")


def _exr(path: Path, compression: str) -> None:
    synthetic.write_exr(path, [SyntheticLayer(RGB, compression=compression)], (0, 0, 256, 192))


def _parts(path: Path) -> None:
    layers = [
        SyntheticLayer(RGB, name="rgb"),
        SyntheticLayer({"Z": "float"}, name="depth", compression="zips"),
    ]
    synthetic.write_exr(path, layers, (0, 0, 256, 192))


def _plain(kind: type, **attributes: object) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        pixels = synthetic.gradient(256, 192)
        if kind is not np.float32:
            pixels = (pixels * np.iinfo(kind).max).astype(kind)
        synthetic.write_plain(path, pixels, **attributes)

    return write


WRITERS: dict[str, Callable[[Path], None]] = {
    **{
        f"{name}.exr": lambda path, name=name: _exr(path, name)
        for name in ("none", "rle", "zips", "zip", "piz", "pxr24", "b44", "dwaa", "dwab")
    },
    "parts.exr": _parts,
    "8.dpx": _plain(np.uint8),
    "10.dpx": _plain(np.uint16, oiio__BitsPerSample=10),
    "12.dpx": _plain(np.uint16, oiio__BitsPerSample=12),
    "16.dpx": _plain(np.uint16, oiio__BitsPerSample=16),
    "none.tif": _plain(np.uint16, compression="none"),
    "zip.tif": _plain(np.uint16, compression="zip"),
    "float.tif": _plain(np.float32, compression="lzw"),
    "8.png": _plain(np.uint8),
    "16.png": _plain(np.uint16),
    "still.jpg": _plain(np.uint8),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_truncated_file_is_unreadable(tmp_path: Path, name: str) -> None:
    whole = tmp_path / name
    WRITERS[name](whole)
    read_picture(whole)
    data = whole.read_bytes()
    size = len(data)
    cut = tmp_path / f"cut{whole.suffix}"
    lengths = {0, 1, 4, 40, 400, size // 4, size // 2, size * 3 // 4, size - 4000, size - 100}
    for length in sorted(n for n in lengths | {size - 12, size - 2, size - 1} if n >= 0):
        cut.write_bytes(data[:length])
        with pytest.raises(UnreadableMedia) as caught:
            read_picture(cut)
        assert cut.name in caught.value.message, f"cut to {length} of {size} bytes"
        assert caught.value.where == str(cut)


def test_a_damaged_block_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "plate.exr"
    _exr(path, "zip")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)
    with pytest.raises(UnreadableMedia):
        read_picture(path)


@pytest.mark.parametrize("content", [b"", b"not a picture at all", b"GIF89a" + bytes(100)])
def test_other_content_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plate.exr"
    path.write_bytes(content)
    with pytest.raises(UnreadableMedia, match=r"plate\.exr"):
        read_picture(path)


def test_a_missing_file_or_a_folder_is_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.exr", tmp_path):
        with pytest.raises(UnreadableMedia):
            read_picture(path)


def test_an_oversized_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.exr"
    synthetic.write_raw_exr(path, {name: np.zeros((2, 2), np.float16) for name in "RGB"})
    data = bytearray(path.read_bytes())
    at = data.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    struct.pack_into("<iiii", data, at, 0, 0, 59_999, 59_999)
    path.write_bytes(data)
    with pytest.raises(UnreadableMedia):
        read_picture(path)


def test_deep_pictures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.exr"
    spec = oiio.ImageSpec(4, 4, 4, "half")
    spec.channelnames = ("R", "G", "B", "A")
    spec.deep = True
    out = oiio.ImageOutput.create("openexr")
    assert out.open(str(path), spec)
    samples = oiio.DeepData()
    samples.init(16, 4, (oiio.TypeHalf,) * 4, spec.channelnames)
    assert out.write_deep_image(samples), out.geterror()
    assert out.close()
    with pytest.raises(UnreadableMedia, match="flatten"):
        read_picture(path)


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    path = tmp_path / "plate.exr"
    _exr(path, "none")
    return read_picture(path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    if not _mount_disk(folder, "size=64k"):
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _mount_disk(folder: Path, options: str) -> bool:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.parametrize("suffix", ["exr", "dpx", "tif", "png", "jpg"])
def test_a_full_disk_is_reported_and_leaves_nothing(
    small_disk: Path, tmp_path: Path, suffix: str
) -> None:
    source = tmp_path / f"still.{suffix}"
    if suffix == "exr":
        _exr(source, "none")
    else:
        noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
        synthetic.write_plain(source, noise)
    with pytest.raises(DiskFull) as caught:
        write_picture(small_disk / f"version.1001.{suffix}", read_picture(source))
    assert "version.1001" in caught.value.message
    assert list(small_disk.iterdir()) == []


def test_an_existing_file_survives_a_full_disk(small_disk: Path, picture: Picture) -> None:
    path = small_disk / "version.1001.exr"
    path.write_bytes(b"older")
    with pytest.raises(DiskFull):
        write_picture(path, picture)
    assert path.read_bytes() == b"older"


def test_proxies_and_movies_report_a_full_disk(small_disk: Path, colour: ColourManager) -> None:
    (small_disk / "rest").write_bytes(bytes(48 << 10))
    noise = np.random.default_rng(0).random((256, 256, 3), np.float32)
    with pytest.raises(DiskFull):
        write_proxy(small_disk / "1001.jpg", noise, "data", colour, 256, 100)
    with pytest.raises(DiskFull):
        write_movie(
            small_disk / "cut.mov",
            (noise for _ in range(20)),
            codec=MovieCodec.PRORES_4444,
            rate=to_rate(24),
        )
    assert [path.name for path in small_disk.iterdir()] == ["rest"]


def test_a_file_size_limit_is_reported(tmp_path: Path) -> None:
    """As with a quota; needs no root, in a separate process."""
    pytest.importorskip("resource")
    program = """
import resource, sys
from pathlib import Path
from bridge_gateway.media.picture_reader import read_picture
from bridge_gateway.media.picture_writer import write_picture
from bridge_core.errors import DiskFull
plate, folder = Path(sys.argv[1]), Path(sys.argv[2])
picture = read_picture(plate)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    write_picture(folder / "out.exr", picture)
except DiskFull:
    print("listed", list(folder.iterdir()))
"""
    plate, folder = tmp_path / "plate.exr", tmp_path / "out"
    _exr(plate, "none")
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", program, str(plate), str(folder)], capture_output=True, text=True
    )
    assert done.stdout == "listed []\n", done.stderr


def test_a_read_only_disk_is_not_writable(tmp_path: Path, picture: Picture) -> None:
    folder = tmp_path / "read only"
    folder.mkdir()
    if not _mount_disk(folder, "ro"):
        folder.chmod(0o500)
    try:
        with pytest.raises(NotWritable) as caught:
            write_picture(folder / "version.exr", picture)
        assert str(folder) in caught.value.next_step
    finally:
        subprocess.run(["umount", str(folder)], capture_output=True)
        folder.chmod(0o700)


def test_a_missing_folder_is_not_writable(tmp_path: Path, picture: Picture) -> None:
    with pytest.raises(NotWritable):
        write_picture(tmp_path / "gone" / "version.exr", picture)


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="half way"),
        files.atomic_write(tmp_path / "a.exr") as partial,
    ):
        partial.write_bytes(b"half")
        raise ValueError("half way")
    assert list(tmp_path.iterdir()) == []


def test_a_kill_leaves_only_a_partial_file(tmp_path: Path) -> None:
    program = """
import os, sys
from pathlib import Path
from bridge_core.system import files
with files.atomic_write(Path(sys.argv[1]) / "a.exr") as partial:
    partial.write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)])
    (leftover,) = tmp_path.iterdir()
    assert leftover.name.startswith(".partial-")
    (tmp_path / "b.exr").write_bytes(b"whole")
    assert files.remove_partial_files(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.exr"]


def test_names_of_maximum_length(tmp_path: Path, picture: Picture) -> None:
    path = tmp_path / f"{'x' * 251}.exr"
    write_picture(path, picture)
    assert path.exists()
    with pytest.raises(StorageError):
        write_picture(tmp_path / f"{'x' * 252}.exr", picture)
    assert list(tmp_path.glob(".*")) == []
