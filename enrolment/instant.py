"""An avatar within seconds: the person's shape, and the pictures projected onto it. Training starts from it."""

from __future__ import annotations

import numpy as np

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from enrolment.hull import fit_hull
from enrolment.identity import fit_identity
from enrolment.initial_bases import BASES, GRID, basis_weights, place_on_grid
from enrolment.placement import (
    HEAD_GAUSSIANS,
    SHELL_GAUSSIANS,
    Splats,
    place_on_head,
    place_shell,
    seen_triangles,
)
from enrolment.placement_surface import Surface
from enrolment.placement_views import choose_pictures, project, view_of
from enrolment.projection import paint, posed_splats
from enrolment.take import Take
from enrolment.torso_layer import torso_layer
from renderer.gaussians import SH_C0
from renderer.head.model import HeadModel

PICTURES = 24
"""Pictures that give colors."""
SEED = 5


def instant_avatar(take: Take, head: HeadModel, name: str) -> AvatarAsset:
    """The avatar of a person as far as it can be had without training.

    It holds some 16,000 Gaussians and `initial_bases.BASES` bases whose grids are zero.

    Args:
        take: the person; a single picture will do.
        head: the head model that the take was tracked with.
        name: of the avatar, at most 64 characters.
    """
    surface = Surface(head, fit_identity(take, head))
    surface = Surface(head, fit_hull(take, surface))
    views = [view_of(take, surface, int(picture)) for picture in choose_pictures(take, PICTURES)]
    seen = seen_triangles(surface, views)
    layer = torso_layer(take, surface)
    skin = place_on_head(surface, seen, layer.covered, HEAD_GAUSSIANS, SEED)
    shell = place_shell(surface, SHELL_GAUSSIANS, SEED + 1)
    splats = _together([skin, shell, layer.splats])
    kind = np.repeat([0, 1, 2], [len(part.faces) for part in (skin, shell, layer.splats)])
    painted = paint(take, surface, splats, views, kind == 2, kind == 1)
    pixels = project(posed_splats(surface, splats, views[0])[0], take.K)
    order = np.argsort(splats.faces, kind="stable")
    return AvatarAsset(
        head_model_id=head.model_id,
        name=name,
        shape_offsets=surface.shape_offsets.astype(np.float32),
        faces_bound=splats.faces.astype(np.int32)[order],
        barycentrics=splats.barycentrics.astype(np.float32)[order],
        local_means=splats.local_means.astype(np.float32)[order],
        local_quats=splats.local_quats.astype(np.float32)[order],
        log_scales=np.log(splats.scales).astype(np.float32)[order],
        logit_opacities=np.log(splats.opacities / (1 - splats.opacities)).astype(np.float32)[order],
        sh0=((painted.colors - 0.5) / SH_C0).astype(np.float32)[order],
        rigid_to_skull=splats.rigid[order],
        grid_uv=place_on_grid(surface, splats, kind == 2, pixels).astype(np.float32).clip(0, 1)[order],
        basis_grid=np.zeros((BASES, BASIS_CHANNELS, GRID, GRID), np.float16),
        basis_weights=basis_weights(take),
    )


def _together(parts: list[Splats]) -> Splats:
    fields = ("faces", "barycentrics", "local_means", "local_quats", "scales", "opacities", "rigid")
    return Splats(*(np.concatenate([getattr(part, field) for part in parts]) for field in fields))
