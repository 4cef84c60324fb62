"""Malicious pictures do not harm the gateway: it reports them and does not read them again."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import psutil
import pytest
from case_inputs import exr_bytes

from bridge_core.errors import JobCancelled, MediaError, UnreadableMedia
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.settings import ColourSettings, ProxySettings
from bridge_gateway.media.decode_pool import ENDED_BY, DecodePool, memory_limit
from bridge_gateway.media.decode_tasks import CheckPlateTask
from bridge_gateway.media.picture_reader import read_for_proxy, read_picture
from bridge_gateway.media.picture_writer import write_picture
from bridge_gateway.media.plate_proxy_cache import PlateFile, PlateProxyCache
from bridge_gateway.media.plate_reader import probe

GREY = {name: np.full((4, 4), 0.5, np.float16) for name in "RGB"}


def write_claimed_window(path: Path, name: bytes, width: int, height: int) -> Path:
    """An EXR of 4x4 pixels whose header claims another window."""
    exr_bytes.write(path, exr_bytes.ExrPart(GREY))
    data = bytearray(path.read_bytes())
    at = data.index(name + b"\0box2i\0") + len(name) + 7 + 4
    data[at : at + 16] = struct.pack("<4i", 0, 0, width - 1, height - 1)
    path.write_bytes(data)
    return path


def write_png(path: Path, width: int, height: int) -> Path:
    """A black picture, a few thousand times larger in memory than on disk."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        typed = kind + data
        return struct.pack(">I", len(data)) + typed + struct.pack(">I", zlib.crc32(typed))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + 3 * width)) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def write_flat_exr(path: Path, width: int, height: int) -> Path:
    spec = oiio.ImageSpec(width, height, 3, "half")
    spec.attribute("compression", "zip")
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    rows = np.full((16, width, 3), 0.5, np.float16)
    for y in range(0, height, 16):
        end = min(y + 16, height)
        assert out.write_scanlines(y, end, 0, rows[: end - y])
    out.close()
    return path


class StillsViewer:
    """Reads proxies of stills, as a panel does."""

    def __init__(self, folder: Path, **more: float) -> None:
        self.decoder = DecodePool(processes=1, **more)
        self._proxies = PlateProxyCache(
            folder / "proxies", ColourSettings(), ProxySettings(), decoder=self.decoder
        )
        self.close = self._proxies.close

    def proxy_of(self, path: Path) -> Path:
        plate = Plate(path=str(path), range=FrameRange.of(1, 1), colour_space="ACEScg")
        return self._proxies.proxy(plate, PlateFile(path, str(path.stat().st_mtime_ns)), 1)

    def refused_error(self, path: Path) -> UnreadableMedia:
        with pytest.raises(UnreadableMedia) as excinfo:
            self.proxy_of(path)
        return excinfo.value


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StillsViewer]:
    viewer = StillsViewer(tmp_path_factory.mktemp("viewer"))
    yield viewer
    viewer.close()


