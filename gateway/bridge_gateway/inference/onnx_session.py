"""Runs a network with onnxruntime, on a GPU if onnxruntime supports one.

onnxruntime is imported only when a session is opened: the gateway's own process never needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bridge_core.errors import JobFailed, ModelMissing
from bridge_gateway.arrays import FloatArray
from bridge_gateway.inference.catalogue import RESULT
from bridge_gateway.inference.model_store import InstalledModel, require_installed

#: Memory of a network's largest tile, in MB.
DEFAULT_MEMORY_MB = 1000.0

#: In order of preference, as far as the installed onnxruntime has them. TensorRT is excluded: it
#: takes minutes to build an engine for every new tile size.
EXECUTION_PROVIDERS = (
    "CUDAExecutionProvider",
    "MIGraphXExecutionProvider",
    "CoreMLExecutionProvider",
    "DmlExecutionProvider",
    "CPUExecutionProvider",
)


class OnnxSession:
    """A loaded network, in a graph of :mod:`.network_graphs`.

    ``threads`` limits the CPU threads of a call; None leaves the choice to onnxruntime.
    ``execution_providers`` overrides :data:`EXECUTION_PROVIDERS`.

    Memory: onnxruntime keeps its arena between calls and reuses it only for inputs of the same
    shape, so use tiles of one size. Without the arena the peak doubled (docs/models.md).
    """

    def __init__(
        self,
        model: InstalledModel,
        *,
        threads: int | None = None,
        execution_providers: Sequence[str] | None = None,
    ) -> None:
        import onnxruntime

        available = onnxruntime.get_available_providers()
        selected = [
            name for name in execution_providers or EXECUTION_PROVIDERS if name in available
        ]
        options = onnxruntime.SessionOptions()
        if threads is not None:
            options.intra_op_num_threads = threads
        # Threads that wait for the next tile must sleep: spinning takes CPU time from others.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if "DmlExecutionProvider" in selected:
            options.enable_mem_pattern = False  # not supported by DirectML
        self.model = model
        self.threads = threads
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(model.path), options, providers=selected
            )
        except Exception as error:  # onnxruntime's exceptions have no narrower base class
            raise ModelMissing(
                f"the network {model.id!r} cannot be loaded: {error}",
                where=str(model.path),
                next_step="run `shotbridge models install` again; if that does not help, this "
                "onnxruntime is too old for the model",
                details={"model": model.id, "execution_providers": selected},
            ) from error

    @classmethod
    def open(cls, models_dir: Path, model_id: str, *, threads: int | None = None) -> OnnxSession:
        """Load an installed model.

        :raises ModelMissing: it is not installed.
        """
        return cls(require_installed(models_dir, model_id), threads=threads)

    @property
    def execution_provider(self) -> str:
        """The execution provider in use, for the lineage. onnxruntime skips those that fail."""
        return str(self._session.get_providers()[0])

    def run(self, inputs: Mapping[str, FloatArray | np.float32]) -> FloatArray:
        """The result for the graph's inputs, by name.

        :raises JobFailed: onnxruntime failed, usually for lack of memory.
        """
        feed = {name: np.ascontiguousarray(value, np.float32) for name, value in inputs.items()}
        try:
            (output,) = self._session.run([RESULT], feed)
        except Exception as error:  # as above
            shapes = ", ".join(f"{name} {value.shape}" for name, value in feed.items())
            raise JobFailed(
                f"the network {self.model.id!r} failed on {shapes}: {error}",
                where=self.execution_provider,
                next_step="lower gateway.model_memory_mb if memory ran out; otherwise report this",
                details={"model": self.model.id, "execution_provider": self.execution_provider},
            ) from error
        result: FloatArray = output
        return result
