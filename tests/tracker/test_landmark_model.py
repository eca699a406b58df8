from __future__ import annotations

import numpy as np

from renderer.head.pose import FLIP, pose_vertices, rotation_matrix
from tracker.landmark_model import LandmarkModel
from tracker.topology import fit_landmarks


def test_landmark_model_agrees_with_posing_the_whole_head(studio):
    head = studio.head
    rng = np.random.default_rng(1)
    params = studio.face(
        expression=rng.normal(0, 0.7, 50),
        global_rotation=[0.1, -0.3, 0.05],
        jaw_pose=[0.25, 0.03, 0],
        eyelids=[0.3, 0.8],
        gaze=[0.2, -0.1, 0.15, -0.1],
    )
    indices, _ = fit_landmarks(head.landmark_weights)
    model = LandmarkModel.of(head, indices)
    offsets = rng.normal(0, 1e-3, model.rest.shape)
    base = model.base(params.eyelids.astype(float), params.gaze.astype(float), np.zeros_like(offsets))
    points = model.pose(base, params.expression.astype(float), rotation_matrix(params.jaw_pose))
    ours = points @ (FLIP @ rotation_matrix(params.global_rotation)).T + params.translation

    vertices = pose_vertices(head, np.zeros_like(head.v_template), params)
    triangles = head.faces[head.landmark_faces[indices]]
    theirs = np.einsum("nk,nkd->nd", head.landmark_barycentrics[indices], vertices[triangles])
    on_skull = (head.lbs_weights[triangles][..., 0] + head.lbs_weights[triangles][..., 3:].sum(-1)).max(axis=1) < 1e-3
    assert on_skull.mean() > 0.8
    np.testing.assert_allclose(ours[on_skull], theirs[on_skull], atol=2e-5)

    moved = model.base(params.eyelids.astype(float), params.gaze.astype(float), offsets)
    np.testing.assert_allclose(moved.skull + moved.jaw - base.skull - base.jaw, offsets, atol=1e-12)
