"""Avatars posed on the graphics card: renderer.avatar.avatar_model for many peers at once, as tensors.

Needs PyTorch (extra `cuda`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor  # pyright: ignore[reportMissingImports]

from codec.params import MAX_EXPRESSION
from renderer.avatar.avatar_model import PARAMS_SIZE, AvatarModel, sample_grid
from renderer.gaussians import SH_C0
from renderer.head.model import HeadModel
from renderer.head.pose import FLIP, TORSO_PITCH, TORSO_ROLL, TORSO_YAW

_ROTATION, _TRANSLATION, _JAW, _EYELIDS, _GAZE, _TORSO_ROTATION, _TORSO_TRANSLATION = (
    slice(MAX_EXPRESSION + start, MAX_EXPRESSION + end)
    for start, end in ((0, 3), (3, 6), (6, 9), (9, 11), (11, 15), (15, 18), (18, 21))
)
"""Where the fields stand in the vector of renderer.avatar.avatar_model.instant_vector."""


class TorchMesh:
    """Poses a head model; gradients reach whatever it is given.

    Args:
        head: the head model.
        device: where the work is done.
    """

    def __init__(self, head: HeadModel, device: torch.device) -> None:
        size = head.v_template.size
        directions = [
            head.expressiondirs.reshape(size, -1).T,
            head.eyelid_dirs.reshape(2, -1),
            head.posedirs.reshape(-1, size),
        ]
        self._directions = _tensor(np.concatenate(directions), device)  # [50 + 2 + 36, 3 V]
        self._weights = _tensor(head.lbs_weights, device)
        self._flip = _tensor(FLIP, device)

    def vertices(self, shaped: Tensor, joints: Tensor, vectors: Tensor) -> Tensor:
        """[B, 2 V, 3]: all vertices posed, then all vertices of the resting head moved with the skull alone.

        Nothing in here waits for the device or makes a tensor from numbers, so that it can be recorded as a CUDA graph.

        Args:
            shaped: [B, V, 3] the neutral heads in the head frame, metres; or [1, V, 3], one for all.
            joints: [B, 5, 3] or [1, 5, 3] their joints.
            vectors: [B, 71] float32 on the device, see renderer.avatar.avatar_model.instant_vector.
        """
        skull = rotation_matrices(vectors[:, _ROTATION])
        shoulders = rotation_matrices(vectors[:, _TORSO_ROTATION]) @ torso_rotations(skull)
        relative = self._joint_rotations(vectors, skull, shoulders)  # [B, 4, 3, 3]
        size = len(vectors)
        turned = self._flip @ skull  # [B, 3, 3] head to camera frame
        translation = vectors[:, None, _TRANSLATION]  # [B, 1, 3]
        rotations = torch.cat(
            [(self._flip @ shoulders)[:, None], turned[:, None], turned[:, None] @ relative[:, 1:]], dim=1
        )  # [B, 5, 3, 3]
        # the skull carries the points that joints turn about: the shoulders about the neck, the others about their own
        pivots = torch.cat([joints[:, 1:2], joints[:, 1:]], dim=1)
        shifts = translation + ((turned[:, None] - rotations) @ pivots[..., None])[..., 0]  # [B, 5, 3]
        own = vectors[:, None, _TORSO_TRANSLATION]
        shifts = torch.cat([shifts[:, :1] + own, shifts[:, 1:]], dim=1)
        transforms = torch.cat([rotations.flatten(2), shifts], dim=2)  # [B, 5, 12]

        identity = torch.eye(3, device=vectors.device)
        features = (relative - identity).flatten(1)  # [B, 36]
        coefficients = torch.cat([vectors[:, :MAX_EXPRESSION], vectors[:, _EYELIDS], features], dim=1)
        rest = shaped + (coefficients @ self._directions).view(size, -1, 3)
        blended = self._weights @ transforms  # [B, V, 12]
        matrices = blended[..., :9].unflatten(2, (3, 3))
        posed = (matrices * rest[..., None, :]).sum(-1) + blended[..., 9:]
        return torch.cat([posed, shaped @ turned.transpose(1, 2) + translation], dim=1)

    def _joint_rotations(self, vectors: Tensor, skull: Tensor, shoulders: Tensor) -> Tensor:
        """[B, 4, 3, 3]: renderer.head.pose.joint_rotations."""
        neck = shoulders.transpose(1, 2) @ skull
        gaze = vectors[:, _GAZE]
        eyes = [eye_rotations(gaze[:, 0], gaze[:, 1]), eye_rotations(gaze[:, 2], gaze[:, 3])]
        return torch.stack([neck, rotation_matrices(vectors[:, _JAW]), *eyes], dim=1)


class TorchPoser:
    """Poses B avatars of one head model.

    Args:
        avatars: B avatars, all made for the same head model.
        count: Gaussians N that every avatar is brought to with invisible ones, at least as many as any has.
        device: where the arrays are kept and the work is done.

    Raises:
        ValueError: there are several head models, or an avatar has more than `count` Gaussians.
    """

    def __init__(self, avatars: Sequence[AvatarModel], count: int, device: torch.device) -> None:
        if len({avatar.head.model_id for avatar in avatars}) != 1:
            raise ValueError("a poser takes avatars of one head model")
        if max(avatar.count for avatar in avatars) > count:
            raise ValueError(f"an avatar has more than {count} Gaussians")
        head, self._device = avatars[0].head, device
        vertices = len(head.v_template)
        shaped = np.stack([head.v_template + avatar.asset.shape_offsets for avatar in avatars])  # [B, V, 3]
        self._mesh = TorchMesh(head, device)
        self._shaped = self._tensor(shaped)
        self._joints = self._tensor(np.einsum("jv,bvc->bjc", head.J_regressor.astype(np.float64), shaped))

        # a rigid Gaussian takes its corners from the second half of the vertices, which only the skull moves
        corners = [avatar.corners + vertices * avatar.asset.rigid_to_skull[:, None] for avatar in avatars]
        first = 2 * vertices * np.arange(len(avatars))[:, None, None]
        self._corners = torch.from_numpy((_padded(corners, count) + first).astype(np.int64).ravel()).to(device)
        assets = [avatar.asset for avatar in avatars]
        self._barycentrics = self._tensor(_padded([asset.barycentrics for asset in assets], count))
        self._local_means = self._tensor(_padded([asset.local_means for asset in assets], count))
        self._local_quats = self._tensor(_padded([asset.local_quats for asset in assets], count, (1, 0, 0, 0)))
        self._sh0 = self._tensor(_padded([asset.sh0 for asset in assets], count))
        self.scales = self._tensor(_padded([avatar.scales for avatar in avatars], count, (1, 1, 1)))
        self.opacities = self._tensor(_padded([avatar.opacities[:, None] for avatar in avatars], count)[..., 0])
        bases = max(len(asset.basis_grid) for asset in assets)
        weights = np.zeros((len(assets), bases, PARAMS_SIZE), np.float32)
        samples = np.zeros((len(assets), bases, count * 9), np.float32)
        for i, avatar in enumerate(avatars):
            sampled = sample_grid(avatar.asset.basis_grid, avatar.asset.grid_uv)  # [K, 9, n]
            sampled[:, :, avatar.asset.rigid_to_skull] = 0
            used = len(sampled)
            weights[i, :used] = avatar.asset.basis_weights
            samples[i, :used, : 9 * avatar.count] = sampled.transpose(0, 2, 1).reshape(used, 9 * avatar.count)
        self._basis_weights, self._samples = (torch.from_numpy(array).to(device) for array in (weights, samples))

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return _tensor(array, self._device)

    def pose(self, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means [B, N, 3], quats [B, N, 4] and colors [B, N, 3] of one instant.

        Nothing in here waits for the device or makes a tensor from numbers, so that it can be recorded as a CUDA graph.

        Args:
            vectors: [B, 71] float32 on the device, see renderer.avatar.avatar_model.instant_vector.
        """
        size, count = self._local_means.shape[:2]
        vertices = self._mesh.vertices(self._shaped, self._joints, vectors)  # [B, 2 V, 3]
        triangles = vertices.flatten(0, 1).index_select(0, self._corners).view(size, count, 3, 3)
        frames = triangle_frames(triangles)
        coefficients = self._basis_weights @ vectors[:, :PARAMS_SIZE, None]  # [B, K, 1]
        offsets = (coefficients.transpose(1, 2) @ self._samples).view(size, count, 9)
        origins = (self._barycentrics[..., None] * triangles).sum(2)
        local_means = self._local_means + offsets[..., :3]
        means = origins + (frames * local_means[..., None, :]).sum(-1)
        local_quats = quat_multiply(quat_from_rotation_vector(offsets[..., 3:6]), self._local_quats)
        quats = quat_multiply(quat_from_matrix(frames), local_quats)
        colors = (0.5 + SH_C0 * (self._sh0 + offsets[..., 6:9])).clamp(min=0)
        return means, quats, colors


