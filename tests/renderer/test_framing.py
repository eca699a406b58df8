"""Laws of the view: where people are in the picture, whatever they and their lenses do."""

import numpy as np
import pytest

from renderer.camera import Camera
from renderer.framing import EYE_LEVEL, LEASH_M, MAX_PITCH, NEAREST_LENS_M, Framing

FRAME_S = 1 / 25
LENS_SEATS = [(0, 0, 0.6), (0.3, -0.2, 0.5), (-0.8, 0.5, 0.4), (0, 0, 0.21), (1.0, -2.5, 0.5), (0.5, 0.3, 6.0)]
SEATS = [(0, 0, 0.6), (0.2, -0.1, 0.5), (-0.4, 0.2, 2.0), (0.05, 0.05, 0.12), (0, 0, -0.3), (0, 0, 0)]


def pixel_of(camera: Camera, point) -> np.ndarray:
    x, y, z = camera.camera_from_world[:3, :3] @ np.asarray(point) + camera.camera_from_world[:3, 3]
    return (camera.K @ [x / z, y / z, 1])[:2]


def seated(seat) -> Framing:
    framing = Framing()
    framing.observe(np.array(seat), 0.0)
    return framing


def center_of(camera: Camera) -> np.ndarray:
    return -camera.camera_from_world[:3, :3].T.astype(float) @ camera.camera_from_world[:3, 3]


def head_width(camera: Camera, seat) -> float:
    """Of 20 cm beside the eyes, pixels."""
    aside = 0.1 * camera.camera_from_world[0, :3]
    return (pixel_of(camera, seat + aside) - pixel_of(camera, seat - aside))[0]


def settled(*positions: tuple[float, float, float], seconds: float = 5.0) -> tuple[Framing, float]:
    framing, now = Framing(), 100.0
    for position in positions:
        for _ in range(round(seconds / FRAME_S)):
            framing.observe(np.array(position), now)
            now += FRAME_S
    return framing, now


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("distance", [0.6, 0.95, 2.0])
def test_eyes_are_at_their_level_wherever_the_person_sits(seat: tuple[float, float, float], distance: float) -> None:
    framing = Framing()
    framing.observe(np.array(seat), 0.0)
    eyes = pixel_of(framing.camera(distance_m=distance, size=400), seat)
    np.testing.assert_allclose(eyes, [200, 400 * EYE_LEVEL], atol=0.5)


@pytest.mark.parametrize("seat", SEATS[:4])
def test_the_default_view_has_the_direction_of_the_lens(seat: tuple[float, float, float]) -> None:
    framing = Framing()
    framing.observe(np.array(seat), 0.0)
    forward = framing.camera().camera_from_world[2, :3]
    np.testing.assert_allclose(forward, np.array(seat) / np.linalg.norm(seat), atol=1e-6)


def test_head_and_shoulders_have_one_size_for_all_lenses() -> None:
    widths = []
    for seat in SEATS[:3]:
        framing = Framing()
        framing.observe(np.array(seat), 0.0)
        camera = framing.camera(size=400)
        right = camera.camera_from_world[0, :3]
        left_edge, right_edge = (pixel_of(camera, np.array(seat) + side * 0.23 * right) for side in (-1, 1))
        widths.append(right_edge[0] - left_edge[0])
    np.testing.assert_allclose(widths, widths[0], rtol=1e-3)
    assert 300 < widths[0] < 400


def test_views_circle_the_head() -> None:
    framing = Framing()
    framing.observe(np.array([0.1, 0.0, 0.7]), 0.0)
    center = framing.home + 0.07 * framing.camera().camera_from_world[2, :3]
    for yaw in (-1.5, -0.5, 0.5, 1.5, 3.0):
        assert abs(pixel_of(framing.camera(yaw=yaw, size=400), center)[0] - 200) < 8


def test_the_first_frame_snaps() -> None:
    framing = Framing()
    framing.observe(np.array([0.3, 0.1, 1.2]), 5.0)
    np.testing.assert_allclose(framing.home, [0.3, 0.1, 1.2])


def test_a_short_lean_moves_the_person_and_not_the_view() -> None:
    framing, now = settled((0, 0, 0.6))
    for _ in range(round(0.8 / FRAME_S)):
        framing.observe(np.array([0.08, 0.02, 0.55]), now)
        now += FRAME_S
    np.testing.assert_allclose(framing.home, [0, 0, 0.6], atol=1e-3)


def test_someone_who_sits_elsewhere_is_centered_within_three_seconds() -> None:
    framing, now = settled((0, 0, 0.6))
    new_seat = np.array([0.2, 0.05, 0.7])
    for _ in range(round(3.0 / FRAME_S)):
        framing.observe(new_seat, now)
        now += FRAME_S
    np.testing.assert_allclose(framing.home, new_seat, atol=0.005)


def test_wild_frames_leave_no_trace() -> None:
    framing, now = settled((0, 0, 0.6))
    for position in ((0, 0, 0.6), (0.3, 0, 0.6), (0, 0, 0.6), (0, 0, 0.6)) * 10:
        framing.observe(np.array(position), now)
        now += FRAME_S
    np.testing.assert_allclose(framing.home, [0, 0, 0.6], atol=1e-3)


def test_nobody_gets_off_the_leash() -> None:
    framing, now = settled((0, 0, 0.6))
    for z in np.linspace(0.6, -40, 60):
        framing.observe(np.array([0, 0, z]), now)
        assert np.linalg.norm(framing.home - [0, 0, z]) <= LEASH_M + 1e-9
        now += FRAME_S


