"""Proxies of plates: what they show, when they are rendered again, and what is refused."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import OpenImageIO as oiio
import pytest
from in_process_gateway import InProcessGateway

from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.settings import ColourSettings, ProxySettings
from bridge_gateway.media.plate_proxy_cache import PlateFile, PlateProxyCache


def proxy_query(own_gateway: InProcessGateway, frame: int = 1001, **file: Any) -> dict[str, Any]:
    submission = own_gateway.submission(frames=3)
    source = next(f for f in submission.plate_files if f.frame == frame)
    return {
        "plate": submission.request.shot.plate.model_dump(mode="json"),
        "file": {**source.model_dump(mode="json"), **file},
        "frame": frame,
    }


def read_pixels(jpeg: bytes, folder: Path) -> Any:
    path = folder / "shown.jpg"
    path.write_bytes(jpeg)
    return oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT)


def test_a_frame_is_shown_with_the_display_view(gateway: InProcessGateway, tmp_path: Path) -> None:
    answer = gateway.call("POST", "/v1/media/proxy", proxy_query(gateway, 1002))
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "image/jpeg"
    shown = read_pixels(answer.body, tmp_path)
    assert shown.shape == (18, 32, 3)
    # 1002 / 2000 in ACEScg is grey, and brighter on a display than in linear light.
    assert shown.max() - shown.min() < 0.02
    assert shown.mean() > 0.55


def test_a_proxy_is_made_once_and_again_when_its_file_changes(
    own_gateway: InProcessGateway,
) -> None:
    def proxy_files() -> set[Path]:
        return set((own_gateway.settings.data_dir / "plate_proxies").rglob("*.jpg"))

    first = own_gateway.call("POST", "/v1/media/proxy", proxy_query(own_gateway)).body
    [kept] = proxy_files()
    before = kept.stat().st_ino
    assert own_gateway.call("POST", "/v1/media/proxy", proxy_query(own_gateway)).body == first
    assert {path.stat().st_ino for path in proxy_files()} == {before}

    old = proxy_query(own_gateway)
    picture = oiio.ImageBuf(oiio.ImageSpec(32, 18, 3, "half"))
    oiio.ImageBufAlgo.fill(picture, (0.0, 0.0, 0.9))
    assert picture.write(old["file"]["path"])
    refused = own_gateway.call("POST", "/v1/media/proxy", old)
    assert (refused.status, refused.json()["code"]) == (409, "plate_changed")
    assert own_gateway.call("POST", "/v1/media/proxy", proxy_query(own_gateway)).body != first
    assert len(proxy_files()) == 2


def test_pictures_that_were_sent_are_shown_by_their_content(
    gateway: InProcessGateway, tmp_path: Path
) -> None:
    ask = proxy_query(gateway, 1003)
    data = Path(ask["file"]["path"]).read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    ask["file"].update(path="/only/at/the/clients/plate.1003.exr", sha256=sha256)
    missing = gateway.call("POST", "/v1/media/proxy", ask)
    assert (missing.status, missing.json()["code"]) == (422, "transfer")
    headers = {"Upload-Offset": "0", "Upload-Length": str(len(data))}
    sent = gateway.call("PATCH", f"/v1/content/{sha256}", data, headers=headers)
    assert sent.json()["complete"]
    assert gateway.call("POST", "/v1/media/proxy", ask).status == 200


def test_nothing_outside_the_roots_is_shown(gateway: InProcessGateway, tmp_path: Path) -> None:
    secret = tmp_path / "plate.1001.exr"
    secret.write_bytes(Path(proxy_query(gateway)["file"]["path"]).read_bytes())
    stat = secret.stat()
    ask = proxy_query(gateway, path=str(secret), size=stat.st_size, mtime_ns=stat.st_mtime_ns)
    refused = gateway.call("POST", "/v1/media/proxy", ask)
    assert (refused.status, refused.json()["code"]) == (403, "outside_roots")
    gone = gateway.call(
        "POST", "/v1/media/proxy", proxy_query(gateway, path=str(tmp_path / "no.exr"))
    )
    assert gone.json() == refused.json() | {"where": str(tmp_path / "no.exr")}


def test_a_file_that_is_not_a_picture_is_reported(own_gateway: InProcessGateway) -> None:
    ask = proxy_query(own_gateway)
    broken = Path(ask["file"]["path"])
    broken.write_bytes(b"not a picture")
    body = own_gateway.call("POST", "/v1/media/proxy", proxy_query(own_gateway)).json()
    assert body["code"] == "unreadable_media"
    assert str(broken) in body["where"]


def test_a_header_with_a_huge_size_is_refused_each_time(own_gateway: InProcessGateway) -> None:
    """Reading such a file once crashed the gateway, and so did the client's repeated calls."""
    path = proxy_query(own_gateway)["file"]["path"]
    spec = oiio.ImageSpec(4, 4, 3, "half")
    spec.full_width = spec.full_height = 30_000
    assert oiio.ImageBuf(spec).write(path)
    ask = proxy_query(own_gateway)
    for _ in range(2):
        answer = own_gateway.call("POST", "/v1/media/proxy", ask)
        assert (answer.status, answer.json()["code"]) == (422, "unreadable_media")
        assert "30000x30000" in answer.json()["message"]


