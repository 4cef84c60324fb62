"""Runs a network with onnxruntime, on a GPU where onnxruntime offers one.

onnxruntime is imported when a session is opened, not before: the gateway itself never needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge_core.errors import JobFailed, ModelMissing
from bridge_gateway.inference.model_store import InstalledModel, require_installed

Tensor = npt.NDArray[np.float32]

#: Tried in this order, as far as the installed onnxruntime offers them. TensorRT is left out on
#: purpose: it spends minutes building an engine for every new size of tile.
EXECUTION_PROVIDERS = (
    "CUDAExecutionProvider",
    "MIGraphXExecutionProvider",
    "CoreMLExecutionProvider",
    "DmlExecutionProvider",
    "CPUExecutionProvider",
)


class OnnxSession:
    """A loaded network with one input and, as far as we look, one output.

    ``threads`` limits the CPU threads of one call; None leaves the choice to onnxruntime.
    ``providers`` overrides the order of :data:`PREFERRED`.

    Memory: onnxruntime keeps its arena between calls and reuses it exactly for inputs of the same
    shape, so feed tiles of one size. Without the arena the peak doubled (docs/models.md).
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
        # Threads that wait for the next tile must sleep: spinning takes the cores of the others.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if "DmlExecutionProvider" in selected:
            options.enable_mem_pattern = False  # DirectML refuses it
        self.model = model
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(model.path), options, providers=selected
            )
        except Exception as error:  # onnxruntime's exceptions share no narrower base
            raise ModelMissing(
                f"the network {model.id!r} cannot be loaded: {error}",
                where=str(model.path),
                next_step="run `shotbridge models install` again; if it stays, this onnxruntime "
                "is too old for the model",
                details={"model": model.id, "providers": selected},
            ) from error

    @classmethod
    def open(cls, models_dir: Path, model_id: str, *, threads: int | None = None) -> OnnxSession:
        """Loads an installed model by id; raises :class:`bridge_core.errors.ModelMissing`."""
        return cls(require_installed(models_dir, model_id), threads=threads)

    @property
    def execution_provider(self) -> str:
        """The execution provider in use, for the lineage. onnxruntime drops one that fails."""
        return str(self._session.get_providers()[0])

    def describe(self) -> dict[str, str]:
        """Which network ran where, to be kept with what it made."""
        import onnxruntime

        return {
            "model": self.model.id,
            "package": f"{self.model.entry.package.name}=={self.model.entry.package.version}",
            "package_sha256": self.model.entry.package.sha256,
            "weights_sha256": self.model.sha256,
            "licence": self.model.entry.licence,
            "runtime": f"onnxruntime {onnxruntime.__version__}",
            "execution_provider": self.execution_provider,
        }

    def run(self, tensor: Tensor) -> Tensor:
        """The network's first output for its only input.

        Raises :class:`bridge_core.errors.JobFailed` with onnxruntime's words, usually memory.
        """
        feed = {self._session.get_inputs()[0].name: np.ascontiguousarray(tensor, np.float32)}
        try:
            (output,) = self._session.run([self._session.get_outputs()[0].name], feed)
        except Exception as error:  # as above
            raise JobFailed(
                f"the network {self.model.id!r} failed on a picture of shape {tensor.shape}: "
                f"{error}",
                where=self.execution_provider,
                next_step="choose smaller tiles if memory ran out; otherwise report this",
                details={"model": self.model.id, "provider": self.execution_provider},
            ) from error
        result: Tensor = output
        return result
