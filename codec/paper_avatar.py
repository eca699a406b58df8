"""The avatar of profile `paper` as arrays: Gaussians bound to a head model, moved by a network.

The representation is FlashAvatar's (Xiang et al., CVPR 2024), which the paper compresses. renderer.avatar.paper_model
turns it into posed Gaussians; docs/avatar-profiles.md compares it with profile `linear` (codec.avatar_asset).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FREQUENCIES = 8
ENCODED_SIZE = 3 + 3 * 2 * FREQUENCIES
"""A position p, encoded: p, then sin(2^i p), cos(2^i p) for i = 0 .. 7, three numbers each (p in metres, no pi)."""

CONDITION_EXPRESSION = 100
"""FlashAvatar's expression coefficients. Ours are 50, the others are 0: so the network keeps its published size."""

CONDITION_SIZE = CONDITION_EXPRESSION + 6 + 12 + 2
"""Expression, jaw, left and right eye (two rows of a rotation matrix each), eyelids left and right."""

INPUT_SIZE = ENCODED_SIZE + CONDITION_SIZE
OUTPUT_SIZE = 10
"""Displacement 3, rotation 4, scale 3."""

MAX_HIDDEN_LAYERS = 6
MAX_WIDTH = 256
"""FlashAvatar's sizes; the paper's pruned network has fewer layers. What is larger only costs the viewer time."""

MAX_PAPER_GAUSSIANS = 16_384
"""All texels of FlashAvatar's 128 x 128 map. The network runs for each Gaussian: this bounds the time of a frame."""

SH_COEFFICIENTS = (0, 3, 8, 15)
"""Permitted coefficients beyond the constant one: degrees 0 to 3."""


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """One layer: output = input @ weights + bias.

    Args:
        weights: [inputs, outputs] float32 or float16.
        bias: [outputs] float32 or float16.
    """

    weights: NDArray[np.floating]
    bias: NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class PaperAvatar:
    """Profile `paper`, SH up to degree 3. N Gaussians, V head-model vertices.

    Each Gaussian stands at the bound point sum(barycentrics * corners) of its triangle plus what the network says, in
    the head frame (renderer.head.model). Rotations are from Gaussian axes to the head frame: they do not turn with the
    triangle.

    Args:
        head_model_id: hex SHA-256 of the head model that `faces_bound` and `shape_offsets` refer to.
        name: display name of the avatar, at most 64 characters.
        shape_offsets: [V, 3] float32 metres; the person's head = v_template + shape_offsets.
        faces_bound: [N] int32 index of the triangle each Gaussian is bound to.
        barycentrics: [N, 3] float32, non-negative, rows sum to 1.
        log_scales: [N, 3] float32, natural log of the standard deviation in metres, before the network.
        quats: [N, 4] float32 wxyz, unit, before the network.
        logit_opacities: [N] float32.
        sh0: [N, 3] float32; color = 0.5 + 0.28209479 * sh0 (sRGB values 0..1, blended as they are).
        sh_rest: [N, K, 3] float32, K in SH_COEFFICIENTS, evaluated with directions in the head frame.
        layers: hidden layers, each followed by max(0, x), and the output layer. The first takes INPUT_SIZE numbers: the
            encoded bound point on the neutral head of this shape, then the condition; the last gives OUTPUT_SIZE.
    """

    head_model_id: str
    name: str
    shape_offsets: NDArray[np.float32]
    faces_bound: NDArray[np.int32]
    barycentrics: NDArray[np.float32]
    log_scales: NDArray[np.float32]
    quats: NDArray[np.float32]
    logit_opacities: NDArray[np.float32]
    sh0: NDArray[np.float32]
    sh_rest: NDArray[np.float32]
    layers: tuple[DenseLayer, ...]

    @property
    def count(self) -> int:
        """Number of Gaussians N."""
        return len(self.faces_bound)

    @property
    def parameter_count(self) -> int:
        """Numbers that make up the network."""
        return sum(layer.weights.size + layer.bias.size for layer in self.layers)
