"""Real spherical harmonics of degrees 1 to 3 as 3DGS uses them (Kerbl et al. 2023; Sloan 2008, "Stupid SH Tricks").

Degree 0 is a constant and belongs to the color itself (renderer.gaussians).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COEFFICIENTS = {0: 0, 1: 3, 2: 8, 3: 15}
"""Coefficients beyond the constant one, by degree."""

C1 = 0.4886025119029199
C2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
C3 = (0.5900435899266435, 2.890611442640554, 0.4570457994644658, 0.3731763325901154, 1.445305721320277)


def basis(directions: NDArray[np.floating]) -> NDArray[np.floating]:
    """[..., 15] values of the functions of degrees 1 to 3 at unit `directions` [..., 3]."""
    x, y, z = np.moveaxis(directions, -1, 0)
    xx, yy, zz = x * x, y * y, z * z
    values = [
        *(-C1 * y, C1 * z, -C1 * x),
        *(C2[0] * x * y, -C2[0] * y * z, C2[1] * (2 * zz - xx - yy), -C2[0] * x * z, C2[2] * (xx - yy)),
        *(-C3[0] * y * (3 * xx - yy), C3[1] * x * y * z, -C3[2] * y * (4 * zz - xx - yy)),
        *(C3[3] * z * (2 * zz - 3 * xx - 3 * yy), -C3[2] * x * (4 * zz - xx - yy)),
        *(C3[4] * z * (xx - yy), -C3[0] * x * (xx - 3 * yy)),
    ]
    return np.stack(values, axis=-1)


def evaluate(sh_rest: NDArray[np.floating], directions: NDArray[np.floating]) -> NDArray[np.floating]:
    """[N, 3] what the coefficients [N, K, 3], K in COEFFICIENTS, add to the colors at unit `directions` [N, 3]."""
    return np.einsum("nk,nkc->nc", basis(directions)[:, : sh_rest.shape[1]], sh_rest)
