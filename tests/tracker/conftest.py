from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.head.model import HeadModel, Part
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices, rotation_matrix
from tracker.detection import BLENDSHAPE_NAMES, Detection
from tracker.estimator import FOCAL_RATIO
from tracker.orientation import MEDIAPIPE_FOCAL_RATIO, view_rotation

SIZE = (480, 640)
LIGHT = np.array([-0.2, -0.35, -0.9])
SKIN, LIP, BROW, WHITE, IRIS, CLOTH = (
    (205, 165, 140),
    (170, 90, 88),
    (60, 45, 35),
    (238, 236, 232),
    (45, 32, 25),
    (80, 90, 120),
)
LIP_RING = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
BROW_RINGS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))


@dataclass(frozen=True)
class Studio:
    """Makes faces of the open head, and what a perfect landmarker or a camera sees of them."""

    head: HeadModel

    def face(self, **changes: object) -> FaceParams:
        """The neutral face with some fields replaced."""
        neutral = FaceParams.neutral()
        fields = {name: getattr(neutral, name) for name in neutral.__dataclass_fields__}
        return FaceParams(**{**fields, **{name: np.asarray(value, np.float32) for name, value in changes.items()}})

    def scores(self, **scores: float) -> NDArray[np.float32]:
        """[52] blendshape scores of an open-eyed face with some changed."""
        values = np.zeros(len(BLENDSHAPE_NAMES), np.float32)
        for name, score in {"eyeBlinkLeft": 0.1, "eyeBlinkRight": 0.1, **scores}.items():
            values[BLENDSHAPE_NAMES.index(name)] = score
        return values

    def detection(self, params: FaceParams, **scores: float) -> Detection:
        """Exact landmarks of the posed head, and its rotation as MediaPipe's camera would see it."""
        vertices = pose_vertices(self.head, np.zeros_like(self.head.v_template), params)
        points = _project(_landmarks(self.head, vertices))
        height, width = SIZE
        offset = points.mean(axis=0) - np.array([width / 2, height / 2])
        ours, theirs = (view_rotation(offset, f) for f in (FOCAL_RATIO * width, MEDIAPIPE_FOCAL_RATIO * height))
        matrix = np.eye(4, dtype=np.float32)
        matrix[:3, :3] = theirs @ ours.T @ rotation_matrix(params.global_rotation)
        return Detection(points.astype(np.float32), self.scores(**scores), matrix)

    def picture(self, params: FaceParams) -> NDArray[np.uint8]:
        """[H, W, 3] a shaded drawing of the posed head, back to front."""
        vertices = pose_vertices(self.head, np.zeros_like(self.head.v_template), params)
        corners = vertices[self.head.faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
        middles = corners.mean(axis=1)
        colors = _colors(self.head) * (0.4 + 0.6 * np.clip(normals @ LIGHT, 0, 1)[:, None])
        pixels = np.round(_project(vertices) * 16).astype(np.int32)[self.head.faces]
        image = np.full((*SIZE, 3), 225, np.uint8)
        for index in np.argsort(-middles[:, 2]):
            if normals[index] @ middles[index] < 0:
                cv2.fillConvexPoly(image, pixels[index], colors[index].tolist(), cv2.LINE_AA, 4)
        return image


@pytest.fixture(scope="session")
def studio() -> Studio:
    return Studio(load_open_head())


@lru_cache(maxsize=1)
def _colors(head: HeadModel) -> NDArray[np.float64]:
    parts = head.parts[head.faces[:, 0]]
    middles = head.v_template[head.faces].mean(axis=1)
    colors = np.tile(np.array(SKIN, float), (len(parts), 1))
    template_landmarks = _landmarks(head, head.v_template)
    for color, rings in ((LIP, (LIP_RING,)), (BROW, BROW_RINGS)):
        for ring in rings:
            outline = template_landmarks[list(ring), :2].astype(np.float32).reshape(-1, 1, 2)
            inside = [cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in middles[:, :2]]
            colors[np.array(inside) & (middles[:, 2] > 0) & (parts == Part.SKIN)] = color
    colors[parts == Part.TORSO] = CLOTH
    colors[np.isin(parts, (Part.LEFT_EYE, Part.RIGHT_EYE, Part.UPPER_TEETH, Part.LOWER_TEETH))] = WHITE
    for iris, eye in ((473, Part.LEFT_EYE), (468, Part.RIGHT_EYE)):
        near = np.linalg.norm(middles[:, :2] - template_landmarks[iris, :2], axis=1) < 0.0065
        colors[near & (parts == eye)] = IRIS
    return colors


def _project(points: NDArray[np.floating]) -> NDArray[np.float64]:
    height, width = SIZE
    return points[:, :2] / points[:, 2:] * FOCAL_RATIO * max(SIZE) + np.array([width / 2, height / 2])


def _landmarks(head: HeadModel, vertices: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.einsum("lk,lkd->ld", head.landmark_barycentrics, vertices[head.faces[head.landmark_faces]])
