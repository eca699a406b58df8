"""Puts one guest together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from codec.avatar_asset import AvatarAsset
from codec.params import FaceParams
from renderer.head.model import HeadModel
from renderer.head.pose import FLIP, pose_vertices
from tools.guests.brows import paint_beard, paint_brows
from tools.guests.canvas import Array, Canvas, Index, Spots, smoothstep
from tools.guests.clothes import hidden_by_clothes, paint_clothes
from tools.guests.eyes import paint_eyeballs, paint_lashes
from tools.guests.glasses import paint_glasses
from tools.guests.hair import HeadField, coils, grow, hairline_height
from tools.guests.hair_paint import scalp_cap, strands_to_splats
from tools.guests.identity import shape_offsets
from tools.guests.light import openness_of_vertices
from tools.guests.mouth import paint_mouth
from tools.guests.people import Guest
from tools.guests.skin import paint_skin, paint_undercoat, spread_skin, spread_undercoat
from tools.guests.splats import Splats, assemble
from tools.guests.styles import STYLES
from tools.guests.thinning import thin
from tools.open_head.shape import Bust

IMPORTANCE = {
    "undercoat": 10.0, "eyes": 4.0, "mouth": 4.0, "clothes": 2.5, "skin": 1.4, "beard": 0.6, "hair": 0.55,
}  # fmt: skip
"""How much a change counts in thinning; in other parts: 1. The undercoat must outlast the skin above it, eyes and mouth
are what people look at, clothes are large and plain, and among hairs a change drowns in the texture."""


@dataclass(frozen=True, eq=False)
class Studio:
    """What all guests share: the head, and spots and occlusion on its template."""

    head: HeadModel
    bust: Bust
    skin_spots: Spots
    skin_spacing: Array
    undercoat_spots: Spots
    openness: Array


def open_studio(head: HeadModel, bust: Bust) -> Studio:
    """Spreads the skin's Gaussians and computes the occlusion, once for all guests."""
    canvas = Canvas(head, bust.source_vertices, np.zeros(head.v_template.shape))
    closed = canvas.template + head.eyelid_dirs.sum(axis=0)
    spots, spacing = spread_skin(canvas, _stretched(head), seed=1)
    return Studio(head, bust, spots, spacing, spread_undercoat(canvas, seed=2), openness_of_vertices(canvas, closed))


def _stretched(head: HeadModel) -> Array:
    """[V, 3] the template with closed eyes and a wide laugh: skin that can stretch gets more Gaussians."""
    rest = FaceParams.neutral()
    vector = rest.to_vector()
    for name, score in {"jawOpen": 0.5, "mouthSmileLeft": 0.7, "mouthSmileRight": 0.7}.items():
        vector = vector + score * head.blendshape_params[head.blendshape_names.index(name)]
    laugh = replace(FaceParams.from_vector(vector), eyelids=np.ones(2, np.float32))
    posed = pose_vertices(head, np.zeros_like(head.v_template), laugh)
    return (posed.astype(np.float64) - laugh.translation) @ FLIP


def build_guest(studio: Studio, guest: Guest) -> tuple[AvatarAsset, dict[str, int]]:
    """The avatar of a guest, and how many Gaussians each of its parts has."""
    offsets = shape_offsets(studio.bust, guest.identity)
    canvas = Canvas(studio.head, studio.bust.source_vertices, offsets)
    groups = [*_skin(studio, canvas, guest), *paint_eyeballs(canvas, guest.eyes), *paint_lashes(canvas, guest.eyes, 3)]
    groups += paint_brows(canvas, studio.openness, guest.brows, 4)
    groups += paint_mouth(canvas, studio.openness, 5)
    groups += paint_clothes(canvas, studio.openness, guest.clothes, 6)
    groups += _hair(studio, canvas, guest)
    if guest.beard:
        groups.append(paint_beard(canvas, studio.openness, guest.beard, 10))
    if guest.glasses:
        groups += paint_glasses(canvas, guest.glasses)
    dense = assemble(canvas, guest.name, groups)
    kept = thin(studio.head, dense, _importance(canvas, groups), guest.gaussians, seed=11)
    parts = np.concatenate([np.full(len(group), group.part, object) for group in groups])[kept]
    counts = {part: int((parts == part).sum()) for part in dict.fromkeys(parts)}
    return take(dense, kept), counts


def _importance(canvas: Canvas, groups: list[Splats]) -> Array:
    """[N] how much each Gaussian of the groups matters where it is seen, for thinning."""
    return np.concatenate([_importance_of(canvas, group) for group in groups])


def _importance_of(canvas: Canvas, group: Splats) -> Array:
    """[n] lids and lips, which have no undercoat, matter as much as the eyes and the mouth behind them."""
    importance = np.full(len(group), IMPORTANCE.get(group.part, 1.0))
    if group.part != "skin":
        return importance
    lid, lip = (canvas.interpolate(rings, group.spots) for rings in (canvas.lid_rings, canvas.lip_rings))
    lids = smoothstep(-2.5, -1.5, lid) * smoothstep(11, 10, lid)
    lips = smoothstep(-1, 1, lip)
    return np.maximum(importance, np.maximum(IMPORTANCE["eyes"] * lids, IMPORTANCE["mouth"] * lips))


def _skin(studio: Studio, canvas: Canvas, guest: Guest) -> list[Splats]:
    style = STYLES[guest.hair.style]()
    groups = []
    for spots, spacing in ((studio.skin_spots, studio.skin_spacing), (studio.undercoat_spots, None)):
        place = canvas.interpolate(canvas.template, spots)
        under_hair = hairline_height(style.hairline, place) > 0.008
        keep = ~(hidden_by_clothes(guest.clothes, place) | (under_hair & (place[:, 1] > -0.07)))
        if spacing is None:
            groups.append(paint_undercoat(canvas, spots.take(keep), studio.openness, guest.skin))
        else:
            groups.append(paint_skin(canvas, spots.take(keep), spacing[keep], studio.openness, guest.skin))
    return groups


def _hair(studio: Studio, canvas: Canvas, guest: Guest) -> list[Splats]:
    style = STYLES[guest.hair.style]()
    field = HeadField(canvas, studio.skin_spots.take(studio.skin_spacing > 2.0e-3), style.over_ears)
    arrange = coils if style.coil else grow
    strands = [arrange(canvas, field, style, guest.hair.volume, seed=7)]
    if style.extra:
        strands.append(style.extra(field))
    return [
        scalp_cap(canvas, style, guest.hair, seed=8),
        *(strands_to_splats(canvas, one, guest.hair, style.width, style.tip_taper, seed=9) for one in strands),
    ]


def sorted_by_face(asset: AvatarAsset) -> AvatarAsset:
    """The same avatar with its Gaussians in the order in which the file compresses best."""
    return take(asset, np.argsort(asset.faces_bound, kind="stable"))


def take(asset: AvatarAsset, which: Index) -> AvatarAsset:
    """The same avatar with only these Gaussians, in this order."""
    fields = (
        "faces_bound", "barycentrics", "local_means", "local_quats", "log_scales", "logit_opacities", "sh0",
        "rigid_to_skull", "grid_uv",
    )  # fmt: skip
    return replace(asset, **{name: getattr(asset, name)[which] for name in fields})
