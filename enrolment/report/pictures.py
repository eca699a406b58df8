"""The pictures of a report: what was to be seen beside what the avatar shows, and the avatar from the sides."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from enrolment.evaluate import Evaluation
from enrolment.follow import follow
from enrolment.job_codec import Avatar, avatar_model
from enrolment.job_parts import Known
from enrolment.take import Take, composite
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.framing import Framing
from renderer.head.model import HeadModel

Picture = NDArray[np.uint8]

SIDE_VIEWS_DEG = (-45, -30, -15, 0, 15, 30, 45)
SHOWN = 6
"""Rows of the contact sheet."""
SHEET_SIZE, VIEW_SIZE = 320, 256
ERROR_GAIN = 4.0
"""Errors are shown so many times as large: 64 of 255 levels are the brightest color."""
_JPEG_QUALITY = 88


@dataclass(frozen=True)
class SheetRow:
    """One picture of the contact sheet, each [SHEET_SIZE, SHEET_SIZE, 3].

    Args:
        index: number of the picture in the take.
        time_s: of it.
        psnr_db: of the whole picture.
        truth, render, error: what was seen, what the avatar shows, and how they differ.
    """

    index: int
    time_s: float
    psnr_db: float
    truth: Picture
    render: Picture
    error: Picture


def contact_sheet(take: Take, evaluation: Evaluation) -> list[SheetRow]:
    """Some of the judged pictures, spread over the time, the worst one always among them."""
    if evaluation.renders is None:
        return []
    rows: list[SheetRow] = []
    for position in choose_rows([scores.psnr_db for scores in evaluation.pictures]):
        index = int(evaluation.indices[position])
        truth = composite(take.images[index], take.alphas[index])
        render = evaluation.renders[position]
        rows.append(
            SheetRow(
                index=index,
                time_s=float(take.time_s[index]),
                psnr_db=evaluation.pictures[position].psnr_db,
                truth=_shrunk(truth),
                render=_shrunk(render),
                error=_shrunk(error_picture(truth, render)),
            )
        )
    return rows


def choose_rows(psnr_db: Sequence[float]) -> list[int]:
    """Positions in order: at most SHOWN, spread evenly, one of them moved to the lowest PSNR."""
    picks = np.unique(np.linspace(0, len(psnr_db) - 1, min(SHOWN, len(psnr_db))).round().astype(int)).tolist()
    worst = int(np.argmin(psnr_db))
    if worst not in picks:
        picks[int(np.argmin([abs(pick - worst) for pick in picks]))] = worst
    return sorted(picks)


def error_picture(truth: Picture, render: Picture) -> Picture:
    """[H, W, 3] black where the two are equal, then violet, orange, yellow: ERROR_GAIN times the mean difference."""
    difference = np.abs(truth.astype(np.float32) - render).mean(axis=2) * ERROR_GAIN
    colored = cv2.applyColorMap(np.minimum(difference, 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return np.asarray(cv2.cvtColor(colored, cv2.COLOR_BGR2RGB), np.uint8)


def side_views(take: Take, head: HeadModel, avatar: Avatar, known: Known, index: int) -> list[Picture]:
    """[VIEW_SIZE, VIEW_SIZE, 3] of each angle of SIDE_VIEWS_DEG, with the expression of one picture of the take."""
    params, framing = follow(take, head, avatar, [index], False, known).params[0], Framing()
    framing.observe(params.translation, 0.0)
    renderer = FrameRenderer(avatar_model(head, avatar), max_size=VIEW_SIZE)
    return [
        renderer.render_rgb(params, framing.camera(float(np.radians(degrees)), size=VIEW_SIZE), (1.0, 1.0, 1.0))
        for degrees in SIDE_VIEWS_DEG
    ]


def data_uri(picture: Picture) -> str:
    """A JPEG to stand in a page."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def _shrunk(picture: Picture) -> Picture:
    return np.asarray(cv2.resize(picture, (SHEET_SIZE, SHEET_SIZE), interpolation=cv2.INTER_AREA), np.uint8)