def test_motion_does_not_depend_on_the_frame_rate() -> None:
    homes = []
    for step in (1 / 50, 1 / 10):
        framing = Framing()
        for now in np.arange(0, 4.4, step):
            framing.observe(np.array([0.0, 0, 0.6]) if now < 3 else np.array([0.1, 0, 0.6]), float(now))
        homes.append(framing.home)
    np.testing.assert_allclose(homes[0], homes[1], atol=0.02)
    assert 0.02 < homes[0][0] < 0.09


def test_a_reset_makes_the_next_position_home() -> None:
    framing, now = settled((0, 0, 0.6))
    framing.reset()
    framing.observe(np.array([1.0, 0, 3.0]), now)
    np.testing.assert_allclose(framing.home, [1, 0, 3])


def test_views_are_kept_within_reason() -> None:
    framing = Framing()
    framing.observe(np.array([0, 0, 0.6]), 0.0)
    for pitch in (-9.0, 9.0):
        for distance in (0.0, 1e9):
            assert np.isfinite(framing.camera(1.0, pitch, distance).camera_from_world).all()


@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("seat", LENS_SEATS)
def test_eye_contact_is_made_at_the_lens_in_the_default_framing(seat, zoom: float) -> None:
    framing = seated(seat)
    camera, default = framing.eye_contact(400, zoom=zoom), framing.camera(distance_m=0.95 / zoom, size=400)
    np.testing.assert_allclose(center_of(camera), 0, atol=1e-5)
    np.testing.assert_allclose(pixel_of(camera, seat), [200, 400 * EYE_LEVEL], atol=0.02)
    assert head_width(camera, seat) == pytest.approx(head_width(default, seat), rel=1e-4)
    across = camera.camera_from_world[0, :3]
    assert across[1] == pytest.approx(0, abs=1e-6)  # nobody's head is tilted by it


@pytest.mark.parametrize("seat", [*LENS_SEATS, (0.3, -2.9, 0.2), (0.05, 0.05, 0.02), (0, 0, 500.0)])
def test_a_gaze_at_the_lens_meets_the_camera_wherever_the_head_is(seat) -> None:
    gaze = -np.array(seat) / np.linalg.norm(seat)
    to_camera = center_of(seated(seat).eye_contact(400)) - seat
    np.testing.assert_allclose(to_camera / np.linalg.norm(to_camera), gaze, atol=1e-4)


def test_a_head_that_leans_is_still_looked_at_from_the_lens() -> None:
    framing, now = settled((0, 0, 0.6))
    framing.observe(np.array([0.1, 0.05, 0.5]), now)
    np.testing.assert_allclose(center_of(framing.eye_contact(400)), 0, atol=1e-6)


def test_a_lens_at_the_nose_is_moved_back() -> None:
    seat = np.array([0.02, 0.01, 0.05])
    camera = seated(seat).eye_contact(400)
    assert np.linalg.norm(center_of(camera) - seat) == pytest.approx(NEAREST_LENS_M, abs=1e-5)
    assert head_width(camera, seat) == pytest.approx(head_width(seated(seat).camera(size=400), seat), rel=1e-4)


@pytest.mark.parametrize("seat", [(0, 0, 0), (0.1, 0.1, -0.3), (0, 0.5, 0)])
def test_a_head_that_no_lens_sees_gets_the_default_view(seat) -> None:
    framing = seated(seat)
    camera, default = framing.eye_contact(400, 0.3, 0.1, 2.0), framing.camera(0.3, 0.1, 0.95 / 2, 400)
    np.testing.assert_array_equal(camera.camera_from_world, default.camera_from_world)
    np.testing.assert_array_equal(camera.K, default.K)


def test_turning_away_from_eye_contact_circles_the_head() -> None:
    seat = np.array([0.1, 0.0, 0.7])
    framing = seated(seat)
    center = seat * (1 + 0.07 / np.linalg.norm(seat))
    for yaw in (-1.5, 0.5, 3.0):
        camera = framing.eye_contact(400, yaw=yaw)
        np.testing.assert_allclose(pixel_of(camera, center), [200, 400 * EYE_LEVEL], atol=0.02)
        assert np.linalg.norm(center_of(camera) - center) == pytest.approx(np.linalg.norm(center), abs=1e-5)
    above = center_of(framing.eye_contact(400, pitch=0.5))
    assert above[1] < -0.2
    assert center_of(framing.eye_contact(400, yaw=0.5))[0] > 0.2


def test_eye_contact_is_kept_within_reason() -> None:
    framing = seated((0, 0, 0.6))
    for pitch, limit in ((-9.0, -MAX_PITCH), (9.0, MAX_PITCH)):
        forward = framing.eye_contact(400, pitch=pitch).camera_from_world[2, :3]
        assert np.arcsin(forward[1]) == pytest.approx(limit, abs=1e-5)
    focals = [framing.eye_contact(400, zoom=zoom).K[0, 0] for zoom in (-1.0, 0.0, 1e-9, 1e9)]
    assert np.isfinite(focals).all()
    assert focals[0] == focals[1] == focals[2] < focals[3]


@pytest.mark.parametrize("seat", [(0, 0, 0.6), (0.3, -0.2, 0.3), (0, 0, 3.0), (0, 0, 0.01)])
@pytest.mark.parametrize("eye_contact", [False, True])
def test_depth_is_comfortable_in_any_view(seat, eye_contact: bool) -> None:
    framing = seated(seat)
    camera = framing.eye_contact(400) if eye_contact else framing.camera(size=400)
    forward = camera.camera_from_world[2, :3].astype(float)
    left, right = framing.stereo(camera)
    for before_m, least, most in ((-0.07, -0.001, 0.001), (0.05, 0.001, 0.05), (-0.2, -0.05, -0.001)):
        point = np.array(seat) - before_m * forward  # before the eyes; the head's center is 7 cm behind them
        share = (pixel_of(left, point) - pixel_of(right, point))[0] / 400
        assert least < share < most, before_m
