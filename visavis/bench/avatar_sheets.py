"""Pictures for the eye: what was to be seen beside what the avatar shows, and the avatar from the sides."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from enrolment.evaluate import Evaluation, truth
from enrolment.follow import follow
from enrolment.job_codec import avatar_model
from enrolment.job_training import preview_picture
from enrolment.report.pictures import choose_rows, error_picture
from enrolment.take import SIDE, Take
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.camera import Camera
from renderer.framing import HEAD_DEPTH_M
from renderer.head.model import HeadModel
from visavis.bench.avatar_course import Snapshot
from visavis.errors import CommandError

VIEWS_DEG = (-45, -25, 0, 25, 45)
_WHITE = (1.0, 1.0, 1.0)


def write_sheets(folder: Path, name: str, take: Take, head: HeadModel, final: Snapshot, judged: Evaluation) -> None:
    """Writes `NAME-sheet.png` and `NAME-sides.png`.

    Args:
        folder: made if it is not there.
        name: what the files' names begin with.
        take: the pictures.
        head: the head model of the avatar.
        final: what was judged.
        judged: with renders.

    Raises:
        CommandError: a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{folder} cannot be made: {error.strerror}.") from error
    write_picture(folder / f"{name}-sheet.png", contact_sheet(take, judged))
    write_picture(folder / f"{name}-sides.png", np.hstack(side_views(take, head, final)))


def contact_sheet(take: Take, judged: Evaluation) -> NDArray[np.uint8]:
    """[n SIDE, 3 SIDE, 3] truth, render and error of some pictures, the worst one among them."""
    if judged.renders is None:
        raise ValueError("the renders were not kept")
    rows: list[NDArray[np.uint8]] = []
    for position in choose_rows([scores.psnr_db for scores in judged.pictures]):
        seen, drawn = truth(take, int(judged.indices[position])), judged.renders[position]
        rows.append(np.hstack([seen, drawn, error_picture(seen, drawn)]))
    return np.vstack(rows)


def side_views(take: Take, head: HeadModel, final: Snapshot) -> list[NDArray[np.uint8]]:
    """[SIDE, SIDE, 3] of each of VIEWS_DEG: cameras on a circle around the head that looks ahead most."""
    params = follow(take, head, final.avatar, [preview_picture(take)], False, final.known).params[0]
    renderer = FrameRenderer(avatar_model(head, final.avatar), SIDE)
    return [renderer.render_rgb(params, side_camera(take, params, degrees), _WHITE) for degrees in VIEWS_DEG]


def side_camera(take: Take, params: FaceParams, degrees: float) -> Camera:
    """The take's camera, moved around the head; positive degrees to the picture's right."""
    center = params.translation + np.array([0, 0, HEAD_DEPTH_M], np.float32)
    opening_deg = 2 * np.degrees(np.arctan(SIDE / 2 / take.K[0, 0]))
    distance_m = float(np.linalg.norm(center))
    return Camera.orbit(center, distance_m, float(np.radians(degrees)), 0.0, SIDE, float(opening_deg))


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Writes [H, W, 3] uint8 sRGB as PNG.

    Raises:
        CommandError: it cannot be written.
    """
    try:
        path.write_bytes(cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
