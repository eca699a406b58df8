"""The guests: who they are and what they look like. Names are neutral; nobody real is meant."""

from __future__ import annotations

from dataclasses import dataclass

from tools.guests.brows import BeardSpec, BrowSpec
from tools.guests.clothes import ClothesSpec
from tools.guests.eyes import EyeSpec
from tools.guests.hair_paint import HairSpec
from tools.guests.identity import Identity
from tools.guests.skin import SkinSpec


@dataclass(frozen=True)
class Guest:
    """Everything that makes one guest.

    Args:
        glasses: the color of the frame.
        gaussians: how many are left after thinning.
    """

    name: str
    identity: Identity
    skin: SkinSpec
    eyes: EyeSpec
    brows: BrowSpec
    hair: HairSpec
    clothes: ClothesSpec
    beard: BeardSpec | None = None
    glasses: str | None = None
    gaussians: int = 16_000


CAUCASIAN, ASIAN, AFRICAN = "caucasian", "asian", "african"

GUESTS = (
    Guest(
        name="Ines",
        identity=Identity(
            1.0, 0.02, {CAUCASIAN: 0.85, ASIAN: 0.15},
            details={
                "eyes/eye-scale-incr": 0.25, "mouth/mouth-angles-up": 0.35,
                "nose/nose-scale-horiz-decr": 0.6, "nose/nose-scale-depth-decr": 0.25, "chin/chin-width-decr": 0.25,
                "head/head-oval": 0.3, "neck/neck-scale-horiz-decr": 0.3,
            },
        ),
        skin=SkinSpec("#efc4a6", "#c4585a", "#e0705f", 0.26, 0.85, lid="#96604f", lid_amount=0.30),
        eyes=EyeSpec("#4f7a4a", "#a8b878", lash_length=3.6),
        brows=BrowSpec("#6a3a22", thickness=5.6, arch=2.4, density=0.9),
        hair=HairSpec("bob", "#7a3a1e", "#b5622f", shine=0.9),
        clothes=ClothesSpec("#2f6f73", "#2a6265", "crew"),
    ),
    Guest(
        name="Kenji",
        identity=Identity(
            0.0, 0.0, {ASIAN: 0.75, CAUCASIAN: 0.25},
            details={
                "eyes/eye-scale-incr": 0.25, "eyes/eye-height2-incr": 0.3, "mouth/mouth-angles-up": 0.4,
                "neck/neck-scale-horiz-decr": 0.2,
            },
        ),
        skin=SkinSpec("#e9bf98", "#bd6a60", "#d97a5f", 0.25, 0.62, lid="#8c5f4a"),
        eyes=EyeSpec("#3a2417", "#6e4a2e", lash_length=2.0),
        brows=BrowSpec("#1d1613", thickness=7.0, arch=1.4),
        hair=HairSpec("crop", "#1d1815", "#352a24", shine=0.9),
        clothes=ClothesSpec("#f0efe9", "#dddbd3", "crew"),
    ),
    Guest(
        name="Noor",
        identity=Identity(
            1.0, 0.05, {CAUCASIAN: 0.6, AFRICAN: 0.25, ASIAN: 0.15},
            details={
                "eyes/eye-scale-incr": 0.25, "mouth/mouth-angles-up": 0.35,
                "nose/nose-scale-horiz-decr": 0.2, "neck/neck-scale-horiz-decr": 0.3,
            },
        ),
        skin=SkinSpec("#b9825c", "#9c4646", "#b5563f", 0.35, 0.8, lid="#5f3826", lid_amount=0.45),
        eyes=EyeSpec("#4a2c17", "#8a5a30", lash_length=4.0, line_width=0.5),
        brows=BrowSpec("#1c1310", thickness=6.4, arch=2.6),
        hair=HairSpec("long", "#2a1c17", "#4a3026", shine=0.9),
        clothes=ClothesSpec("#c9803b", "#b87232", "v"),
    ),
    Guest(
        name="Tomas",
        identity=Identity(
            0.0, 0.35, {CAUCASIAN: 1.0},
            details={
                "eyes/eye-scale-incr": 0.25, "eyes/eye-height2-incr": 0.3, "mouth/mouth-angles-up": 0.4,
                "nose/nose-scale-horiz-decr": 0.15,
            },
            shoulders=0.78,
        ),
        skin=SkinSpec("#e3b292", "#b8685c", "#cf6f5a", 0.4, 0.6, stubble="#4a2e20", stubble_amount=0.55),
        eyes=EyeSpec("#44719a", "#a4c8dc", lash_length=2.0),
        brows=BrowSpec("#4a2e1e", thickness=7.5, arch=1.2),
        hair=HairSpec("side part", "#4a3020", "#7a5030", shine=0.8),
        clothes=ClothesSpec("#3a4f74", "#344868", "crew", collar="#40577f"),
        beard=BeardSpec("#4a2e1e", length=7.5, spacing=2.7),
    ),
    Guest(
        name="Ada",
        identity=Identity(
            1.0, 0.75, {CAUCASIAN: 1.0},
            details={
                "eyes/eye-scale-incr": 0.25, "eyes/eye-height2-incr": 0.3, "mouth/mouth-angles-up": 0.5,
                "nose/nose-scale-horiz-decr": 0.2,
            },
        ),
        skin=SkinSpec("#f0cdb6", "#b9686a", "#dd8478", 0.45, 0.65, age=0.8),
        eyes=EyeSpec("#5a86a8", "#b5d2de", lash_length=2.4),
        brows=BrowSpec("#8d8680", thickness=5.2, arch=2.0, density=0.8),
        hair=HairSpec("bun", "#d3cfcb", "#e6e3df", shine=0.35),
        clothes=ClothesSpec("#7a4a6e", "#6d4162", "high"),
        glasses="#3a2a33",
        gaussians=15_000,
    ),
    Guest(
        name="Kofi",
        identity=Identity(
            0.0, 0.05, {AFRICAN: 0.85, CAUCASIAN: 0.15},
            details={
                "eyes/eye-scale-incr": 0.25, "eyes/eye-height2-incr": 0.3, "mouth/mouth-angles-up": 0.4,
                "neck/neck-scale-horiz-decr": 0.2,
            },
            shoulders=0.70,
        ),
        skin=SkinSpec(
            "#7f4f37", "#84453f", "#8f452f", 0.3, 0.6, lid="#3a2118", gloss=0.8, stubble="#1d1411", stubble_amount=0.6
        ),
        eyes=EyeSpec("#2c1a10", "#5a3a22", lash_length=2.2),
        brows=BrowSpec("#120d0b", thickness=7.0, arch=1.6),
        hair=HairSpec("curly", "#17110e", "#33251d", shine=0.5),
        clothes=ClothesSpec("#d9a92e", "#c99b26", "crew"),
        beard=BeardSpec("#1a1210", length=2.4, spacing=3.0, width=0.6, opacity=0.45),
    ),
)  # fmt: skip
