"""Views: what is where in the picture."""

import numpy as np
import pytest

from renderer.camera import Camera

TARGET = np.array([0.1, -0.2, 0.8])


def pixel_of(camera: Camera, point: np.ndarray) -> np.ndarray:
    x, y, z = camera.camera_from_world[:3, :3] @ point + camera.camera_from_world[:3, 3]
    assert z > 0
    return (camera.K @ [x / z, y / z, 1])[:2]


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (0.7, 0.2), (-2.5, -0.8), (3.1, 1.2)])
def test_the_target_is_in_the_center_at_its_distance(yaw: float, pitch: float) -> None:
    camera = Camera.orbit(TARGET, 1.5, yaw, pitch, 200)
    np.testing.assert_allclose(pixel_of(camera, TARGET), [100, 100], atol=1e-3)
    rotation, translation = camera.camera_from_world[:3, :3], camera.camera_from_world[:3, 3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-6)
    assert np.linalg.norm(-rotation.T @ translation - TARGET) == pytest.approx(1.5, abs=1e-5)


def test_yaw_goes_to_the_right_and_pitch_up() -> None:
    for yaw, pitch, axis, sign in ((0.5, 0, 0, 1), (0, 0.5, 1, -1)):
        view = Camera.orbit(TARGET, 1.0, yaw, pitch, 200).camera_from_world
        position = -view[:3, :3].T @ view[:3, 3]
        assert np.sign(position[axis] - TARGET[axis]) == sign


def test_the_opening_angle_is_what_the_picture_shows() -> None:
    camera = Camera.orbit(TARGET, 1.0, 0, 0, 300, fov_deg=60.0)
    edge = TARGET + np.array([np.tan(np.radians(30)), 0, 0])
    np.testing.assert_allclose(pixel_of(camera, edge), [300, 150], atol=1e-2)


def test_the_lens_sees_the_world_as_it_is() -> None:
    camera = Camera.looking_from_lens(640, 480, 500.0)
    np.testing.assert_allclose(pixel_of(camera, np.array([0.1, 0.2, 1.0])), [370, 340], atol=1e-3)


def test_a_mirrored_view_exchanges_left_and_right() -> None:
    camera = Camera.orbit(TARGET, 1.0, 0.3, 0.1, 200)
    point = TARGET + np.array([0.05, 0.02, -0.1])
    x, y = pixel_of(camera, point)
    np.testing.assert_allclose(pixel_of(camera.mirrored(), point), [200 - x, y], atol=1e-3)
