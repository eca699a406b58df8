"""Pictures for the eye: what was filmed, what we show, and what video codecs show at a rate."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from visavis.bench.avatar_sheets import write_picture
from visavis.bench.rd.compare import OPERATING, ClipResult
from visavis.bench.rd.faces import Drawing, range_settings
from visavis.bench.rd.ffmpeg import Pictures
from visavis.bench.rd.methods import SIDES
from visavis.bench.rd.points import Curve
from visavis.bench.rd.scene import RATE, Scene, Worn
from visavis.bench.rd.video_codecs import VIDEO_CODECS, VideoCodec
from visavis.bench.rd.video_sweep import encode_and_decode

SHEET_KBPS = (10.0, 20.0, 40.0)
"""Rates at which video is shown; at the first one some codecs are at their floor, above it."""
TILE, CAPTION, COLUMNS, PICTURES = 320, 30, 4, 2
HEAD_M = 0.17
"""Half a side of what is shown around the middle of the head."""


def write_sheets(folder: Path, results: Sequence[ClipResult], scenes: Sequence[Scene]) -> None:
    """Writes CLIP-at-RATE.png for each clip and each of SHEET_KBPS.

    Raises:
        CommandError: the folder cannot be written to.
    """
    head = load_open_head()
    for result, scene in zip(results, scenes, strict=True):
        for kbps in SHEET_KBPS:
            write_picture(folder / f"{scene.name}-at-{kbps:g}.png", contact_sheet(scene, result, head, kbps))


def contact_sheet(scene: Scene, result: ClipResult, head: HeadModel, kbps: float) -> Pictures:
    """[H, W, 3] uint8: for each method its name, its rate and PICTURES pictures of the head; COLUMNS methods in a row.

    Args:
        scene: the clip, with an avatar `linear`.
        result: what was measured on it.
        head: the head model of the avatars.
        kbps: what video may take; each codec is shown at its best LPIPS within it, or at its floor.
    """
    picks = np.linspace(0, len(scene.pictures) - 1, PICTURES + 2).astype(int)[1:-1]
    worn = scene.avatar("linear")
    assert worn is not None
    crops = [_around_head(scene, worn, int(pick)) for pick in picks]
    columns = [_column("filmed", scene.pictures[picks], crops)]
    coder = next(setting for setting in range_settings() if setting.name == OPERATING).coder()
    faces = [coder.pass_on(face)[1] for face in worn.faces()]
    drawn = Drawing(worn, scene, head)([faces[pick] for pick in picks])
    columns.append(_column(f"visavis, {result.operating_point().kbps:.1f} kbit/s", drawn, crops))

    def coded(codec: VideoCodec) -> NDArray[np.uint8]:
        side, quality, rate = _choice(codec, result, kbps)
        with tempfile.TemporaryDirectory() as folder:
            shown = encode_and_decode(codec, quality, scene.pictures, RATE, side, Path(folder) / "video.mkv").shown
        return _column(f"{codec.title.replace(',', '')}, {rate:.1f} kbit/s", shown[picks], crops)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        columns += pool.map(coded, VIDEO_CODECS)
    columns += [np.full_like(columns[0], 255)] * (-len(columns) % COLUMNS)
    rows = [np.hstack(columns[start : start + COLUMNS]) for start in range(0, len(columns), COLUMNS)]
    return np.vstack(rows)


def _around_head(scene: Scene, worn: Worn, pick: int) -> tuple[slice, slice]:
    """Rows and columns of a square around the head, within the picture."""
    size = scene.pictures.shape[1]
    middle = worn.faces()[pick].translation
    x, y, _ = scene.K @ (middle / middle[2])
    side = int(min(size, 2 * HEAD_M * scene.K[0, 0] / middle[2]))
    left, top = (int(np.clip(value - side / 2, 0, size - side)) for value in (x, y))
    return slice(top, top + side), slice(left, left + side)


def _choice(codec: VideoCodec, result: ClipResult, kbps: float) -> tuple[int, int, float]:
    """Side, quality and rate of the best point within a rate, else of the cheapest one."""
    curves: Sequence[tuple[int, Curve]] = [(side, result.curve(f"{codec.name}_{side}")) for side in SIDES]
    points = [(side, point) for side, curve in curves for point in curve.points]
    within = [(side, point) for side, point in points if point.kbps <= kbps]
    side, point = (
        max(within, key=lambda each: each[1].value("lpips")) if within else min(points, key=lambda each: each[1].kbps)
    )
    return side, int(point.setting.split()[0]), point.kbps


def _column(caption: str, pictures: Pictures, crops: Sequence[tuple[slice, slice]]) -> NDArray[np.uint8]:
    head = np.full((CAPTION, TILE, 3), 255, np.uint8)
    cv2.putText(head, caption, (6, CAPTION - 9), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    tiles = [
        cv2.resize(picture[crop], (TILE, TILE), interpolation=cv2.INTER_CUBIC)
        for picture, crop in zip(pictures, crops, strict=True)
    ]
    return np.vstack([head, *tiles]).astype(np.uint8)
