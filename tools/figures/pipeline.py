"""One moment from the camera to the screen, and what the closed loop changes about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.backends.cpu import CpuRasterizer
from renderer.camera import Camera
from renderer.head.draw import shade
from renderer.head.model import Part
from renderer.head.pose import pose_vertices
from tools.figures.coding import QUALITY, Coded
from tools.figures.sheet import Tile, heat, heat_scale, sheet, write_png
from tools.figures.subject import BACKGROUND, Moment, Subject
from visavis.track_overlay import Overlay

SIDE = 288
ASIDE_DEG = 35
SMALL = 0.3
"""Of the Gaussians' sizes, so that one can tell them apart."""
_MESH_RGB = (0.62, 0.70, 0.80)
_PART_RGB = {Part.LEFT_EYE: (0.95,) * 3, Part.RIGHT_EYE: (0.95,) * 3, Part.TONGUE: (0.85, 0.55, 0.55)}
MOST_ERROR = 0.25
"""Difference of sRGB values 0..1 that is drawn in the lightest color."""


def write_pipeline(path: Path, subject: Subject, coded: list[Coded]) -> None:
    """Six pictures of the moment in which the mouth is open widest."""
    moment = subject.speaking
    camera = subject.close_up(moment.face, SIDE)
    frame = coded[subject.moments.index(moment)]
    face = frame.face  # what a receiver has
    small = subject.model.pose(face)
    small = replace(small, scales=small.scales * SMALL)
    splats = CpuRasterizer().rasterize_rgb8(small, camera, (0.1, 0.1, 0.12))
    numbers = len(moment.face.to_vector()) + len(moment.face.torso)
    rows = [
        [
            Tile(subject.filmed(moment.picture, camera), f"1. Filmed\n(at {moment.time_s:.1f} s)"),
            Tile(_overlaid(subject, moment, camera), f"2. Tracked and corrected:\n{numbers} numbers"),
            Tile(mesh(subject, face, camera), f"3. Sent as {frame.size} bytes (quality {QUALITY}),\nand posed again"),
        ],
        [
            Tile(
                splats,
                f"4. {subject.model.count:,} Gaussians, tied to triangles\n(here at {100 * SMALL:.0f} % of their size)",
            ),
            Tile(subject.drawn(face, camera), "5. Drawn at full size"),
            Tile(subject.drawn(face, subject.aside(face, ASIDE_DEG, SIDE)), f"6. From {ASIDE_DEG} degrees aside"),
        ],
    ]
    write_png(path, sheet(rows))


def _overlaid(subject: Subject, moment: Moment, camera: Camera) -> NDArray[np.uint8]:
    """What `visavis track --overlay` draws, over the picture at the size of the close-up: lines are thin then."""
    zoom = float(camera.K[0, 0]) / subject.focal_px
    height, width = moment.picture.shape[:2]
    size = (round(zoom * width), round(zoom * height))
    large = np.asarray(cv2.resize(moment.picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    tracked = moment.tracked
    assert tracked.landmarks_px is not None
    enlarged = replace(tracked, landmarks_px=(zoom * tracked.landmarks_px).astype(np.float32))
    overlay = Overlay(subject.model.head, zoom * subject.focal_px, size)
    return subject.filmed(overlay.draw(large, enlarged, moment.time_s), camera)


def mesh(subject: Subject, face: FaceParams, camera: Camera) -> NDArray[np.uint8]:
    """The head model alone, in the person's shape."""
    head = subject.model.head
    vertices = pose_vertices(head, subject.model.asset.shape_offsets, face).astype(np.float64)
    colors = np.array([_PART_RGB.get(Part(part), _MESH_RGB) for part in head.parts])
    moved = vertices.copy()  # `shade` has its principal point in the middle
    focal = float(camera.K[0, 0])
    moved[:, :2] += vertices[:, 2:] * (camera.K[:2, 2] - camera.width / 2) / focal
    return shade(moved, head.faces, colors, focal, camera.width, BACKGROUND)


def write_loop(path: Path, subject: Subject) -> None:
    """What is drawn with the tracker's answer, and with that of the loop, beside what was filmed."""
    moment = subject.speaking
    assert moment.tracked.params is not None
    camera = subject.close_up(moment.face, SIDE)
    filmed = subject.filmed(moment.picture, camera)
    said, sent = (subject.renderer.render_rgba(face, camera) for face in (moment.tracked.params, moment.face))
    rows = [
        [
            Tile(filmed, f"Filmed\n(at {moment.time_s:.1f} s)"),
            Tile(subject.drawn(moment.tracked.params, camera), "Drawn from what\nthe tracker says"),
            Tile(subject.drawn(moment.face, camera), "Drawn from what\nthe loop makes of it"),
        ],
        [
            _difference(said, sent, "What the loop has changed"),
            _difference(said, filmed, "Tracker and filmed"),
            _difference(sent, filmed, "Loop and filmed"),
        ],
        [heat_scale(MOST_ERROR, "of full brightness", SIDE)],
    ]
    write_png(path, sheet(rows))


def _difference(drawn: NDArray[np.uint8], other: NDArray[np.uint8], caption: str) -> Tile:
    """Mean difference of red, green and blue where the avatar [H, W, 4] is."""
    there = drawn[..., 3] > 127
    error = np.abs(drawn[..., :3].astype(np.float32) - other[..., :3]).mean(axis=2) / 255 * there
    rms = float(np.sqrt((error[there] ** 2).mean()))
    return Tile(np.round(255 * heat(error, MOST_ERROR)).astype(np.uint8), f"{caption}:\ndifference {rms:.3f} (rms)")
