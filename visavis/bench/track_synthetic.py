"""Faces whose parameters are known: guest avatars drawn as a webcam would see them, for `visavis bench track`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from avatar_store.guests import Guest, guest_bytes, list_guests
from codec.avatar_file import unpack_avatar
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.camera import Camera
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices, rotation_matrix
from tracker.calibrate import calibrate
from tracker.detection import Detection
from tracker.face_tracker import FaceTracker
from tracker.landmarker import Landmarker
from tracker.profile import TAKE_S
from visavis.bench.report import Figure

WIDTH, HEIGHT, RATE = 1280, 720, 25
FOCAL_RATIOS = (1.1, 0.95, 1.25)
"""Focal length over the picture's width, of one guest after the other."""
NOISE = 2.0
"""Standard deviation of the sensor's noise, of 255."""
BLINK_CLOSING_S, BLINK_OPENING_S = 0.10, 0.16
MOVING_S = 10.0
SETTLE = 10
"""Pictures at the start that do not count."""
_OPEN, _SHUT, _HALF = 0.3, 0.7, 0.5
"""Closure of an eye whose gaze is judged, of a blink, and of a tracked lid that shows it."""
_BACKGROUND = (0.55, 0.57, 0.6)
_DISTANCE_M = 0.6
_MOTIONS = (
    ("mouthSmileLeft", "mouthSmileRight"),
    ("mouthPucker",),
    ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    ("mouthSmileLeft",),
    ("browDownLeft", "browDownRight"),
    ("mouthUpperUpLeft", "mouthUpperUpRight"),
    ("mouthStretchLeft", "mouthStretchRight"),
    ("mouthFunnel",),
)


@dataclass(frozen=True, eq=False)
class Take:
    """One guest in front of one camera.

    Args:
        guest: whom the camera sees.
        focal_ratio: focal length over the width.
    """

    guest: Guest
    focal_ratio: float


@dataclass(frozen=True)
class Errors:
    """Mean errors of one guest; see the figures of `run`."""

    rotation_deg: float
    jaw_deg: float
    gaze_deg: float
    vertex_mm: float
    blink_recall: float


def calibration_face(head: HeadModel, time_s: float) -> FaceParams:
    """A person who does what tracker.profile.SCHEDULE asks for."""
    scores: dict[str, float] = {}
    turn = np.zeros(3)
    if 1.5 <= time_s < 4.5:
        phase = 2 * np.pi * (time_s - 1.5) / 3.0
        turn = np.array([0.15 * np.sin(2 * phase), 0.35 * np.sin(phase), 0.0])
    elif time_s < 7.5:
        names = {4: ("jawOpen",), 5: ("mouthSmileLeft", "mouthSmileRight"), 6: ("mouthPucker",)}.get(int(time_s - 0.5))
        scores = {name: _bump((time_s - 0.5) % 1.0, 0.5, 0.35) for name in names or ()}
    lids = max(_blink(time_s - start) for start in (8.0, 8.6))
    return _face(head, scores, turn, np.zeros(3), lids, np.zeros(2))


def moving_face(head: HeadModel, time_s: float) -> FaceParams:
    """Somebody who talks: head, jaw, one expression after the other, gaze, a blink every 2.4 s."""
    slow = 2 * np.pi * time_s
    turn = np.array([0.14 * np.sin(slow * 0.31 + 1), 0.38 * np.sin(slow * 0.23), 0.10 * np.sin(slow * 0.17 + 2)])
    shift = np.array([0.05 * np.sin(slow * 0.13), 0.02 * np.sin(slow * 0.19), 0.06 * np.sin(slow * 0.11)])
    kind, phase = divmod(time_s, 1.5)
    scores = {name: 0.8 * _bump(phase, 0.75, 0.35) for name in _MOTIONS[int(kind) % len(_MOTIONS)]}
    scores["jawOpen"] = 0.55 * max(0.0, float(np.sin(slow * 1.7) * np.sin(slow * 0.27)))
    look = np.array([0.3 * np.sign(np.sin(slow * 0.4)), 0.12 * np.sign(np.sin(slow * 0.29 + 1))])
    return _face(head, scores, turn, shift, _blink((time_s % 2.4) - 1.2), look)


