from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")

import torch

from enrolment.torch_training.rasterize import CpuRasterize, GsplatRasterize, rasterize_on
from renderer.backends.cuda_batch import GaussianBatch
from renderer.backends.gradients import DifferentiableRasterizer
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from tests.support.gsplat_stand_in import StandIn
from tests.support.scenes import ball, with_harmonics

NAMES = ("means", "quats", "scales", "opacities", "colors", "sh_rest")
CAMERA = Camera.looking_from_lens(48, 40, 60.0)
WHITE = (1.0, 1.0, 1.0)


def batch_of(clouds: list[GaussianCloud]) -> GaussianBatch:
    fields = [torch.from_numpy(np.stack([getattr(c, n) for c in clouds])).requires_grad_() for n in NAMES]
    turns = np.stack([np.eye(3, dtype=np.float32) if c.sh_from_world is None else c.sh_from_world for c in clouds])
    return GaussianBatch(*fields, sh_from_world=torch.from_numpy(turns))


def gradients_of(batch: GaussianBatch) -> dict[str, np.ndarray]:
    return {name: getattr(batch, name).grad.numpy() for name in NAMES}


@pytest.fixture
def clouds() -> list[GaussianCloud]:
    return [with_harmonics(ball(60, seed), 2, turned=True, seed=seed) for seed in (1, 2)]


def test_each_cloud_of_a_batch_gets_the_gradients_of_its_own_picture(clouds: list[GaussianCloud]) -> None:
    batch = batch_of(clouds)
    images = CpuRasterize(1)(batch, [CAMERA] * 2, [WHITE] * 2)
    weights = np.random.default_rng(0).normal(size=images.shape).astype(np.float32)
    (images * torch.from_numpy(weights)).sum().backward()
    found = gradients_of(batch)
    for i, cloud in enumerate(clouds):
        rasterizer = DifferentiableRasterizer()
        np.testing.assert_array_equal(images[i].detach().numpy(), rasterizer.forward(cloud, CAMERA, WHITE))
        wanted = rasterizer.backward(weights[i])
        for name in NAMES:
            np.testing.assert_allclose(found[name][i], getattr(wanted, name), rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_picture_that_is_not_the_last_one_can_still_be_gone_back_through(clouds: list[GaussianCloud]) -> None:
    rasterize = CpuRasterize(1)
    first, second = (batch_of([cloud]) for cloud in clouds)
    early = rasterize(first, [CAMERA], [WHITE])
    rasterize(second, [CAMERA], [WHITE])
    early.square().sum().backward()
    again = batch_of([clouds[0]])
    CpuRasterize(1)(again, [CAMERA], [WHITE]).square().sum().backward()
    for name, wanted in gradients_of(again).items():
        np.testing.assert_array_equal(gradients_of(first)[name], wanted)


def test_gsplat_s_way_gives_the_same_pictures_and_gradients(clouds: list[GaussianCloud]) -> None:
    """With the stand-in that draws by gsplat's rules; gsplat itself needs a graphics card."""
    results = []
    for rasterize in (CpuRasterize(1), GsplatRasterize(StandIn())):
        batch = batch_of(clouds)
        images = rasterize(batch, [CAMERA] * 2, [WHITE, (0.2, 0.4, 0.9)])
        images.square().sum().backward()
        results.append({"image": images.detach().numpy(), **gradients_of(batch)})
    ours, theirs = results
    for name, wanted in theirs.items():
        assert np.linalg.norm(ours[name] - wanted) < 2e-3 * np.linalg.norm(wanted), name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="gsplat draws on NVIDIA cards only, and there is none here")
def test_gsplat_itself_gives_the_same_gradients(clouds: list[GaussianCloud]) -> None:
    device = torch.device("cuda")
    batch, ours = batch_of(clouds), batch_of(clouds)
    moved = GaussianBatch(*(getattr(batch, n).to(device) for n in (*NAMES, "sh_from_world")))
    rasterize_on(device)(moved, [CAMERA] * 2, [WHITE] * 2).square().sum().backward()
    CpuRasterize(1)(ours, [CAMERA] * 2, [WHITE] * 2).square().sum().backward()
    for name, wanted in gradients_of(batch).items():
        assert np.linalg.norm(gradients_of(ours)[name] - wanted) < 2e-2 * np.linalg.norm(wanted), name


def test_sizes_that_differ_are_refused(clouds: list[GaussianCloud]) -> None:
    batch = batch_of(clouds)
    with pytest.raises(ValueError, match="1 cameras"):
        CpuRasterize()(batch, [CAMERA], [WHITE] * 2)
    with pytest.raises(ValueError, match="several sizes"):
        CpuRasterize()(batch, [CAMERA, Camera.looking_from_lens(40, 40, 60.0)], [WHITE] * 2)
