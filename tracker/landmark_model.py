"""The head model contracted to its landmarks: a few hundred points instead of thousands of vertices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import JOINT_NAMES, HeadModel
from renderer.head.pose import eye_rotation

Array = NDArray[np.float64]

JAW = JOINT_NAMES.index("jaw")
_POSE_FEATURES = slice(9, 36)  # of posedirs: (R - I) of jaw, left eye, right eye


def head_landmarks(head: HeadModel, indices: NDArray[np.intp]) -> Array:
    """[n, 3] the landmarks `indices` [n] of the resting head model, head frame, metres."""
    corners = head.v_template[head.faces[head.landmark_faces[indices]]].astype(np.float64)
    return np.einsum("nk,nkd->nd", head.landmark_barycentrics[indices].astype(np.float64), corners)


@dataclass(frozen=True, eq=False)
class Base:
    """skull, jaw: [n, 3] the parts of the landmarks that hang on either bone, before expression and jaw move."""

    skull: Array
    jaw: Array


@dataclass(frozen=True, eq=False)
class LandmarkModel:
    """n landmarks as an exact, small version of linear blend skinning with a skull and a jaw.

    Head frame, metres. Landmarks of the eyeballs are not modeled (their joints count as skull).

    Args:
        skull: [n, 3] and jaw: [n, 3] rest positions times the weight of that bone; they add up to the rest position.
        skull_dirs, jaw_dirs: [n, 3, E] expression directions, split likewise.
        skull_lids, jaw_lids: [n, 3, 2] full closure of the left and right eye, split likewise.
        skull_corrective, jaw_corrective: [n, 3, 27] pose correctives of jaw, left and right eye, split likewise.
        jaw_weight: [n] share of the jaw bone.
        jaw_joint: [3] position of the jaw joint.
    """

    skull: Array
    jaw: Array
    skull_dirs: Array
    jaw_dirs: Array
    skull_lids: Array
    jaw_lids: Array
    skull_corrective: Array
    jaw_corrective: Array
    jaw_weight: Array
    jaw_joint: Array

    @staticmethod
    def of(head: HeadModel, indices: NDArray[np.intp]) -> LandmarkModel:
        """Contracts `head` to the landmarks `indices` [n]."""
        corners = head.faces[head.landmark_faces[indices]]  # [n, 3]
        share = head.landmark_barycentrics[indices].astype(np.float64)  # [n, 3]
        jaw_weight = head.lbs_weights[:, JAW].astype(np.float64)[corners]  # [n, 3]
        jaw_share, skull_share = share * jaw_weight, share * (1 - jaw_weight)

        def contract(weights: Array, per_vertex: NDArray[np.float32]) -> Array:
            return np.einsum("nk,nk...->n...", weights, per_vertex[corners].astype(np.float64))

        lids = np.moveaxis(head.eyelid_dirs, 0, -1)
        corrective = np.moveaxis(head.posedirs[_POSE_FEATURES], 0, -1)
        return LandmarkModel(
            skull=contract(skull_share, head.v_template),
            jaw=contract(jaw_share, head.v_template),
            skull_dirs=contract(skull_share, head.expressiondirs),
            jaw_dirs=contract(jaw_share, head.expressiondirs),
            skull_lids=contract(skull_share, lids),
            jaw_lids=contract(jaw_share, lids),
            skull_corrective=contract(skull_share, corrective),
            jaw_corrective=contract(jaw_share, corrective),
            jaw_weight=jaw_share.sum(axis=1),
            jaw_joint=(head.J_regressor[JAW] @ head.v_template).astype(np.float64),
        )

    @property
    def rest(self) -> Array:
        """[n, 3] landmarks of the resting face."""
        return self.skull + self.jaw

    def base(self, eyelids: Array, gaze: Array, offsets: Array) -> Base:
        """The landmarks as far as they do not depend on what is fitted.

        Args:
            eyelids: [2] closure.
            gaze: [4], which the lids follow.
            offsets: [n, 3] metres, added to the rest positions.
        """
        eyes = np.concatenate(
            [(eye_rotation(*gaze[:2]) - np.eye(3)).ravel(), (eye_rotation(*gaze[2:]) - np.eye(3)).ravel()]
        )
        share = self.jaw_weight[:, None]
        return Base(
            skull=self.skull
            + (1 - share) * offsets
            + self.skull_lids @ eyelids
            + self.skull_corrective[:, :, 9:] @ eyes,
            jaw=self.jaw + share * offsets + self.jaw_lids @ eyelids + self.jaw_corrective[:, :, 9:] @ eyes,
        )

    def pose(self, base: Base, expression: Array, jaw_rotation: Array) -> Array:
        """[n, 3] landmarks in the head frame.

        Args:
            base: of this picture.
            expression: [E].
            jaw_rotation: [3, 3].
        """
        feature = (jaw_rotation - np.eye(3)).ravel()
        skull = base.skull + self.skull_dirs @ expression + self.skull_corrective[:, :, :9] @ feature
        jaw = base.jaw + self.jaw_dirs @ expression + self.jaw_corrective[:, :, :9] @ feature
        pivot = self.jaw_weight[:, None] * self.jaw_joint
        return skull + pivot + (jaw - pivot) @ jaw_rotation.T
