"""Makes a head model of FLAME's arrays: our frame, our parts, our eyelids, our UV."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION
from renderer.errors import HeadModelError
from renderer.head.eyelids import STEP_M, eyelid_closure
from renderer.head.model import JOINT_NAMES, HeadModel, Part
from renderer.head.storage import make_head
from renderer.head.unwrap import unwrap

LANDMARKS = 478
_EYES = ((Part.LEFT_EYE, JOINT_NAMES.index("left_eye")), (Part.RIGHT_EYE, JOINT_NAMES.index("right_eye")))


def make_flame_head(
    name: str,
    *,
    v_template: NDArray[np.floating],
    faces: NDArray[np.integer],
    expressiondirs: NDArray[np.floating],
    posedirs: NDArray[np.floating],
    J_regressor: NDArray[np.floating],
    lbs_weights: NDArray[np.floating],
) -> HeadModel:
    """The head model of a FLAME file, still without landmarks and blendshapes (tracker.adopt_head adds them).

    The same file gives the same `model_id` on every machine: what is computed here is rounded far above the rounding
    errors of processors and libraries.

    Args:
        name: of the head model, e.g. `flame-2023-open`.
        v_template: [V, 3] metres, RUB, any origin.
        faces: [F, 3].
        expressiondirs: [V, 3, 50].
        posedirs: [36, V, 3].
        J_regressor: [5, V].
        lbs_weights: [V, 5].

    Raises:
        HeadModelError: the mesh has no two eyeballs, or their lids are not open.
    """
    joints = J_regressor.astype(np.float64) @ v_template.astype(np.float64)
    middle = np.round(joints[[joint for _, joint in _EYES]].mean(axis=0) / STEP_M) * STEP_M
    template = (v_template.astype(np.float64) - middle).astype(np.float32)
    parts = find_parts(faces, lbs_weights)
    lids = [
        eyelid_closure(template.astype(np.float64), faces, parts == part, parts == Part.SKIN, joints[joint] - middle)
        for part, joint in _EYES
    ]
    uv, uv_faces = unwrap(template, faces)
    arrays = {
        "v_template": template,
        "faces": faces,
        "expressiondirs": expressiondirs,
        "posedirs": posedirs,
        "eyelid_dirs": np.stack(lids),
        "J_regressor": J_regressor,
        "lbs_weights": lbs_weights,
        "parts": parts,
        "uv": uv,
        "uv_faces": uv_faces,
        "landmark_faces": np.zeros(LANDMARKS, np.int32),
        "landmark_barycentrics": np.full((LANDMARKS, 3), 1 / 3),
        "landmark_weights": np.zeros(LANDMARKS),
        "blendshape_params": np.zeros((0, MAX_EXPRESSION + 15)),
    }
    return make_head(name, arrays, ())


def find_parts(faces: NDArray[np.integer], lbs_weights: NDArray[np.floating]) -> NDArray[np.uint8]:
    """[V] parts: pieces of the mesh that hang on an eye joint are eyeballs, all else is skin.

    Raises:
        HeadModelError: an eyeball is missing.
    """
    piece = connected_pieces(faces, len(lbs_weights))
    sizes = np.bincount(piece)
    parts = np.full(len(lbs_weights), Part.SKIN, np.uint8)
    for part, joint in _EYES:
        share = np.bincount(piece, lbs_weights[:, joint].astype(np.float64)) / sizes
        is_eye = share > 0.9
        if not is_eye.any():
            raise HeadModelError("The head model has no eyeball of its own for each eye.")
        parts[is_eye[piece]] = part
    return parts


def connected_pieces(faces: NDArray[np.integer], count: int) -> NDArray[np.intp]:
    """[count] number of the connected piece of the mesh to which each vertex belongs, from 0."""
    label = np.arange(count)
    while True:
        lowest = label[faces].min(axis=1)
        update = label.copy()
        np.minimum.at(update, faces.ravel(), np.repeat(lowest, 3))
        update = update[update]
        if (update == label).all():
            return np.unique(label, return_inverse=True)[1]
        label = update
