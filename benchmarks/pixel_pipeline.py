"""Measures what stands around a network: a whole job of Upscale against the network alone, and
against reading and writing the same files.

    python -m benchmarks.pixel_pipeline

Three references, each in a process of its own on the same files and the same number of threads:

- *bare network*: the network of the model, on whole frames, without anything around it;
- *files alone*: OpenImageIO reads the plate's files and writes the result's;
- for a *trivial network* (one convolution that repeats each pixel), only the second one: it shows
  what remains if a GPU makes the network fast.

A job's time is from its start to its end, publishing included, divided by its frames. A job of one
frame comes before it, so that the model process has loaded the network and the proxies' view.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import OpenImageIO as oiio
import psutil
from onnx import TensorProto, helper, numpy_helper

from benchmarks import MODELS
from benchmarks._gateway import gateway, request, shot_of
from benchmarks._picture_quality import frames as footage_frames
from benchmarks._report import report
from bridge_core.client import Client
from bridge_core.models.requests import Request
from bridge_core.models.settings import ColourSettings
from bridge_core.system.files import hash_file
from bridge_gateway.arrays import resize
from bridge_gateway.inference import network_graphs
from bridge_gateway.inference.highlight_curve import srgb_decode
from bridge_gateway.inference.model_store import RECORD_FILENAME, InstallRecord, footage_path
from bridge_gateway.media.colour import MODEL_SPACE, ColourManager

SIZES = ((640, 360), (960, 540), (1920, 1080))
#: Frames of each job: those of a short shot, and fewer where the network would take minutes.
FRAMES, FRAMES_OF_LARGE_PLATES = 24, 6
#: Aims for the ratio of the whole job to the bare network.
GOALS = {(640, 360): 1.15, (1920, 1080): 1.10}
MODEL = "span-x2"
NAME = "pixel_pipeline"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="shotbridge-benchmark-") as name:
        folder = Path(name)
        network = folder / "network.onnx"
        write_bare_network(network)
        install_trivial_network(folder / "models")
        for width, height in SIZES:
            count = FRAMES_OF_LARGE_PLATES if height > 360 else FRAMES
            job, memory, _ = measure_job(MODELS, folder, width, height, count)
            bare = run_alone(_NETWORK, network, width, height, 3) / 3
            report(
                NAME,
                f"{width}x{height}, whole job per frame",
                job * 1000,
                bare * 1000,
                "the bare network",
                goal=GOALS.get((width, height)),
            )
            print(f"  its model process: {memory:.0f} MB at its peak", flush=True)
            job, memory, files = measure_job(folder / "models", folder, width, height, FRAMES)
            report(
                NAME,
                f"{width}x{height}, with a trivial network",
                job * 1000,
                files * 1000,
                "reading and writing the same files",
                goal=1.3 if height == 1080 else None,
            )
            print(f"  its model process: {memory:.0f} MB at its peak", flush=True)


def measure_job(
    models: Path, folder: Path, width: int, height: int, count: int
) -> tuple[float, float, float]:
    """Seconds per frame of a job and of its files alone, and the peak memory of the model process
    in MB (between the two)."""
    copies = folder / "copies"
    copies.mkdir(exist_ok=True)
    with gateway(gateway__models_dir=str(models)) as (client, plates):
        write_plate(plates, count, width, height)
        seconds, memory = run_job(client, request(shot_of(plates, "big", count), "upscale"))
        library = client.settings.gateway.library_dir
        # Only the job's own version: the warm-up frame is another shot.
        version = next(path for path in library.rglob("big") if path.is_dir())
        files = run_alone(_FILES, plates, version, copies)
    return seconds / count, memory, files / count


def write_plate(folder: Path, count: int, width: int, height: int) -> None:
    """Frames of real footage with grain, as half-float ACEScg; and the first one as a warm-up."""
    numbers, colour = range(count), ColourManager(ColourSettings())
    grain = np.random.default_rng(7)
    pictures = footage_frames(footage_path(MODELS, "big-buck-bunny"), numbers)
    for number, code in pictures:
        linear = resize(srgb_decode(code), width, height, "lanczos3").clip(0)
        linear = colour.convert(linear, MODEL_SPACE, "ACEScg")
        linear *= 1 + grain.normal(0, 0.02, linear.shape).astype(np.float32)
        _write_exr(folder / f"big.{1001 + number:04d}.exr", linear.astype(np.float16))
        if not number:
            _write_exr(folder / "warm.1001.exr", linear.astype(np.float16))


def _write_exr(path: Path, pixels: np.ndarray) -> None:
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, oiio.HALF)
    spec.attribute("compression", "zip")
    out = oiio.ImageOutput.create("x.exr")
    out.open(str(path), spec)
    out.write_image(np.ascontiguousarray(pixels))
    out.close()


def run_job(client: Client, job_request: Request) -> tuple[float, float]:
    """Seconds of a job, and the peak memory of its model process in MB."""
    warm = job_request.shot.plate.path.replace("big.", "warm.")
    client.wait([client.submit(request(shot_of(Path(warm).parent, "warm", 1), "upscale")).id])
    (job,) = client.wait([client.submit(job_request).id])
    if job.state != "succeeded" or job.started is None or job.finished is None:
        raise SystemExit(f"the job ended as {job.state}: {job.problem}")
    return (job.finished - job.started).total_seconds(), _peak_memory() / 1e6


def _peak_memory() -> int:
    """The largest peak of memory of a model process, in bytes; Linux only. Read at the end: a
    thread that watches would take time from the job."""
    peaks = [0]
    for process in psutil.Process().children(recursive=True):
        if "bridge_gateway.providers.local.worker" in process.cmdline():
            status = Path(f"/proc/{process.pid}/status").read_text()
            peaks.append(int(status.partition("VmHWM:")[2].split()[0]) * 1024)
    return max(peaks)


def install_trivial_network(models: Path) -> None:
    """Models in which the network only repeats each pixel, with all that stands around it."""
    shutil.copytree(MODELS, models)
    weights = np.zeros((12, 3, 1, 1), np.float32)
    for channel in range(3):
        weights[4 * channel : 4 * channel + 4, channel] = 1
    shape = [1, 3, "height", "width"]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weights"], ["repeated"]),
            helper.make_node("DepthToSpace", ["repeated"], ["large"], blocksize=2, mode="CRD"),
        ],
        "trivial",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("large", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [numpy_helper.from_array(weights, "weights")],
    )
    opset = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, ir_version=8, opset_imports=opset)
    folder = models / MODEL
    path = folder / f"{MODEL}.onnx"
    path.write_bytes(network_graphs.add_upscale_steps(model.SerializeToString(), 2))
    record_file = folder / RECORD_FILENAME
    record = InstallRecord.model_validate_json(record_file.read_bytes())
    changed = record.model_copy(update={"sha256": hash_file(path)})
    record_file.write_text(changed.model_dump_json(by_alias=True))


def write_bare_network(target: Path) -> None:
    """The network of the installed graph without what stands around it."""
    model = onnx.load(MODELS / MODEL / f"{MODEL}.onnx")
    graph = model.graph
    nodes = [
        node
        for node in network_graphs.needed_nodes(graph.node, network_graphs.SUBPIXELS)
        if network_graphs.CODE not in node.output
    ]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    picture = [1, 3, "height", "width"]
    graph.input.append(
        helper.make_tensor_value_info(network_graphs.CODE, TensorProto.FLOAT, picture)
    )
    graph.output.append(
        helper.make_tensor_value_info(network_graphs.SUBPIXELS, TensorProto.FLOAT, None)
    )
    target.write_bytes(model.SerializeToString())


def run_alone(program: str, *arguments: object) -> float:
    """Seconds that a program prints, in a process of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


