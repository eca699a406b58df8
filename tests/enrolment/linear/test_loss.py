"""The trainer's loss: its value against plain formulas, its gradient against differences."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from enrolment.linear.kernels.loss import MAPS, PAD, RING, picture_loss

SIZE = 48
BACKGROUND = np.array([0.3, 0.5, 1.0], np.float32)


class Example:
    def __init__(self) -> None:
        random = np.random.default_rng(0)
        smooth = cv2.GaussianBlur(random.random((SIZE, SIZE, 4)).astype(np.float32), (0, 0), 2)
        self.planes = np.ascontiguousarray(smooth.transpose(2, 0, 1))
        self.alpha = (255 * (random.random((SIZE, SIZE)) > 0.3)).astype(np.uint8)
        target = cv2.GaussianBlur(random.random((SIZE, SIZE, 3)), (0, 0), 2) * self.alpha[..., None]
        self.target = target.astype(np.uint8)
        self.weights = random.integers(16, 48, (SIZE // 2, SIZE // 2)).astype(np.uint8)
        self.gradient = np.zeros((4, SIZE, SIZE), np.float32)

    def loss(self, dissimilarity: float) -> float:
        maps = np.zeros((MAPS, RING, SIZE + 2 * PAD), np.float32)
        given = (self.planes, self.target, self.alpha, self.weights, BACKGROUND)
        return picture_loss(*given, np.float32(0.04), np.float32(dissimilarity), maps, self.gradient)

    def wanted(self) -> np.ndarray:
        clear = 1 - self.alpha[..., None] / 255
        return (self.target / 255 + clear * BACKGROUND).astype(np.float32)


def test_without_similarity_it_is_the_weighted_huber_loss() -> None:
    example = Example()
    difference = np.abs(example.planes[:3].transpose(1, 2, 0) - example.wanted())
    huber = np.where(difference < 0.04, difference**2 / 0.08, difference - 0.02)
    weights = np.kron(example.weights / 16, np.ones((2, 2)))[..., None]
    assert example.loss(0) == pytest.approx(float((weights * huber).mean()), rel=1e-4)


def test_equal_pictures_are_wholly_similar() -> None:
    example = Example()
    example.planes[:3] = example.wanted().transpose(2, 0, 1)
    assert example.loss(0.2) == pytest.approx(0, abs=1e-5)
    example.planes[:3] = 1 - example.planes[:3]
    assert example.loss(0.2) > 0.2


@pytest.mark.parametrize("dissimilarity", [0.0, 0.2])
def test_the_gradient_is_that_of_differences(dissimilarity: float) -> None:
    example, random = Example(), np.random.default_rng(1)
    example.loss(dissimilarity)
    found = example.gradient[:3].copy()
    direction = np.zeros((3, SIZE, SIZE), np.float32)
    inner = (slice(None), slice(8, -8), slice(8, -8))
    direction[inner] = cv2.GaussianBlur(random.normal(size=(SIZE - 16, SIZE - 16, 3)), (0, 0), 1).transpose(2, 0, 1)
    before = example.planes[:3].copy()
    values = []
    for sign in (1, -1):
        example.planes[:3] = before + sign * np.float32(3e-3) * direction
        values.append(example.loss(dissimilarity))
    assert (values[0] - values[1]) / 6e-3 == pytest.approx(float((found * direction).sum()), rel=0.02)
