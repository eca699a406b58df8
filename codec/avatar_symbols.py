"""Arrays of an avatar to integers and back: the quantisation of avatar files (docs/avatar-format.md).

`to_symbols` may round; `from_symbols` is exact: each value is one float64 expression of integers, rounded once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec import avatar_layout as layout
from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from codec.avatar_layout import AvatarHeader
from codec.errors import AvatarFileError
from codec.motion_basis import MotionBasis
from codec.planes import Integers

SH_C0 = 0.28209479177387814

Floats = NDArray[np.floating[Any]]


_SPREADS = np.repeat([0.2, 0.05, 0.15, 0.5, 0.15], [3, 3, 3, 2, 4])
"""What rotation, translation (m), jaw, eyelids and gaze differ by in a call, beside the expression's 1."""


def to_symbols(asset: AvatarAsset) -> dict[str, Integers]:
    """Section name to [rows, columns] integers, ready for `codec.planes`.

    Values too small to see (scales below 0.1 um, logits beyond 16) are clamped.

    Raises:
        AvatarFileError: a value is not finite or out of the range that the format can hold.
    """
    exponents = _grid_exponents(asset)
    symbols = {
        "SHAP": _rounded("shape_offsets", asset.shape_offsets, 1 / layout.POSITION_STEP, 32_767),
        "FACE": asset.faces_bound.astype(np.int64)[:, None],
        "BARY": _barycentric_symbols(asset.barycentrics),
        "COLR": _color_symbols(asset.sh0),
        "SCAL": _rounded(
            "log_scales", np.maximum(asset.log_scales, -16.0), layout.LOG_SCALE_LEVELS, -layout.MIN_LOG_SCALE_SYMBOL
        ),
        "OPAC": _rounded(
            "logit_opacities",
            np.clip(asset.logit_opacities, -16.0, 16.0)[:, None],
            layout.LOGIT_LEVELS,
            layout.MAX_LOGIT_SYMBOL,
        ),
        "MEAN": _rounded("local_means", asset.local_means, 1 / layout.POSITION_STEP, 32_767),
        "QUAT": _quat_symbols(asset.local_quats),
        "RIGD": asset.rigid_to_skull.astype(np.int64)[:, None],
        "GRUV": _rounded("grid_uv", asset.grid_uv, layout.GRID_UV_LEVELS, layout.GRID_UV_LEVELS),
        "BEXP": exponents[:, None],
        "BWGT": np.ascontiguousarray(asset.basis_weights, "<f4").view("<i4").astype(np.int64),
        "BGRD": _grid_symbols(asset, exponents),
    }
    if asset.motion_basis is not None:
        symbols["MOTN"] = asset.motion_basis.rows
    check_symbols(symbols)
    return symbols


def check_symbols(symbols: dict[str, Integers]) -> None:
    """Checks the range of every symbol.

    Raises:
        AvatarFileError: naming the first section that holds a value out of its range.
    """
    barycentrics, quats = symbols["BARY"], symbols["QUAT"]
    weights = symbols["BWGT"].astype("<i4").view("<f4")
    good = {
        "FACE": _within(symbols["FACE"], 0, layout.MAX_FACES - 1),
        "BARY": _within(barycentrics, 0, layout.BARYCENTRIC_LEVELS)
        and _within(barycentrics.sum(axis=1), 0, layout.BARYCENTRIC_LEVELS),
        "COLR": _within(_green_differences(symbols["COLR"], 1), -layout.MAX_COLOR_SYMBOL, layout.MAX_COLOR_SYMBOL),
        "SCAL": _within(symbols["SCAL"], layout.MIN_LOG_SCALE_SYMBOL, 0),
        "OPAC": _within(symbols["OPAC"], -layout.MAX_LOGIT_SYMBOL, layout.MAX_LOGIT_SYMBOL),
        "QUAT": _within(quats[:, 0], 0, 3)
        and _within(quats[:, 1:], -layout.MAX_QUAT_SYMBOL, layout.MAX_QUAT_SYMBOL)
        and _within((quats[:, 1:] ** 2).sum(axis=1), 0, layout.QUAT_LEVELS**2),
        "RIGD": _within(symbols["RIGD"], 0, 1),
        "GRUV": _within(symbols["GRUV"], 0, layout.GRID_UV_LEVELS),
        "BEXP": _within(symbols["BEXP"], -layout.MAX_GRID_EXPONENT, layout.MAX_GRID_EXPONENT),
        "BWGT": bool(np.isfinite(weights).all()) and bool((np.abs(weights) <= layout.MAX_BASIS_WEIGHT).all()),
    }
    for tag, is_good in good.items():
        if not is_good:
            raise AvatarFileError(f"The avatar's {tag} section holds a value out of its range")


