"""From an avatar of profile `paper` to integers and linear decoders without looking at pictures.

Where training goes on from (enrolment.torch_training.latent_splats), and how what it has found is rounded in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codec.errors import AvatarFileError
from codec.latent_avatar import (
    BARYCENTRIC_LEVELS,
    HARMONIC_BLOCK,
    MAX_LATENT,
    SHAPE_STEP_M,
    Decoders,
    LatentPaperAvatar,
    Symbols,
)
from codec.paper_avatar import DenseLayer, PaperAvatar
from codec.params import FaceParams
from renderer.avatar.avatar_model import skull_rotation
from renderer.gaussians import SH_C0
from renderer.spherical_harmonics import basis

DIRECT_LEVELS = 127
"""Base color and log-scale take so many levels on either side of the middle: 8 bits."""
OUTLIERS = 0.0005
"""Share of the values at each end of a range that are clipped, so that a few do not make all others coarse."""
SPREAD_TAIL = 0.002
LARGEST_LOGIT = 8.0
VIEWS = 64
UNSEEN = 0.01
"""Weight of what no view shows of the harmonics: enough to keep it from growing."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Latents:
    """The latents of N Gaussians before they are rounded, in units of 1, and what decodes them.

    Args:
        values: [N, LATENTS] float64.
        decoders: codec.latent_avatar.Decoders as float64: harmonics, rotation, opacity.
    """

    values: Array
    decoders: tuple[Array, Array, Array]


def settled(avatar: PaperAvatar) -> PaperAvatar:
    """The avatar with its shape and its places as the compressed file holds them: sorted by triangle, rounded.

    Raises:
        AvatarFileError: barycentrics are none, or there are no harmonics.
    """
    if avatar.sh_rest.shape[1:] not in ((3, 3), (8, 3), (15, 3)):
        raise AvatarFileError("Only avatars with harmonics of degree 1 to 3 can be compressed as the paper does")
    levels = _barycentric_levels(avatar.barycentrics)
    rows = np.lexsort((levels[:, 1], levels[:, 0], avatar.faces_bound))
    names = ("faces_bound", "log_scales", "quats", "logit_opacities", "sh0", "sh_rest")
    mixes = np.concatenate([levels, BARYCENTRIC_LEVELS - levels.sum(axis=1, keepdims=True)], axis=1)
    return replace(
        avatar,
        shape_offsets=(_shape_levels(avatar.shape_offsets) * SHAPE_STEP_M).astype(np.float32),
        barycentrics=(mixes[rows] / BARYCENTRIC_LEVELS).astype(np.float32),
        **{name: getattr(avatar, name)[rows] for name in names},
    )


def first_latents(avatar: PaperAvatar, neutral: NDArray[np.float32], cameras: Array) -> tuple[PaperAvatar, Latents]:
    """Latents by least squares: principal axes of the harmonics and of the rotations, the opacity as it is.

    Of the harmonics only what differs between the views matters, as the color itself takes over the rest.

    Args:
        avatar: with harmonics.
        neutral: [N, 3] the Gaussians' places in the head frame, metres.
        cameras: [P, 3] where it was looked at from: camera centers in the head frame, metres (`camera_centers`).

    Returns:
        The avatar with base colors that go with the decoded harmonics, and the latents.
    """
    quats = avatar.quats.astype(np.float64)
    quats = quats * np.where(quats[:, :1] < 0, -1, 1)  # the same rotation
    logits = np.clip(avatar.logit_opacities.astype(np.float64), -LARGEST_LOGIT, LARGEST_LOGIT)[:, None]
    equal = np.ones(avatar.count)
    seen = 1 / (1 + np.exp(-logits[:, 0]))
    blocks = [slice(first, first + HARMONIC_BLOCK) for first in range(0, avatar.count, HARMONIC_BLOCK)]
    parts = [_first_harmonics(avatar.sh_rest[block], neutral[block], cameras, seen[block]) for block in blocks]
    harmonics, shifts = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
    decoder = np.stack([part[2] for part in parts])
    sh0 = avatar.sh0 + shifts / SH_C0
    (turns, turn_decoder), (levels, level_decoder) = (_principal(quats, 4, equal), _principal(logits, 1, equal))
    values = np.concatenate([harmonics, turns, levels], axis=1)
    return replace(avatar, sh0=sh0.astype(np.float32)), Latents(values, (decoder, turn_decoder, level_decoder))


def camera_centers(faces: Sequence[FaceParams]) -> Array:
    """[P, 3] the camera's center in the head frame of each instant, metres."""
    return np.stack([-skull_rotation(face).T @ face.translation.astype(np.float64) for face in faces])


def _first_harmonics(
    sh_rest: NDArray[np.float32], neutral: NDArray[np.float32], cameras: Array, seen: Array
) -> tuple[Array, Array, Array]:
    """Latents [n, 1] of one block, what its colors take over [n, 3], and its decoder [2, 3 K]."""
    before = sh_rest.astype(np.float64)  # [n, K, 3]
    usual, spread = _seen_harmonics(neutral, cameras, before.shape[1], seen)
    root = np.linalg.cholesky(spread)
    weighed = np.einsum("kj,nkc->njc", root, before)
    latents, decoder = _principal(weighed.reshape(len(before), -1), 1, seen)
    decoder = np.linalg.solve(root.T, decoder.reshape(2, -1, 3)).reshape(2, -1).astype(np.float64)
    after = (np.rint(latents) * decoder[:1] + decoder[1:]).reshape(before.shape)
    return latents, np.einsum("nk,nkc->nc", usual, before - after), decoder


