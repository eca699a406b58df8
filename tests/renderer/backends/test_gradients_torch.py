"""The backward pass against float64 autograd."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="the float64 oracle is written in torch, which is not installed")

from renderer.gaussians import GaussianCloud
from tests.bench.torch_oracle import compare, gradient_errors
from tests.support.gradient_scenes import oblique_camera, soft_ball, turned, with_strays

TARGET = 1e-5
"""Relative L2 error of every group of parameters."""


@pytest.mark.parametrize(
    "cloud",
    [
        pytest.param(soft_ball(200), id="degree 0"),
        pytest.param(soft_ball(200, 3), id="degree 1"),
        pytest.param(soft_ball(200, 8), id="degree 2"),
        pytest.param(replace(soft_ball(200, 15), sh_from_world=turned()), id="degree 3, turned"),
        pytest.param(with_strays(soft_ball(300, 15)), id="needles and hidden ones"),
    ],
)
def test_agrees_with_autograd(cloud: GaussianCloud) -> None:
    errors, _ = compare(cloud, oblique_camera())
    assert max(errors.values()) < TARGET, errors


def test_the_figure_of_the_benchmark() -> None:
    errors = gradient_errors()
    assert len(errors) == 8
    assert max(errors.values()) < TARGET, errors