def from_symbols(header: AvatarHeader, symbols: dict[str, Integers]) -> AvatarAsset:
    """Checks symbols and turns them into an asset; exact on every platform.

    Raises:
        AvatarFileError: a symbol is out of its range.
    """
    check_symbols(symbols)
    bary = symbols["BARY"]
    third = layout.BARYCENTRIC_LEVELS - bary.sum(axis=1, keepdims=True)
    colors = _green_differences(symbols["COLR"], 1) / layout.COLOR_LEVELS
    return AvatarAsset(
        head_model_id=header.head_model_id,
        name=header.name,
        shape_offsets=_float32(symbols["SHAP"] * layout.POSITION_STEP),
        faces_bound=symbols["FACE"][:, 0].astype(np.int32),
        barycentrics=_float32(np.concatenate([bary, third], axis=1) / layout.BARYCENTRIC_LEVELS),
        local_means=_float32(symbols["MEAN"] * layout.POSITION_STEP),
        local_quats=_quats(symbols["QUAT"]),
        log_scales=_float32(symbols["SCAL"] / layout.LOG_SCALE_LEVELS),
        logit_opacities=_float32(symbols["OPAC"][:, 0] / layout.LOGIT_LEVELS),
        sh0=_float32((colors - 0.5) / SH_C0),
        rigid_to_skull=symbols["RIGD"][:, 0].astype(np.bool_),
        grid_uv=_float32(symbols["GRUV"] / layout.GRID_UV_LEVELS),
        basis_grid=_grid(header, symbols["BGRD"], symbols["BEXP"][:, 0]),
        basis_weights=np.ascontiguousarray(symbols["BWGT"].astype("<i4").view("<f4"), np.float32),
        motion_basis=motions_of(symbols.get("MOTN")),
    )


def motions_of(rows: Integers | None) -> MotionBasis | None:
    """The motions of a `MOTN` section, None without one.

    Raises:
        AvatarFileError: a number is out of its range.
    """
    if rows is None:
        return None
    try:
        return MotionBasis.of_rows(rows)
    except ValueError as error:
        raise AvatarFileError("The avatar's MOTN section holds a value out of its range") from error


def _within(values: Integers, low: int, high: int) -> bool:
    return values.size == 0 or (int(values.min()) >= low and int(values.max()) <= high)


def _float32(values: Floats) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32)


def _rounded(what: str, values: NDArray[Any], levels: float, limit: int) -> Integers:
    scaled = np.rint(np.asarray(values, np.float64) * levels)
    if not np.isfinite(scaled).all() or (scaled.size and np.abs(scaled).max() > limit):
        raise AvatarFileError(f"The avatar's {what} hold a value that is not finite or beyond {limit / levels:g}")
    return scaled.astype(np.int64)


def _barycentric_symbols(barycentrics: NDArray[np.float32]) -> Integers:
    symbols = _rounded("barycentrics", barycentrics, layout.BARYCENTRIC_LEVELS, layout.BARYCENTRIC_LEVELS + 1)
    if np.abs(barycentrics.sum(axis=1) - 1).max(initial=0) > 1e-3 or barycentrics.min(initial=0) < -1e-3:
        raise AvatarFileError("The avatar's barycentrics must be non-negative and sum to 1")
    first = np.clip(symbols[:, 0], 0, layout.BARYCENTRIC_LEVELS)
    second = np.clip(symbols[:, 1], 0, layout.BARYCENTRIC_LEVELS - first)
    return np.stack([first, second], axis=1)


