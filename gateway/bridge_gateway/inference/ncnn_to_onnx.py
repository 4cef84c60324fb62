"""Converts a network read by :mod:`.ncnn_reader` to an ONNX graph.

The graph has one input ``image`` and one output ``enlarged``, both float32 of shape
(1, 3, height, width) with dynamic sizes. The same network always gives the same bytes: names,
order, IR version and operator set are fixed and do not depend on the installed ``onnx``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from bridge_gateway.arrays import FloatArray
from bridge_gateway.inference.catalogue import GRAPH_VERSION
from bridge_gateway.inference.ncnn_reader import (
    NcnnLayer,
    conversion_error,
    read_network,
)

INPUT_NAME, OUTPUT_NAME = "image", "enlarged"
#: Supported by every onnxruntime for Python 3.11; Resize and PRelu are stable since opset 13.
_OPSET, _IR_VERSION = 13, 8
_BINARY_OPS = {0: "Add", 1: "Sub", 2: "Mul", 3: "Div"}
_INTERP_NEAREST = 1


def ncnn_to_onnx(param: str, weights: bytes, *, name: str) -> bytes:
    """The ONNX file of an ncnn network (``.param`` text and ``.bin`` bytes).

    :raises ModelMissing: a layer, a parameter or a file is not supported; nothing is guessed.
    """
    return _GraphBuilder(name).build(read_network(param, weights))


class _GraphBuilder:
    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        #: ncnn blob -> ONNX value. The outputs of a Split are all the same value.
        self._values: dict[str, str] = {}

    def build(self, layers: Sequence[NcnnLayer]) -> bytes:
        for layer in layers:
            _LAYER_CONVERTERS[layer.kind](self, layer)
        self._nodes.append(
            helper.make_node("Identity", [self._values[layers[-1].outputs[0]]], [OUTPUT_NAME])
        )
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [_picture_value_info(INPUT_NAME, "height", "width")],
            [_picture_value_info(OUTPUT_NAME, "enlarged_height", "enlarged_width")],
            initializer=self._constants,
        )
        model = helper.make_model(
            graph,
            producer_name="shotbridge",
            producer_version=str(GRAPH_VERSION),
            ir_version=_IR_VERSION,
            opset_imports=[helper.make_opsetid("", _OPSET)],
        )
        return bytes(model.SerializeToString(deterministic=True))

    def add_constant(self, values: FloatArray) -> str:
        name = f"w{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add_node(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def input_values(self, layer: NcnnLayer) -> list[str]:
        missing = [blob for blob in layer.inputs if blob not in self._values]
        if missing:
            raise conversion_error(
                f"layer {layer.name!r} reads {missing[0]!r}, which no earlier layer writes"
            )
        return [self._values[blob] for blob in layer.inputs]

    def set_outputs(self, layer: NcnnLayer, value: str) -> None:
        self._values.update(dict.fromkeys(layer.outputs, value))


def _add_input(graph: _GraphBuilder, layer: NcnnLayer) -> None:
    if INPUT_NAME in graph._values.values():
        raise conversion_error(f"the network has a second input, {layer.name!r}")
    graph.set_outputs(layer, INPUT_NAME)


def _add_split(graph: _GraphBuilder, layer: NcnnLayer) -> None:
    graph.set_outputs(layer, graph.input_values(layer)[0])


def _add_memory_data(graph: _GraphBuilder, layer: NcnnLayer) -> None:
    _require_known_parameters(layer, 0, 1, 2, 11)
    graph.set_outputs(layer, graph.add_constant(layer.weights[0][None]))


def _add_convolution(graph: _GraphBuilder, layer: NcnnLayer) -> None:
    _require_known_parameters(layer, 0, 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16)
    dilation, stride, left = (
        layer.int_parameter(2, 1),
        layer.int_parameter(3, 1),
        layer.int_parameter(4, 0),
    )
    top = layer.int_parameter(14, left)
    kernel, *bias = layer.weights
    graph.set_outputs(
        layer,
        graph.add_node(
            "Conv",
            [
                *graph.input_values(layer),
                graph.add_constant(kernel),
                *map(graph.add_constant, bias),
            ],
            kernel_shape=list(kernel.shape[2:]),
            dilations=[layer.int_parameter(12, dilation), dilation],
            strides=[layer.int_parameter(13, stride), stride],
            pads=[top, left, layer.int_parameter(16, top), layer.int_parameter(15, left)],
        ),
    )


def _add_prelu(graph: _GraphBuilder, layer: NcnnLayer) -> None:
    _require_known_parameters(layer, 0)
    slope = graph.add_constant(layer.weights[0].reshape(-1, 1, 1))
    graph.set_outputs(layer, graph.add_node("PRelu", [*graph.input_values(layer), slope]))


def _add_sigmoid(graph: _GraphBuilder, layer: NcnnLayer) -> None:
    _require_known_parameters(layer)
    graph.set_outputs(layer, graph.add_node("Sigmoid", graph.input_values(layer)))


def _add_swish(graph: _GraphBuilder, layer: NcnnLayer) -> None:
    _require_known_parameters(layer)
    (value,) = graph.input_values(layer)
    graph.set_outputs(layer, graph.add_node("Mul", [value, graph.add_node("Sigmoid", [value])]))


def _add_binary_op(graph: _GraphBuilder, layer: NcnnLayer) -> None:
    _require_known_parameters(layer, 0, 1, 2)
    operator = _BINARY_OPS.get(layer.int_parameter(0, 0))
    if operator is None:
        raise conversion_error(f"layer {layer.name!r} has an unsupported operation")
    operands = graph.input_values(layer)
    if layer.int_parameter(1, 0):
        operands.append(graph.add_constant(np.array([layer.float_parameter(2, 0.0)], np.float32)))
    graph.set_outputs(layer, graph.add_node(operator, operands))


def _add_concat(graph: _GraphBuilder, layer: NcnnLayer) -> None:
    _require_known_parameters(layer, 0)
    if layer.int_parameter(0, 0) != 0:
        raise conversion_error(
            f"layer {layer.name!r} concatenates along another axis than channels"
        )
    graph.set_outputs(layer, graph.add_node("Concat", graph.input_values(layer), axis=1))


def _add_pixel_shuffle(graph: _GraphBuilder, layer: NcnnLayer) -> None:
    _require_known_parameters(layer, 0)
    graph.set_outputs(
        layer,
        graph.add_node(
            "DepthToSpace",
            graph.input_values(layer),
            blocksize=layer.int_parameter(0, 1),
            mode="CRD",
        ),
    )


def _add_interpolation(graph: _GraphBuilder, layer: NcnnLayer) -> None:
    _require_known_parameters(layer, 0, 1, 2)
    if layer.int_parameter(0, 0) != _INTERP_NEAREST:
        raise conversion_error(f"layer {layer.name!r} does not resize with nearest neighbour")
    scales = np.array(
        [1, 1, layer.float_parameter(1, 1.0), layer.float_parameter(2, 1.0)], np.float32
    )
    graph.set_outputs(
        layer,
        graph.add_node(
            "Resize",
            [*graph.input_values(layer), "", graph.add_constant(scales)],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
    )


def _require_known_parameters(layer: NcnnLayer, *keys: int) -> None:
    """Reject parameters that this layer's converter would silently ignore."""
    unknown = sorted(set(layer.parameters) - set(keys))
    if unknown:
        raise conversion_error(
            f"layer {layer.name!r} ({layer.kind}) has unsupported parameters {unknown}"
        )


def _picture_value_info(name: str, height: str, width: str) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, height, width])


_LAYER_CONVERTERS: dict[str, Callable[[_GraphBuilder, NcnnLayer], None]] = {
    "Input": _add_input,
    "Split": _add_split,
    "MemoryData": _add_memory_data,
    "Convolution": _add_convolution,
    "PReLU": _add_prelu,
    "Sigmoid": _add_sigmoid,
    "Swish": _add_swish,
    "BinaryOp": _add_binary_op,
    "Concat": _add_concat,
    "PixelShuffle": _add_pixel_shuffle,
    "Interp": _add_interpolation,
}
