"""Turns the encoder into ONNX files, once, and compares the outcome with torch."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

from tracker.smirk.crop import CROP
from tracker.smirk.errors import SmirkFileError
from tracker.smirk.network import SmirkEncoder
from tracker.smirk.session import FRAME_OUTPUTS, SHAPE_OUTPUTS, Session

OPSET = 18
TOLERANCE = 1e-4
"""Largest difference between torch and ONNX Runtime that passes, relative to the largest number of an output above 1:
float32 knows seven digits, and a picture without a face can make an output large."""


class _Frame(nn.Module):
    def __init__(self, encoder: SmirkEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        outputs = self.encoder.frame(crops)
        return tuple(outputs[name] for name in FRAME_OUTPUTS)


class _Shape(nn.Module):
    def __init__(self, encoder: SmirkEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        return (self.encoder.shape(crops),)


def export_frame(encoder: SmirkEncoder) -> bytes:
    """ONNX of the pose and the expression network, run on every picture.

    Raises:
        SmirkFileError: ONNX Runtime computes something else than torch.
    """
    return _export(_Frame(encoder), FRAME_OUTPUTS)


def export_shape(encoder: SmirkEncoder) -> bytes:
    """ONNX of the shape network, run for calibration only.

    Raises:
        SmirkFileError: ONNX Runtime computes something else than torch.
    """
    return _export(_Shape(encoder), SHAPE_OUTPUTS)


def _export(module: nn.Module, names: tuple[str, ...]) -> bytes:
    module = module.eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder) / "network.onnx"
        # The exporter by tracing is deprecated, but needs 2 s where its successor needs 20 and two packages more. The
        # torch version is pinned, and what it writes is compared below.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)  # of the padding; ONNX Runtime folds it
        torch.onnx.export(
            module,
            (torch.zeros(1, 3, CROP, CROP),),
            path,
            input_names=["crop"],
            output_names=list(names),
            opset_version=OPSET,
            dynamo=False,
        )
        model = path.read_bytes()
    _compare(module, model, names)
    return model


def _compare(module: nn.Module, model: bytes, names: tuple[str, ...]) -> None:
    session = Session(model, names)
    for crop in _test_crops():
        outputs = session(crop)
        with torch.inference_mode():
            expected = module(torch.from_numpy(crop))
        for name, tensor in zip(names, expected, strict=True):
            reference = tensor.numpy()[0]
            error = float(np.abs(outputs[name] - reference).max() / max(1.0, float(np.abs(reference).max())))
            if not error <= TOLERANCE:  # also where it is not a number
                raise SmirkFileError(
                    f"The weights cannot be used: {name} differs by {error:.2g} between PyTorch and ONNX Runtime."
                )


def _test_crops() -> list[NDArray[np.float32]]:
    """Black, white, noise and a gradient, [1, 3, CROP, CROP]."""
    shape = (1, 3, CROP, CROP)
    noise = np.random.default_rng(0).random(shape, np.float32)
    ramp = np.linspace(0, 1, CROP, dtype=np.float32)
    gradient = np.broadcast_to(ramp[:, None] * ramp[None, ::-1], shape).copy()
    return [np.zeros(shape, np.float32), np.ones(shape, np.float32), noise, gradient]
