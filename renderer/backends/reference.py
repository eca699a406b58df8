"""The oracle: a slow, obvious rasterizer in float64 that the fast ones are tested against.

About a second for 15,000 Gaussians at 512 x 512. The exact rules stand in renderer.backends.base; the projection is
that of 3DGS (Kerbl et al. 2023), which is EWA splatting (Zwicker et al. 2001) with the Jacobian evaluated inside 1.3
times the field of view.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderer.background import Background
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from renderer.spherical_harmonics import evaluate

LOW_PASS_PX2 = 0.3
ALPHA_MIN = 1.0 / 255.0
ALPHA_MAX = 0.99
TRANSMITTANCE_MIN = 1e-4
NEAR_M = 0.01
FIELD_MARGIN = 1.3
"""The Jacobian of the projection is evaluated at most this far out, in half fields of view (3DGS)."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ProjectedGaussians:
    """M Gaussians on the image plane, nearest first.

    Args:
        means_px: [M, 2] centers, pixels.
        covariances: [M, 2, 2] px^2, low-pass included.
        opacities: [M].
        colors: [M, 3].
        depths: [M] metres along the optical axis.
    """

    means_px: Array
    covariances: Array
    opacities: Array
    colors: Array
    depths: Array


def rotation_matrices(quats: Array) -> Array:
    """[N, 3, 3] rotations of `quats` [N, 4] wxyz, which need not be unit."""
    w, x, y, z = (quats / np.linalg.norm(quats, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def project(cloud: GaussianCloud, camera: Camera) -> ProjectedGaussians:
    """Projects the Gaussians that can be seen at all; those with a value that is not finite are left out."""
    columns = [cloud.means, cloud.quats, cloud.scales, cloud.opacities[:, None], cloud.colors]
    if cloud.sh_rest is not None:
        columns.append(cloud.sh_rest.reshape(len(cloud.means), -1))
    usable = np.all([np.isfinite(column).all(axis=1) for column in columns], axis=0)  # [N]
    usable &= np.linalg.norm(cloud.quats.astype(np.float64), axis=1) > 0
    view = camera.camera_from_world.astype(np.float64)
    means = np.where(usable[:, None], cloud.means, 0).astype(np.float64) @ view[:3, :3].T + view[:3, 3]  # [N, 3]
    usable &= (means[:, 2] >= NEAR_M) & (np.where(usable, cloud.opacities, 0) >= ALPHA_MIN)
    index = np.flatnonzero(usable)
    index = index[np.argsort(means[index, 2], kind="stable")]

    means = means[index]
    fx, fy, cx, cy = (float(camera.K[i, j]) for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
    depth = means[:, 2]
    slope = means[:, :2] / depth[:, None]  # [M, 2]
    limit = FIELD_MARGIN * 0.5 * np.abs([camera.width / fx, camera.height / fy])
    inside = np.clip(slope, -limit, limit)
    jacobian = np.zeros((len(index), 2, 3))
    jacobian[:, 0, 0], jacobian[:, 0, 2] = fx / depth, -fx * inside[:, 0] / depth
    jacobian[:, 1, 1], jacobian[:, 1, 2] = fy / depth, -fy * inside[:, 1] / depth
    axes = rotation_matrices(cloud.quats[index].astype(np.float64)) * cloud.scales[index, None, :].astype(np.float64)
    footprint = jacobian @ view[:3, :3] @ axes  # [M, 2, 3], covariance = footprint @ footprint^T
    return ProjectedGaussians(
        means_px=slope * [fx, fy] + [cx, cy],
        covariances=footprint @ footprint.transpose(0, 2, 1) + LOW_PASS_PX2 * np.eye(2),
        opacities=cloud.opacities[index].astype(np.float64),
        colors=_colors_seen(cloud, index, means, view[:3, :3]),
        depths=depth,
    )


def _colors_seen(cloud: GaussianCloud, index: NDArray[np.intp], means: Array, rotation: Array) -> Array:
    """[M, 3] colors of the Gaussians `index` [M], whose means [M, 3] are given in the camera frame."""
    colors = cloud.colors[index].astype(np.float64)
    if cloud.sh_rest is not None:
        sh_from_world = np.eye(3) if cloud.sh_from_world is None else cloud.sh_from_world.astype(np.float64)
        directions = means / np.linalg.norm(means, axis=1, keepdims=True) @ rotation @ sh_from_world.T
        colors += evaluate(cloud.sh_rest[index].astype(np.float64), directions)
    return np.maximum(colors, 0)


class ReferenceRasterizer:
    """A painter in numpy: Gaussian by Gaussian, nearest first, over the pixels it can reach."""

    name = "reference"

    def rasterize(self, cloud: GaussianCloud, camera: Camera, background: Background) -> NDArray[np.float32]:
        """[H, W, 3] float32 image, sRGB 0..1, over `background`."""
        image, transmittance = self.rasterize_float64(cloud, camera)
        behind = np.array(background) if isinstance(background, tuple) else background / 255
        return (image + transmittance[..., None] * behind).astype(np.float32)

    def rasterize_float64(self, cloud: GaussianCloud, camera: Camera) -> tuple[Array, Array]:
        """The picture over black, [H, W, 3], and what shines through it, [H, W]."""
        splats = project(cloud, camera)
        height, width = camera.height, camera.width
        image = np.zeros((height, width, 3))
        transmittance = np.ones((height, width))
        stopped = np.zeros((height, width), bool)
        for mean, covariance, opacity, color in zip(
            splats.means_px, splats.covariances, splats.opacities, splats.colors, strict=True
        ):
            # alpha >= 1/255 inside the ellipse d^T covariance^-1 d <= 2 ln(255 opacity); its box, one pixel wider
            radii = np.sqrt(2 * np.log(opacity / ALPHA_MIN) * np.diag(covariance)) + 1
            low = np.clip(np.floor(mean - radii), 0, [width, height]).astype(int)
            high = np.clip(np.ceil(mean + radii), 0, [width, height]).astype(int)
            if (low >= high).any():
                continue
            dx = np.arange(low[0], high[0]) + 0.5 - mean[0]
            dy = (np.arange(low[1], high[1]) + 0.5 - mean[1])[:, None]
            (a, b), (_, c) = covariance
            # d^T covariance^-1 d as a sum of squares, exact for needles too
            distance = (dx - b / c * dy) ** 2 / (a - b * b / c) + dy * dy / c
            alpha = np.minimum(ALPHA_MAX, opacity * np.exp(-0.5 * distance))
            window = np.s_[low[1] : high[1], low[0] : high[0]]
            after = transmittance[window] * (1 - alpha)
            drawn = (alpha >= ALPHA_MIN) & ~stopped[window]
            stopped[window] |= drawn & (after < TRANSMITTANCE_MIN)
            drawn &= ~stopped[window]
            image[window] += np.where(drawn, alpha * transmittance[window], 0)[..., None] * color
            transmittance[window] = np.where(drawn, after, transmittance[window])
        return image, transmittance
