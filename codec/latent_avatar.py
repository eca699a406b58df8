"""An avatar of profile `paper` as its compressed file holds it: integers, and the linear maps that decode them.

The representation is that of EAGLES (Girish et al., ECCV 2024) with the paper's dimensions: of each Gaussian, one
latent integer for the harmonics, four for the rotation and one for the opacity; base color and scale are quantized
directly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.errors import AvatarFileError
from codec.paper_avatar import DenseLayer, PaperAvatar

ROTATION_LATENTS = 4
LATENTS = 1 + ROTATION_LATENTS + 1
"""Harmonics, rotation, opacity: columns of `LatentPaperAvatar.latents`."""

MAX_LATENT = 127
HARMONIC_BLOCK = 64
"""Gaussians that share a decoder of harmonics. They are sorted by triangle, so neighbors have the same one: these look
alike from all sides, the whole head does not. The paper has one decoder for all."""

DIRECT = 6
"""Base color 3, log-scale 3: columns of `LatentPaperAvatar.direct`."""
MAX_DIRECT = 2047
BARYCENTRIC_LEVELS = 255
SHAPE_STEP_M = 2.0**-14
MAX_SHAPE = 1 << 14
"""A metre."""

_LEAST_NORM = 1e-3
_LARGEST = 1e6

Symbols = NDArray[np.int64]
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decoders:
    """What turns latents into attributes: value = latent @ weights + bias.

    Args:
        harmonics: [B, 2, 3 K] float16, for each block of HARMONIC_BLOCK Gaussians the weights of their one latent, then
            the bias; red, green, blue of each coefficient.
        rotation: [5, 4] float16, weights of four latents, then the bias, of the quaternion before it is made unit.
        opacity: [2, 1] float16, of the logit.
    """

    harmonics: NDArray[np.float16]
    rotation: NDArray[np.float16]
    opacity: NDArray[np.float16]

    def parts(self) -> tuple[NDArray[np.float16], ...]:
        """All of them, in the order of the file."""
        return self.harmonics, self.rotation, self.opacity

    @property
    def size(self) -> int:
        """How many numbers they are."""
        return sum(part.size for part in self.parts())


@dataclass(frozen=True, eq=False)
class LatentPaperAvatar:
    """N Gaussians sorted by their triangle, V vertices.

    Args:
        head_model_id, name: as in PaperAvatar.
        shape: [V, 3] int64, `shape_offsets` in units of SHAPE_STEP_M.
        faces_bound: [N] int64, never falling.
        barycentrics: [N, 2] int64, the first two in units of 1 / BARYCENTRIC_LEVELS.
        direct: [N, DIRECT] int64, at most MAX_DIRECT in magnitude: `sh0`, then `log_scales`.
        ranges: [2, DIRECT] float32: value = ranges[0] + symbol * ranges[1].
        latents: [N, LATENTS] int64, at most MAX_LATENT in magnitude.
        decoders: of the latents.
        layers: of the network, float16.
    """

    head_model_id: str
    name: str
    shape: Symbols
    faces_bound: Symbols
    barycentrics: Symbols
    direct: Symbols
    ranges: NDArray[np.float32]
    latents: Symbols
    decoders: Decoders
    layers: tuple[DenseLayer, ...]

    def avatar(self) -> PaperAvatar:
        """The avatar, the same to the last bit on every platform.

        Raises:
            AvatarFileError: a number is out of range.
        """
        direct = self.ranges[0].astype(np.float64) + self.direct * self.ranges[1].astype(np.float64)
        harmonics = self._harmonics()
        quats = decode(self.latents[:, 1 : 1 + ROTATION_LATENTS], self.decoders.rotation)
        logits = decode(self.latents[:, -1:], self.decoders.opacity)[:, 0]
        w, x, y, z = quats.T
        norms = np.sqrt(w * w + x * x + y * y + z * z)
        if norms.min() < _LEAST_NORM:
            raise AvatarFileError("The avatar file holds a rotation that is none")
        for values in (direct, harmonics, logits):
            if not (np.abs(values) <= _LARGEST).all():
                raise AvatarFileError("The avatar file holds a number that is out of range")
        first, second = self.barycentrics.T
        barycentrics = np.stack([first, second, BARYCENTRIC_LEVELS - first - second], axis=1) / BARYCENTRIC_LEVELS
        return PaperAvatar(
            head_model_id=self.head_model_id,
            name=self.name,
            shape_offsets=_float32(self.shape * SHAPE_STEP_M),
            faces_bound=self.faces_bound.astype(np.int32),
            barycentrics=_float32(barycentrics),
            log_scales=_float32(direct[:, 3:]),
            quats=_float32(quats / norms[:, None]),
            logit_opacities=_float32(logits),
            sh0=_float32(direct[:, :3]),
            sh_rest=_float32(harmonics).reshape(len(harmonics), -1, 3),
            layers=tuple(DenseLayer(_float32(layer.weights), _float32(layer.bias)) for layer in self.layers),
        )

    def _harmonics(self) -> Array:
        weights, bias = np.repeat(self.decoders.harmonics.astype(np.float64), HARMONIC_BLOCK, axis=0).transpose(1, 0, 2)
        count = len(self.latents)
        return self.latents[:, :1] * weights[:count] + bias[:count]


def harmonic_blocks(count: int) -> int:
    """How many decoders of harmonics so many Gaussians have."""
    return -(-count // HARMONIC_BLOCK)


def decode(latents: Symbols, decoder: NDArray[np.floating]) -> Array:
    """[N, C] attributes of the `latents` [N, L]; `decoder` [L + 1, C], its bias last.

    Products are added one after the other: a matrix product may add in another order on another machine.
    """
    *rows, bias = decoder.astype(np.float64)
    values = np.tile(bias, (len(latents), 1))
    for column, row in zip(latents.T, rows, strict=True):
        values += column[:, None] * row
    return values


def _float32(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32)
