"""The head model: anything with FLAME's interface (Li et al. 2017), as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

JOINT_NAMES = ("root", "neck", "jaw", "left_eye", "right_eye")
JOINT_PARENTS = (-1, 0, 1, 1, 1)


class Part(IntEnum):
    """What a vertex belongs to (`HeadModel.parts`)."""

    SKIN = 0
    LEFT_EYE = 1
    RIGHT_EYE = 2
    UPPER_TEETH = 3
    LOWER_TEETH = 4
    TONGUE = 5
    TORSO = 6  # below the neck: shoulders and chest, where clothes are


@dataclass(frozen=True, eq=False)
class HeadModel:
    """V vertices, F triangles, E = 50 expression directions, J = 5 joints, L = 478 MediaPipe landmarks, B blendshapes.

    Head frame (RUB): metres, +x to the person's left, +y up, +z out of the face; the origin lies between the eyes'
    centers, so that `FaceParams.translation` is where the eyes are. "left" is always the person's left.

    Args:
        name: `open-head-1`, `flame-2023-open`, ...
        model_id: hex SHA-256 over the arrays that posing uses; avatars and streams name it.
        v_template: [V, 3] float32 neutral, average head with shoulders.
        faces: [F, 3] int32, counter-clockwise seen from outside.
        expressiondirs: [V, 3, E] float32 metres per standard deviation, ordered by variance.
        posedirs: [36, V, 3] float32 pose correctives, linear in the elements of (R_j - I) row-major for neck, jaw,
            left_eye, right_eye (FLAME's `posedirs`, reshaped).
        eyelid_dirs: [2, V, 3] float32, full closure of the left and the right eye.
        J_regressor: [J, V] float32, joints from the shaped template.
        lbs_weights: [V, J] float32, rows sum to 1.
        parts: [V] uint8, see Part.
        uv: [T, 2] float32 in 0..1 and uv_faces: [F, 3] int32 into uv; one chart set without overlaps.
        landmark_faces: [L] int32 triangle of each MediaPipe landmark.
        landmark_barycentrics: [L, 3] float32.
        landmark_weights: [L] float32 0..1 how well the landmark is tied to the surface (rim landmarks are low).
        blendshape_names: the B ARKit names, MediaPipe's spelling.
        blendshape_params: [B, E + 15] float32: adding score * row to FaceParams.to_vector() of the neutral face gives
            the head model's rendition of that blendshape (prior of the tracker).
    """

    name: str
    model_id: str
    v_template: NDArray[np.float32]
    faces: NDArray[np.int32]
    expressiondirs: NDArray[np.float32]
    posedirs: NDArray[np.float32]
    eyelid_dirs: NDArray[np.float32]
    J_regressor: NDArray[np.float32]
    lbs_weights: NDArray[np.float32]
    parts: NDArray[np.uint8]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    landmark_faces: NDArray[np.int32]
    landmark_barycentrics: NDArray[np.float32]
    landmark_weights: NDArray[np.float32]
    blendshape_names: tuple[str, ...]
    blendshape_params: NDArray[np.float32]
