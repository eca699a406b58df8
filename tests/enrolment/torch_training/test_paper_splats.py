from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")

import torch

from enrolment.torch_training.paper_splats import Binding, PaperSplats, bind, farthest_points, mean_spacing
from enrolment.torch_training.uv_sampling import sample_about
from renderer.avatar.avatar_model import skull_rotation
from renderer.avatar.paper_model import PaperAvatarModel, condition_vector, without_head_pose
from renderer.head.model import HeadModel
from renderer.head.pose import FLIP, pose_vertices
from tests.enrolment.torch_training.conftest import instant


@pytest.fixture(scope="module")
def binding(head: HeadModel) -> Binding:
    return bind(head, np.zeros_like(head.v_template), sample_about(head, 2000))


def restless(binding: Binding, anchors: int = 0) -> PaperSplats:
    """Gaussians that all differ, and a network that moves them by centimetres."""
    torch.manual_seed(3)
    splats = PaperSplats(binding, anchors)
    with torch.no_grad():
        for parameter in (splats.quats, splats.sh0, splats.sh_rest, splats.logit_opacities):
            parameter += 0.3 * torch.randn_like(parameter)
        splats.network.last.weight *= 100
        splats.network.last.bias *= 20
    return splats


def posed(splats: PaperSplats, head: HeadModel, binding: Binding, terms: int = 15):
    params = instant(11)
    vertices = pose_vertices(head, np.zeros_like(head.v_template), without_head_pose(params)) @ FLIP
    points = np.einsum("nk,nkc->nc", binding.barycentrics, vertices[head.faces[binding.faces_bound]])
    arguments = (condition_vector(params), points, skull_rotation(params), params.translation)
    condition, *places = (torch.from_numpy(np.asarray(a, np.float32)) for a in arguments)
    return splats.attributes().pose(splats.network(condition), *places, terms)


def test_gaussians_are_posed_as_the_renderer_poses_them(head: HeadModel, binding: Binding) -> None:
    splats = restless(binding)
    batch = posed(splats, head, binding)
    asset = splats.avatar(head.model_id, "x", np.zeros_like(head.v_template), binding)
    cloud = PaperAvatarModel(head, asset).pose(instant(11))
    for name in ("means", "scales", "opacities", "colors"):
        found = getattr(batch, name)[0].detach().numpy()
        np.testing.assert_allclose(found, getattr(cloud, name), atol=1e-4, err_msg=name)
    cosines = np.abs((batch.quats[0].detach().numpy() * cloud.quats).sum(axis=1))
    np.testing.assert_allclose(cosines / np.linalg.norm(cloud.quats, axis=1), 1, atol=1e-4)
    np.testing.assert_array_equal(batch.sh_rest[0].detach().numpy(), cloud.sh_rest)
    np.testing.assert_allclose(batch.sh_from_world[0].numpy(), cloud.sh_from_world, atol=1e-6)


def test_gaussians_that_would_cover_too_much_are_shrunk_as_in_the_renderer(head: HeadModel, binding: Binding) -> None:
    splats = restless(binding)
    with torch.no_grad():
        splats.log_scales.fill_(-2.4)
    found = posed(splats, head, binding, 0).scales[0].detach().numpy()
    asset = splats.avatar(head.model_id, "x", np.zeros_like(head.v_template), binding)
    wanted = PaperAvatarModel(head, asset).pose(instant(11)).scales
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    assert wanted.max() < 0.06


def test_a_quarter_of_the_points_stand_for_all(head: HeadModel, binding: Binding) -> None:
    splats = restless(binding, anchors=500)
    condition = torch.from_numpy(condition_vector(instant(11)).astype(np.float32))
    near = splats.network(condition)
    splats.network.use_anchors = False
    exact = splats.network(condition)
    spread = (exact - exact.mean(0)).square().mean().sqrt()
    assert (near - exact).square().mean().sqrt() < 0.4 * spread


def test_gradients_are_those_of_differences(head: HeadModel, binding: Binding) -> None:
    few = Binding(binding.faces_bound[::97], binding.barycentrics[::97], binding.neutral[::97])
    splats = restless(few).double()
    params = instant(11)
    vertices = pose_vertices(head, np.zeros_like(head.v_template), without_head_pose(params)) @ FLIP
    points = np.einsum("nk,nkc->nc", few.barycentrics, vertices[head.faces[few.faces_bound]])
    arguments = [condition_vector(params), points, skull_rotation(params), params.translation]
    condition, *places = [torch.from_numpy(np.asarray(a, np.float64)) for a in arguments]
    torch.manual_seed(5)
    weights = [torch.randn(shape, dtype=torch.float64) for shape in ((1, len(points), 3), (1, len(points), 4))]

    def loss():
        batch = splats.attributes().pose(splats.network(condition), *places, 0)
        return (batch.means * weights[0]).sum() + (batch.quats * weights[1]).sum() + 100 * batch.scales.sum()

    loss().backward()
    for parameter in (splats.network.hidden[0].weight, splats.network.last.bias, splats.quats, splats.log_scales):
        direction = torch.randn_like(parameter)
        values = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                parameter += step * direction
                values.append(float(loss()))
                parameter -= step * direction
        wanted = (values[0] - values[1]) / 2e-5
        assert float((parameter.grad * direction).sum()) == pytest.approx(wanted, rel=5e-3, abs=1e-4)


def test_first_sizes_follow_the_distance_of_neighbors() -> None:
    grid = np.stack(np.meshgrid(np.arange(9), np.arange(9), [0]), axis=-1).reshape(-1, 3) * np.float32(0.01)
    spacing = mean_spacing(grid.astype(np.float32))
    assert spacing[40] == pytest.approx(0.01, rel=1e-3)
    assert mean_spacing(np.zeros((5, 3), np.float32)).min() > 0


def test_farthest_points_are_spread() -> None:
    points = np.random.default_rng(0).uniform(size=(400, 3)).astype(np.float32)
    chosen = points[farthest_points(points, 20)]
    gaps = np.linalg.norm(chosen[:, None] - chosen[None], axis=-1) + 9 * np.eye(20)
    assert gaps.min() > 0.25
