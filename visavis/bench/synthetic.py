"""A made-up avatar for benchmarks and tests: the load of a real one, not its looks."""

from __future__ import annotations

import numpy as np

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from renderer.gaussians import SH_C0
from renderer.head.model import HeadModel, Part

PART_COLORS = {
    Part.SKIN: (0.85, 0.63, 0.52),
    Part.LEFT_EYE: (0.95, 0.95, 0.95),
    Part.RIGHT_EYE: (0.95, 0.95, 0.95),
    Part.UPPER_TEETH: (0.9, 0.9, 0.85),
    Part.LOWER_TEETH: (0.9, 0.9, 0.85),
    Part.TONGUE: (0.8, 0.4, 0.4),
    Part.TORSO: (0.25, 0.35, 0.55),
}
_LIGHT = np.array([0.36, 0.48, 0.8])


def synthetic_avatar(
    head: HeadModel, count: int = 14_000, bases: int = 16, grid_size: int = 32, rigid_share: float = 0.2, seed: int = 0
) -> AvatarAsset:
    """Flat Gaussians strewn evenly over the head, the torso at half the density, lit from the upper left.

    Args:
        head: the head model.
        count: number of Gaussians.
        bases: number K of smooth random bases, millimetres and hundredths of color in size.
        grid_size: points of the bases' control grid on a side.
        rigid_share: share of Gaussians that follow the skull alone, taken from the top and back of the head.
        seed: of all random choices.
    """
    rng = np.random.default_rng(seed)
    triangles = head.v_template[head.faces]  # [F, 3, 3]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    areas = 0.5 * np.linalg.norm(normals, axis=1)
    parts = head.parts[head.faces[:, 0]]
    density = np.where(parts == Part.TORSO, 0.5, 1.0) * areas
    bound = rng.choice(len(triangles), count, p=density / density.sum()).astype(np.int32)
    barycentrics = rng.dirichlet([1, 1, 1], count).astype(np.float32)
    points = np.einsum("nk,nkc->nc", barycentrics, triangles[bound])

    spacing = np.sqrt(density.sum() / max(count, 1))
    scales = spacing * np.exp(rng.normal([-0.35, -0.5, -1.8], 0.3, (count, 3)))
    quats = rng.normal([1, 0, 0, 0], [1, 0.03, 0.03, 1], (count, 4))  # mostly turned about the normal
    shade = 0.55 + 0.45 * np.clip(normals[bound] @ _LIGHT / np.maximum(2 * areas[bound], 1e-12), 0, 1)
    colors = np.array([PART_COLORS[Part(part)] for part in parts[bound]]).reshape(count, 3) * shade[:, None]
    rigid = np.zeros(count, bool)
    rigid[np.argsort(points @ [0.0, -1.0, 1.0])[: int(rigid_share * count)]] = True
    rigid &= parts[bound] == Part.SKIN

    sizes = np.repeat([0.001, 0.02, 0.03], 3)[:, None, None]  # metres, radians, sh0
    noise = rng.normal(size=(bases, BASIS_CHANNELS, grid_size, grid_size))
    for axis in (2, 3):  # smooth
        noise = (noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis) + np.roll(noise, 2, axis)) / 2
    return AvatarAsset(
        head_model_id=head.model_id,
        name="synthetic",
        shape_offsets=np.zeros_like(head.v_template),
        faces_bound=bound,
        barycentrics=barycentrics,
        local_means=rng.normal(0, 0.0004, (count, 3)).astype(np.float32),
        local_quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=np.log(scales).astype(np.float32),
        logit_opacities=rng.normal(2.5, 1.5, count).astype(np.float32),
        sh0=((colors - 0.5) / SH_C0).astype(np.float32),
        rigid_to_skull=rigid,
        grid_uv=rng.random((count, 2)).astype(np.float32),
        basis_grid=(sizes * noise).astype(np.float16),
        basis_weights=rng.normal(0, 0.1, (bases, 65)).astype(np.float32),
    )