def _tensor(array: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32, order="C")).to(device)


def _padded(arrays: Sequence[NDArray[Any]], count: int, fill: Sequence[float] = (0.0,)) -> NDArray[Any]:
    """[B, count, C] arrays [n, C] one over the other, their ends filled with rows of `fill`."""
    result = np.empty((len(arrays), count, arrays[0].shape[1]))
    result[:] = np.asarray(fill)
    for row, array in zip(result, arrays, strict=True):
        row[: len(array)] = array
    return result


def rotation_matrices(vectors: Tensor) -> Tensor:
    """[B, 3, 3] rotations by the rotation vectors [B, 3] (axis times angle)."""
    return _matrices_from_quats(quat_from_rotation_vector(vectors))


def _matrices_from_quats(quats: Tensor) -> Tensor:
    w, x, y, z = quats.unbind(-1)
    elements = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(elements, dim=-1).unflatten(-1, (3, 3))


def eye_rotations(yaw: Tensor, pitch: Tensor) -> Tensor:
    """[B, 3, 3]: renderer.head.pose.eye_rotation."""
    cy, sy, cp, sp = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin()
    elements = [*(cy, -sy * sp, sy * cp), *(torch.zeros_like(cy), cp, sp), *(-sy, -cy * sp, cy * cp)]
    return torch.stack(elements, dim=-1).unflatten(-1, (3, 3))


