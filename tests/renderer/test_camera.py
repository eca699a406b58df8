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


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_eyes_agree_where_they_converge_and_see_depth_before_and_behind(mirrored: bool) -> None:
    camera = Camera.orbit(TARGET, 1.0, 0.4, -0.2, 400)
    forward = camera.camera_from_world[2, :3].astype(float)
    aside = 0.1 * camera.camera_from_world[0, :3] + 0.05 * camera.camera_from_world[1, :3]
    view = camera.mirrored() if mirrored else camera
    left, right = view.stereo(0.06, 1.0)
    for depth, sign in ((0.0, 0), (-0.2, 1), (0.3, -1)):  # of the plane of convergence, before it, behind it
        point = TARGET + aside + depth * forward
        disparity = pixel_of(left, point) - pixel_of(right, point)
        expected = 0.06 * abs(view.K[0, 0]) * (1 / (1.0 + depth) - 1)
        np.testing.assert_allclose(disparity, [expected, 0], atol=1e-3)
        assert np.sign(round(disparity[0], 2)) == sign
        middle = (pixel_of(left, point) + pixel_of(right, point)) / 2
        np.testing.assert_allclose(middle, pixel_of(view, point), atol=1e-3)


def test_the_eyes_stand_side_by_side_and_look_the_same_way() -> None:
    camera = Camera.orbit(TARGET, 1.0, 0.4, -0.2, 400)
    left, right = camera.stereo(0.06, 1.0)
    centers = [-eye.camera_from_world[:3, :3].T @ eye.camera_from_world[:3, 3] for eye in (left, right)]
    np.testing.assert_allclose(centers[1] - centers[0], 0.06 * camera.camera_from_world[0, :3], atol=1e-6)
    for eye in (left, right):
        np.testing.assert_array_equal(eye.camera_from_world[:3, :3], camera.camera_from_world[:3, :3])


def test_the_left_eye_of_a_mirrored_view_is_the_mirrored_right_eye() -> None:
    camera = Camera.orbit(TARGET, 1.0, 0.4, -0.2, 400)
    _, right = camera.stereo(0.06, 0.8)
    mirrored_left, _ = camera.mirrored().stereo(0.06, 0.8)
    np.testing.assert_allclose(mirrored_left.camera_from_world, right.mirrored().camera_from_world)
    np.testing.assert_allclose(mirrored_left.K, right.mirrored().K, rtol=1e-6)


@pytest.mark.parametrize(
    ("baseline_m", "convergence_m"),
    [(-0.1, 1), (np.nan, 1), (np.inf, 1), (0.1, 0), (0.1, -1), (0.1, np.nan), (0.1, np.inf)],
)
def test_impossible_eyes_are_refused(baseline_m: float, convergence_m: float) -> None:
    with pytest.raises(ValueError, match="no stereo view"):
        Camera.looking_from_lens(64, 64, 50.0).stereo(baseline_m, convergence_m)


def test_a_squeezed_view_shows_everything_at_half_the_width() -> None:
    camera = Camera.orbit(TARGET, 1.0, 0.3, 0.1, 200).mirrored()
    squeezed = camera.squeezed()
    assert (squeezed.width, squeezed.height) == (100, 200)
    point = TARGET + np.array([0.05, 0.02, -0.1])
    np.testing.assert_allclose(pixel_of(squeezed, point), pixel_of(camera, point) * [0.5, 1], atol=1e-3)
    with pytest.raises(ValueError, match="halves"):
        Camera.looking_from_lens(63, 64, 50.0).squeezed()
