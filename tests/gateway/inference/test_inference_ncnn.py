"""ncnn networks become ONNX graphs that compute the same."""

from __future__ import annotations

import struct

import numpy as np
import onnx
import onnxruntime
import pytest

from bridge_core.errors import ModelMissing
from bridge_gateway.arrays import FloatArray
from bridge_gateway.inference.ncnn_reader import read_network
from bridge_gateway.inference.ncnn_to_onnx import INPUT_NAME, OUTPUT_NAME, ncnn_to_onnx

FLOAT32, FLOAT16 = 0, 0x01306B47


def param(*layers: str) -> str:
    return "\n".join(["7767517", f"{len(layers)} {len(layers)}", *layers])


def run(text: str, weights: bytes, picture: FloatArray) -> FloatArray:
    session = onnxruntime.InferenceSession(
        ncnn_to_onnx(text, weights, name="test"), providers=["CPUExecutionProvider"]
    )
    output: FloatArray = session.run([OUTPUT_NAME], {INPUT_NAME: picture})[0]
    return output


def picture(height: int = 5, width: int = 4) -> FloatArray:
    return np.random.default_rng(1).normal(size=(1, 3, height, width)).astype(np.float32)


def convolve(image: FloatArray, kernel: FloatArray, bias: FloatArray) -> FloatArray:
    """A 3x3 convolution, zero padded, in NumPy."""
    _, height, width = image.shape[1:]
    padded = np.pad(image[0], ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
    result = np.einsum("chwij,ocij->ohw", windows, kernel) + bias[:, None, None]
    assert result.shape[1:] == (height, width)
    return np.asarray(result[None], np.float32)


INPUT_LAYER = "Input in 0 1 data"
CONVOLUTION = "Convolution conv 1 1 data made 0=2 1=3 4=1 5=1 6=54"


@pytest.mark.parametrize("tag", [FLOAT32, FLOAT16])
def test_a_convolution_with_float_and_half_weights(tag: int) -> None:
    generator = np.random.default_rng(2)
    kernel = generator.normal(size=(2, 3, 3, 3)).astype(np.float16).astype(np.float32)
    bias = np.array([0.5, -1.0], np.float32)
    stored = kernel.astype("<f2").tobytes() if tag == FLOAT16 else kernel.tobytes()
    weights = struct.pack("<I", tag) + stored + bias.tobytes()
    got = run(param(INPUT_LAYER, CONVOLUTION), weights, picture())
    np.testing.assert_allclose(got, convolve(picture(), kernel, bias), atol=1e-5)


def test_an_odd_number_of_half_weights_is_padded_to_four_bytes() -> None:
    kernel = np.ones((1, 3, 1, 1), np.float32)
    weights = struct.pack("<I", FLOAT16) + kernel.astype("<f2").tobytes() + b"\0\0"
    weights += np.array([7.0], np.float32).tobytes()
    text = param(INPUT_LAYER, "Convolution conv 1 1 data made 0=1 1=1 5=1 6=3")
    got = run(text, weights, picture())
    np.testing.assert_allclose(got, picture().sum(axis=1, keepdims=True) + 7, atol=1e-5)


def test_all_other_layers() -> None:
    """Constant, subtraction, multiplication by a number, PReLU, sigmoid, swish, concatenation,
    pixel shuffle, interpolation."""
    text = param(
        INPUT_LAYER,
        "Split split 1 2 data left right",
        "MemoryData mean 0 1 mean 0=1 1=1 2=3",
        "BinaryOp sub 2 1 left mean centred 0=1",
        "BinaryOp mul 1 1 centred scaled 0=2 1=1 2=2.500000e+00",
        "PReLU prelu 1 1 scaled bent 0=3",
        "Sigmoid sigmoid 1 1 bent gate",
        "Swish swish 1 1 bent swished",
        "BinaryOp gated 2 1 gate swished product 0=2",
        "Concat join 4 1 product product product product many",
        "PixelShuffle shuffle 1 1 many large 0=2",
        "Interp nearest 1 1 right enlarged 0=1 1=2.000000e+00 2=2.000000e+00",
        "BinaryOp add 2 1 large enlarged output 0=0",
    )
    mean = np.array([0.1, 0.2, 0.3], np.float32).reshape(1, 3, 1, 1)
    slope = np.array([0.5, 0.25, 2.0], np.float32).reshape(1, 3, 1, 1)
    got = run(text, mean.tobytes() + slope.tobytes(), picture())

    scaled = (picture() - mean) * 2.5
    bent = np.where(scaled < 0, scaled * slope, scaled)
    sigmoid = 1 / (1 + np.exp(-bent))
    product = sigmoid * (bent * sigmoid)
    many = np.concatenate([product] * 4, axis=1)
    # Channel-major as in PyTorch's PixelShuffle, not depth-to-space in its default order, which
    # would scramble colours.
    height, width = picture().shape[2:]
    large = many.reshape(1, 3, 2, 2, height, width).transpose(0, 1, 4, 2, 5, 3)
    expected = large.reshape(1, 3, 2 * height, 2 * width)
    expected = expected + picture().repeat(2, axis=2).repeat(2, axis=3)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_the_graph_is_valid_and_has_dynamic_sizes() -> None:
    weights = np.zeros(3, np.float32).tobytes()
    data = ncnn_to_onnx(param(INPUT_LAYER, "PReLU p 1 1 data out 0=3"), weights, name="test")
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    assert [d.dim_param for d in model.graph.input[0].type.tensor_type.shape.dim[2:]] == [
        "height",
        "width",
    ]


def test_the_same_network_gives_the_same_bytes() -> None:
    weights = np.arange(3, dtype=np.float32).tobytes()
    text = param(INPUT_LAYER, "PReLU p 1 1 data out 0=3")
    assert ncnn_to_onnx(text, weights, name="test") == ncnn_to_onnx(text, weights, name="test")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("Pooling pool 1 1 data out 0=1", "Pooling"),
        ("PReLU p 1 1 data out 0=3 7=1", r"parameters \[7\]"),
        ("Interp i 1 1 data out 0=2 1=2.0 2=2.0", "does not resize with nearest"),
        ("BinaryOp b 1 1 data out 0=6 1=1 2=2.0", "an unsupported operation"),
        ("Concat c 1 1 data out 0=2", "another axis"),
        ("Sigmoid s 1 1 nowhere out", "'nowhere'"),
        ("Sigmoid s 2 1 data", "cannot be read"),
        ("Input second 0 1 again", "second input"),
    ],
)
def test_unsupported_layers_are_refused_by_name(layer: str, message: str) -> None:
    weights = np.zeros(3, np.float32).tobytes() if layer.startswith("PReLU") else b""
    with pytest.raises(ModelMissing, match=message):
        ncnn_to_onnx(param(INPUT_LAYER, layer), weights, name="test")


def test_quantised_weights_are_refused() -> None:
    weights = struct.pack("<I", 0x000D4B38) + bytes(200)
    with pytest.raises(ModelMissing, match="0x000d4b38"):
        read_network(param(INPUT_LAYER, CONVOLUTION), weights)


def test_weights_of_another_size_are_refused() -> None:
    text = param(INPUT_LAYER, "PReLU p 1 1 data out 0=3")
    with pytest.raises(ModelMissing, match="end before"):
        read_network(text, bytes(8))
    with pytest.raises(ModelMissing, match="4 bytes of weights belong to no layer"):
        read_network(text, bytes(16))


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(ModelMissing, match="7767517"):
        read_network("hello\n1 1\n", b"")
    with pytest.raises(ModelMissing, match="announces 3 layers, not 1"):
        read_network("7767517\n3 3\nInput in 0 1 data", b"")