def torso_rotations(skull: Tensor) -> Tensor:
    """[B, 3, 3]: renderer.head.pose.torso_rotation."""
    pitch = torch.asin((-skull[:, 1, 2]).clamp(-1, 1))
    yaw = torch.atan2(skull[:, 0, 2], skull[:, 2, 2])
    roll = torch.atan2(skull[:, 1, 0], skull[:, 1, 1])
    zero = torch.zeros_like(yaw)
    turns = [
        torch.stack([zero, TORSO_YAW * yaw, zero], dim=1),
        torch.stack([TORSO_PITCH * pitch, zero, zero], dim=1),
        torch.stack([zero, zero, TORSO_ROLL * roll], dim=1),
    ]
    about_y, about_x, about_z = (rotation_matrices(turn) for turn in turns)
    return about_y @ about_x @ about_z


def triangle_frames(triangles: Tensor) -> Tensor:
    """[B, N, 3, 3]: renderer.avatar.avatar_model.triangle_frames."""
    corner = triangles[..., 0, :]
    edge = triangles[..., 1, :] - corner
    normal = torch.linalg.cross(edge, triangles[..., 2, :] - corner)
    x, z = (v / v.norm(dim=-1, keepdim=True).clamp(min=1e-12) for v in (edge, normal))
    return torch.stack([x, torch.linalg.cross(z, x), z], dim=-1)


def quat_multiply(left: Tensor, right: Tensor) -> Tensor:
    """[..., 4]: renderer.avatar.rotations.quat_multiply."""
    w, x, y, z = left.unbind(-1)
    a, b, c, d = right.unbind(-1)
    product = [
        w * a - x * b - y * c - z * d,
        w * b + x * a + y * d - z * c,
        w * c - x * d + y * a + z * b,
        w * d + x * c - y * b + z * a,
    ]
    return torch.stack(product, dim=-1)


def quat_from_rotation_vector(vectors: Tensor) -> Tensor:
    """[..., 4] unit quaternions of the rotation vectors (axis times angle) [..., 3]."""
    half_angle = 0.5 * vectors.norm(dim=-1, keepdim=True)
    return torch.cat([half_angle.cos(), 0.5 * vectors * torch.sinc(half_angle / torch.pi)], dim=-1)


def quat_from_matrix(matrices: Tensor) -> Tensor:
    """[..., 4] unit quaternions: renderer.avatar.rotations.quat_from_matrix (Shepperd 1978)."""
    m = matrices
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    squares = torch.stack([1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz], dim=-1)
    candidates = torch.stack(
        [
            *(squares[..., 0], wx, wy, wz, wx, squares[..., 1], xy, xz),
            *(wy, xy, squares[..., 2], yz, wz, xz, yz, squares[..., 3]),
        ],
        dim=-1,
    ).unflatten(-1, (4, 4))
    best = squares.argmax(-1)[..., None, None].expand(*squares.shape[:-1], 1, 4)
    quats = candidates.gather(-2, best)[..., 0, :]
    return quats / quats.norm(dim=-1, keepdim=True)
