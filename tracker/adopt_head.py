"""Makes a head model trackable that comes without landmarks: finds them on drawings, then fits the blendshapes.

The drawings need no texture of the head's own: irises and brows are painted by proportion, lips where MediaPipe finds
them on a first drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION, FaceParams
from renderer.errors import HeadModelError
from renderer.head import draw
from renderer.head.flame_head import connected_pieces
from renderer.head.model import HeadModel, Part
from renderer.head.pose import pose_vertices
from tracker.assets import locate_model
from tracker.blendshape_fit import fit_blendshapes
from tracker.embedding import FOCAL, SIZE, Detector, Embedding, Sitter, embed, find_face
from tracker.finder import FaceFinder
from tracker.quiet import native_chatter_dropped

Array = NDArray[np.float64]
Progress = Callable[[str, float], None]
"""(what is being done, share of the whole that is done)."""

DISTANCE_M, LOWERED_M = 0.75, 0.02
LIPS_APART = 0.16
"""Jaw opening (radians) that shows the inner edges of both lips."""
RINGS = 2
"""Edge loops around what is seen from outside that count as outer skin: the rims of lids and lips."""
SKIN, INSIDE, LIPS, BROWS, WHITE, IRIS = (
    (0.80, 0.62, 0.53),
    (0.30, 0.12, 0.12),
    (0.66, 0.36, 0.34),
    (0.25, 0.17, 0.13),
    (0.95, 0.95, 0.94),
    (0.2, 0.13, 0.08),
)
IRIS_M = 0.0065
LIP_OUTLINE = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
BROW_MIDDLE, BROW_HALF_SIZE = (0.47, 0.38), (0.34, 0.095)
"""Of the left brow, in distances of the eyeballs' centers, from the point between them. MediaPipe takes the fold of an
eyelid for a brow where there is none."""
_LOOKS = ((0, 0), (35, 0), (-35, 0), (65, 0), (-65, 0), (0, 25), (0, -25))
"""Degrees of yaw and pitch from which the outer skin is looked for."""


def adopt_head(head: HeadModel, model: HeadModel, progress: Progress = lambda _step, _share: None) -> HeadModel:
    """`head` with landmarks and blendshapes; its model_id stays. Takes seconds.

    Args:
        head: geometry only.
        model: a complete head model, whose blendshapes are imitated.
        progress: is told how far it is.

    Raises:
        HeadModelError: its skin is not seen from outside.
        NoFaceFound: MediaPipe sees no face in the drawings.
        TrackerAssetError: MediaPipe's model is missing.
    """
    with native_chatter_dropped():
        finder = FaceFinder(locate_model().path)
        finder(np.zeros((64, 64, 3), np.uint8))  # loads the networks, which makes them talk
    try:
        progress("drawing the head", 0.0)
        sitter = _bare_sitter(head)
        sitter = replace(sitter, colors=_with_lips(head, sitter, finder))
        progress("finding the landmarks", 0.2)
        embedding = embed(sitter, LIPS_APART, finder)
    finally:
        finder.close()
    progress("fitting the blendshapes", 0.8)
    head = _with_landmarks(head, embedding)
    fitted = replace(head, blendshape_names=model.blendshape_names, blendshape_params=fit_blendshapes(head, model))
    progress("done", 1.0)
    return fitted


class HeadPoser:
    """Poses a head for drawings that MediaPipe looks at, in the camera frame."""

    def __init__(self, head: HeadModel) -> None:
        self._head = head

    def __call__(self, yaw: float, jaw: float, pitch: float = 0.0) -> Array:
        """[V, 3] the resting face, turned and with the jaw open (radians)."""
        vector = FaceParams.neutral(distance_m=DISTANCE_M).to_vector()
        vector[MAX_EXPRESSION : MAX_EXPRESSION + 2] = pitch, yaw
        vector[MAX_EXPRESSION + 4] = -LOWERED_M
        vector[MAX_EXPRESSION + 6] = jaw
        rest = np.zeros_like(self._head.v_template)
        return pose_vertices(self._head, rest, FaceParams.from_vector(vector)).astype(np.float64)


def _bare_sitter(head: HeadModel) -> Sitter:
    pose = HeadPoser(head)
    outer = _outer_skin(head, pose)
    return Sitter(
        vertices=head.v_template.astype(np.float64),
        faces=head.faces,
        parts=head.parts,
        outer=outer,
        blockers=np.setdiff1d(np.arange(len(head.faces)), outer),
        colors=painted(head, outer),
        pose=pose,
    )


def painted(head: HeadModel, outer: NDArray[np.int64] | None = None) -> Array:
    """[V, 3] plain colors with eyes and brows by proportion.

    Args:
        head: the head model.
        outer: ids of the triangles of its outer skin, which are looked for without.
    """
    outer = _outer_skin(head, HeadPoser(head)) if outer is None else outer
    colors = np.tile(INSIDE, (len(head.v_template), 1))
    colors[head.faces[outer]] = SKIN
    joints = head.J_regressor @ head.v_template
    place = np.abs(head.v_template / np.linalg.norm(joints[3] - joints[4]) - [0.0, BROW_MIDDLE[1], 0.0])
    is_brow = (np.abs(place[:, 0] - BROW_MIDDLE[0]) < BROW_HALF_SIZE[0]) & (place[:, 1] < BROW_HALF_SIZE[1])
    colors[np.intersect1d(np.flatnonzero(is_brow & (head.v_template[:, 2] > 0)), head.faces[outer])] = BROWS
    for part, joint in ((Part.LEFT_EYE, 3), (Part.RIGHT_EYE, 4)):
        ball = head.parts == part
        front = head.v_template - joints[joint]
        colors[ball] = WHITE
        colors[ball & (np.hypot(front[:, 0], front[:, 1]) < IRIS_M) & (front[:, 2] > 0)] = IRIS
    return colors


def _outer_skin(head: HeadModel, pose: HeadPoser) -> NDArray[np.int64]:
    """Ids of the triangles of the skin that are seen from outside, and of some loops of triangles around them."""
    skin = (head.parts[head.faces] == Part.SKIN).all(axis=1)
    seen = np.zeros(len(head.v_template), np.bool_)
    count = len(head.faces)
    both_sides = np.concatenate([head.faces, head.faces[:, ::-1]])  # a wall hides what is behind it from either side
    for yaw, pitch in _LOOKS:
        hits = draw.cast(pose(np.radians(yaw), 0.0, np.radians(pitch)), both_sides, FOCAL, SIZE)
        seen[head.faces[np.unique(hits.faces[(hits.faces >= 0) & (hits.faces < count)])]] = True
    whole = skin & seen[head.faces].all(axis=1)
    if not whole.any():
        raise HeadModelError("The head model shows no skin from outside: its triangles may be the wrong way round.")
    piece = connected_pieces(head.faces[whole], len(seen))
    largest = np.bincount(piece[head.faces[whole, 0]]).argmax()  # others were seen through a chink between the lips
    near = piece == largest
    for _ in range(RINGS):
        near[head.faces[near[head.faces].any(axis=1) & skin]] = True
    return np.flatnonzero(near[head.faces].all(axis=1))


def _with_lips(head: HeadModel, sitter: Sitter, detector: Detector) -> Array:
    """[V, 3] colors with lips where MediaPipe finds them."""
    posed = sitter.pose(0.0, 0.0)
    found = find_face(detector, sitter.drawing(posed))
    outline = found[list(LIP_OUTLINE)].astype(np.float32).reshape(-1, 1, 2)
    in_front = np.zeros(len(posed), np.bool_)
    in_front[head.faces[sitter.outer]] = True
    in_front &= draw.vertex_normals(posed, head.faces)[:, 2] < 0  # towards the camera
    chosen = np.flatnonzero(in_front)
    pixels = draw.project(posed[chosen], FOCAL, SIZE).tolist()
    colors = sitter.colors.copy()
    colors[chosen[[cv2.pointPolygonTest(outline, (x, y), False) >= 0 for x, y in pixels]]] = LIPS
    return colors


def _with_landmarks(head: HeadModel, embedding: Embedding) -> HeadModel:
    return replace(
        head,
        landmark_faces=embedding.faces.astype(np.int32),
        landmark_barycentrics=embedding.barycentrics.astype(np.float32),
        landmark_weights=embedding.weights.astype(np.float32),
    )
