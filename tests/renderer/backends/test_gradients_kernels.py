"""The parts below renderer.backends.gradients: buffers, and sums over lanes."""

import numpy as np
import pytest
from numba import njit

from renderer.backends import checks
from renderer.backends.gradient_workspace import GradientWorkspace
from renderer.backends.workspace import RasterWorkspace
from renderer.simd.memory import vload, vstore
from renderer.simd.reduce import sum_lanes
from tests.support.gradient_scenes import oblique_camera


@njit
def sum_nine(source, target):
    v = vload(source, 0), vload(source, 16), vload(source, 32), vload(source, 48), vload(source, 64)
    w = vload(source, 80), vload(source, 96), vload(source, 112), vload(source, 128)
    vstore(target, 0, sum_lanes((v[0], v[1], v[2], v[3], v[4], w[0], w[1], w[2], w[3])))


@njit
def sum_twelve(source, target):
    v = vload(source, 0), vload(source, 16), vload(source, 32), vload(source, 48), vload(source, 64), vload(source, 80)
    w = vload(source, 96), vload(source, 112), vload(source, 128), vload(source, 144), vload(source, 160)
    last = vload(source, 176)
    vstore(target, 0, sum_lanes((v[0], v[1], v[2], v[3], v[4], v[5], w[0], w[1], w[2], w[3], w[4], last)))


@pytest.mark.parametrize(("kernel", "count"), [(sum_nine, 9), (sum_twelve, 12)])
def test_lane_i_is_the_sum_of_vector_i(kernel, count: int) -> None:
    source = np.random.default_rng(0).integers(-1000, 1000, (count, 16)).astype(np.float32)
    target = np.zeros(16, np.float32)
    kernel(source.ctypes.data, target.ctypes.data)
    np.testing.assert_array_equal(target[:count], source.sum(axis=1))


def drawn() -> tuple[RasterWorkspace, GradientWorkspace]:
    workspace = RasterWorkspace(16)
    gradients = GradientWorkspace(workspace)
    workspace.set_view(oblique_camera(20, 20), (0.0, 0.0, 0.0))
    workspace.set_planar_output()
    workspace.draw()
    gradients.gradient_planes()
    return workspace, gradients


def test_buffers_stay_where_they_are() -> None:
    workspace, gradients = drawn()
    before = {name: buffer.ctypes.data for name, buffer in gradients.buffers.items()}
    for _ in range(2):
        workspace.draw()
        gradients.gradient_planes()[:3, :20, :20] = 1
        gradients.backward()
    assert before == {name: buffer.ctypes.data for name, buffer in gradients.buffers.items()}
    np.testing.assert_array_equal(gradients.background_gradient(), [400, 400, 400])


def test_a_pass_without_its_picture_or_gradient_is_refused() -> None:
    workspace = RasterWorkspace(16)
    gradients = GradientWorkspace(workspace)
    with pytest.raises(ValueError, match="before a picture was drawn"):
        gradients.backward()
    workspace, gradients = drawn()
    workspace.set_view(oblique_camera(50, 20), (0.0, 0.0, 0.0))
    workspace.set_planar_output()
    workspace.draw()
    with pytest.raises(ValueError, match="no gradient of the picture's planes"):
        gradients.backward()


def test_checks_notice_a_stray_write_and_a_moved_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checks.SWITCH, "1")
    _, stray_write = drawn()
    lines = stray_write.buffers["lines"]
    assert lines.base is not None
    lines.base.reshape(-1).view(np.uint8)[lines.ctypes.data - lines.base.ctypes.data + lines.nbytes] = 7
    with pytest.raises(AssertionError, match="outside of the buffer lines"):
        stray_write.backward()
    _, moved = drawn()
    moved.states["lines_at"] += 64
    with pytest.raises(AssertionError, match="does not point to the buffer lines"):
        moved.backward()
