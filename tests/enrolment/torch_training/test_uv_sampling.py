from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")

from enrolment.torch_training.uv_sampling import PAPER_COUNT, sample_about, sample_uv
from renderer.head.model import HeadModel


def test_samples_are_the_centers_of_texels_inside_of_their_triangles(head: HeadModel) -> None:
    faces, mixes = sample_uv(head, 40)
    assert mixes.min() >= 0
    np.testing.assert_allclose(mixes.sum(axis=1), 1, atol=1e-6)
    texels = np.einsum("nk,nkc->nc", mixes.astype(np.float64), head.uv[head.uv_faces[faces]]) * 40 - 0.5
    np.testing.assert_allclose(texels, texels.round(), atol=1e-4)
    assert len(np.unique(texels.round(), axis=0)) == len(faces)


def test_about_as_many_gaussians_as_the_paper_has_but_not_more(head: HeadModel) -> None:
    faces, _ = sample_about(head, PAPER_COUNT)
    assert 0.97 * PAPER_COUNT < len(faces) <= PAPER_COUNT
    assert len(sample_about(head, 500)[0]) <= 500
