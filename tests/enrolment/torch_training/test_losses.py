from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")

import torch

from enrolment.linear.kernels.loss import MAPS, PAD, RING, picture_loss
from enrolment.take import Take
from enrolment.torch_training.losses import dissimilarity, huber
from enrolment.torch_training.pictures import Pictures, mouth_mask


def test_losses_and_their_gradients_are_those_of_training_on_the_processor() -> None:
    random, size = np.random.default_rng(0), 32
    planes = random.random((4, size, size)).astype(np.float32)
    alpha = random.integers(0, 256, (size, size)).astype(np.uint8)
    target = (random.random((size, size, 3)) * alpha[..., None]).astype(np.uint8)
    weights = np.full((size // 2, size // 2), 16, np.uint8)
    weights[4:9, 3:8] = 48
    background = np.array([0.3, 0.6, 0.9], np.float32)
    gradient, maps = np.zeros((3, size, size), np.float32), np.zeros((MAPS, RING, size + 2 * PAD), np.float32)
    delta, share = np.float32(0.04), np.float32(0.2)
    wanted = picture_loss(planes, target, alpha, weights, background, delta, share, maps, gradient)

    picture = torch.from_numpy(planes[:3].transpose(1, 2, 0).copy())[None].requires_grad_()
    goal = torch.from_numpy(target / 255 + (1 - alpha[..., None] / 255) * background).float()[None]
    fine = torch.from_numpy(weights.repeat(2, 0).repeat(2, 1) / 16).float()[None, ..., None]
    loss = huber(picture, goal, 0.04, fine) / 0.04 + 0.2 * dissimilarity(picture, goal)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-4)
    inner = (slice(3, -3), slice(3, -3))  # the processor leaves the second loss out at the edge
    found = picture.grad[0].numpy().transpose(2, 0, 1)
    np.testing.assert_allclose(found[:, *inner], gradient[:, *inner], atol=1e-3 * np.abs(gradient).max())


def test_equal_pictures_are_not_unlike() -> None:
    picture = torch.rand(1, 20, 20, 3)
    assert float(dissimilarity(picture, picture)) == pytest.approx(0, abs=1e-6)
    assert float(huber(picture, picture, 0.1, torch.ones(1, 20, 20, 1))) == 0


def test_pictures_are_seen_over_any_color_and_at_half_the_size(small_take: Take) -> None:
    indices = np.array([3, 1])
    masks = np.stack([mouth_mask(small_take.landmarks_px[i]) for i in indices])
    pictures = Pictures(small_take, indices, masks, torch.device("cpu"))
    red = torch.tensor([[1.0, 0, 0]])
    fine, coarse = (pictures.over(torch.tensor([1]), red, size)[0].numpy() for size in (512, 256))
    alpha = small_take.alphas[1][..., None] / 255
    np.testing.assert_allclose(fine, small_take.images[1] / 255 * alpha + (1 - alpha) * [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(coarse, fine.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3)), atol=1e-6)
    mask = pictures.masks(torch.tensor([1]), 512)[0, ..., 0].numpy()
    lips = small_take.landmarks_px[1][[0, 17, 61, 291]].astype(int)
    assert (mask[lips[:, 1], lips[:, 0]] == 1).all()
    assert 0.001 < mask.mean() < 0.05
