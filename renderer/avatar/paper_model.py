"""An avatar of profile `paper` on its head model: from face parameters to posed Gaussians, in plain numpy.

This is the oracle of renderer.avatar.paper_poser.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codec.paper_avatar import (
    CONDITION_EXPRESSION,
    CONDITION_SIZE,
    FREQUENCIES,
    INPUT_SIZE,
    MAX_HIDDEN_LAYERS,
    MAX_PAPER_GAUSSIANS,
    MAX_WIDTH,
    OUTPUT_SIZE,
    SH_COEFFICIENTS,
    DenseLayer,
    PaperAvatar,
)
from codec.params import TORSO_SIZE, FaceParams
from renderer.avatar.avatar_model import MAX_SCALE_M, MAX_SPLAT_AREA_M2, skull_rotation
from renderer.avatar.rotations import quat_from_matrix, quat_multiply
from renderer.errors import AvatarMismatchError
from renderer.gaussians import SH_C0, GaussianCloud
from renderer.head.model import HeadModel
from renderer.head.pose import FLIP, eye_rotation, pose_vertices, rotation_matrix

MAX_WEIGHT = 100.0
"""Largest magnitude of a weight. Even if all reach it, nothing overflows for parameters up to 10^7."""


class PaperAvatarModel:
    """A `paper` avatar bound to its head model.

    The mesh is posed without the head's rotation and position, the network moves the Gaussians off it, and the result
    moves with the skull as one rigid body, shoulders included: FlashAvatar puts the head's pose into the camera. The
    torso's own motion is not shown.

    Args:
        head: the head model that the asset names.
        asset: the avatar; it may come from a stranger.

    Raises:
        AvatarMismatchError: the asset is for another head model, an array has the wrong shape, or an index or a value
            is out of range.
    """

    def __init__(self, head: HeadModel, asset: PaperAvatar) -> None:
        _validate_binding(head, asset)
        _validate_network(asset.layers)
        self.head = head
        self.asset = asset
        self.corners = head.faces[asset.faces_bound]  # [N, 3] vertices of each Gaussian's triangle
        self.opacities = (1.0 / (1.0 + np.exp(-np.clip(asset.logit_opacities, -30, 30)))).astype(np.float32)
        self.colors = (0.5 + SH_C0 * asset.sh0).astype(np.float32)
        shaped = (head.v_template + asset.shape_offsets).astype(np.float64)
        self.encoded = encode_positions(np.einsum("nk,nkc->nc", asset.barycentrics, shaped[self.corners]))

    @property
    def count(self) -> int:
        """Number of Gaussians N."""
        return self.asset.count

    def pose(self, params: FaceParams) -> GaussianCloud:
        """The Gaussians of one time instant, in the world frame (the speaker's camera frame)."""
        asset = self.asset
        vertices = pose_vertices(self.head, asset.shape_offsets, without_head_pose(params)) @ FLIP  # head frame
        points = np.einsum("nk,nkc->nc", asset.barycentrics, vertices[self.corners])
        offsets = np.tanh(self.network_output(params))  # [N, 10]
        turns = np.concatenate([np.exp(offsets[:, 3:4]), offsets[:, 4:7]], axis=1)
        quats = quat_multiply(asset.quats.astype(np.float64), turns)
        # FlashAvatar multiplies the logarithm: sigma becomes sigma^c, not c sigma. Trained networks count on it.
        log_scales = asset.log_scales * np.exp(offsets[:, 7:10])
        scales = np.exp(np.minimum(log_scales, np.log(MAX_SCALE_M)))
        skull = skull_rotation(params)
        turned = quat_multiply(quat_from_matrix(skull[None]), quats / np.linalg.norm(quats, axis=1, keepdims=True))
        return GaussianCloud(
            means=((points + offsets[:, :3]) @ skull.T + params.translation).astype(np.float32),
            quats=turned.astype(np.float32),
            scales=(area_limit(splat_area(scales)) * scales).astype(np.float32),
            opacities=self.opacities,
            colors=self.colors,
            sh_rest=asset.sh_rest,
            sh_from_world=skull.T.copy(),
        )

    def network_output(self, params: FaceParams) -> NDArray[np.float64]:
        """[N, OUTPUT_SIZE] what the network says, before the tanh."""
        condition = np.broadcast_to(condition_vector(params), (self.count, CONDITION_SIZE))
        values = np.concatenate([self.encoded, condition], axis=1)
        *hidden, last = self.asset.layers
        for layer in hidden:
            values = np.maximum(values @ layer.weights.astype(np.float64) + layer.bias, 0)
        return values @ last.weights.astype(np.float64) + last.bias


def without_head_pose(params: FaceParams) -> FaceParams:
    """The same face, straight, at the origin, its shoulders below it."""
    zero = np.zeros(3, np.float32)
    return replace(params, global_rotation=zero, translation=zero, torso=np.zeros(TORSO_SIZE, np.float32))


def encode_positions(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """[N, ENCODED_SIZE] positional encoding of `points` [N, 3] (codec.paper_avatar.ENCODED_SIZE)."""
    points = points.astype(np.float64)
    parts = [points]
    for frequency in 2.0 ** np.arange(FREQUENCIES):
        parts += [np.sin(frequency * points), np.cos(frequency * points)]
    return np.concatenate(parts, axis=1)


def condition_vector(params: FaceParams) -> NDArray[np.float64]:
    """[CONDITION_SIZE] what the network is told about this instant; expression that the sender lacks counts as 0."""
    left_yaw, left_pitch, right_yaw, right_pitch = (float(value) for value in params.gaze)
    condition = np.zeros(CONDITION_SIZE)
    condition[: len(params.expression)] = params.expression
    at = CONDITION_EXPRESSION
    condition[at : at + 6] = rotation_matrix(params.jaw_pose)[:2].ravel()
    condition[at + 6 : at + 12] = eye_rotation(left_yaw, left_pitch)[:2].ravel()
    condition[at + 12 : at + 18] = eye_rotation(right_yaw, right_pitch)[:2].ravel()
    condition[at + 18 :] = params.eyelids
    return condition


def splat_area(scales: NDArray[np.floating]) -> float:
    """Sum of the 3-sigma ellipses of Gaussians of standard deviations [N, 3], square metres."""
    a, b, c = scales.astype(np.float64).T
    return 9 * np.pi * float(np.maximum(a * b, np.maximum(a * c, b * c)).sum())


def area_limit(area: float) -> float:
    """The factor, at most 1, by which to shrink Gaussians that cover `area` square metres.

    The network decides how large they get, so that an asset cannot be refused ahead for it.
    """
    return min(1.0, float(np.sqrt(MAX_SPLAT_AREA_M2 / max(area, 1e-12))))


def _validate_binding(head: HeadModel, asset: PaperAvatar) -> None:
    if asset.head_model_id != head.model_id:
        raise AvatarMismatchError(
            f"the avatar is made for head model {asset.head_model_id[:12]}, this is {head.model_id[:12]} ({head.name})"
        )
    count = asset.count
    if count > MAX_PAPER_GAUSSIANS:
        raise AvatarMismatchError(f"{count} Gaussians exceed {MAX_PAPER_GAUSSIANS}")
    coefficients = asset.sh_rest.shape[1] if asset.sh_rest.ndim == 3 else -1
    if coefficients not in SH_COEFFICIENTS:
        raise AvatarMismatchError(f"sh_rest has shape {asset.sh_rest.shape}, expected ({count}, 0, 3, 8 or 15, 3)")
    shapes = {
        "shape_offsets": (len(head.v_template), 3),
        "faces_bound": (count,),
        "barycentrics": (count, 3),
        "log_scales": (count, 3),
        "quats": (count, 4),
        "logit_opacities": (count,),
        "sh0": (count, 3),
        "sh_rest": (count, coefficients, 3),
    }
    for name, shape in shapes.items():
        _check_array(name, getattr(asset, name), shape)
    if count and not (asset.faces_bound.min() >= 0 and asset.faces_bound.max() < len(head.faces)):
        raise AvatarMismatchError(f"faces_bound refers to a triangle outside 0..{len(head.faces) - 1}")
    if (np.abs(asset.barycentrics.sum(axis=1) - 1) > 1e-2).any() or (asset.barycentrics < -1e-3).any():
        raise AvatarMismatchError("barycentrics are not weights that sum to 1")
    if (np.abs(np.linalg.norm(asset.quats, axis=1) - 1) > 0.1).any():
        raise AvatarMismatchError("quats holds a quaternion that is not unit")
    for name, limit in (("shape_offsets", 1.0), ("log_scales", 100.0), ("sh0", 100.0), ("sh_rest", 100.0)):
        _check_limit(name, getattr(asset, name), limit)


def _validate_network(layers: tuple[DenseLayer, ...]) -> None:
    hidden = len(layers) - 1
    if not 1 <= hidden <= MAX_HIDDEN_LAYERS:
        raise AvatarMismatchError(f"the network has {hidden} hidden layers, expected 1..{MAX_HIDDEN_LAYERS}")
    inputs = INPUT_SIZE
    for i, layer in enumerate(layers):
        outputs = OUTPUT_SIZE if i == hidden else len(layer.bias) if layer.bias.ndim == 1 else 0
        if not 1 <= outputs <= MAX_WIDTH:
            raise AvatarMismatchError(f"layer {i} of the network has {outputs} outputs, expected 1..{MAX_WIDTH}")
        for name, shape in (("weights", (inputs, outputs)), ("bias", (outputs,))):
            array = getattr(layer, name)
            _check_array(f"{name} of layer {i}", array, shape)
            _check_limit(f"{name} of layer {i}", array, MAX_WEIGHT)
        inputs = outputs


def _check_array(name: str, array: NDArray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise AvatarMismatchError(f"{name} has shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        raise AvatarMismatchError(f"{name} holds a number that is not finite")


def _check_limit(name: str, array: NDArray, limit: float) -> None:
    if (np.abs(array) > limit).any():
        raise AvatarMismatchError(f"{name} exceeds {limit}")
