"""Avatar files (`.vav`), version 1: docs/avatar-format.md."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codec import dyadic
from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from codec.avatar_attributes import from_integers, to_integers
from codec.avatar_bases import pack_bases, unpack_bases
from codec.avatar_gaussians import Gaussians, pack_gaussians, unpack_gaussians
from codec.avatar_grid_uv import pack_uv, unpack_uv
from codec.avatar_layout import (
    HEADER,
    MAGIC,
    OPTIONAL,
    POSITION_STEP,
    SECTION,
    VERSION_1,
    AvatarHeader,
    Section,
)
from codec.avatar_owner import owner_in
from codec.avatar_plan import AvatarPlan, AvatarSteps
from codec.avatar_steps import GROWTH_UNIT, pack_steps, unpack_steps
from codec.avatar_symbols import motions_of
from codec.errors import AvatarFileError
from codec.integer_sections import pack_integers, unpack_integers
from codec.motion_basis import MotionBasis
from codec.planes import Integers
from codec.symbol_stream import pack_symbols, unpack_symbols, unzigzag, zigzag

CODING_SYMBOLS = 2
_STORED = ("HEAD", "STEP")
_SHOWN = (*_STORED, "SHAP", "GAU0")
_WHOLE = (*_SHOWN, "GAU1")
_BASES = ("GRUV", "BASE")
_MOTIONS = "MOTN"


def pack_v1(header: AvatarHeader, asset: AvatarAsset, plan: AvatarPlan) -> bytes:
    """Serializes an avatar.

    Args:
        header: of `asset`.
        asset: the avatar, its Gaussians bound to the centers of their triangles; they come back sorted by face.
        plan: how finely to write what.

    Raises:
        AvatarFileError: a value is out of the range that the format can hold, or a Gaussian is bound elsewhere.
    """
    if np.abs(asset.barycentrics - 1 / 3).max() > 1e-3:
        raise AvatarFileError("Version 1 holds Gaussians that are bound to the centers of their triangles only")
    uv = np.rint(asset.grid_uv.astype(np.float64) * plan.steps.grid_uv).astype(np.int64)
    rows = np.lexsort((uv[:, 1], uv[:, 0], asset.faces_bound))
    bound, classes, rigid = (
        values[rows].astype(np.int64) for values in (asset.faces_bound, plan.classes, asset.rigid_to_skull)
    )
    gaussians = Gaussians(bound, classes, rigid, to_integers(asset)[rows])
    coarse, fine = pack_gaussians(gaussians, plan.steps)
    parts = {"HEAD": header.pack(), "STEP": pack_steps(plan.steps), "SHAP": _pack_shape(asset, plan.steps)}
    parts |= {"GAU0": coarse, "GAU1": fine}
    if header.bases:
        moving = gaussians.rigid == 0
        fine = gaussians.classes[moving] < plan.steps.fine_classes
        parts["GRUV"] = pack_uv(uv[rows[moving]], gaussians.faces[moving], fine)
        parts["BASE"] = pack_bases(asset.basis_grid, asset.basis_weights, plan)
    codings = {tag: 0 if tag in _STORED else CODING_SYMBOLS for tag in parts}
    data = [SECTION.pack(tag.encode(), codings[tag], 0, 0, len(part)) + part for tag, part in parts.items()]
    if asset.motion_basis is not None:
        data.append(pack_integers(_MOTIONS, asset.motion_basis.rows, OPTIONAL[_MOTIONS][2]))
    return HEADER.pack(MAGIC, VERSION_1, 0) + b"".join(data)


def unpack_v1(sections: list[Section], *, partial: bool = False) -> AvatarAsset | None:
    """The avatar of a file's sections.

    Args:
        sections: in the order of the file (codec.avatar_layout.split_sections).
        partial: whether sections may be missing.

    Returns:
        The avatar. With `partial`, what the sections make: without bases if these are missing, with an eighth of the
        Gaussians, but larger ones, if the others are; None if there is nothing to show yet.

    Raises:
        AvatarFileError: the sections break a rule of docs/avatar-format.md.
    """
    owner_in(sections)
    motions = _motions(sections)
    content = _by_tag([section for section in sections if section[0] != _MOTIONS])
    header = AvatarHeader.unpack(content["HEAD"]) if "HEAD" in content else None
    wanted = (*_WHOLE, *_BASES) if header is not None and header.bases else _WHOLE
    missing = [tag for tag in (_SHOWN if partial else wanted) if tag not in content]
    if header is None or missing:
        if partial:
            return None
        raise AvatarFileError(f"The avatar file lacks its {', '.join(missing)} section")
    steps = unpack_steps(content["STEP"])
    shape = _unpack_shape(content["SHAP"], header, steps)
    gaussians = Gaussians.empty(header.gaussians)
    unpack_gaussians(content["GAU0"], gaussians, steps, coarse=True)
    if "GAU1" not in content:
        rows = dyadic.order(header.gaussians, coarse=True)
        rows.sort()
        few = Gaussians(*(values[rows] for values in vars(gaussians).values()))
        asset = _assemble(header, few, shape, motions)
        growth = np.float32(steps.growth * GROWTH_UNIT)
        return replace(asset, log_scales=np.minimum(asset.log_scales + growth, np.float32(0)))
    unpack_gaussians(content["GAU1"], gaussians, steps, coarse=False)
    asset = _assemble(header, gaussians, shape, motions)
    if not header.bases or any(tag not in content for tag in _BASES):
        return asset
    grid, weights = unpack_bases(content["BASE"], header, steps)
    uv, moving = np.zeros((asset.count, 2), np.float32), gaussians.rigid == 0
    fine = gaussians.classes[moving] < steps.fine_classes
    uv[moving] = unpack_uv(content["GRUV"], gaussians.faces[moving], fine, steps.grid_uv)
    return replace(asset, grid_uv=uv, basis_grid=grid, basis_weights=weights)


def _motions(sections: list[Section]) -> MotionBasis | None:
    found = [section for section in sections if section[0] == _MOTIONS]
    if len(found) > 1:
        raise AvatarFileError(f"The avatar file has two {_MOTIONS} sections")
    return motions_of(unpack_integers(*found[0], OPTIONAL[_MOTIONS])) if found else None


def _by_tag(sections: list[Section]) -> dict[str, bytes]:
    content: dict[str, bytes] = {}
    for number, (tag, coding, predictor, data) in enumerate(sections):
        if (tag == "HEAD") != (number == 0):
            raise AvatarFileError("The avatar file does not begin with its HEAD section")
        if tag not in (*_WHOLE, *_BASES):
            continue
        if coding != (0 if tag in _STORED else CODING_SYMBOLS) or predictor:
            raise AvatarFileError(f"The avatar file's {tag} section has an unknown coding or predictor")
        if tag in content:
            raise AvatarFileError(f"The avatar file has two {tag} sections")
        content[tag] = data
    return content


def _pack_shape(asset: AvatarAsset, steps: AvatarSteps) -> bytes:
    levels = np.rint(asset.shape_offsets.astype(np.float64) / (steps.shape * POSITION_STEP)).astype(np.int64)
    differences = np.diff(levels, axis=0, prepend=0)
    return pack_symbols(zigzag(differences).T.ravel(), _axes(len(levels)), 3)


def _unpack_shape(data: bytes, header: AvatarHeader, steps: AvatarSteps) -> NDArray[np.float32]:
    differences = unzigzag(unpack_symbols(data, _axes(header.vertices), 3)).reshape(3, -1).T
    levels = np.cumsum(differences, axis=0) * steps.shape
    if np.abs(levels).max() * POSITION_STEP > 1:
        raise AvatarFileError("The avatar's shape holds a value out of its range")
    return np.ascontiguousarray(levels * POSITION_STEP, np.float32)


def _axes(vertices: int) -> Integers:
    return np.repeat(np.arange(3), vertices)


def _assemble(
    header: AvatarHeader, gaussians: Gaussians, shape: NDArray[np.float32], motions: MotionBasis | None
) -> AvatarAsset:
    """An avatar without bases."""
    count = len(gaussians.faces)
    return AvatarAsset(
        head_model_id=header.head_model_id,
        name=header.name,
        shape_offsets=shape,
        faces_bound=gaussians.faces.astype(np.int32),
        barycentrics=np.full((count, 3), 1 / 3, np.float32),
        rigid_to_skull=gaussians.rigid.astype(np.bool_),
        grid_uv=np.zeros((count, 2), np.float32),
        basis_grid=np.zeros((0, BASIS_CHANNELS, header.grid_size, header.grid_size), np.float16),
        basis_weights=np.zeros((0, header.expression_dims + 15), np.float32),
        motion_basis=motions,
        **from_integers(gaussians.values),
    )
