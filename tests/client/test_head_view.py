"""What a view asks its renderer for: where the camera stands, what is behind the head, one picture or two."""

import numpy as np
import pytest

from client.view.backdrop import Backdrop
from client.view.head_view import BACKGROUND_RGB, HeadView, Viewpoint
from codec.params import FaceParams
from renderer.camera import Camera
from renderer.yuv import YuvPlanes
from tests.support.fakes import FakeRenderer, face_of_gray

SIZE = 64


def shown(viewpoint: Viewpoint, *, gray: int = 100) -> tuple[HeadView, FakeRenderer, YuvPlanes]:
    view, renderer, planes = HeadView("a"), FakeRenderer(), YuvPlanes.allocate(SIZE, SIZE)
    view.set_renderer(renderer)
    view.look_from(viewpoint)
    view.show(face_of_gray(gray), 1)
    view.draw(planes, SIZE, 10.0, stamp=False)
    return view, renderer, planes


def center_of(camera: Camera) -> np.ndarray:
    return -camera.camera_from_world[:3, :3].T @ camera.camera_from_world[:3, 3]


def test_eye_contact_looks_from_the_lens_and_the_front_view_does_not() -> None:
    for viewpoint, at_lens in ((Viewpoint(eye_contact=True), True), (Viewpoint(), False)):
        _, renderer, _ = shown(viewpoint)
        ((camera, background),) = renderer.views
        assert background == BACKGROUND_RGB
        assert bool(np.abs(center_of(camera)).max() < 1e-5) == at_lens


def test_coming_closer_magnifies_in_both_views() -> None:
    for eye_contact in (False, True):
        sizes = []
        for distance in (1.0, 0.6):
            _, renderer, _ = shown(Viewpoint(distance=distance, eye_contact=eye_contact))
            camera, _ = renderer.views[0]
            eyes_m = camera.camera_from_world[2] @ [*FaceParams.neutral().translation, 1]
            sizes.append(camera.K[0, 0] / eyes_m)
        assert sizes[1] > 1.4 * sizes[0]


@pytest.mark.parametrize("eye_contact", [False, True])
def test_stereo_draws_one_instant_twice_side_by_side(eye_contact: bool) -> None:
    _, renderer, planes = shown(Viewpoint(eye_contact=eye_contact, stereo=True))
    assert len(renderer.faces) == 1, "a second view poses nothing"
    (left, _), (right, _) = renderer.views
    assert (left.width, left.height) == (right.width, right.height) == (SIZE // 2, SIZE)
    aside = right.camera_from_world[:3, :3] @ (center_of(right) - center_of(left))
    assert aside[0] > 0.02
    np.testing.assert_allclose(aside[1:], 0, atol=1e-6)
    assert (planes.y == 100).all(), "both halves are painted"


def test_the_left_eye_is_in_the_left_half() -> None:
    class Halves(FakeRenderer):
        def render_view(self, camera, background, planes) -> None:
            super().render_view(camera, background, planes)
            planes.y[:] = planes.u[:] = planes.v[:] = len(self.views)

    view, planes = HeadView("a"), YuvPlanes.allocate(SIZE, SIZE)
    view.set_renderer(Halves())
    view.look_from(Viewpoint(stereo=True))
    view.show(face_of_gray(100), 1)
    view.draw(planes, SIZE, 10.0, stamp=False)
    for plane in (planes.y, planes.u, planes.v):
        half = plane.shape[1] // 2
        assert (plane[:, :half] == 1).all()
        assert (plane[:, half:] == 2).all()


def test_a_picture_comes_in_the_size_of_the_camera() -> None:
    picture = np.full((90, 160, 3), 7, np.uint8)
    for stereo in (False, True):
        view, renderer, planes = shown(Viewpoint(stereo=stereo))
        renderer.views.clear()
        view.set_backdrop(Backdrop(picture))
        assert view.due(20.0), "another background is news"
        view.draw(planes, SIZE, 20.0, stamp=False)
        assert len(renderer.views) == 1 + stereo
        for camera, background in renderer.views:
            assert isinstance(background, np.ndarray)
            assert background.shape == (camera.height, camera.width, 3)
        assert not view.due(20.0)


@pytest.mark.parametrize("change", [Viewpoint(eye_contact=True), Viewpoint(stereo=True), Viewpoint(yaw=0.1)])
def test_another_viewpoint_is_drawn_at_once(change: Viewpoint) -> None:
    view, _, _ = shown(Viewpoint())
    assert not view.due(20.0)
    view.look_from(change)
    assert view.due(20.0)
