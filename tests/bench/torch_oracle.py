"""Gradients by float64 autograd: the slow, obvious counterpart of renderer.backends.gradients.

Gaussian by Gaussian over all pixels, some seconds for 300 of them. The rules are those of renderer.backends.base.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from renderer.backends.gradients import CloudGradients, DifferentiableRasterizer
from renderer.backends.reference import ALPHA_MAX, ALPHA_MIN, FIELD_MARGIN, LOW_PASS_PX2, NEAR_M, TRANSMITTANCE_MIN
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from renderer.spherical_harmonics import C1, C2, C3
from tests.support.gradient_scenes import BACKGROUND, oblique_camera, relative_error, soft_ball

GROUPS = ("means", "quats", "scales", "opacities", "colors", "sh_rest", "camera_from_world", "background")


def sh_basis(directions: Tensor) -> Tensor:
    """[N, 15] spherical harmonics of degrees 1 to 3 at unit `directions` [N, 3]."""
    x, y, z = directions.unbind(1)
    xx, yy, zz = x * x, y * y, z * z
    values = [
        *(-C1 * y, C1 * z, -C1 * x),
        *(C2[0] * x * y, -C2[0] * y * z, C2[1] * (2 * zz - xx - yy), -C2[0] * x * z, C2[2] * (xx - yy)),
        *(-C3[0] * y * (3 * xx - yy), C3[1] * x * y * z, -C3[2] * y * (4 * zz - xx - yy)),
        *(C3[3] * z * (2 * zz - 3 * xx - 3 * yy), -C3[2] * x * (4 * zz - xx - yy)),
        *(C3[4] * z * (xx - yy), -C3[0] * x * (xx - 3 * yy)),
    ]
    return torch.stack(values, dim=1)


def rotation_matrices(quats: Tensor) -> Tensor:
    """[N, 3, 3] rotations of `quats` [N, 4] wxyz, which need not be unit."""
    w, x, y, z = (quats / quats.norm(dim=1, keepdim=True)).unbind(1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], 1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], 1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], 1),
    ]
    return torch.stack(rows, 1)


def draw(leaves: dict[str, Tensor], cloud: GaussianCloud, camera: Camera) -> tuple[Tensor, Tensor]:
    """([H, W, 3] picture, [H, W] alpha) from float64 `leaves`, one for each of GROUPS."""
    view = leaves["camera_from_world"]
    seen = leaves["means"] @ view[:3, :3].T + view[:3, 3]  # [N, 3]
    fx, fy, cx, cy = (float(camera.K[i, j]) for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
    order = torch.argsort(seen[:, 2].detach(), stable=True)
    order = order[(seen[order, 2] >= NEAR_M) & (leaves["opacities"][order] >= ALPHA_MIN)]
    seen = seen[order]
    depth = seen[:, 2]
    slopes = seen[:, :2] / depth[:, None]
    limits = FIELD_MARGIN * 0.5 * torch.tensor([camera.width / abs(fx), camera.height / abs(fy)], dtype=torch.float64)
    inside = torch.maximum(torch.minimum(slopes, limits), -limits)
    zero = torch.zeros_like(depth)
    jacobian = torch.stack(
        [fx / depth, zero, -fx * inside[:, 0] / depth, zero, fy / depth, -fy * inside[:, 1] / depth], 1
    ).reshape(-1, 2, 3)
    axes = rotation_matrices(leaves["quats"][order]) * leaves["scales"][order][:, None, :]
    footprint = jacobian @ view[:3, :3] @ axes
    covariance = footprint @ footprint.transpose(1, 2)
    a, b, c = covariance[:, 0, 0] + LOW_PASS_PX2, covariance[:, 0, 1], covariance[:, 1, 1] + LOW_PASS_PX2
    center_x, center_y = fx * slopes[:, 0] + cx, fy * slopes[:, 1] + cy
    colors = leaves["colors"][order]
    if cloud.sh_rest is not None:
        sh_from_world = torch.tensor(np.eye(3) if cloud.sh_from_world is None else cloud.sh_from_world).double()
        directions = seen / seen.norm(dim=1, keepdim=True) @ view[:3, :3] @ sh_from_world.T
        coefficients = leaves["sh_rest"][order]
        colors = colors + torch.einsum("nk,nkc->nc", sh_basis(directions)[:, : coefficients.shape[1]], coefficients)
    colors = colors.clamp(min=0)

    xs = torch.arange(camera.width, dtype=torch.float64) + 0.5
    ys = (torch.arange(camera.height, dtype=torch.float64) + 0.5)[:, None]
    image = torch.zeros(camera.height, camera.width, 3, dtype=torch.float64)
    through = torch.ones(camera.height, camera.width, dtype=torch.float64)
    stopped = torch.zeros(camera.height, camera.width, dtype=torch.bool)
    for i, number in enumerate(order.tolist()):
        dy = ys - center_y[i]
        u = xs - center_x[i] - b[i] / c[i] * dy
        distance = u * u / (a[i] - b[i] * b[i] / c[i]) + dy * dy / c[i]
        alpha = (leaves["opacities"][number] * torch.exp(-0.5 * distance)).clamp(max=ALPHA_MAX)
        drawn = (alpha >= ALPHA_MIN) & ~stopped
        stopped = stopped | (drawn & (through * (1 - alpha) < TRANSMITTANCE_MIN))
        alpha = torch.where(drawn & ~stopped, alpha, 0.0)
        image = image + (alpha * through)[..., None] * colors[i]
        through = through * (1 - alpha)
    return image + through[..., None] * leaves["background"], 1 - through


def autograd(
    cloud: GaussianCloud,
    camera: Camera,
    background: tuple[float, float, float],
    image_gradient: NDArray[np.floating],
    alpha_gradient: NDArray[np.floating] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Derivatives by GROUPS, as DifferentiableRasterizer.backward gives them."""
    values = {name: getattr(cloud, name) for name in GROUPS[:6]}
    values |= {"camera_from_world": camera.camera_from_world, "background": np.array(background, np.float32)}
    leaves = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for name, value in values.items()
        if value is not None
    }
    image, alpha = draw(leaves, cloud, camera)
    loss = (image * torch.tensor(image_gradient, dtype=torch.float64)).sum()
    if alpha_gradient is not None:
        loss = loss + (alpha * torch.tensor(alpha_gradient, dtype=torch.float64)).sum()
    loss.backward()
    gradients = {}
    for name, leaf in leaves.items():
        gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        gradients[name] = gradient.numpy()
    return gradients


def compare(
    cloud: GaussianCloud, camera: Camera, rasterizer: DifferentiableRasterizer | None = None, seed: int = 0
) -> tuple[dict[str, float], CloudGradients]:
    """Relative L2 error of every group for a random gradient of image and alpha, and the gradients themselves."""
    rng = np.random.default_rng(seed)
    image_gradient = rng.normal(size=(camera.height, camera.width, 3)).astype(np.float32)
    alpha_gradient = rng.normal(size=(camera.height, camera.width)).astype(np.float32)
    rasterizer = rasterizer or DifferentiableRasterizer()
    rasterizer.forward(cloud, camera, BACKGROUND)
    gradients = rasterizer.backward(image_gradient, alpha_gradient)
    expected = autograd(cloud, camera, BACKGROUND, image_gradient, alpha_gradient)
    return {name: relative_error(getattr(gradients, name), value) for name, value in expected.items()}, gradients


def gradient_errors() -> dict[str, float]:
    """Relative L2 error of every group of parameters: 300 Gaussians, degree 3, 96 x 96 pixels."""
    cloud = soft_ball(300, sh_count=15)
    return compare(replace(cloud, sh_from_world=None), oblique_camera(96, 96))[0]
