"""The avatar from several sides, with several expressions, and what an expression does to its Gaussians."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel, sample_grid
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.backends.cpu import CpuRasterizer
from renderer.camera import Camera
from renderer.gaussians import SH_C0
from tools.figures.faces import EXPRESSIONS, strongest, worn_by
from tools.figures.sheet import Tile, heat, heat_scale, sheet, write_png
from tools.figures.subject import BACKGROUND, Subject
from visavis.bench.avatar_course import without_bases

VIEWS_DEG = (-40, -20, 0, 20, 40)
VIEW_SIDE = 176
OFFSET_SIDE, OFFSET_REACH_M, OFFSET_ROWS = 208, 0.22, 3
MOST_M, MOST_COLOR = 0.008, 0.1
"""Offsets that are drawn in the lightest color."""


def write_views(path: Path, subject: Subject) -> None:
    """One filmed instant from several sides, and the same head with expressions of other instants."""
    face = subject.calm.face
    front = subject.aside(face, 0, VIEW_SIDE)
    sides = [
        Tile(
            subject.drawn(face, subject.aside(face, degrees, VIEW_SIDE)),
            f"{degrees:+d} degrees" if degrees else "From the front",
        )
        for degrees in VIEWS_DEG
    ]
    faces: list[Tile] = []
    for name, score in EXPRESSIONS:
        moment = strongest(subject, score)
        faces.append(Tile(subject.drawn(worn_by(face, moment.face), front), f"{name}\n(as at {moment.time_s:.1f} s)"))
    write_png(path, sheet([sides, faces]))


def write_offsets(path: Path, subject: Subject) -> None:
    """Expressions with the mesh alone, with the Gaussians' own offsets, and how large these are."""
    model, calm = subject.model, subject.calm.face
    bare = FrameRenderer(AvatarModel(model.head, without_bases(model.asset)))
    camera = subject.aside(calm, 0, OFFSET_SIDE, OFFSET_REACH_M)
    rows: list[list[Tile]] = []
    for name, score in EXPRESSIONS[:OFFSET_ROWS]:
        face = worn_by(calm, strongest(subject, score).face)
        moved, recolored = offset_sizes(model, face)
        rows.append(
            [
                Tile(bare.render_rgb(face, camera, BACKGROUND), f"{name}:\nthe mesh alone"),
                Tile(subject.drawn(face, camera), f"{name}:\nwith offsets"),
                Tile(_heat_picture(model, face, moved / MOST_M, camera), f"Displacement,\n{_spread(1000 * moved)} mm"),
                Tile(_heat_picture(model, face, recolored / MOST_COLOR, camera), f"Color,\n{_spread(recolored)}"),
            ]
        )
    rows.append(
        [heat_scale(1000 * MOST_M, "mm", OFFSET_SIDE), heat_scale(MOST_COLOR, "of full brightness", OFFSET_SIDE)]
    )
    write_png(path, sheet(rows))


def _spread(values: NDArray[np.float64]) -> str:
    return f"95 % below {np.quantile(values, 0.95):.2f}"


def offset_sizes(model: AvatarModel, face: FaceParams) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[N] by how much the bases move each Gaussian, metres, and change its color, mean of red, green and blue 0..1."""
    asset = model.asset
    offsets = np.einsum("k,kcn->nc", model.basis_coefficients(face), sample_grid(asset.basis_grid, asset.grid_uv))
    offsets = np.where(asset.rigid_to_skull[:, None], 0.0, offsets.astype(np.float64))
    return np.linalg.norm(offsets[:, :3], axis=1), SH_C0 * np.abs(offsets[:, 6:]).mean(axis=1)


def _heat_picture(
    model: AvatarModel, face: FaceParams, shares: NDArray[np.float64], camera: Camera
) -> NDArray[np.uint8]:
    cloud = replace(model.pose(face), colors=heat(shares, 1.0))
    return CpuRasterizer().rasterize_rgb8(cloud, camera, BACKGROUND)
