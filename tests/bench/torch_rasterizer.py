"""A tile rasterizer in plain PyTorch, vectorized over Gaussians, tiles and pixels and differentiable by autograd.

This is what `visavis bench render` compares the kernels with: the usual way to have a splat renderer without writing
kernels. Its rules are those of renderer.backends.base. Tiles are 16 x 16 pixels; those with lists of about the same
length are blended together, the shorter lists padded.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from renderer.backends.reference import ALPHA_MAX, ALPHA_MIN, FIELD_MARGIN, LOW_PASS_PX2, NEAR_M, TRANSMITTANCE_MIN
from renderer.camera import Camera

TILE_PX = 16
CHUNK = 4096
"""List entries that are blended in one go: 4 MB for each intermediate result, about what a core's caches hold."""

LENGTH_STEP = 1.25
"""Lists share a group while the longest is at most this much longer than the shortest."""


@dataclass(frozen=True, eq=False)
class Splats:
    """M Gaussians on the image plane, nearest first.

    A pixel (dx, dy) from the center has q = scale_x (dx - shear dy)^2 + scale_y dy^2, a sum of squares that float32
    keeps exact for needles too.
    """

    centers: Tensor  # [M, 2] pixels
    radii: Tensor  # [M, 2] half the box outside of which alpha is below 1/255, pixels
    shear: Tensor  # [M]
    scale_x: Tensor  # [M] 1/px^2
    scale_y: Tensor  # [M] 1/px^2
    opacities: Tensor  # [M]
    colors: Tensor  # [M, 3]


def rasterize(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    camera: Camera,
    background: tuple[float, float, float],
    alpha_max: float = ALPHA_MAX,
) -> Tensor:
    """[H, W, 3] picture in the type of `means`, sRGB 0..1; arguments as the fields of GaussianCloud, all finite."""
    picture, transmittance = rasterize_layers(means, quats, scales, opacities, colors, camera, alpha_max)
    return picture + transmittance[..., None] * torch.tensor(background, dtype=means.dtype)


