"""Gaussians of a `paper` avatar as latents that can be trained: rounded on the way forward, straight through on the way
back (EAGLES: Girish et al., ECCV 2024), each attribute a linear map of its latents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

from codec.latent_avatar import DIRECT, HARMONIC_BLOCK, LATENTS, MAX_LATENT, ROTATION_LATENTS
from codec.paper_avatar import PaperAvatar
from enrolment.paper_latents import DIRECT_LEVELS, Latents
from enrolment.torch_training.paper_splats import Attributes

COLUMNS = {
    "sh_rest": slice(0, 1),
    "quats": slice(1, 1 + ROTATION_LATENTS),
    "logit_opacities": slice(LATENTS - 1, LATENTS),
}
"""Latents of each attribute, in the order of their decoders; that of the harmonics is one for each block."""


class LatentSplats(nn.Module):
    """The Gaussians of an avatar.

    Args:
        avatar: where base colors and scales begin.
        latents: where all others begin.
        device: where the work is done.

    Attributes:
        ranges: [2, DIRECT] middle and step of base color and log-scale; None until they are to be rounded too.
    """

    def __init__(self, avatar: PaperAvatar, latents: Latents, device: torch.device) -> None:
        super().__init__()
        self._coefficients = avatar.sh_rest.shape[1]
        self.sh0 = nn.Parameter(_tensor(avatar.sh0, device))
        self.log_scales = nn.Parameter(_tensor(avatar.log_scales, device))
        for (name, columns), decoder in zip(COLUMNS.items(), latents.decoders, strict=True):
            self.register_parameter(f"latents_{name}", nn.Parameter(_tensor(latents.values[:, columns], device)))
            self.register_parameter(f"weights_{name}", nn.Parameter(_tensor(decoder[..., :-1, :], device)))
            self.register_parameter(f"bias_{name}", nn.Parameter(_tensor(decoder[..., -1, :], device)))
        self.ranges: Tensor | None = None

    def attributes(self) -> Attributes:
        """The Gaussians as they come out of a file; gradients go straight through the rounding."""
        direct = torch.cat([self.sh0, self.log_scales], dim=1)
        if self.ranges is not None:
            middle, step = self.ranges
            direct = middle + step * _straight_through((direct - middle) / step, DIRECT_LEVELS)
        decoded = {name: self._decoded(name) for name in COLUMNS}
        return Attributes(
            log_scales=direct[:, DIRECT // 2 :],
            quats=decoded["quats"],
            logit_opacities=decoded["logit_opacities"][:, 0],
            sh0=direct[:, : DIRECT // 2],
            sh_rest=decoded["sh_rest"].unflatten(1, (self._coefficients, 3)),
        )

    def rate_groups(self, rates: Mapping[str, float]) -> Iterator[tuple[Tensor, float]]:
        """Each parameter and the length of its steps, so that attributes move as if they were trained themselves.

        Args:
            rates: length of a step of each attribute.
        """
        yield self.sh0, rates["sh0"]
        yield self.log_scales, rates["log_scales"]
        for name in COLUMNS:
            latents, weights, bias = (getattr(self, f"{part}_{name}") for part in ("latents", "weights", "bias"))
            yield latents, rates[name] / float(weights.detach().square().mean().sqrt().clamp(min=1e-6))
            yield weights, rates[name] / float(latents.detach().square().mean().sqrt().clamp(min=1.0))
            yield bias, rates[name]

    def latents(self) -> Latents:
        """A copy of latents and decoders as arrays."""
        values = torch.cat([getattr(self, f"latents_{name}") for name in COLUMNS], dim=1)
        harmonics, rotation, opacity = (
            _array(torch.cat([getattr(self, f"weights_{name}"), getattr(self, f"bias_{name}").unsqueeze(-2)], dim=-2))
            for name in COLUMNS
        )
        return Latents(_array(values), (harmonics, rotation, opacity))

    def avatar(self, base: PaperAvatar) -> PaperAvatar:
        """A copy as arrays; the network, the shape and the places are those of `base`."""
        with torch.no_grad():
            found = self.attributes()
        quats = nn.functional.normalize(found.quats, dim=1)
        named = vars(replace(found, quats=quats)).items()
        return replace(base, **{name: _array(tensor).astype(np.float32) for name, tensor in named})

    def _decoded(self, name: str) -> Tensor:
        latents, weights, bias = (getattr(self, f"{part}_{name}") for part in ("latents", "weights", "bias"))
        rounded = _straight_through(latents, MAX_LATENT)
        if name != "sh_rest":
            return rounded @ weights + bias
        weights, bias = (
            part.repeat_interleave(HARMONIC_BLOCK, dim=0)[: len(latents)] for part in (weights[:, 0], bias)
        )
        return rounded * weights + bias


def _straight_through(values: Tensor, limit: int) -> Tensor:
    """The nearest integers, within `limit`; the gradient is that of the values themselves."""
    return values + (values.detach().clamp(-limit, limit).round() - values.detach())


def _tensor(array: NDArray[np.floating], device: torch.device) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32, order="C")).to(device)


def _array(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.detach().cpu().numpy().astype(np.float64)
