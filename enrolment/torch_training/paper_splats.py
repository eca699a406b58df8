"""An avatar of profile `paper` as tensors that can be trained: renderer.avatar.paper_model with gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]
from torch.nn.functional import embedding_bag, linear, normalize  # pyright: ignore[reportMissingImports]

from codec.paper_avatar import CONDITION_SIZE, ENCODED_SIZE, OUTPUT_SIZE, DenseLayer, PaperAvatar
from renderer.avatar.avatar_model import MAX_SCALE_M, MAX_SPLAT_AREA_M2
from renderer.avatar.paper_model import MAX_WEIGHT, encode_positions
from renderer.backends.cuda_batch import GaussianBatch
from renderer.backends.cuda_pose import quat_from_matrix, quat_multiply
from renderer.gaussians import SH_C0
from renderer.head.model import HeadModel

WIDTH, HIDDEN_LAYERS = 256, 6
HARMONICS = 15
FIRST_OPACITY = 0.1
NEIGHBORS = 3
ANCHOR_NEIGHBORS = 4
LAST_LAYER_SHARE = 0.01
"""Of PyTorch's usual first weights: larger ones would throw the Gaussians centimetres off at the start."""


@dataclass(frozen=True, eq=False)
class Binding:
    """Where the Gaussians sit: `faces_bound` [N], `barycentrics` [N, 3]; `neutral` [N, 3] metres in the head frame."""

    faces_bound: NDArray[np.int32]
    barycentrics: NDArray[np.float32]
    neutral: NDArray[np.float32]


