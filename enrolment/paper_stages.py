"""What the paper's Table II tells of each stage of the compression: how large it is, and what pictures lose.

Sizes are counted as there: the Gaussians' attributes and the network. Where the Gaussians sit and the person's shape,
which the paper leaves out, are in the file as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from codec.latent_avatar import DIRECT, LATENTS, LatentPaperAvatar
from codec.paper_avatar import PaperAvatar
from codec.paper_v1_file import ATTRIBUTE_SECTIONS, NETWORK_SECTION, section_bytes

MIB = 1 << 20
_FLOAT, _HALF = 4, 2

PUBLISHED_MIB = {"uncompressed": 4.31, "latents": 1.82, "pruned": 1.32, "half": 0.70, "total": 0.59}
"""The paper's total after each stage."""

LABELS = {
    "uncompressed": "uncompressed",
    "latents": "+ latents",
    "pruned": "+ pruned network",
    "half": "+ half precision",
    "total": "+ coding",
}
"""What each stage is called in tables."""


@dataclass(frozen=True, eq=False)
class Stage:
    """An avatar after one of the stages.

    Args:
        name: of PUBLISHED_MIB.
        gaussians_bytes, network_bytes: what the paper counts.
        avatar: what is drawn of it.
    """

    name: str
    gaussians_bytes: int
    network_bytes: int
    avatar: PaperAvatar

    @property
    def total_mib(self) -> float:
        """Both together."""
        return (self.gaussians_bytes + self.network_bytes) / MIB

    @property
    def difference(self) -> float:
        """How much larger it is than the published one, as a part of that."""
        return self.total_mib / PUBLISHED_MIB[self.name] - 1


@dataclass(frozen=True, eq=False)
class Compression:
    """All stages of an avatar.

    Args:
        stages: in the order of PUBLISHED_MIB.
        data: the file of the last one.
        trained_on: the uncompressed avatar after as many seconds of training on pictures as the compressed one had;
            None without pictures, or where it was not asked for.
    """

    stages: tuple[Stage, ...]
    data: bytes
    trained_on: PaperAvatar | None


def uncompressed_stage(avatar: PaperAvatar) -> Stage:
    """Everything in float32."""
    numbers = DIRECT + 4 + 1 + 3 * avatar.sh_rest.shape[1]
    return Stage("uncompressed", _FLOAT * numbers * avatar.count, _FLOAT * avatar.parameter_count, avatar)


def latent_stage(name: str, avatar: PaperAvatar, decoder_numbers: int) -> Stage:
    """Color and scale in float32, a byte for each latent, decoders and network in float32."""
    gaussians = (_FLOAT * DIRECT + LATENTS) * avatar.count + _FLOAT * decoder_numbers
    return Stage(name, gaussians, _FLOAT * avatar.parameter_count, avatar)


def half_stage(avatar: PaperAvatar, decoder_numbers: int) -> Stage:
    """The same in float16."""
    gaussians = (_HALF * DIRECT + LATENTS) * avatar.count + _HALF * decoder_numbers
    return Stage("half", gaussians, _HALF * avatar.parameter_count, avatar)


def final_stage(avatar: LatentPaperAvatar, data: bytes) -> Stage:
    """What is in the file `data` of the avatar."""
    sizes = section_bytes(data)
    gaussians = sum(sizes[tag] for tag in ATTRIBUTE_SECTIONS)
    return Stage("total", gaussians, sizes[NETWORK_SECTION], avatar.avatar())
