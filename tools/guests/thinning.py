"""Leaves out the Gaussians of a guest that make the least difference to any picture of it.

A guest is painted densely, by rules that know nothing of views. Here it is looked at from all sides with many faces,
and each Gaussian is asked how much the worst pixel would change without it: nothing where it is hidden, little where
what lies behind it has the same color. The least needed go, a few at a time, because each that goes makes those around
and behind it matter more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.backends.cpu import CpuRasterizer
from renderer.backends.reference import ALPHA_MAX, ALPHA_MIN, TRANSMITTANCE_MIN, project
from renderer.camera import Camera
from renderer.framing import DEFAULT_DISTANCE_M, Framing
from renderer.gaussians import GaussianCloud
from renderer.head.model import HeadModel
from renderer.jit import kernel
from tools.guests.canvas import Array, Index

UNSEEN = 0.004
"""A change of color, 0..1, of about one step of a screen."""

ROUNDS, VIEWS_PER_ROUND = 5, 45
MIXED_FACES = 25
SIZE_PX = 320
NEAR_M = 0.55
YAWS = np.radians([0, -35, 60, -90, 130, 180, -140, 90, -60, 35])
FRONT_YAWS = np.radians([-75, -50, -25, 0, 25, 50, 75])
PITCHES = np.array([0.0, 0.55, -0.35, 0.15, -0.15, 0.85])


@dataclass(frozen=True, eq=False)
class View:
    """A face, a camera and the color behind the person, [3] sRGB."""

    face: FaceParams
    camera: Camera
    background: Array


def thin(head: HeadModel, asset: AvatarAsset, importance: Array, budget: int, seed: int) -> Index:
    """Chooses the Gaussians that stay.

    Args:
        head: the asset's head.
        asset: N Gaussians.
        importance: [N] how much a change of color counts that leaving one out makes.
        budget: how many may stay.
        seed: of the choice of views.

    Returns:
        [M] rising numbers, M <= budget.
    """
    rng = np.random.default_rng(seed)
    model = AvatarModel(head, asset)
    views = list(_views(head, rng))
    worst = _worst_differences(model, views, np.arange(asset.count))
    kept = np.flatnonzero(importance * worst > UNSEEN)
    for rounds_left in range(ROUNDS, 0, -1):
        surplus = len(kept) - budget
        if surplus <= 0:
            break
        some = [views[i] for i in rng.choice(len(views), VIEWS_PER_ROUND, replace=False)]
        worst[kept] = np.maximum(worst[kept], _worst_differences(model, some, kept))
        spared = rng.random(len(kept)) < 0.5  # so that neighbors seldom go together
        order = np.argsort(np.where(spared, np.inf, importance[kept] * worst[kept]), kind="stable")
        kept = np.delete(kept, order[: -(-surplus // rounds_left)])
    return kept


def _worst_differences(model: AvatarModel, views: list[View], kept: Index) -> Array:
    """[M] the largest change of color, 0..1, that leaving out one of `kept` makes anywhere in any view."""
    worst = np.zeros(len(kept))
    for view in views:
        cloud = model.pose(view.face)
        rows = {name: getattr(cloud, name)[kept] for name in ("means", "quats", "scales", "opacities", "colors")}
        worst = np.maximum(worst, differences(replace(cloud, **rows), view.camera, view.background))
    return worst


def differences(cloud: GaussianCloud, camera: Camera, background: Array) -> Array:
    """[N] how much the most affected pixel would change, 0..1, without each Gaussian (the others all there)."""
    numbers = np.arange(len(cloud.means), dtype=np.float32)
    splats = project(replace(cloud, colors=np.repeat(numbers[:, None], 3, axis=1)), camera)
    index = splats.colors[:, 0].astype(np.int64)
    colors = np.maximum(cloud.colors[index].astype(np.float64), 0)
    red, green, blue = map(float, background)
    picture = CpuRasterizer().rasterize(cloud, camera, (red, green, blue)).astype(np.float64)
    worst = np.zeros(len(numbers))
    _measure(splats.means_px, splats.covariances, splats.opacities, colors, index, picture, worst)
    return worst


@kernel
def _measure(
    means: Array,
    covariances: Array,
    opacities: Array,
    colors: Array,
    index: Index,
    picture: Array,
    worst: Array,
) -> None:
    """Blends again by the rules of renderer.backends.reference what gave `picture`, and fills `worst`.

    What lies behind a Gaussian is the picture less what has been blended so far.
    """
    height, width = picture.shape[:2]
    transmittance, stopped = np.ones((height, width)), np.zeros((height, width), np.bool_)
    blended = np.zeros((height, width, 3))
    for i in range(len(opacities)):
        a, b, c = covariances[i, 0, 0], covariances[i, 0, 1], covariances[i, 1, 1]
        reach = 2 * np.log(opacities[i] / ALPHA_MIN)
        across, down = np.sqrt(reach * a) + 1, np.sqrt(reach * c) + 1
        left, right = int(max(0, np.floor(means[i, 0] - across))), int(min(width, np.ceil(means[i, 0] + across)))
        top, bottom = int(max(0, np.floor(means[i, 1] - down))), int(min(height, np.ceil(means[i, 1] + down)))
        red, green, blue = colors[i, 0], colors[i, 1], colors[i, 2]
        for y in range(top, bottom):
            dy = y + 0.5 - means[i, 1]
            for x in range(left, right):
                if stopped[y, x]:
                    continue
                dx = x + 0.5 - means[i, 0]
                distance = (dx - b / c * dy) ** 2 / (a - b * b / c) + dy * dy / c
                if distance > reach:
                    continue
                alpha = min(ALPHA_MAX, opacities[i] * np.exp(-0.5 * distance))
                before = transmittance[y, x]
                if before * (1 - alpha) < TRANSMITTANCE_MIN:
                    stopped[y, x] = True
                    continue
                share = alpha * before
                for k, color in enumerate((red, green, blue)):
                    blended[y, x, k] += share * color
                    behind = (picture[y, x, k] - blended[y, x, k]) / (1 - alpha)  # as it is without this one
                    worst[index[i]] = max(worst[index[i]], abs(alpha * behind - share * color))
                transmittance[y, x] = before * (1 - alpha)


def _views(head: HeadModel, rng: np.random.Generator) -> Iterator[View]:
    """Every face from the front or from aside; rest, closed eyes, an open mouth and a laugh from many sides."""
    framing = Framing()
    framing.observe(FaceParams.neutral().translation, 0.0)

    def view(face: FaceParams, yaw: float, pitch: float, distance_m: float) -> View:
        camera = framing.camera(yaw, pitch, distance_m, SIZE_PX)
        return View(face, camera, rng.integers(0, 2) * np.ones(3))

    for number, face in enumerate(_faces(head, rng)):
        yaw = YAWS[number % 2 and number // 2 % len(YAWS)]
        yield view(face, yaw, PITCHES[number % len(PITCHES)], (NEAR_M, DEFAULT_DISTANCE_M)[number % 3 == 0])
    for yaw in YAWS:
        for pitch in PITCHES[:3]:
            yield view(FaceParams.neutral(), yaw, pitch, DEFAULT_DISTANCE_M)
    closed = replace(FaceParams.neutral(), eyelids=np.ones(2, np.float32))
    wide, laugh = {"jawOpen": 0.8}, {"jawOpen": 0.4, "mouthSmileLeft": 0.8, "mouthSmileRight": 0.8}
    blends = [np.array([scores.get(name, 0.0) for name in head.blendshape_names]) for scores in (wide, laugh)]
    for face in (closed, *(_blended(head, scores) for scores in blends)):
        for yaw in FRONT_YAWS:
            for pitch in PITCHES[2:5]:
                yield view(face, yaw, pitch, NEAR_M)


def _faces(head: HeadModel, rng: np.random.Generator) -> Iterator[FaceParams]:
    """Every blendshape by itself; gazes and turns of the head in all directions; lids half way; mixtures of all."""
    rest, count = FaceParams.neutral(), len(head.blendshape_names)
    for scores in np.eye(count):
        yield _blended(head, scores)
    for angle in np.arange(8) * np.pi / 4:
        x, y = np.cos(angle), np.sin(angle)
        yield replace(rest, gaze=np.array([0.55 * x, 0.4 * y] * 2, np.float32))
        yield replace(rest, global_rotation=np.array([0.45 * y, 0.7 * x, 0.2 * x * y], np.float32))
    for lids in np.repeat([0.25, 0.5, 0.75, 1.0], 2):
        yield replace(rest, eyelids=np.full(2, lids, np.float32))
    for _ in range(MIXED_FACES):
        face = _blended(head, np.where(rng.random(count) < 0.15, rng.random(count), 0.0))
        yield replace(
            face,
            gaze=rng.uniform(-0.4, 0.4, 4).astype(np.float32),
            eyelids=rng.uniform(-0.2, 1.0, 2).astype(np.float32),
            global_rotation=rng.uniform(-0.4, 0.4, 3).astype(np.float32),
        )


def _blended(head: HeadModel, scores: NDArray[np.float64]) -> FaceParams:
    vector = FaceParams.neutral().to_vector() + scores @ head.blendshape_params
    return FaceParams.from_vector(vector.astype(np.float32))
