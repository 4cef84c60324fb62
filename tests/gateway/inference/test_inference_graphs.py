"""The work around a network, as part of its graph, gives what decision 4 says."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from bridge_core.errors import ModelMissing
from bridge_gateway.arrays import FloatArray, block_mean, local_extremes, repeat_pixels, resize
from bridge_gateway.inference.catalogue import OVERSHOOT, PICTURE, RESULT
from bridge_gateway.inference.network_graphs import add_matte_steps, add_upscale_steps
from bridge_gateway.pixel_transform import PixelTransform

LIMIT = np.float32(0.05)


def network(scale: int, *, last: str = "shuffle") -> bytes:
    """A random convolution and a pixel shuffle; with ``last`` "sum", plus the repeated input."""
    generator = np.random.default_rng(scale)
    weights = generator.normal(0, 0.3, (3 * scale * scale, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "weights"], ["channels"], pads=[1, 1, 1, 1]),
        helper.make_node("DepthToSpace", ["channels"], ["large"], blocksize=scale, mode="CRD"),
        helper.make_node(
            "Resize",
            ["image", "", "scales"],
            ["repeated"],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        helper.make_node("Add", ["large", "repeated"], ["sum"]),
        helper.make_node("Sigmoid", ["large"], ["gated"]),
        helper.make_node(
            "Identity", [{"shuffle": "large", "sum": "sum", "other": "gated"}[last]], ["enlarged"]
        ),
    ]
    scales = np.array([1, 1, scale, scale], np.float32)
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("enlarged", TensorProto.FLOAT, [1, 3, "H", "W"])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(scales, "scales")],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
    return bytes(model.SerializeToString())


def session(model: bytes) -> Any:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def run_graph(model: bytes, picture: FloatArray, **inputs: np.float32) -> FloatArray:
    result: FloatArray = session(model).run(
        [RESULT], {PICTURE: picture, **{k: np.array(v) for k, v in inputs.items()}}
    )[0]
    return result


def in_place(planes: FloatArray) -> FloatArray:
    """The picture of (3, scale * scale, height, width)."""
    scale = int(planes.shape[1] ** 0.5)
    blocks = planes.reshape(3, scale, scale, *planes.shape[2:]).transpose(3, 1, 4, 2, 0)
    expected = blocks.reshape(planes.shape[2] * scale, planes.shape[3] * scale, 3)
    interleaved = np.empty_like(expected)
    PixelTransform.chain([]).interleave(planes, interleaved)
    np.testing.assert_array_equal(interleaved, expected)
    return interleaved


@pytest.mark.parametrize("last", ["shuffle", "sum"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_upscale_steps_correct_and_limit(scale: int, last: str) -> None:
    plain, code = network(scale, last=last), np.random.default_rng(5).random((11, 14, 3))
    code = code.astype(np.float32)
    made = session(plain).run(None, {"image": code.transpose(2, 0, 1)[np.newaxis]})[0]
    expected = made[0].transpose(1, 2, 0)
    size = 14 * scale, 11 * scale
    expected = expected + resize(code - block_mean(expected, scale), *size, "triangle")
    lowest, highest = local_extremes(code)
    tolerance = np.minimum((highest - lowest) / 2, LIMIT)
    expected = np.clip(
        expected,
        repeat_pixels(np.maximum(lowest - tolerance, 0), scale),
        repeat_pixels(np.minimum(highest + tolerance, 1), scale),
    )
    pictures = np.stack([code, code[::-1]])
    planes = run_graph(add_upscale_steps(plain, scale), pictures, **{OVERSHOOT: LIMIT})
    assert planes.shape == (2, 3, scale * scale, 11, 14)
    results = [in_place(each) for each in planes]
    # At the edge the graph interpolates towards zero; a tile's border is cut off.
    inner = slice(scale, -scale), slice(scale, -scale)
    np.testing.assert_allclose(results[0][inner], expected[inner], atol=2e-6)
    alone = run_graph(add_upscale_steps(plain, scale), pictures[1:], **{OVERSHOOT: LIMIT})
    np.testing.assert_allclose(planes[1], alone[0], atol=1e-6)


def test_a_network_that_ends_otherwise_is_refused() -> None:
    for model, scale in ((network(2, last="other"), 2), (network(2), 4)):
        with pytest.raises(ModelMissing, match="does not end with a pixel shuffle"):
            add_upscale_steps(model, scale)


def test_the_graph_is_valid_and_always_the_same() -> None:
    graphs = {add_upscale_steps(network(2, last="sum"), 2) for _ in range(2)}
    assert len(graphs) == 1
    onnx.checker.check_model(onnx.load_from_string(graphs.pop()), full_check=True)


def test_matte_steps_normalise_and_drop_side_outputs() -> None:
    shape = [1, 3, "h", "w"]
    graph = helper.make_graph(
        [
            helper.make_node("Neg", ["image"], ["main"]),
            helper.make_node("Abs", ["image"], ["side"]),
        ],
        "test",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name in ("main", "side")
        ],
    )
    model = helper.make_model(graph, ir_version=3, opset_imports=[helper.make_opsetid("", 11)])
    built = add_matte_steps(model.SerializeToString())
    assert "Abs" not in {node.op_type for node in onnx.load_from_string(built).graph.node}
    picture = np.random.default_rng(1).random((1, 4, 5, 3)).astype(np.float32) / 2
    for brightness in (1.0, 0.0):
        dimmed = picture * np.float32(brightness)
        scaled = dimmed / max(float(dimmed.max()), 1e-3)
        mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
        expected = -((scaled - mean) / deviation).transpose(0, 3, 1, 2)
        np.testing.assert_allclose(run_graph(built, dimmed), expected, rtol=1e-5)