def pictures(head: HeadModel, take: Take, faces: list[FaceParams]) -> Iterator[NDArray[np.uint8]]:
    """[HEIGHT, WIDTH, 3] uint8 pictures of the guest with these faces."""
    avatar = AvatarModel(head, unpack_avatar(guest_bytes(take.guest.avatar_id)))
    renderer = FrameRenderer(avatar, max_size=WIDTH)
    camera = Camera.looking_from_lens(WIDTH, HEIGHT, take.focal_ratio * WIDTH)
    rng = np.random.default_rng(7)
    noise = rng.normal(0, NOISE, (HEIGHT + 64, WIDTH + 64, 3)).astype(np.float32)
    for face in faces:
        x, y = rng.integers(0, 64, 2)
        picture = renderer.render_rgb(face, camera, _BACKGROUND) + noise[y : y + HEIGHT, x : x + WIDTH]
        yield np.clip(picture, 0, 255).astype(np.uint8)


def _face(
    head: HeadModel,
    scores: dict[str, float],
    turn: NDArray[np.float64],
    shift: NDArray[np.float64],
    lids: float,
    look: NDArray[np.float64],
) -> FaceParams:
    vector = FaceParams.neutral(distance_m=_DISTANCE_M).to_vector().astype(np.float64)
    for name, score in scores.items():
        vector += score * head.blendshape_params[head.blendshape_names.index(name)]
    params = FaceParams.from_vector(vector.astype(np.float32))
    return FaceParams(
        expression=params.expression,
        global_rotation=turn.astype(np.float32),
        translation=params.translation + shift.astype(np.float32),
        jaw_pose=params.jaw_pose,
        eyelids=np.maximum(params.eyelids, lids).clip(0, 1),
        gaze=np.tile(look, 2).astype(np.float32),
    )


def _bump(value: float, middle: float, width: float) -> float:
    return float(np.exp(-(((value - middle) / width) ** 4)))


def _blink(since_s: float) -> float:
    """Closure of a lid that begins to close at 0."""
    closing = since_s / BLINK_CLOSING_S
    opening = 1 - (since_s - BLINK_CLOSING_S - 0.04) / BLINK_OPENING_S
    return float(np.clip(min(closing, opening), 0.0, 1.0))


def run(console: Console) -> list[Figure]:
    """Calibrates on a take of every guest, tracks another one and returns `track.synthetic_*` and `track.blink_recall`.

    Errors are means over the pictures, then over the guests.
    """
    head, guests = load_open_head(), list_guests()
    table = Table("guest", "rotation deg", "jaw deg", "gaze deg", "vertices mm", "blinks seen", title="Drawn faces")
    errors: list[Errors] = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("drawing and tracking", total=len(guests) * (TAKE_S + MOVING_S) * RATE)
        for index, guest in enumerate(guests):
            take = Take(guest, FOCAL_RATIOS[index % len(FOCAL_RATIOS)])
            errors.append(_errors_of(head, take, lambda: progress.advance(task)))
            table.add_row(guest.name, *(f"{value:.2f}" for value in astuple(errors[-1])))
    console.print(table)
    rotation, jaw, gaze, vertices, blinks = np.mean([astuple(error) for error in errors], axis=0)
    return [
        Figure("track.synthetic_rotation_deg", float(rotation), "degrees", "lower"),
        Figure("track.synthetic_jaw_deg", float(jaw), "degrees", "lower"),
        Figure("track.synthetic_gaze_deg", float(gaze), "degrees", "lower"),
        Figure("track.synthetic_vertex_mm", float(vertices), "mm", "lower"),
        Figure("track.blink_recall", float(blinks), "", "higher"),
    ]


