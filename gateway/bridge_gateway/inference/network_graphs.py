"""Adds to a network's graph the work around the network, so that it runs where the network runs.

Pictures enter a graph as (batch, height, width, 3), float32. The graphs are built once, when a
model is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from bridge_core.errors import ModelMissing
from bridge_gateway.arrays import FloatArray
from bridge_gateway.inference.catalogue import OVERSHOOT, PICTURE, RESULT

#: The network's input and output in an upscaling graph, (batch, 3, height, width) and
#: (batch, 3, scale * scale, height, width).
CODE, SUBPIXELS = "code", "subpixels"

_MIN_IR_VERSION = 4
#: U2-Net's training: mean and deviation of ImageNet.
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def add_upscale_steps(network: bytes, scale: int) -> bytes:
    """An upscaling network with the correction and the limit of decision 4.

    Takes code from 0 to 1, (batch, height, width, 3), and the overshoot, a number. Returns the
    enlarged code before the shuffle, (batch, 3, scale * scale, height, width): for each channel and
    each place in the block of a source pixel. ``network`` maps (1, 3, height, width) to ``scale``
    times the size; it ends with a pixel shuffle, to which an enlargement by repetition may be
    added.

    Everything happens before the shuffle: means and limits need no picture of the full size, and
    the conversion of colours puts the pixels in their places.

    :raises ModelMissing: the network has another shape.
    """
    graph = _GraphEditor(network)
    code = graph.replace_input(graph.node("Transpose", [PICTURE], CODE, perm=[0, 3, 1, 2]))
    subpixels = graph.node("Identity", [graph.subpixels(graph.output, scale)], SUBPIXELS)
    centre = graph.node("Unsqueeze", [code, graph.integers(2)])

    mean = graph.node("ReduceMean", [subpixels], axes=[2], keepdims=1)
    error = graph.node("Squeeze", [graph.node("Sub", [centre, mean]), graph.integers(2)])
    correction = graph.node(
        "Conv", [error, graph.constant(_triangle_kernels(scale))], group=3, pads=[1, 1, 1, 1]
    )
    shape = graph.node("Shape", [subpixels])
    corrected = graph.node("Add", [subpixels, graph.node("Reshape", [correction, shape])])

    window: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    highest = graph.node("MaxPool", [code], **window)
    lowest = graph.node("Neg", [graph.node("MaxPool", [graph.node("Neg", [code])], **window)])
    half_range = graph.node(
        "Mul", [graph.node("Sub", [highest, lowest]), graph.constant(np.float32(0.5))]
    )
    tolerance = graph.node("Min", [half_range, OVERSHOOT])
    for operation, bound, limit in (
        ("Max", graph.node("Sub", [lowest, tolerance]), np.float32(0)),
        ("Min", graph.node("Add", [highest, tolerance]), np.float32(1)),
    ):
        bound = graph.node(operation, [bound, graph.constant(limit)])
        bound = graph.node("Unsqueeze", [bound, graph.integers(2)])
        corrected = graph.node(operation, [corrected, bound])

    overshoot = helper.make_tensor_value_info(OVERSHOOT, TensorProto.FLOAT, [])
    return graph.build(
        corrected, ["batch", 3, scale * scale, "height", "width"], extra_inputs=[overshoot]
    )


def add_matte_steps(network: bytes) -> bytes:
    """U2-Net with the normalisation of its training: divided by the brightest value, then by
    ImageNet's mean and deviation.

    Takes display code from 0 to 1, (1, 320, 320, 3); returns probabilities, (1, 1, 320, 320). The
    network's side outputs are removed.
    """
    graph = _GraphEditor(network)
    brightest = graph.node("ReduceMax", [PICTURE], axes=[1, 2, 3], keepdims=1)
    # At least 0.001 keeps a black frame black.
    divisor = graph.node("Max", [brightest, graph.constant(np.float32(1e-3))])
    scaled = graph.node("Div", [PICTURE, divisor])
    centred = graph.node("Sub", [scaled, graph.constant(_IMAGENET_MEAN)])
    normal = graph.node("Div", [centred, graph.constant(_IMAGENET_DEVIATION)])
    graph.replace_input(graph.node("Transpose", [normal], perm=[0, 3, 1, 2]))
    return graph.build(graph.output, ["batch", 1, "height", "width"])


class _GraphEditor:
    """Adds nodes before and after a network with one input."""

    def __init__(self, network: bytes) -> None:
        self._model = ModelProto.FromString(network)
        # Older files list constants among the inputs, where they cannot be optimised.
        self._model.ir_version = max(self._model.ir_version, _MIN_IR_VERSION)
        self._graph: GraphProto = self._model.graph
        self._before: list[NodeProto] = []
        self._producers = {name: node for node in self._graph.node for name in node.output}
        self._input_replaced = False
        self._count = 0
        self.output: str = self._graph.output[0].name

    def node(
        self, operator: str, inputs: Sequence[str], name: str | None = None, **attributes: Any
    ) -> str:
        """Add a node; before the network until its input is replaced, then after it. Returns the
        name of its output."""
        name = name or self._new_name()
        node = helper.make_node(operator, list(inputs), [name], **attributes)
        (self._graph.node if self._input_replaced else self._before).append(node)
        return name

    def constant(self, values: FloatArray | np.float32) -> str:
        name = self._new_name()
        self._graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def integers(self, *values: int) -> str:
        name = self._new_name()
        self._graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def replace_input(self, value: str) -> str:
        """Make ``value`` the network's input; returns it."""
        initializers = {tensor.name for tensor in self._graph.initializer}
        (old,) = [i.name for i in self._graph.input if i.name not in initializers]
        for node in self._graph.node:
            node.input[:] = [value if name == old else name for name in node.input]
        self._input_replaced = True
        return value

    def subpixels(self, value: str, scale: int) -> str:
        """A value of full size as (batch, 3, scale * scale, height, width), without the shuffle
        that makes it."""
        node = self._producers.get(value, NodeProto())
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        match node.op_type:
            case "Identity":
                return self.subpixels(node.input[0], scale)
            case "Add":
                return self.node("Add", [self.subpixels(name, scale) for name in node.input])
            case "DepthToSpace" if attributes == {"blocksize": scale, "mode": b"CRD"}:
                (channels,) = node.input
                shape = self._shape(channels, (0,), 3, scale * scale, (2,), (3,))
                return self.node("Reshape", [channels, shape])
            case "Resize" if attributes.get("mode") == b"nearest":
                return self.node("Unsqueeze", [node.input[0], self.integers(2)])
        raise ModelMissing(
            f"the network does not end with a pixel shuffle by {scale}",
            where=self._graph.name,
            next_step="use a network that does, or extend bridge_gateway.inference.network_graphs",
        )

    def build(
        self, result: str, shape: Sequence[int | str], extra_inputs: Sequence[Any] = ()
    ) -> bytes:
        """The finished model, which computes only what ``result`` needs."""
        self.node("Identity", [result], RESULT)
        graph = self._graph
        nodes = needed_nodes([*self._before, *graph.node], RESULT)
        del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
        graph.node.extend(nodes)
        used = {name for node in nodes for name in node.input}
        constants = [tensor for tensor in graph.initializer if tensor.name in used]
        del graph.initializer[:]
        graph.initializer.extend(constants)
        picture = ["batch", "height", "width", 3]
        graph.input.extend(
            [helper.make_tensor_value_info(PICTURE, TensorProto.FLOAT, picture), *extra_inputs]
        )
        graph.output.append(helper.make_tensor_value_info(RESULT, TensorProto.FLOAT, shape))
        return bytes(self._model.SerializeToString(deterministic=True))

    def _shape(self, value: str, *dimensions: int | tuple[int]) -> str:
        """A shape of numbers, and of dimensions of ``value`` by index (in a tuple)."""
        parts = [
            self.integers(d) if isinstance(d, int) else self._dimension(value, d[0])
            for d in dimensions
        ]
        return self.node("Concat", parts, axis=0)

    def _dimension(self, value: str, index: int) -> str:
        shape = self.node("Shape", [value])
        return self.node("Slice", [shape, self.integers(index), self.integers(index + 1)])

    def _new_name(self) -> str:
        self._count += 1
        return f"shotbridge_{self._count}"


def needed_nodes(nodes: Sequence[NodeProto], result: str) -> list[NodeProto]:
    """The nodes that ``result`` depends on, in the same order."""
    needed, kept = {result}, []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    return kept[::-1]


def _triangle_kernels(scale: int) -> FloatArray:
    """The linear interpolation of each of a pixel's results from its 3x3 neighbourhood, for three
    channels: (3 * scale * scale, 1, 3, 3)."""
    offsets = (np.arange(scale) + 0.5) / scale - 0.5
    weights = np.stack(
        [np.maximum(-offsets, 0), 1 - np.abs(offsets), np.maximum(offsets, 0)], axis=1
    )
    kernels = np.einsum("iy,jx->ijyx", weights, weights).reshape(scale * scale, 1, 3, 3)
    return np.tile(kernels, (3, 1, 1, 1)).astype(np.float32)
