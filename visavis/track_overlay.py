"""Draws what the tracker understood over the picture: the posed mesh, MediaPipe's landmarks, where the eyes look."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.head.model import JOINT_NAMES, HeadModel, Part
from renderer.head.pose import joint_transforms, pose_vertices
from tracker.face_tracker import TrackResult

SURFACE_OPACITY, EDGE_OPACITY = 0.22, 0.4
_EDGE_PX = 6.0
"""Mean length of the edges below which they are drawn fainter: the edges of a small face would hide it."""
GAZE_LENGTH_M = 0.07
_LIGHT = np.array([-0.3, -0.5, -0.81])
"""Towards the light, camera frame."""
_LANDMARK_RGB, _GAZE_RGB, _TEXT_RGB = (255, 230, 60), (255, 60, 60), (255, 255, 255)
_PART_RGB = {
    Part.SKIN: (90, 200, 255),
    Part.LEFT_EYE: (255, 255, 255),
    Part.RIGHT_EYE: (255, 255, 255),
    Part.UPPER_TEETH: (160, 255, 160),
    Part.LOWER_TEETH: (160, 255, 160),
    Part.TONGUE: (255, 150, 150),
}
_LARGE_FACE_PX = 160
"""Width of a face from which landmarks are dots and not single pixels, which would cover it."""
_FRACTION_BITS = 4
_NEAREST_M = 0.05
_FARTHEST_PX = 10_000


class Overlay:
    """Draws over the pictures of one recording.

    Args:
        head: the head model of the parameters; its torso is not drawn, since nothing tracks it.
        focal_px: of the camera that the parameters refer to, whose principal point is the picture's middle.
        image_size: (width, height) of the pictures.
    """

    def __init__(self, head: HeadModel, focal_px: float, image_size: tuple[int, int]) -> None:
        self._head = head
        self._focal_px = focal_px
        self._center = np.array(image_size) / 2
        parts = head.parts[head.faces]
        tracked = (parts != Part.TORSO).all(axis=1)
        self._faces = head.faces[tracked]
        self._colors = np.array([_PART_RGB[Part(part)] for part in parts[tracked, 0]], float)
        self._offsets = np.zeros_like(head.v_template)

    def draw(self, image_rgb: NDArray[np.uint8], result: TrackResult, time_s: float) -> NDArray[np.uint8]:
        """A copy of the picture [H, W, 3] with the drawing; without a face, with a line that says so."""
        canvas = image_rgb.copy()
        if result.params is not None:
            self._draw_mesh(canvas, result.params)
        if result.landmarks_px is not None:
            radius = 1 if np.ptp(result.landmarks_px[:, 0]) > _LARGE_FACE_PX else 0
            for x, y in _pixels(result.landmarks_px):
                cv2.circle(canvas, (x, y), radius, _LANDMARK_RGB, -1)
        if result.params is None:
            text = f"{time_s:.2f} s  no face"
        else:
            self._draw_gaze(canvas, result.params)
            text = f"{time_s:.2f} s  residual {100 * result.residual:.2f} %"
        scale = max(image_rgb.shape[:2]) / 1280 + 0.2
        place = (round(12 * scale), round(28 * scale))
        for shift, color in ((1, (0, 0, 0)), (0, _TEXT_RGB)):
            at = (place[0] + shift, place[1] + shift)
            cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.8 * scale, color, 1, cv2.LINE_AA)
        return canvas

    def _draw_mesh(self, canvas: NDArray[np.uint8], params: FaceParams) -> None:
        vertices = pose_vertices(self._head, self._offsets, params)
        if vertices[:, 2].min() < _NEAREST_M:
            return
        corners = vertices[self._faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        middles = corners.mean(axis=1)
        facing = np.flatnonzero(np.einsum("fd,fd->f", normals, middles) < 0)
        normals = normals[facing] / (np.linalg.norm(normals[facing], axis=1, keepdims=True) + 1e-12)
        shade = 0.35 + 0.65 * np.clip(normals @ _LIGHT, 0, 1)
        order = np.argsort(-middles[facing, 2])
        facing, colors = facing[order], (self._colors[facing] * shade[:, None])[order]
        points = self._project(vertices)
        size = np.array(canvas.shape[1::-1])
        low = np.clip(np.floor(points.min(axis=0)) - 1, 0, size).astype(int)
        high = np.clip(np.ceil(points.max(axis=0)) + 2, 0, size).astype(int)
        if (high <= low).any():
            return
        window = canvas[low[1] : high[1], low[0] : high[0]]
        surface, edges = window.copy(), np.zeros(window.shape[:2], np.uint8)
        fixed = np.round((points - low - 0.5) * 2**_FRACTION_BITS).astype(np.int32)[self._faces[facing]]
        for triangle, color in zip(fixed, colors.tolist(), strict=True):
            # A triangle hides the edges behind it before it adds its own.
            cv2.fillConvexPoly(surface, triangle, color, cv2.LINE_8, _FRACTION_BITS)
            cv2.fillConvexPoly(edges, triangle, (0,), cv2.LINE_8, _FRACTION_BITS)
            cv2.polylines(edges, [triangle], True, (255,), 1, cv2.LINE_AA, _FRACTION_BITS)
        length_px = np.linalg.norm(np.diff(points[self._faces[facing, :2]], axis=1), axis=2).mean()
        edge_opacity = EDGE_OPACITY * min(1.0, float(length_px) / _EDGE_PX)
        weight = SURFACE_OPACITY + edge_opacity * (edges / np.float32(255))
        weight[(surface == window).all(axis=2)] = 0
        blended = window + weight[..., None] * (surface.astype(np.float32) - window)
        window[:] = np.round(blended).astype(np.uint8)

    def _draw_gaze(self, canvas: NDArray[np.uint8], params: FaceParams) -> None:
        rotations, translations = joint_transforms(self._head, self._offsets, params)
        rest = self._head.J_regressor.astype(np.float64) @ self._head.v_template
        for name in ("left_eye", "right_eye"):
            joint = JOINT_NAMES.index(name)
            center = rotations[joint] @ rest[joint] + translations[joint]
            ends = np.stack([center, center + GAZE_LENGTH_M * rotations[joint][:, 2]])
            if ends[:, 2].min() < _NEAREST_M:
                continue
            (x0, y0), (x1, y1) = _pixels(self._project(ends))
            cv2.arrowedLine(canvas, (x0, y0), (x1, y1), _GAZE_RGB, 2, cv2.LINE_AA, tipLength=0.2)

    def _project(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """[N, 2] positions in the picture of points [N, 3] in the camera frame."""
        return points[:, :2].astype(np.float64) / points[:, 2:] * self._focal_px + self._center


def _pixels(positions: NDArray[np.floating]) -> list[list[int]]:
    """The pixels [x, y] that hold positions [N, 2]; OpenCV counts from their middles."""
    return np.round(positions - 0.5).clip(-_FARTHEST_PX, _FARTHEST_PX).astype(int).tolist()