def test_many_proxy_calls_do_not_delay_other_calls(gateway: InProcessGateway) -> None:
    answers: list[int] = []

    query = proxy_query(gateway, 1002)

    def request_proxy(number: int) -> None:
        ask = {**query, "plate": {**query["plate"], "pixel_aspect": 1 + number / 1000}}
        answers.append(gateway.call("POST", "/v1/media/proxy", ask).status)

    threads = [threading.Thread(target=request_proxy, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    assert gateway.call("GET", "/v1/health").status == 200
    for thread in threads:
        thread.join(60)
    assert answers == [200] * 60


@pytest.fixture
def plate(own_gateway: InProcessGateway) -> Plate:
    return own_gateway.plate("kept", 12)


def test_the_least_recently_used_are_evicted(plate: Plate, tmp_path: Path) -> None:
    folder = tmp_path / "proxies"
    proxies = PlateProxyCache(folder, ColourSettings(), ProxySettings(), limit=2500)

    def render(frame: int) -> Path:
        path = Path(plate.path_at(frame))
        return proxies.proxy(plate, PlateFile(path, str(path.stat().st_mtime_ns)), frame)

    rendered = {}
    for age, frame in enumerate(plate.range.frames()):
        rendered[frame] = render(frame)
        if rendered[1001].exists():
            os.utime(rendered[1001], (1e9 + 100 + age, 1e9 + 100 + age))  # used again and again
        if frame != 1001:
            os.utime(rendered[frame], (1e9 + age, 1e9 + age))
    left = {frame for frame, path in rendered.items() if path.exists()}
    assert sum(path.stat().st_size for path in folder.rglob("*.jpg")) <= 2500
    assert {1001, 1012} <= left
    assert 1002 not in left
    proxies.close()


def test_the_properties_of_a_movie(own_gateway: InProcessGateway) -> None:
    import av

    path = own_gateway.plates / "take.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        stream.metadata["timecode"] = "01:00:00:00"
        for number in range(4):
            frame = av.VideoFrame(64, 36, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    stat = path.stat()
    file = {"path": str(path), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    answer = own_gateway.call("POST", "/v1/media/info", file)
    assert answer.status == 200, answer.body
    assert answer.json() == {
        "width": 64,
        "height": 36,
        "pixel_aspect": 1.0,
        "rate": "25",
        "frame_count": 4,
        "start_timecode": "01:00:00:00",
        "colour": "",
    }
    assert own_gateway.call("POST", "/v1/media/info", {**file, "size": 1}).status == 409
    assert own_gateway.call("POST", "/v1/media/info", {**file, "path": "/etc/a.mov"}).status == 403


def test_the_requested_frame_of_a_movie_is_shown(tmp_path: Path) -> None:
    import av
    import numpy as np

    path = tmp_path / "dailies.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for number in range(10):
            grey = np.full((36, 64, 3), 20 + number * 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode(None))
    plate = Plate(path=str(path), range=FrameRange.of(101, 110, 25), colour_space="sRGB - Texture")
    proxies = PlateProxyCache(tmp_path / "proxies", ColourSettings(), ProxySettings())
    source = PlateFile(path, "1")
    order = [101, 102, 110, 103, 104]
    shown = {
        frame: read_pixels(proxies.proxy(plate, source, frame).read_bytes(), tmp_path).mean()
        for frame in order
    }
    proxies.close()
    assert [shown[frame] for frame in sorted(order)] == sorted(shown.values())
    assert len({round(float(value), 2) for value in shown.values()}) == len(order)