def _seen_harmonics(neutral: NDArray[np.float32], cameras: Array, count: int, seen: Array) -> tuple[Array, Array]:
    """What views make of harmonics: their means [N, K] at each Gaussian, and how they vary, [K, K]."""
    chosen = cameras[np.unique(np.linspace(0, len(cameras) - 1, VIEWS).round().astype(int))]
    directions = neutral[:, None].astype(np.float64) - chosen
    values = basis(directions / np.linalg.norm(directions, axis=-1, keepdims=True))[..., :count]  # [N, P, K]
    usual = values.mean(axis=1)
    values = (values - usual[:, None]) * np.sqrt(seen / seen.sum() / len(chosen))[:, None, None]
    spread = np.einsum("npk,npl->kl", values, values)
    return usual, spread + UNSEEN * np.trace(spread) / count * np.eye(count) + 1e-12 * np.eye(count)


def direct_ranges(avatar: PaperAvatar) -> NDArray[np.float32]:
    """[2, 6] middle and step of base color and log-scale (codec.latent_avatar.LatentPaperAvatar.ranges)."""
    values = np.concatenate([avatar.sh0, avatar.log_scales], axis=1).astype(np.float64)
    low, high = np.quantile(values, [OUTLIERS, 1 - OUTLIERS], axis=0)
    return np.stack([(low + high) / 2, np.maximum(high - low, 1e-6) / (2 * DIRECT_LEVELS)]).astype(np.float32)


def rounded(avatar: PaperAvatar, latents: Latents, ranges: NDArray[np.float32]) -> LatentPaperAvatar:
    """The compressed avatar.

    Args:
        avatar: as `settled` leaves it; its rotations, opacities and harmonics are those of the latents.
        latents: see there.
        ranges: of base color and scale.

    Raises:
        AvatarFileError: it has gone astray.
    """
    direct = np.concatenate([avatar.sh0, avatar.log_scales], axis=1).astype(np.float64)
    symbols = np.rint((direct - ranges[0]) / ranges[1])
    if not (np.isfinite(symbols).all() and np.isfinite(latents.values).all()):
        raise AvatarFileError("The avatar holds a number that is not finite")
    with np.errstate(over="ignore"):  # what exceeds float16 becomes infinite, which the file refuses
        decoders = Decoders(*(part.astype(np.float16) for part in latents.decoders))
        layers = half_layers(avatar.layers)
    return LatentPaperAvatar(
        head_model_id=avatar.head_model_id,
        name=avatar.name,
        shape=_shape_levels(avatar.shape_offsets),
        faces_bound=avatar.faces_bound.astype(np.int64),
        barycentrics=_barycentric_levels(avatar.barycentrics),
        direct=np.clip(symbols, -DIRECT_LEVELS, DIRECT_LEVELS).astype(np.int64),
        ranges=ranges,
        latents=np.rint(np.clip(latents.values, -MAX_LATENT, MAX_LATENT)).astype(np.int64),
        decoders=decoders,
        layers=layers,
    )


def half_layers(layers: tuple[DenseLayer, ...]) -> tuple[DenseLayer, ...]:
    """The network in half precision."""
    return tuple(DenseLayer(layer.weights.astype(np.float16), layer.bias.astype(np.float16)) for layer in layers)


def _principal(values: Array, count: int, weights: Array) -> tuple[Array, Array]:
    """[N, count] coordinates of the `values` [N, C] on their first principal axes; their decoder [count + 1, C].

    They fill the range of a latent but for a few that are clipped; the decoder is the best one for them, rounded. Rows
    count by their `weights` [N].
    """
    shares = weights[:, None] / weights.sum()
    centered = values - (shares * values).sum(axis=0)
    axes = np.linalg.eigh(centered.T @ (shares * centered))[1][:, ::-1][:, :count]
    latents = centered @ axes
    reach = np.quantile(np.abs(latents), 1 - SPREAD_TAIL, axis=0).clip(1e-9)
    latents = np.clip(latents * (MAX_LATENT / reach), -MAX_LATENT, MAX_LATENT)
    known = np.concatenate([np.rint(latents), np.ones((len(latents), 1))], axis=1)
    root = np.sqrt(shares)
    return latents, np.linalg.lstsq(root * known, root * values, rcond=None)[0]


def _barycentric_levels(barycentrics: NDArray[np.float32]) -> Symbols:
    if np.abs(barycentrics.sum(axis=1) - 1).max() > 1e-2 or barycentrics.min() < -1e-3:
        raise AvatarFileError("The avatar's barycentrics must be non-negative and sum to 1")
    first, second = np.rint(barycentrics[:, :2].T.astype(np.float64) * BARYCENTRIC_LEVELS).astype(np.int64)
    first = np.clip(first, 0, BARYCENTRIC_LEVELS)
    return np.stack([first, np.clip(second, 0, BARYCENTRIC_LEVELS - first)], axis=1)


def _shape_levels(shape_offsets: NDArray[np.float32]) -> Symbols:
    return np.rint(shape_offsets.astype(np.float64) / SHAPE_STEP_M).astype(np.int64)
