"""The parts below renderer.backends.gradients: buffers, and sums over lanes."""

import numpy as np
import pytest
from numba import njit

from renderer.backends import checks
from renderer.backends.gradient_workspace import GradientWorkspace
from renderer.backends.workspace import RasterWorkspace
from renderer.simd.memory import vload, vstore
from renderer.simd.reduce import add_halves
from tests.support.gradient_scenes import oblique_camera


@njit
def sum_four(source, target):
    v0, v1, v2, v3 = vload(source, 0), vload(source, 16), vload(source, 32), vload(source, 48)
    pairs = add_halves(add_halves(v0, v1, 1), add_halves(v2, v3, 1), 2)
    vstore(target, 0, add_halves(add_halves(pairs, pairs, 4), pairs, 8))


def test_steps_for_all_bits_add_up_every_vector() -> None:
    source = np.random.default_rng(0).integers(-1000, 1000, (4, 16)).astype(np.float32)
    target = np.zeros(16, np.float32)
    sum_four(source.ctypes.data, target.ctypes.data)
    rows = source.reshape(4, 4, 4).sum(axis=2)  # of four lanes
    np.testing.assert_array_equal(target[:4], rows.sum(axis=1))  # pairs with itself twice: all rows
    np.testing.assert_array_equal(target[8:12], rows[:, [0, 2]].sum(axis=1))
    np.testing.assert_array_equal(target[12:], rows[:, [1, 3]].sum(axis=1))


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