def decoder_processes() -> list[psutil.Process]:
    """Our decoding processes."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE
        and "bridge_gateway.media.decode_worker" in child.cmdline()
    ]


def test_oversized_windows_in_a_header_are_refused(viewer: StillsViewer, tmp_path: Path) -> None:
    assert viewer.proxy_of(
        exr_bytes.write(tmp_path / "good.exr", exr_bytes.ExrPart(GREY))
    ).is_file()
    before = decoder_processes()
    for name, reason in (
        (b"displayWindow", "its display window of 30000x30000 is too large"),
        (b"dataWindow", "a corrupt or malicious header"),  # OpenImageIO's message
    ):
        bomb = write_claimed_window(tmp_path / "bomb.exr", name, 30_000, 30_000)
        assert bomb.stat().st_size < 600
        error = viewer.refused_error(bomb)
        assert reason in error.message
        assert error.where == f"{bomb}, frame 1"
    assert decoder_processes() == before  # no process was lost


@pytest.mark.parametrize("side", [2_000, pytest.param(12_000, marks=pytest.mark.attack)])
def test_highly_compressed_pictures_do_not_affect_the_gateway(
    viewer: StillsViewer, tmp_path: Path, side: int
) -> None:
    """Shown if memory and time allow it, otherwise refused; never read in this process."""
    for path in (
        write_png(tmp_path / "large.png", side, side),
        write_flat_exr(tmp_path / "large.exr", side, side),
    ):
        before = psutil.Process().memory_info().rss
        try:
            assert viewer.proxy_of(path).is_file()
        except UnreadableMedia as error:
            assert path.name in error.message
        assert psutil.Process().memory_info().rss - before < 100_000_000


def test_a_file_that_ended_its_process_is_not_read_again(tmp_path: Path) -> None:
    """With a time limit of 0, every picture exceeds it: the process takes longer to start."""
    before = decoder_processes()
    viewer = StillsViewer(tmp_path, frame_timeout=0.0)
    try:
        slow = exr_bytes.write(tmp_path / "slow.exr", exr_bytes.ExrPart(GREY))
        error = viewer.refused_error(slow)
        assert "time limit" in error.details[ENDED_BY]
        assert decoder_processes() == before
        started: list[object] = []
        viewer.decoder.run = lambda *_, **__: started.append(1)  # type: ignore[method-assign]
        assert viewer.refused_error(slow).message == error.message
        assert started == []  # no second task
        viewer.proxy_of(exr_bytes.write(tmp_path / "other.exr", exr_bytes.ExrPart(GREY)))
        assert started == [1]
    finally:
        viewer.close()


class IsolatedDecoder:
    """A separate decoder, with its processes distinguished from those of others."""

    def __init__(self, folder: Path, **more: bool) -> None:
        self._others = decoder_processes()
        self.decoder = DecodePool(processes=1, **more)
        plate = Plate(path=str(folder / "plate.%04d.exr"), range=FrameRange.of(1, 3))
        files = {frame: Path(plate.path_at(frame)) for frame in plate.range.frames()}
        for path in files.values():
            exr_bytes.write(path, exr_bytes.ExrPart(GREY))
        self.task = CheckPlateTask(plate=plate, files=files, frames=(1, 2, 3))

    def processes(self) -> list[psutil.Process]:
        return [process for process in decoder_processes() if process not in self._others]

    def signal_first_process(self, number: signal.Signals) -> Callable[[], None]:
        """A callback that signals the first process before it can have sent a result, because it
        has only just been started."""
        sent: list[psutil.Process] = []

        def check_cancelled() -> None:
            if not sent:
                sent.extend(self.processes())
                for process in sent:
                    process.send_signal(number)

        return check_cancelled


@pytest.fixture
def own_decoder(tmp_path: Path) -> Iterator[IsolatedDecoder]:
    own = IsolatedDecoder(tmp_path, retry_killed=True)
    yield own
    own.decoder.close()


def test_a_crash_is_reported_and_the_next_task_works(own_decoder: IsolatedDecoder) -> None:
    with pytest.raises(UnreadableMedia) as excinfo:
        own_decoder.decoder.run(
            own_decoder.task, check_cancelled=own_decoder.signal_first_process(signal.SIGSEGV)
        )
    assert excinfo.value.details[ENDED_BY] == "signal SIGSEGV"
    assert excinfo.value.message.startswith(
        "plate.0001.exr cannot be read: the process that read it"
    )
    seen: list[int] = []
    own_decoder.decoder.run(own_decoder.task, frame_done=seen.append)
    assert seen == [1, 2, 3]


def test_a_killed_process_is_replaced_within_a_job(
    own_decoder: IsolatedDecoder,
) -> None:
    seen: list[int] = []
    own_decoder.decoder.run(
        own_decoder.task,
        check_cancelled=own_decoder.signal_first_process(signal.SIGKILL),
        frame_done=seen.append,
    )
    assert seen == [1, 2, 3]


def test_a_cancellation_ends_the_process(own_decoder: IsolatedDecoder) -> None:
    own_decoder.decoder.run(own_decoder.task)
    [process] = own_decoder.processes()

    def cancelled() -> None:
        raise JobCancelled("cancelled")

    with pytest.raises(JobCancelled):
        own_decoder.decoder.run(own_decoder.task, check_cancelled=cancelled)
    assert not process.is_running()


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of the Linux kernel")
def test_the_memory_limit_is_enforced(tmp_path: Path) -> None:
    """An allocation beyond the limit fails, and only that."""
    code = (
        "import numpy as np\n"
        "from bridge_gateway.workers import child_main\n"
        "child_main._limit_memory(1 << 30)\n"
        "np.ones(1 << 28, np.uint8)\n"
        "try: np.ones(1 << 31, np.uint8)\n"
        "except MemoryError: print('refused')\n"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert completed.stdout == "refused\n"
    assert memory_limit() >= 4 << 30


def test_channel_names_that_are_not_utf8_are_reported(viewer: StillsViewer, tmp_path: Path) -> None:
    path = exr_bytes.write(tmp_path / "latin.exr", exr_bytes.ExrPart({**GREY, "Z": GREY["R"]}))
    path.write_bytes(path.read_bytes().replace(b"Z\0", b"\xe9\0", 1))
    assert viewer.refused_error(path).message == (
        "latin.exr cannot be read: the name '\\udce9' of a channel or part is not UTF-8"
    )


def test_text_in_any_encoding_is_kept(tmp_path: Path) -> None:
    attributes = [
        ("comment", "string", "caf\xe9".encode("latin-1")),
        ("colorInteropID", "string", b"\xff\xfe"),
    ]
    path = exr_bytes.write(tmp_path / "latin.exr", exr_bytes.ExrPart(GREY, attributes))
    picture = read_picture(path)
    write_picture(tmp_path / "copy.exr", picture)
    kept = {name: value for name, _, value in exr_bytes.read_attributes(tmp_path / "copy.exr")}
    assert kept["comment"] == b"caf\xe9"
    tag = probe(path).colour_tag
    assert tag is not None
    tag.description.encode()


@pytest.mark.parametrize("suffix", [".exr", ".dpx", ".tif", ".png", ".jpg"])
@pytest.mark.parametrize("count", [12, pytest.param(1000, marks=pytest.mark.attack)])
def test_damaged_files_are_shown_or_refused_with_an_error(
    viewer: StillsViewer, tmp_path: Path, suffix: str, count: int
) -> None:
    """Bytes changed, removed or inserted at random positions with a fixed seed."""
    random = np.random.default_rng(9)
    whole = tmp_path / f"whole{suffix}"
    kind = oiio.HALF if suffix == ".exr" else oiio.UINT8
    picture = oiio.ImageBuf(oiio.ImageSpec(32, 18, 3, kind))
    oiio.ImageBufAlgo.noise(picture, "uniform", 0.0, 1.0)
    assert picture.write(str(whole))
    data = whole.read_bytes()
    for number in range(count):
        at = int(random.integers(4, len(data) if number % 2 else min(len(data), 400)))
        noise = random.bytes(int(random.integers(1, 5)))
        damaged = {
            0: data[:at] + noise + data[at + len(noise) :],
            1: data[:at],
            2: data[:at] + noise + data[at:],
        }[number % 3]
        path = tmp_path / f"damaged{number}{suffix}"
        path.write_bytes(damaged)
        try:
            assert viewer.proxy_of(path).is_file()
        except MediaError as error:
            assert path.name in error.message or path.name in error.where, error


def test_a_proxy_reads_only_the_main_layer(viewer: StillsViewer, tmp_path: Path) -> None:
    """A damaged layer that the proxy does not show does not prevent it."""
    colours = {name: np.full((32, 32), 0.5, np.float16) for name in "RGB"}
    path = exr_bytes.write(
        tmp_path / "layers.exr",
        exr_bytes.ExrPart({name: plane * 0.1 for name, plane in colours.items()}, name="AO"),
        exr_bytes.ExrPart(colours, name="Combined"),
        exr_bytes.ExrPart({"Z": np.ones((32, 32), np.float32)}, name="depth"),
    )
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UnreadableMedia):
        read_picture(path)
    assert read_for_proxy(path).main_part.channels == ("R", "G", "B")
    assert (read_for_proxy(path).rgb() == np.float32(0.5)).all()
    assert viewer.proxy_of(path).is_file()
