"""Reads ncnn networks: a ``.param`` text with layers and a ``.bin`` with weights.

The format is described in ncnn's wiki ("param and model file structure" and "operation param weight
table"). Only layers that :mod:`.ncnn_to_onnx` can convert are supported: finding a layer's weights
in the ``.bin`` requires the sizes of all layers before it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bridge_core.errors import ModelMissing
from bridge_gateway.arrays import FloatArray

LayerParameter = int | float | tuple[int | float, ...]

_MAGIC = 7767517
#: Array parameters are written as ``-23300 - key``.
_ARRAY_KEYS = -23300
_LAYERS_WITHOUT_WEIGHTS = frozenset(
    ("Input", "Split", "BinaryOp", "Swish", "Sigmoid", "Concat", "PixelShuffle", "Interp")
)
_TAG_FLOAT32 = (0, 0x0002C056)
_TAG_FLOAT16 = 0x01306B47


@dataclass(frozen=True)
class NcnnLayer:
    """One line of the ``.param``, with its weights in the order of the ``.bin``.

    ``inputs`` and ``outputs`` are names of blobs; ``parameters`` are by ncnn's numeric keys.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: dict[int, LayerParameter]
    weights: tuple[FloatArray, ...] = field(default=(), repr=False)

    def int_parameter(self, key: int, default: int) -> int:
        """An integer parameter, or ncnn's default for it."""
        value = self.parameters.get(key, default)
        if not isinstance(value, int):
            raise conversion_error(
                f"parameter {key} of layer {self.name!r} is {value!r}, not an integer"
            )
        return value

    def float_parameter(self, key: int, default: float) -> float:
        """A numeric parameter, or ncnn's default for it."""
        value = self.parameters.get(key, default)
        if isinstance(value, tuple):
            raise conversion_error(
                f"parameter {key} of layer {self.name!r} is a list, not a number"
            )
        return float(value)


def conversion_error(reason: str) -> ModelMissing:
    """The error for a network that cannot be read or converted."""
    return ModelMissing(
        reason,
        where="conversion of an ncnn network",
        next_step="use the pinned version of the package, or add the layer to "
        "bridge_gateway.inference.ncnn_reader and ncnn_to_onnx",
    )


def read_network(param: str, weights: bytes) -> list[NcnnLayer]:
    """The layers of a network in execution order.

    :raises ModelMissing: the text is not a ``.param``, has an unsupported layer, or does not match
        the weights exactly.
    """
    lines = [line.split() for line in param.splitlines() if line.strip()]
    if len(lines) < 2 or lines[0] != [str(_MAGIC)] or len(lines[1]) != 2:
        raise conversion_error(
            f"not an ncnn .param file: it must begin with {_MAGIC} and two counts"
        )
    if len(lines) - 2 != int(lines[1][0]):
        raise conversion_error(f"the header announces {lines[1][0]} layers, not {len(lines) - 2}")
    reader = _WeightReader(weights)
    layers = [_read_weights(_parse_layer(line), reader) for line in lines[2:]]
    reader.require_end()
    return layers


def _parse_layer(fields: list[str]) -> NcnnLayer:
    try:
        kind, name, inputs, outputs = fields[0], fields[1], int(fields[2]), int(fields[3])
        blobs, rest = fields[4 : 4 + inputs + outputs], fields[4 + inputs + outputs :]
        if len(blobs) != inputs + outputs:
            raise ValueError("too few blobs")
        parameters = dict(_parse_parameter(field) for field in rest)
    except (IndexError, ValueError) as error:
        raise conversion_error(f"layer {' '.join(fields[:2])!r} cannot be read: {error}") from error
    return NcnnLayer(kind, name, tuple(blobs[:inputs]), tuple(blobs[inputs:]), parameters)


def _parse_parameter(parameter: str) -> tuple[int, LayerParameter]:
    key, _, text = parameter.partition("=")
    if int(key) <= _ARRAY_KEYS:
        _, *values = text.split(",")  # the first number is the length
        return _ARRAY_KEYS - int(key), tuple(_parse_number(value) for value in values)
    return int(key), _parse_number(text)


def _parse_number(text: str) -> int | float:
    return float(text) if any(character in text for character in ".eE") else int(text)


class _WeightReader:
    """Reads the ``.bin`` from start to end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def read_untagged(self, count: int) -> FloatArray:
        """``count`` float32 values without a tag: biases, slopes, constants."""
        return self._read_values(count, np.dtype("<f4"))

    def read_tagged(self, count: int) -> FloatArray:
        """``count`` values after a tag that gives their type."""
        (tag,) = struct.unpack("<I", self._read_bytes(4))
        if tag in _TAG_FLOAT32:
            return self._read_values(count, np.dtype("<f4"))
        if tag == _TAG_FLOAT16:
            values = self._read_values(count, np.dtype("<f2"))
            self._read_bytes(-self._offset % 4)  # padded to four bytes
            return values
        raise conversion_error(f"weights are stored in an unsupported type (tag {tag:#010x})")

    def require_end(self) -> None:
        if self._offset != len(self._data):
            raise conversion_error(
                f"{len(self._data) - self._offset} bytes of weights belong to no layer"
            )

    def _read_values(self, count: int, dtype: np.dtype[Any]) -> FloatArray:
        return np.frombuffer(self._read_bytes(count * dtype.itemsize), dtype).astype(np.float32)

    def _read_bytes(self, count: int) -> bytes:
        chunk = self._data[self._offset : self._offset + count]
        if len(chunk) != count:
            raise conversion_error("the weights end before the last layer")
        self._offset += count
        return chunk


def _read_weights(layer: NcnnLayer, reader: _WeightReader) -> NcnnLayer:
    match layer.kind:
        case "Convolution":
            outputs, width = layer.int_parameter(0, 0), layer.int_parameter(1, 0)
            height, size = layer.int_parameter(11, width), layer.int_parameter(6, 0)
            inputs, rest = divmod(size, max(1, outputs * width * height))
            if rest or not inputs:
                raise conversion_error(f"the weights of {layer.name!r} do not fit its kernel")
            kernel = reader.read_tagged(size).reshape(outputs, inputs, height, width)
            bias = (reader.read_untagged(outputs),) if layer.int_parameter(5, 0) else ()
            weights: tuple[FloatArray, ...] = (kernel, *bias)
        case "PReLU":
            weights = (reader.read_untagged(layer.int_parameter(0, 0)),)
        case "MemoryData":
            shape = [n for key in (2, 11, 1, 0) if (n := layer.int_parameter(key, 0))]
            weights = (reader.read_untagged(int(np.prod(shape))).reshape(shape),)
        case kind if kind in _LAYERS_WITHOUT_WEIGHTS:
            weights = ()
        case _:
            raise conversion_error(f"layer {layer.name!r} is a {layer.kind}, which is unsupported")
    return replace(layer, weights=weights)
