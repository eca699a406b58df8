from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from renderer.errors import HeadModelError
from renderer.head.open_head import load_open_head
from tracker.adopt_head import painted
from tracker.assets import locate_model
from tracker.blendshape_fit import fit_blendshapes
from tracker.embedding import NoFaceFound, find_face, mirror_pairs
from tracker.finder import FaceFinder
from tracker.landmark_model import head_landmarks

HEAD = load_open_head()


def row(name: str, params: np.ndarray) -> np.ndarray:
    return params[HEAD.blendshape_names.index(name)]


def test_a_head_that_imitates_itself_moves_as_it_did():
    fitted = fit_blendshapes(HEAD, HEAD)
    points = np.arange(468)
    corners = HEAD.faces[HEAD.landmark_faces[points]]
    mix = HEAD.landmark_barycentrics[points] * HEAD.landmark_weights[points, None]
    for name in ("mouthSmileLeft", "mouthPucker", "browInnerUp", "noseSneerRight", "mouthFrownLeft"):
        wanted, got = (
            np.einsum("lk,lkde,e->ld", mix, HEAD.expressiondirs[corners], row(name, params)[:50])
            for params in (HEAD.blendshape_params, fitted)
        )
        assert np.linalg.norm(got - wanted) < 0.3 * np.linalg.norm(wanted), name
    for name in ("eyeBlinkLeft", "eyeLookUpRight", "eyeLookInLeft", "_neutral"):
        np.testing.assert_array_equal(row(name, fitted), row(name, HEAD.blendshape_params))
    assert row("jawOpen", fitted)[56] == pytest.approx(row("jawOpen", HEAD.blendshape_params)[56], abs=0.03)


def test_another_basis_and_size_of_head_do_not_matter():
    """The same head, a fifth larger and with its directions in another mixture: the same landmarks move alike."""
    mixture = np.linalg.qr(np.random.default_rng(1).normal(size=(50, 50)))[0]
    other = replace(
        HEAD,
        v_template=1.2 * HEAD.v_template,
        expressiondirs=(1.2 * HEAD.expressiondirs @ mixture).astype(np.float32),
        posedirs=1.2 * HEAD.posedirs,
        eyelid_dirs=1.2 * HEAD.eyelid_dirs,
    )
    same, mixed = fit_blendshapes(HEAD, HEAD), fit_blendshapes(other, HEAD)
    np.testing.assert_allclose(mixed[:, :50] @ mixture.T, same[:, :50], atol=5e-3)
    np.testing.assert_allclose(mixed[:, 50:], same[:, 50:], atol=1e-3)


def test_mirror_pairs_are_those_of_the_face():
    mirror = mirror_pairs()
    np.testing.assert_array_equal(mirror[mirror], np.arange(478))
    assert mirror[33] == 263
    assert mirror[1] == 1
    points = head_landmarks(HEAD, np.arange(468))
    np.testing.assert_allclose(points[mirror[:468]] * [-1, 1, 1], points, atol=2e-3)


def test_a_drawing_without_a_face_is_a_sentence():
    finder = FaceFinder(locate_model().path)
    try:
        with pytest.raises(NoFaceFound, match="MediaPipe sees no face"):
            find_face(finder, np.full((200, 200, 3), 128, np.uint8))
    finally:
        finder.close()


def test_a_head_that_is_inside_out_is_a_sentence():
    with pytest.raises(HeadModelError, match="wrong way round"):
        painted(replace(HEAD, faces=HEAD.faces[:, ::-1]))
