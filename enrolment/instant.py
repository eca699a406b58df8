"""An avatar within seconds: the person's shape, and the pictures projected onto it. Training starts from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from codec.motion_table import STANDARD
from enrolment.hull import fit_hull
from enrolment.identity import fit_identity
from enrolment.initial_bases import BASES, GRID, basis_weights, place_on_grid
from enrolment.motion_fit import fit_basis
from enrolment.placement import (
    HEAD_GAUSSIANS,
    SHELL_GAUSSIANS,
    Splats,
    place_on_head,
    place_shell,
    seen_triangles,
)
from enrolment.placement_surface import ROOT, Surface, smoothstep
from enrolment.placement_views import View, choose_calm_pictures, choose_pictures, project, share_inside, view_of
from enrolment.projection import paint, posed_splats
from enrolment.take import Take
from enrolment.torso_layer import torso_layer
from renderer.gaussians import SH_C0
from renderer.head.model import HeadModel, Part

OUTLINES, CALM, LIVELY = 40, 14, 10
"""Pictures that give outlines, and colors: of a resting face, and of any."""
INSIDE_HEAD, INSIDE_BODY = (0.1, 0.4), (0.3, 0.6)
"""Share of the pictures' mattes in which a Gaussian must lie, to be there at all and to be there wholly."""
SEED = 5


def instant_avatar(take: Take, head: HeadModel, name: str) -> AvatarAsset:
    """The avatar of a person as far as it can be had without training.

    It holds some 16,000 Gaussians and `initial_bases.BASES` bases whose grids are zero.

    Args:
        take: the person; a single picture will do.
        head: the head model that the take was tracked with.
        name: of the avatar, at most 64 characters.
    """
    identity = fit_identity(take, head)
    pictures = [int(picture) for picture in choose_pictures(take, OUTLINES)]
    poses = [(picture, identity.params(take, picture)) for picture in pictures]
    surface = Surface(head, identity.shape_offsets)
    surface = Surface(head, fit_hull(take, surface, poses))
    calm = [int(picture) for picture in choose_calm_pictures(take, CALM)]
    shown = calm + [picture for picture in pictures[:LIVELY] if picture not in calm]
    views = [view_of(take, surface, picture, identity.params(take, picture)) for picture in shown]
    seen = seen_triangles(surface, views)
    layer = torso_layer(take, surface)
    without = layer.covered | _torso_outside(take, surface, views)
    skin = place_on_head(surface, seen, without, HEAD_GAUSSIANS, SEED)
    shell = place_shell(surface, SHELL_GAUSSIANS, SEED + 1)
    splats = _together([skin, shell, layer.splats])
    kind = np.repeat([0, 1, 2], [len(part.faces) for part in (skin, shell, layer.splats)])
    painted = paint(take, surface, splats, views, len(calm), kind == 2, kind == 1)
    below = (kind == 2) | _below_head(surface, splats)
    sure = np.where(below, smoothstep(*INSIDE_BODY, painted.inside), smoothstep(*INSIDE_HEAD, painted.inside))
    opacities = splats.opacities * (0.04 + 0.96 * sure)
    outside = below & (painted.inside < INSIDE_BODY[0])
    pixels = project(posed_splats(surface, splats, views[0])[0], take.K)
    order = np.argsort(splats.faces + outside * len(head.faces), kind="stable")[: int((~outside).sum())]
    shape_offsets = surface.shape_offsets.astype(np.float32)
    return AvatarAsset(
        head_model_id=head.model_id,
        name=name,
        shape_offsets=shape_offsets,
        faces_bound=splats.faces.astype(np.int32)[order],
        barycentrics=splats.barycentrics.astype(np.float32)[order],
        local_means=splats.local_means.astype(np.float32)[order],
        local_quats=splats.local_quats.astype(np.float32)[order],
        log_scales=np.log(splats.scales).astype(np.float32)[order],
        logit_opacities=np.log(opacities / (1 - opacities)).astype(np.float32)[order],
        sh0=((painted.colors - 0.5) / SH_C0).astype(np.float32)[order],
        rigid_to_skull=splats.rigid[order],
        grid_uv=place_on_grid(surface, splats, kind == 2, pixels).astype(np.float32).clip(0, 1)[order],
        basis_grid=np.zeros((BASES, BASIS_CHANNELS, GRID, GRID), np.float16),
        basis_weights=basis_weights(take),
        motion_basis=fit_basis([take.vectors[take.train_indices]], head, shape_offsets, STANDARD),
    )


def _torso_outside(take: Take, surface: Surface, views: list[View]) -> NDArray[np.bool_]:
    """[F] triangles of the torso where most pictures show no person."""
    centers = np.array([view.posed[surface.head.faces].mean(axis=1) for view in views])
    share = share_inside(take, project(centers, take.K), [view.picture for view in views])
    return (surface.face_parts == Part.TORSO) & (share < INSIDE_BODY[0])


def _below_head(surface: Surface, splats: Splats) -> NDArray[np.bool_]:
    """[N] what the skull does not carry alone: neck and torso."""
    return surface.head.lbs_weights[surface.head.faces[splats.faces], ROOT].mean(axis=1) > 0.05


def _together(parts: list[Splats]) -> Splats:
    fields = ("faces", "barycentrics", "local_means", "local_quats", "scales", "opacities", "rigid")
    return Splats(*(np.concatenate([getattr(part, field) for part in parts]) for field in fields))