def rasterize_layers(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    camera: Camera,
    alpha_max: float = ALPHA_MAX,
) -> tuple[Tensor, Tensor]:
    """The picture over black, [H, W, 3], and what shines through it, [H, W]."""
    splats = project(means, quats, scales, opacities, colors, camera)
    columns, rows = -(-camera.width // TILE_PX), -(-camera.height // TILE_PX)
    owners, starts, lengths = tile_lists(splats, columns, rows)
    tiles, values = [], []
    for group, longest in _groups(lengths):
        slots = torch.arange(longest)
        used = slots < lengths[group, None]  # [T, L]
        entries = owners[torch.where(used, starts[group, None] + slots, 0)]
        tiles.append(group)
        values.append(_blend(splats, entries, used, group % columns, group // columns, alpha_max))
    blocks = means.new_zeros(rows * columns, TILE_PX * TILE_PX, 4)
    if tiles:
        blocks = blocks.index_copy(0, torch.cat(tiles), torch.cat(values))
    image = blocks.view(rows, columns, TILE_PX, TILE_PX, 4).transpose(1, 2)
    image = image.reshape(rows * TILE_PX, columns * TILE_PX, 4)[: camera.height, : camera.width]
    return image[..., :3], 1 - image[..., 3]


def project(means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor, colors: Tensor, camera: Camera) -> Splats:
    """The Gaussians that can be seen at all, sorted by depth; EWA projection as in renderer.backends.reference."""
    view = torch.as_tensor(camera.camera_from_world, dtype=means.dtype)
    fx, fy, cx, cy = (float(camera.K[i, j]) for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
    depth = means @ view[2, :3] + view[2, 3]
    order = torch.argsort(depth.detach(), stable=True)
    order = order[((depth >= NEAR_M) & (opacities >= ALPHA_MIN))[order]]
    means, quats, scales, opacities, colors = (each[order] for each in (means, quats, scales, opacities, colors))

    x, y, depth = (means @ view[:3, :3].T + view[:3, 3]).unbind(1)
    slope_x, slope_y = x / depth, y / depth
    limit_x, limit_y = (FIELD_MARGIN * 0.5 * size / abs(f) for size, f in ((camera.width, fx), (camera.height, fy)))
    inside_x, inside_y = slope_x.clamp(-limit_x, limit_x), slope_y.clamp(-limit_y, limit_y)
    zero = torch.zeros_like(depth)
    jacobian = torch.stack(
        [fx / depth, zero, -fx * inside_x / depth, zero, fy / depth, -fy * inside_y / depth], dim=1
    ).view(-1, 2, 3)
    footprint = (jacobian @ view[:3, :3]) @ (rotation_matrices(quats) * scales[:, None, :])  # [M, 2, 3]
    along_x, along_y = footprint.unbind(1)
    a = (along_x * along_x).sum(1) + LOW_PASS_PX2
    b = (along_x * along_y).sum(1)
    c = (along_y * along_y).sum(1) + LOW_PASS_PX2
    # a - b^2 / c without the difference of two large numbers: Lagrange's identity for the part of the footprint
    cross = torch.linalg.cross(along_x, along_y)
    determinant = (cross * cross).sum(1) + LOW_PASS_PX2 * (a + c - LOW_PASS_PX2)
    with torch.no_grad():
        reach = 2 * torch.log(opacities / ALPHA_MIN)
        radii = torch.sqrt(reach[:, None] * torch.stack([a, c], dim=1)) + 0.01
    return Splats(
        centers=torch.stack([fx * slope_x + cx, fy * slope_y + cy], dim=1),
        radii=radii,
        shear=b / c,
        scale_x=c / determinant,
        scale_y=1 / c,
        opacities=opacities,
        colors=colors.clamp(min=0),
    )


def rotation_matrices(quats: Tensor) -> Tensor:
    """[N, 3, 3] rotations of `quats` [N, 4] wxyz, which need not be unit."""
    w, x, y, z = (quats / quats.norm(dim=1, keepdim=True)).unbind(1)
    elements = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(elements, dim=1).view(-1, 3, 3)


@torch.no_grad()
def tile_lists(splats: Splats, columns: int, rows: int) -> tuple[Tensor, Tensor, Tensor]:
    """Which Gaussians may touch which tile, nearest first within each tile.

    Returns:
        owners [P] Gaussian of each entry, starts [columns * rows] and lengths [columns * rows] of each tile's entries.
    """
    bounds = torch.tensor([columns, rows])
    # clamped before the conversion: a center may be further out than an integer reaches
    low, high = (
        ((splats.centers + sign * splats.radii - 0.5) / TILE_PX).floor().clamp(-1, max(columns, rows)).long()
        for sign in (-1, 1)
    )
    low, high = low.clamp(min=0), torch.minimum(high, bounds - 1)
    spans = (high - low + 1).clamp(min=0)  # [M, 2] tiles across and down
    counts = spans[:, 0] * spans[:, 1]
    owners = torch.repeat_interleave(torch.arange(len(counts)), counts)
    within = torch.arange(len(owners)) - (counts.cumsum(0) - counts)[owners]
    across = spans[owners, 0]
    down = torch.div(within, across, rounding_mode="floor")
    tiles = (low[owners, 1] + down) * columns + low[owners, 0] + within - down * across
    tiles, order = torch.sort(
        tiles.int(), stable=True
    )  # entries stood in the order of depth, and still do in each tile
    lengths = torch.bincount(tiles, minlength=columns * rows)
    return owners[order], lengths.cumsum(0) - lengths, lengths


def _groups(lengths: Tensor) -> list[tuple[Tensor, int]]:
    """(tiles, longest list) of groups whose lists are about equally long; tiles without a list are in none."""
    ordered, tiles = torch.sort(lengths, descending=True)
    known = ordered.tolist()
    groups, start = [], 0
    while start < len(known) and known[start] > 0:
        longest, end = known[start], start
        room = max(1, CHUNK // longest)
        while end < len(known) and end - start < room and known[end] * LENGTH_STEP >= longest:
            end += 1
        groups.append((tiles[start:end], longest))
        start = end
    return groups


def _blend(splats: Splats, entries: Tensor, used: Tensor, column: Tensor, row: Tensor, alpha_max: float) -> Tensor:
    """[T, 256, 4] colors and coverage of T tiles from their lists `entries` [T, L]."""
    pixel = (torch.arange(TILE_PX) + 0.5)[:, None]
    center = splats.centers[entries]  # [T, L, 2]
    dx = (column[:, None] * TILE_PX - center[..., 0])[:, None, :] + pixel  # [T, 16, L]
    dy = (row[:, None] * TILE_PX - center[..., 1])[:, None, :] + pixel
    # opacity * exp(-q/2) = exp(base - u^2): only what differs from pixel to pixel is done for each pixel
    root = torch.sqrt(0.5 * splats.scale_x)[entries][:, None, :]
    opacity = torch.where(used, torch.log(splats.opacities)[entries], -torch.inf)[:, None, :]
    base = opacity - 0.5 * splats.scale_y[entries][:, None, :] * dy * dy
    u = (root * dx)[:, None] - (root * splats.shear[entries][:, None, :] * dy)[:, :, None]  # [T, 16 rows, 16, L]
    alpha = torch.addcmul(base[:, :, None], u, u, value=-1).exp().clamp(max=alpha_max)
    alpha = torch.where(alpha >= ALPHA_MIN, alpha, 0).flatten(1, 2)  # [T, 256, L]
    after = torch.cumprod(1 - alpha, dim=2)  # along the list, which is what lies together in memory
    before = torch.cat([torch.ones_like(after[..., :1]), after[..., :-1]], dim=2)
    weight = torch.where(after >= TRANSMITTANCE_MIN, alpha * before, 0)
    colors = torch.nn.functional.pad(splats.colors, (0, 1), value=1.0)[entries]  # [T, L, 4]
    return weight @ colors