def _errors_of(head: HeadModel, take: Take, advance: Callable[[], None]) -> Errors:
    shown = [calibration_face(head, index / RATE) for index in range(int(TAKE_S * RATE))]
    landmarker = Landmarker()
    detections: list[Detection] = []
    times_s: list[float] = []
    for index, picture in enumerate(pictures(head, take, shown)):
        detection = landmarker.detect(picture, index / RATE)
        if detection is not None:
            detections.append(detection)
            times_s.append(index / RATE)
        advance()
    landmarker.close()
    person = calibrate(head, detections, times_s, (HEIGHT, WIDTH))

    truth = [moving_face(head, index / RATE) for index in range(int(MOVING_S * RATE))]
    tracker = FaceTracker(head, person=person)
    found: list[FaceParams | None] = []
    for index, picture in enumerate(pictures(head, take, truth)):
        found.append(tracker.track(picture, index / RATE).params)
        advance()
    tracker.close()
    return compare(head, truth[SETTLE:], found[SETTLE:])


def compare(head: HeadModel, truth: list[FaceParams], found: list[FaceParams | None]) -> Errors:
    """How far the tracked faces are from the drawn ones; a picture without a tracked face counts as a resting one."""
    seen = [params or FaceParams.neutral(distance_m=_DISTANCE_M) for params in found]
    pairs = list(zip(truth, seen, strict=True))
    open_eyes = np.array([params.eyelids.max() < _OPEN for params in truth])
    gaze = np.array([(_gaze_of(ours) - _gaze_of(theirs)) for theirs, ours in pairs])
    face = np.unique(head.faces[head.landmark_faces])
    return Errors(
        rotation_deg=float(np.mean([_angle_between(theirs, ours) for theirs, ours in pairs])),
        jaw_deg=float(np.degrees(np.mean([abs(ours.jaw_pose[0] - theirs.jaw_pose[0]) for theirs, ours in pairs]))),
        gaze_deg=float(np.degrees(np.linalg.norm(gaze[open_eyes], axis=1).mean())),
        vertex_mm=1e3 * float(np.mean([_expression_distance(head, face, *pair) for pair in pairs])),
        blink_recall=_blink_recall(truth, seen),
    )


def _gaze_of(params: FaceParams) -> NDArray[np.float64]:
    """[2] yaw and pitch, the mean of both eyes."""
    return params.gaze.reshape(2, 2).mean(axis=0).astype(np.float64)


def _angle_between(one: FaceParams, other: FaceParams) -> float:
    turn = rotation_matrix(one.global_rotation).T @ rotation_matrix(other.global_rotation)
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1.0, 1.0))))


def _expression_distance(head: HeadModel, face: NDArray[np.int32], one: FaceParams, other: FaceParams) -> float:
    """Root mean square distance (metres) of the face's vertices by expression, jaw and lids alone."""
    shapes = [
        pose_vertices(
            head,
            np.zeros_like(head.v_template),
            replace(FaceParams.neutral(), expression=p.expression, jaw_pose=p.jaw_pose, eyelids=p.eyelids),
        )[face]
        for p in (one, other)
    ]
    return float(np.sqrt(((shapes[0] - shapes[1]) ** 2).sum(axis=1).mean()))


def _blink_recall(truth: list[FaceParams], seen: list[FaceParams]) -> float:
    """Share of the blinks of both eyes that close the tracked lid more than half within 0.12 s."""
    closed = np.array([params.eyelids.min() for params in truth])
    peaks = [i for i in range(1, len(closed) - 1) if closed[i] > _SHUT and closed[i - 1] < closed[i] >= closed[i + 1]]
    lids = np.array([params.eyelids.min() for params in seen])
    return float(np.mean([lids[max(0, i - 3) : i + 4].max() > _HALF for i in peaks]))