def _color_symbols(sh0: NDArray[np.float32]) -> Integers:
    rgb = _rounded("sh0", sh0.astype(np.float64) * SH_C0 + 0.5, layout.COLOR_LEVELS, layout.MAX_COLOR_SYMBOL)
    return _green_differences(rgb, -1)


def _green_differences(values: Integers, sign: int) -> Integers:
    """(R, G, B) to (R - G, G, B - G) for sign -1 and back for +1."""
    result = values.copy()
    result[:, [0, 2]] += sign * values[:, 1:2]
    return result


def _quat_symbols(quats: NDArray[np.float32]) -> Integers:
    """[N, 4]: index of the component left out (the largest), then the other three in order, for its sign +."""
    values = np.asarray(quats, np.float64)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or norms.min(initial=1) < 1e-6:
        raise AvatarFileError("The avatar's local_quats hold a quaternion that is zero or not finite")
    values = values / norms
    largest = np.abs(values).argmax(axis=1)
    rows = np.arange(len(values))
    values = values * np.where(values[rows, largest] < 0, -1.0, 1.0)[:, None]
    others = values[rows[:, None], _OTHERS[largest]]
    return np.concatenate([largest[:, None], np.rint(others * layout.QUAT_LEVELS).astype(np.int64)], axis=1)


_OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])


def _quats(symbols: Integers) -> NDArray[np.float32]:
    largest, others = symbols[:, 0], symbols[:, 1:]
    result = np.empty((len(symbols), 4))
    rows = np.arange(len(symbols))
    result[rows[:, None], _OTHERS[largest]] = others / layout.QUAT_LEVELS
    result[rows, largest] = np.sqrt(layout.QUAT_LEVELS**2 - (others**2).sum(axis=1)) / layout.QUAT_LEVELS
    return _float32(result)


def _grid_exponents(asset: AvatarAsset) -> Integers:
    """[K] power of two by which a basis's steps are coarser, so that its *visible* error does not depend on its scale.

    A basis that large weights multiply gets finer steps. The weight is judged at two standard deviations of every
    parameter; a basis too large for 16 bits gets coarser steps until it fits.
    """
    weights = np.asarray(asset.basis_weights, np.float64)
    spreads = np.concatenate([np.ones(weights.shape[1] - len(_SPREADS)), _SPREADS])
    amplitudes = 2 * np.linalg.norm(weights * spreads, axis=1)
    if not np.isfinite(amplitudes).all() or not np.isfinite(asset.basis_grid).all():
        raise AvatarFileError("The avatar's bases hold a number that is not finite")
    steps = np.array(layout.GRID_STEPS)
    peaks = np.abs(asset.basis_grid.astype(np.float64)).max(axis=(2, 3), initial=0)  # [K, channels]
    fitting = np.log2(np.maximum((peaks / steps).max(axis=1, initial=0) / 32_000, 2.0**-60))
    wanted = np.maximum(-np.log2(np.maximum(amplitudes, 2.0**-60)), fitting)
    return np.clip(np.ceil(wanted), -layout.MAX_GRID_EXPONENT, layout.MAX_GRID_EXPONENT).astype(np.int64)


def _grid_steps(exponents: Integers) -> Floats:
    return np.ldexp(np.array(layout.GRID_STEPS)[None, :], exponents[:, None])  # [K, channels]


def _grid_symbols(asset: AvatarAsset, exponents: Integers) -> Integers:
    bases, channels, height, width = asset.basis_grid.shape
    levels = asset.basis_grid.astype(np.float64) / _grid_steps(exponents)[:, :, None, None]
    symbols = _rounded("basis_grid", levels, 1, 32_767)
    return symbols.reshape(bases * channels, height * width).T


def _grid(header: AvatarHeader, symbols: Integers, exponents: Integers) -> NDArray[np.float16]:
    shape = (header.bases, BASIS_CHANNELS, header.grid_size, header.grid_size)
    values = symbols.T.reshape(shape) * _grid_steps(exponents)[:, :, None, None]
    return np.ascontiguousarray(values, np.float16)