#: Arguments: the network, width, height, calls.
_NETWORK = """
import os, sys, time
import numpy as np, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = os.cpu_count()
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
width, height, calls = map(int, sys.argv[2:])
code = np.random.default_rng(1).random((1, 3, height, width), dtype=np.float32)
feed = {session.get_inputs()[0].name: code}
session.run(None, feed)
start = time.perf_counter()
for _ in range(calls):
    session.run(None, feed)
print(time.perf_counter() - start)
"""

#: Arguments: folders of the plate, of the version, and of the copies.
_FILES = """
import sys, time
from pathlib import Path
import OpenImageIO as oiio

def read(path):
    file = oiio.ImageInput.open(str(path))
    pixels = file.read_image(0, 0, 0, file.spec().nchannels, "half")
    file.close()
    return pixels

plate, version, copies = map(Path, sys.argv[1:])
results = [read(path) for path in sorted(version.rglob("*.exr"))]
spec = oiio.ImageSpec(results[0].shape[1], results[0].shape[0], 3, oiio.HALF)
spec.attribute("compression", "zip")
start = time.perf_counter()
for path, pixels in zip(sorted(plate.glob("big.*.exr")), results, strict=True):
    read(path)
    file = oiio.ImageOutput.create("x.exr")
    file.open(str(copies / path.name), spec)
    file.write_image(pixels)
    file.close()
print(time.perf_counter() - start)
"""


if __name__ == "__main__":
    main()
