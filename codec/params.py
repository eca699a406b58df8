"""Face parameters: what one time instant of a face is, and nothing about how it is coded.

Head frame (RUB, that of the head model): metres, +x to the image's right when the person faces the camera (the
person's left), +y up, +z out of the face. Camera frame (OpenCV, RDF): metres, +x right, +y down, +z forward.

A skull point X of the posed head model lands in the camera frame at

    X_camera = FLIP @ (rotation_matrix(global_rotation) @ X) + translation,    FLIP = diag(1, -1, -1)

so `global_rotation` = 0 is a person who looks straight into the camera. The transform is that of the *skull*. The
shoulders follow it, damped, and `torso` is what they do of their own (see renderer.head.pose).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

EXPRESSION_DIMS = (10, 20, 30, 40, 50)
"""Permitted numbers of expression coefficients (paper, section 3)."""

MAX_EXPRESSION = 50
POSE_SIZE = 11
"""global_rotation 3, translation 3, jaw_pose 3, eyelids 2: the paper's theta."""

GAZE_SIZE = 4

TORSO_SIZE = 6
"""rotation 3, translation 3."""

_TAIL = (("global_rotation", 0, 3), ("translation", 3, 6), ("jaw_pose", 6, 9), ("eyelids", 9, 11), ("gaze", 11, 15))
"""Where the other fields stand in the vector, counted from the end of the expression."""


@dataclass(frozen=True, eq=False)
class FaceParams:
    """Parameters of one frame.

    Args:
        expression: [E] expression coefficients psi in standard deviations, E in EXPRESSION_DIMS.
        global_rotation: [3] axis-angle of the skull in the head frame, radians.
        translation: [3] position of the head model's origin in the camera frame, metres.
        jaw_pose: [3] axis-angle of the jaw joint, radians; +x opens the mouth.
        eyelids: [2] closure of the (left, right) eye of the person, 0 open .. 1 closed.
        gaze: [4] (left yaw, left pitch, right yaw, right pitch), radians, relative to the skull; yaw is positive
            towards +x (the person's left), pitch is positive upwards.
        torso: [6] what the shoulders do beyond their damped following of the skull: axis-angle about the neck joint in
            the head frame, radians, then displacement in the camera frame, metres.
    """

    expression: Vector
    global_rotation: Vector
    translation: Vector
    jaw_pose: Vector
    eyelids: Vector
    gaze: Vector
    torso: Vector = field(default_factory=lambda: np.zeros(TORSO_SIZE, np.float32))

    def __post_init__(self) -> None:
        """Converts every field to float32.

        Raises:
            ValueError: a field has the wrong shape or a value is not finite.
        """
        sizes = {name: (end - start,) for name, start, end in _TAIL}
        sizes |= {"expression": EXPRESSION_DIMS, "torso": (TORSO_SIZE,)}
        for each in fields(self):
            value, allowed = np.ascontiguousarray(getattr(self, each.name), np.float32), sizes[each.name]
            if value.ndim != 1 or len(value) not in allowed:
                raise ValueError(f"{each.name} has shape {value.shape}, expected one of {allowed} numbers")
            if not np.isfinite(value).all():
                raise ValueError(f"{each.name} holds a number that is not finite")
            object.__setattr__(self, each.name, value)

    @staticmethod
    def neutral(expression_dims: int = MAX_EXPRESSION, distance_m: float = 0.6) -> FaceParams:
        """The resting face: open eyes, closed mouth, looking into a camera `distance_m` away."""
        zero = np.zeros(3, np.float32)
        return FaceParams(
            expression=np.zeros(expression_dims, np.float32),
            global_rotation=zero,
            translation=np.array([0.0, 0.0, distance_m], np.float32),
            jaw_pose=zero,
            eyelids=np.zeros(2, np.float32),
            gaze=np.zeros(GAZE_SIZE, np.float32),
        )

    def to_vector(self) -> Vector:
        """[E + 15] the parameters of the head in the order of the fields: psi E, theta 11, gaze 4; not the torso."""
        return np.concatenate([self.expression, *(getattr(self, name) for name, _, _ in _TAIL)])

    def toward(self, other: FaceParams, share: float) -> FaceParams:
        """The face between this one (0) and `other` (1), number by number: for faces that follow each other closely.

        Raises:
            ValueError: the faces have different E.
        """
        start, end = self.to_vector(), other.to_vector()
        if start.shape != end.shape:
            raise ValueError("faces of different expression dimensions have nothing between them")
        vector = (start + share * (end - start)).astype(np.float32)
        return FaceParams.from_vector(vector, (self.torso + share * (other.torso - self.torso)).astype(np.float32))

    @staticmethod
    def from_vector(vector: Vector, torso: Vector | None = None) -> FaceParams:
        """Inverse of `to_vector`; E follows from the length.

        Args:
            vector: [E + 15].
            torso: [6]; None stands for zeros.

        Raises:
            ValueError: a length fits no permitted E or no torso, or a value is not finite.
        """
        vector = np.array(vector, np.float32)
        torso = np.zeros(TORSO_SIZE, np.float32) if torso is None else np.array(torso, np.float32)
        dims = vector.size - POSE_SIZE - GAZE_SIZE
        if vector.ndim != 1 or dims not in EXPRESSION_DIMS:
            raise ValueError(f"a vector of shape {vector.shape} holds no face")
        if torso.shape != (TORSO_SIZE,):
            raise ValueError(f"a vector of shape {torso.shape} holds no torso")
        if not (np.isfinite(vector).all() and np.isfinite(torso).all()):
            raise ValueError("the vector holds a number that is not finite")
        # All fields are checked at once: one by one, a hundred times a second, they show in every profile.
        params = object.__new__(FaceParams)
        object.__setattr__(params, "expression", vector[:dims])
        for name, start, end in _TAIL:
            object.__setattr__(params, name, vector[dims + start : dims + end])
        object.__setattr__(params, "torso", torso)
        return params
