"""A made-up avatar of profile `paper` for benchmarks and tests: the load of a real one, not its looks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from codec.paper_avatar import INPUT_SIZE, MAX_WIDTH, OUTPUT_SIZE, DenseLayer, PaperAvatar
from renderer.avatar.avatar_model import triangle_frames
from renderer.avatar.rotations import quat_from_matrix, quat_multiply
from renderer.head.model import HeadModel
from visavis.bench.synthetic import synthetic_avatar

PAPER_COUNT = 13_453
"""Texels of FlashAvatar's 128 x 128 map that are on head and neck: what makes the paper's avatar 4.3 MB large."""


def synthetic_paper_avatar(
    head: HeadModel, count: int = PAPER_COUNT, hidden_layers: int = 6, width: int = MAX_WIDTH, seed: int = 0
) -> PaperAvatar:
    """The Gaussians of `synthetic_avatar`, with a random network and random view-dependent color.

    Args:
        head: the head model.
        count: number of Gaussians.
        hidden_layers: hidden layers of the network.
        width: outputs of a hidden layer.
        seed: of all random choices.
    """
    rng = np.random.default_rng(seed)
    base = synthetic_avatar(head, count, bases=0, seed=seed)
    frames = triangle_frames(head.v_template[head.faces[base.faces_bound]])
    quats = quat_multiply(quat_from_matrix(frames), base.local_quats)
    falloff = np.repeat([0.06, 0.03, 0.015], [3, 5, 7])[:, None]  # by degree
    return PaperAvatar(
        head_model_id=head.model_id,
        name="synthetic paper",
        shape_offsets=base.shape_offsets,
        faces_bound=base.faces_bound,
        barycentrics=base.barycentrics,
        log_scales=base.log_scales,
        quats=quats.astype(np.float32),
        logit_opacities=base.logit_opacities,
        sh0=base.sh0,
        sh_rest=(falloff * rng.normal(size=(count, 15, 3))).astype(np.float32),
        layers=_random_network(rng, hidden_layers, width),
    )


def zero_network(hidden_layers: int = 6, width: int = MAX_WIDTH) -> tuple[DenseLayer, ...]:
    """A network that moves nothing."""
    sizes = [INPUT_SIZE, *[width] * hidden_layers, OUTPUT_SIZE]
    return tuple(_layer(np.zeros((a, b))) for a, b in pairwise(sizes))


def _random_network(rng: np.random.Generator, hidden_layers: int, width: int) -> tuple[DenseLayer, ...]:
    """He's initialization; the outputs are millimetres, hundredths of a turn, a per cent of the log-scale."""
    sizes = [INPUT_SIZE, *[width] * hidden_layers]
    layers = [_layer(rng.normal(0, np.sqrt(2 / a), (a, b)), rng) for a, b in pairwise(sizes)]
    reach = np.repeat([0.001, 0.02, 0.01], [3, 4, 3]) / np.sqrt(width)
    return (*layers, _layer(reach * rng.normal(size=(width, OUTPUT_SIZE)), rng))


def _layer(weights: NDArray[np.float64], rng: np.random.Generator | None = None) -> DenseLayer:
    outputs = weights.shape[1]
    bias = np.zeros(outputs) if rng is None else rng.normal(0, float(np.abs(weights).mean()), outputs)
    return DenseLayer(weights.astype(np.float32), bias.astype(np.float32))
