"""What trainers share: a training as plain arrays, so that it can go on later; the order of pictures; processors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

Arrays = dict[str, NDArray[np.generic]]

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What Adam keeps of each parameter."""


def save_state(model: nn.Module, optimizer: torch.optim.Adam, counters: Mapping[str, float]) -> Arrays:
    """All that the model learned, what Adam keeps of its parameters, and numbers by name; copies."""
    arrays: Arrays = {f"counter/{name}": np.array(value, np.float64) for name, value in counters.items()}
    arrays |= {f"tensor/{name}": _array(tensor) for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        kept = optimizer.state.get(parameter, {})
        for moment in _MOMENTS:
            value = kept.get(moment)
            arrays[f"{moment}/{name}"] = np.zeros(0, np.float32) if value is None else _array(value)
    return arrays


def load_state(
    model: nn.Module, optimizer: torch.optim.Adam, counters: tuple[str, ...], arrays: Mapping[str, NDArray[np.generic]]
) -> dict[str, float]:
    """Inverse of `save_state`; returns the numbers. Nothing changes if it raises.

    Raises:
        ValueError: the arrays are those of another model.
    """
    tensors, parameters = model.state_dict(), dict(model.named_parameters())
    expected = {f"tensor/{name}": tuple(tensor.shape) for name, tensor in tensors.items()}
    expected |= {f"counter/{name}": () for name in counters}
    moments = {f"{moment}/{name}" for moment in _MOMENTS for name in parameters}
    if set(arrays) != set(expected) | moments or any(arrays[n].shape != shape for n, shape in expected.items()):
        raise ValueError("the checkpoint is that of another training")
    for name, parameter in parameters.items():
        sizes = [arrays[f"{moment}/{name}"].size for moment in _MOMENTS]
        if sizes not in ([0, 0, 0], [1, parameter.numel(), parameter.numel()]):
            raise ValueError("the checkpoint is that of another training")
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(_tensor(arrays[f"tensor/{name}"]))
        for name, parameter in parameters.items():
            step, mean, square = (_tensor(arrays[f"{moment}/{name}"]).to(parameter.device) for moment in _MOMENTS)
            optimizer.state.pop(parameter, None)
            if mean.numel():
                means = {"exp_avg": mean.reshape(parameter.shape), "exp_avg_sq": square.reshape(parameter.shape)}
                optimizer.state[parameter] = {"step": step.reshape(()), **means}
    return {name: float(np.asarray(arrays[f"counter/{name}"], np.float64)) for name in counters}


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """PyTorch works with so many threads meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def bfloat16_is_faster(device: torch.device) -> bool:
    """Whether products in bfloat16 take less time here: processors without instructions for them imitate them."""
    best = {}
    for kind in (torch.float32, torch.bfloat16):
        values, weights = (
            torch.ones(2048, 256, dtype=kind, device=device),
            torch.ones(256, 256, dtype=kind, device=device),
        )
        best[kind] = min(_seconds(values, weights) for _ in range(5))
    return best[torch.bfloat16] < best[torch.float32]


def _seconds(values: Tensor, weights: Tensor) -> float:
    started = time.perf_counter()
    float((values @ weights)[0, 0])
    return time.perf_counter() - started


def shuffled(count: int, step: int, seed: int) -> int:
    """Which of `count` pictures is the turn of `step`: each once in `count` steps, in another order every time."""
    epoch, place = divmod(step, count)
    return int(np.random.default_rng((seed, epoch)).permutation(count)[place])


def _array(tensor: Tensor) -> NDArray[np.generic]:
    return tensor.detach().cpu().numpy().copy()


def _tensor(array: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))