def bind(head: HeadModel, shape_offsets: NDArray[np.float32], binding: tuple[NDArray, NDArray]) -> Binding:
    """The Gaussians of `binding` (faces, barycentrics) on the neutral head of this shape."""
    faces, mixes = binding
    shaped = (head.v_template + shape_offsets).astype(np.float64)
    points = np.einsum("nk,nkc->nc", mixes, shaped[head.faces[faces]])
    return Binding(faces, mixes, points.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Attributes:
    """What N Gaussians are while nothing moves, as renderer.avatar.paper_model takes it; quaternions of any length.

    Args:
        log_scales: [N, 3]. quats: [N, 4]. logit_opacities: [N]. sh0: [N, 3]. sh_rest: [N, K, 3].
    """

    log_scales: Tensor
    quats: Tensor
    logit_opacities: Tensor
    sh0: Tensor
    sh_rest: Tensor

    def pose(self, output: Tensor, points: Tensor, skull: Tensor, translation: Tensor, terms: int) -> GaussianBatch:
        """One instant in the camera frame, a batch of 1.

        Args:
            output: [N, OUTPUT_SIZE] what the network says, before the tanh.
            points: [N, 3] bound points on the posed head in the head frame, metres.
            skull: [3, 3] head frame to camera frame.
            translation: [3] metres.
            terms: coefficients of the harmonics that count: 0, 3, 8 or 15.
        """
        offsets = torch.tanh(output)
        turns = torch.cat([offsets[:, 3:4].exp(), offsets[:, 4:7]], dim=1)
        quats = quat_multiply(normalize(self.quats, dim=1), turns)
        scales = (self.log_scales * offsets[:, 7:10].exp()).clamp(max=float(np.log(MAX_SCALE_M))).exp()
        turned = quat_multiply(quat_from_matrix(skull[None]), normalize(quats, dim=1))
        return GaussianBatch(
            means=((points + offsets[:, :3]) @ skull.T + translation)[None],
            quats=turned[None],
            scales=(_area_limit(scales) * scales)[None],
            opacities=torch.sigmoid(self.logit_opacities)[None],
            colors=(0.5 + SH_C0 * self.sh0)[None],
            sh_rest=self.sh_rest[None, :, :terms] if terms else None,
            sh_from_world=skull.T.detach()[None] if terms else None,
        )


class OffsetNetwork(nn.Module):
    """FlashAvatar's network at points of the neutral head.

    With anchors it runs for these alone, and all points take a mix of the four nearest ones' outputs. What it is told
    of a point changes with a wavelength of 5 cm at the least, so this is nearly the same and many times faster.

    Args:
        neutral: [N, 3] points, metres.
        anchors: how many, fewer than N; 0: the network runs for every point.
        hidden_layers: how many it has.
    """

    def __init__(self, neutral: NDArray[np.float32], anchors: int = 0, hidden_layers: int = HIDDEN_LAYERS) -> None:
        super().__init__()
        widths = [ENCODED_SIZE + CONDITION_SIZE, *[WIDTH] * hidden_layers]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.last = nn.Linear(WIDTH, OUTPUT_SIZE)
        with torch.no_grad():
            self.last.weight *= LAST_LAYER_SHARE
            self.last.bias *= LAST_LAYER_SHARE
        encoded = torch.from_numpy(encode_positions(neutral).astype(np.float32))
        self.register_buffer("encoded", encoded, persistent=False)
        self.half_precision = False
        self.use_anchors = self.has_anchors = bool(anchors)
        if anchors:
            at = farthest_points(neutral, anchors)
            near, shares = _nearest_mix(neutral, neutral[at])
            self.register_buffer("encoded_anchors", encoded[torch.from_numpy(at)], persistent=False)
            self.register_buffer("near", near, persistent=False)
            self.register_buffer("shares", shares, persistent=False)

    def forward(self, condition: Tensor) -> Tensor:
        """[N, OUTPUT_SIZE] before the tanh, for the `condition` [CONDITION_SIZE]."""
        if not self.use_anchors:
            return self._run(self.encoded, condition)
        return embedding_bag(
            self.near, self._run(self.encoded_anchors, condition), per_sample_weights=self.shares, mode="sum"
        )

    def at(self, points: Tensor, conditions: Tensor) -> Tensor:
        """[n, OUTPUT_SIZE] before the tanh, of the points `points` [n] under a condition `conditions` [n, ...] each."""
        with torch.autocast(conditions.device.type, torch.bfloat16, enabled=self.half_precision):
            values = self.inputs(points, conditions)
            for layer in self.hidden:
                values = torch.relu(layer(values))
        return self.last(values.to(self.last.weight.dtype))

    def inputs(self, points: Tensor, conditions: Tensor) -> Tensor:
        """[n, INPUT_SIZE] what the first layer is given, as in `at`."""
        return torch.cat([self.encoded[points], conditions], dim=1)

    def stages(self, points: Tensor, conditions: Tensor) -> list[Tensor]:
        """[n, outputs] what each layer makes of it, before anything is cut off at 0."""
        found: list[Tensor] = []
        values = self.inputs(points, conditions)
        for layer in self._all():
            found.append(layer(values))
            values = torch.relu(found[-1])
        return found

    def _run(self, encoded: Tensor, condition: Tensor) -> Tensor:
        first, *inner = self.hidden
        with torch.autocast(encoded.device.type, torch.bfloat16, enabled=self.half_precision):
            by_condition = first.weight[:, ENCODED_SIZE:] @ condition + first.bias
            values = torch.relu(linear(encoded, first.weight[:, :ENCODED_SIZE], by_condition))
            for layer in inner:
                values = torch.relu(layer(values))
        return self.last(values.to(self.last.weight.dtype))

    @torch.no_grad()
    def load(self, layers: Sequence[DenseLayer]) -> None:
        """Takes over weights; inverse of `layers`.

        Raises:
            ValueError: they are those of another network.
        """
        if [layer.weights.shape[::-1] for layer in layers] != [tuple(own.weight.shape) for own in self._all()]:
            raise ValueError("the weights are those of another network")
        for own, layer in zip(self._all(), layers, strict=True):
            own.weight.copy_(torch.from_numpy(np.array(layer.weights.T, np.float32, order="C")))
            own.bias.copy_(torch.from_numpy(np.array(layer.bias, np.float32)))

    def _all(self) -> list[nn.Linear]:
        return [*self.hidden, self.last]  # pyright: ignore[reportReturnType] - they are linear

    def layers(self) -> tuple[DenseLayer, ...]:
        """Copies of the weights."""
        found = []
        for layer in self._all():
            weights, bias = (p.detach().cpu().numpy().clip(-MAX_WEIGHT, MAX_WEIGHT) for p in (layer.weight, layer.bias))
            found.append(DenseLayer(np.array(weights.T, order="C"), bias.copy()))
        return tuple(found)


class PaperSplats(nn.Module):
    """The Gaussians, grey at first, and their network.

    Args:
        binding: where they sit.
        anchors, hidden_layers: see OffsetNetwork.
        harmonics: coefficients of each beyond the constant one.
    """

    def __init__(
        self, binding: Binding, anchors: int = 0, *, harmonics: int = HARMONICS, hidden_layers: int = HIDDEN_LAYERS
    ) -> None:
        super().__init__()
        count = len(binding.neutral)
        spacing = mean_spacing(binding.neutral)
        self.network = OffsetNetwork(binding.neutral, anchors, hidden_layers)
        self.log_scales = nn.Parameter(torch.from_numpy(np.log(spacing)).float()[:, None].repeat(1, 3))
        self.quats = nn.Parameter(torch.tensor([1.0, 0, 0, 0]).repeat(count, 1))
        self.logit_opacities = nn.Parameter(torch.full((count,), float(np.log(FIRST_OPACITY / (1 - FIRST_OPACITY)))))
        self.sh0 = nn.Parameter(torch.zeros(count, 3))
        self.sh_rest = nn.Parameter(torch.zeros(count, harmonics, 3))

    def attributes(self) -> Attributes:
        """The Gaussians as they are now."""
        return Attributes(self.log_scales, self.quats, self.logit_opacities, self.sh0, self.sh_rest)

    def rate_groups(self, rates: Mapping[str, float]) -> Iterator[tuple[Tensor, float]]:
        """Each parameter but the network's, and the length of its steps."""
        for name in (field.name for field in fields(Attributes)):
            yield getattr(self, name), rates[name]

    @torch.no_grad()
    def load(self, avatar: PaperAvatar) -> None:
        """Takes over the Gaussians and the network of an avatar that is bound to the same places.

        Raises:
            ValueError: its network has other layers.
        """
        for name in (field.name for field in fields(Attributes)):
            getattr(self, name).copy_(torch.from_numpy(getattr(avatar, name)))
        self.network.load(avatar.layers)

    def avatar(
        self, head_model_id: str, name: str, shape_offsets: NDArray[np.float32], binding: Binding
    ) -> PaperAvatar:
        """A copy as arrays."""

        def array(tensor: Tensor) -> NDArray[np.float32]:
            return tensor.detach().cpu().numpy().astype(np.float32).copy()

        return PaperAvatar(
            head_model_id=head_model_id,
            name=name,
            shape_offsets=np.array(shape_offsets, np.float32),
            faces_bound=binding.faces_bound.copy(),
            barycentrics=binding.barycentrics.copy(),
            log_scales=array(self.log_scales).clip(-100, 100),
            quats=array(normalize(self.quats, dim=1)),
            logit_opacities=array(self.logit_opacities),
            sh0=array(self.sh0).clip(-100, 100),
            sh_rest=array(self.sh_rest).clip(-100, 100),
            layers=self.network.layers(),
        )


def mean_spacing(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N] root mean square distance of each of the `points` [N, 3] to its three nearest neighbors, at least 0.3 mm."""
    distances, _ = _nearest(points, points, NEIGHBORS + 1)
    return (distances[:, 1:] ** 2).mean(dim=1).sqrt().numpy().clip(3e-4)


def farthest_points(points: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """[count] points, each the one of `points` [N, 3] that is farthest from those before it."""
    chosen = np.zeros(count, np.int64)
    gaps = np.full(len(points), np.inf)
    for i in range(1, count):
        gaps = np.minimum(gaps, ((points - points[chosen[i - 1]]) ** 2).sum(axis=1))
        chosen[i] = gaps.argmax()
    return chosen


def _nearest_mix(points: NDArray[np.float32], anchors: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """[N, 4] nearest anchors and their shares, which fall off with the distance and sum to 1."""
    distances, near = _nearest(points, anchors, ANCHOR_NEIGHBORS + 1)
    # The fifth has share 0, so that the mix does not jump where anchors change.
    shares = (distances[:, -1:] - distances[:, :-1]).clamp(min=1e-6) / distances[:, :-1].clamp(min=1e-5)
    return near[:, :-1].contiguous(), shares / shares.sum(dim=1, keepdim=True)


def _nearest(points: NDArray[np.float32], others: NDArray[np.float32], count: int) -> tuple[Tensor, Tensor]:
    """Distances and indices [N, count] of the nearest `others`, nearest first."""
    parts = [
        torch.cdist(part, torch.from_numpy(others), compute_mode="donot_use_mm_for_euclid_dist").topk(
            count, largest=False
        )
        for part in torch.from_numpy(points).split(1024)
    ]
    return torch.cat([part.values for part in parts]), torch.cat([part.indices for part in parts])


def _area_limit(scales: Tensor) -> Tensor:
    """renderer.avatar.paper_model.area_limit; no gradient."""
    a, b, c = scales.detach().unbind(1)
    area = 9 * torch.pi * torch.maximum(a * b, torch.maximum(a * c, b * c)).sum()
    return (MAX_SPLAT_AREA_M2 / area.clamp(min=1e-12)).sqrt().clamp(max=1)
