"""Writes a network read by :mod:`bridge_gateway.models.ncnn` as an ONNX graph.

The graph has one input ``image`` and one output ``enlarged``, both float32 of shape
(1, 3, height, width) with open sizes. The same network gives the same bytes: names, order, IR
version and operator set are fixed here and do not follow the installed ``onnx``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from bridge_gateway.models.ncnn import CONVERTER_VERSION, Floats, Layer, broken, read

INPUT, OUTPUT = "image", "enlarged"
#: Old enough for every onnxruntime that runs on Python 3.11; Resize and PReLU are settled by 13.
_OPSET, _IR_VERSION = 13, 8
_BINARY_OPS = {0: "Add", 1: "Sub", 2: "Mul", 3: "Div"}
_NEAREST = 1


def convert(param: str, weights: bytes, *, name: str) -> bytes:
    """The ONNX file of an ncnn network (``.param`` text and ``.bin`` bytes).

    Raises :class:`bridge_core.errors.ModelMissing` for a layer, a parameter or a file that is not
    understood; nothing is guessed.
    """
    return _Graph(name).write(read(param, weights))


class _Graph:
    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        #: Blob of ncnn -> value of ONNX. Splits copy nothing: their outputs are the same value.
        self._values: dict[str, str] = {}

    def write(self, layers: Sequence[Layer]) -> bytes:
        for layer in layers:
            _WRITERS[layer.kind](self, layer)
        self._nodes.append(
            helper.make_node("Identity", [self._values[layers[-1].outputs[0]]], [OUTPUT])
        )
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [_picture(INPUT, "height", "width")],
            [_picture(OUTPUT, "enlarged_height", "enlarged_width")],
            initializer=self._constants,
        )
        model = helper.make_model(
            graph,
            producer_name="shotbridge",
            producer_version=str(CONVERTER_VERSION),
            ir_version=_IR_VERSION,
            opset_imports=[helper.make_opsetid("", _OPSET)],
        )
        return bytes(model.SerializeToString(deterministic=True))

    def constant(self, values: Floats) -> str:
        name = f"w{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def inputs(self, layer: Layer) -> list[str]:
        missing = [blob for blob in layer.inputs if blob not in self._values]
        if missing:
            raise broken(f"layer {layer.name!r} reads {missing[0]!r}, which no layer wrote before")
        return [self._values[blob] for blob in layer.inputs]

    def set(self, layer: Layer, value: str) -> None:
        self._values.update(dict.fromkeys(layer.outputs, value))


def _input(graph: _Graph, layer: Layer) -> None:
    if INPUT in graph._values.values():
        raise broken(f"the network has a second input, {layer.name!r}")
    graph.set(layer, INPUT)


def _split(graph: _Graph, layer: Layer) -> None:
    graph.set(layer, graph.inputs(layer)[0])


def _memory(graph: _Graph, layer: Layer) -> None:
    _only(layer, 0, 1, 2, 11)
    graph.set(layer, graph.constant(layer.weights[0][None]))


def _convolution(graph: _Graph, layer: Layer) -> None:
    _only(layer, 0, 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16)
    dilation, stride, left = layer.whole(2, 1), layer.whole(3, 1), layer.whole(4, 0)
    top = layer.whole(14, left)
    kernel, *bias = layer.weights
    graph.set(
        layer,
        graph.node(
            "Conv",
            [*graph.inputs(layer), graph.constant(kernel), *map(graph.constant, bias)],
            kernel_shape=list(kernel.shape[2:]),
            dilations=[layer.whole(12, dilation), dilation],
            strides=[layer.whole(13, stride), stride],
            pads=[top, left, layer.whole(16, top), layer.whole(15, left)],
        ),
    )


def _prelu(graph: _Graph, layer: Layer) -> None:
    _only(layer, 0)
    slope = graph.constant(layer.weights[0].reshape(-1, 1, 1))
    graph.set(layer, graph.node("PRelu", [*graph.inputs(layer), slope]))


def _sigmoid(graph: _Graph, layer: Layer) -> None:
    _only(layer)
    graph.set(layer, graph.node("Sigmoid", graph.inputs(layer)))


def _swish(graph: _Graph, layer: Layer) -> None:
    _only(layer)
    (value,) = graph.inputs(layer)
    graph.set(layer, graph.node("Mul", [value, graph.node("Sigmoid", [value])]))


def _binary(graph: _Graph, layer: Layer) -> None:
    _only(layer, 0, 1, 2)
    operator = _BINARY_OPS.get(layer.whole(0, 0))
    if operator is None:
        raise broken(f"layer {layer.name!r} does an operation that is not known here")
    operands = graph.inputs(layer)
    if layer.whole(1, 0):
        operands.append(graph.constant(np.array([layer.real(2, 0.0)], np.float32)))
    graph.set(layer, graph.node(operator, operands))


def _concat(graph: _Graph, layer: Layer) -> None:
    _only(layer, 0)
    if layer.whole(0, 0) != 0:
        raise broken(f"layer {layer.name!r} joins along another axis than the channels")
    graph.set(layer, graph.node("Concat", graph.inputs(layer), axis=1))


def _pixel_shuffle(graph: _Graph, layer: Layer) -> None:
    _only(layer, 0)
    graph.set(
        layer,
        graph.node("DepthToSpace", graph.inputs(layer), blocksize=layer.whole(0, 1), mode="CRD"),
    )


def _interpolation(graph: _Graph, layer: Layer) -> None:
    _only(layer, 0, 1, 2)
    if layer.whole(0, 0) != _NEAREST:
        raise broken(f"layer {layer.name!r} resizes by another method than nearest")
    scales = np.array([1, 1, layer.real(1, 1.0), layer.real(2, 1.0)], np.float32)
    graph.set(
        layer,
        graph.node(
            "Resize",
            [*graph.inputs(layer), "", graph.constant(scales)],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
    )


def _only(layer: Layer, *keys: int) -> None:
    """Refuses parameters that the writer of this layer would pass over in silence."""
    unknown = sorted(set(layer.parameters) - set(keys))
    if unknown:
        raise broken(
            f"layer {layer.name!r} ({layer.kind}) has parameters {unknown} that are not known here"
        )


def _picture(name: str, height: str, width: str) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, height, width])


_WRITERS: dict[str, Callable[[_Graph, Layer], None]] = {
    "Input": _input,
    "Split": _split,
    "MemoryData": _memory,
    "Convolution": _convolution,
    "PReLU": _prelu,
    "Sigmoid": _sigmoid,
    "Swish": _swish,
    "BinaryOp": _binary,
    "Concat": _concat,
    "PixelShuffle": _pixel_shuffle,
    "Interp": _interpolation,
}
