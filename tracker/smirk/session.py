"""Runs SMIRK's exported networks with ONNX Runtime, on one thread."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.smirk.errors import SmirkUnavailable

FRAME_FILE, SHAPE_FILE = "frame.onnx", "shape.onnx"
"""Names within the asset."""
FRAME_OUTPUTS = ("rotation", "camera", "expression", "eyelids", "jaw")
SHAPE_OUTPUTS = ("shape",)
_SIZES = {"rotation": 3, "camera": 3, "expression": 50, "eyelids": 2, "jaw": 3, "shape": 300}
_ERRORS_ONLY = 3


class Session:
    """One exported network.

    Args:
        model: the ONNX file or its content.
        outputs: names of its outputs, each one vector of a known size.

    Raises:
        SmirkUnavailable: ONNX Runtime is missing or cannot load the network.
    """

    def __init__(self, model: Path | bytes, outputs: tuple[str, ...]) -> None:
        runtime = _onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = runtime.InferenceSession(
                model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's own errors share no base but Exception
            raise SmirkUnavailable("SMIRK's network cannot be loaded: install its weights again.") from error
        self._input: str = self._session.get_inputs()[0].name
        self._outputs = outputs

    def __call__(self, crop: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The outputs, one vector each, for a crop [1, 3, 224, 224] in 0..1."""
        values = self._session.run(list(self._outputs), {self._input: crop})
        return {name: value.reshape(_SIZES[name]) for name, value in zip(self._outputs, values, strict=True)}


def _onnxruntime() -> Any:
    # From 1.29 on it sends usage data to Microsoft unless this is set. The pinned version has no network code; whoever
    # replaces it is not reported either.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        return import_module("onnxruntime")
    except ImportError as error:
        raise SmirkUnavailable("SMIRK needs ONNX Runtime: pip install 'visavis[smirk]'.") from error
