"""From one photo to a take with a single picture."""

from __future__ import annotations

import math
from contextlib import closing

import cv2
import numpy as np
from numpy.typing import NDArray

from enrolment.errors import TakeError
from enrolment.quality import DIM, picture_quality
from enrolment.read_take import usual_matte_network
from enrolment.take import SIDE, Take
from enrolment.take_checks import BLACK, BYSTANDER, RIVAL, second_face, several_faces
from enrolment.take_crop import choose_crop
from enrolment.take_matte import matte_one
from enrolment.take_source import LONGEST_SIDE_PX
from renderer.head.model import HeadModel
from tracker.estimator import FOCAL_RATIO
from tracker.face_tracker import FaceFollower
from tracker.landmarker import Landmarker
from tracker.matting import SegmentationNetwork
from tracker.pictures import require_picture

FEWEST_PX = 64
"""A face of fewer lines is too small to become an avatar."""
_PASSES = 3
"""Looks at the same picture until the fit has settled."""
_INTERVAL_S = 0.04


def photo_take(
    picture_rgb: NDArray[np.uint8], head: HeadModel, *, matte_network: SegmentationNetwork | None = None
) -> Take:
    """Reads a photo of one person.

    Nothing is known of the person's resting face and of the camera: `person` is None, and the focal length is the
    tracker's guess.

    Args:
        picture_rgb: [H, W, 3] uint8 sRGB, upright.
        head: the head model that is to be driven.
        matte_network: what tells the person from the background; MediaPipe's without.

    Raises:
        TakeError: the photo is of no use; the message says why.
        TrackerAssetError: a network is missing.
        ValueError: it is no array [H, W, 3] of uint8.
    """
    network = matte_network or usual_matte_network()
    require_picture(picture_rgb, 0.0)
    picture = _shrunk(picture_rgb)
    height, width = picture.shape[:2]
    warnings = _company(picture)
    follower = FaceFollower(head, smoothing=False)
    with closing(Landmarker()) as landmarker:
        detection = landmarker.detect(picture, 0.0)
    if detection is None:
        raise TakeError("The photo shows no face that could be found.")
    if float(np.ptp(detection.landmarks_px[:, 1])) < FEWEST_PX:
        raise TakeError("The face in the photo is too small: take one from closer.")
    results = [follower.follow(detection, (height, width), step * _INTERVAL_S) for step in range(_PASSES)]
    params = results[-1].params
    if params is None or not math.isfinite(results[-1].residual):
        raise TakeError("The photo shows no face that the head model can follow.")
    quality = picture_quality(picture, detection.landmarks_px)
    if quality.luma < BLACK:
        raise TakeError("The photo is too dark to learn a face from.")
    if quality.luma < DIM:
        warnings.append("The face is dark: a brighter photo makes a better avatar.")
    crop = choose_crop(detection.landmarks_px[None], (width, height))
    images = np.empty((1, SIDE, SIDE, 3), np.uint8)
    alphas = np.zeros((1, SIDE, SIDE), np.uint8)
    crop.cut(picture, images[0])
    landmarks = crop.points(detection.landmarks_px)
    left, top, right, bottom = crop.inner
    inner = np.ascontiguousarray(images[0, top:bottom, left:right])
    alphas[0, top:bottom, left:right] = matte_one(network, inner, landmarks - np.array([left, top], np.float32))
    return Take(
        images=images,
        alphas=alphas,
        time_s=np.zeros(1),
        vectors=params.to_vector()[None],
        landmarks_px=landmarks[None],
        scores=detection.scores[None],
        K=crop.K(FOCAL_RATIO),
        held_out=np.zeros(1, np.bool_),
        person=None,
        head_model_id=head.model_id,
        warnings=tuple(warnings),
        inner=crop.inner,
    )


def _company(picture: NDArray[np.uint8]) -> list[str]:
    with closing(several_faces()) as find:
        second = second_face(find, picture)
    if second > RIVAL:
        raise TakeError("The photo shows two people of similar size: crop it to one of them.")
    return ["There are other people in the photo: only the largest face is learned."] if second > BYSTANDER else []


def _shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    scale = LONGEST_SIDE_PX / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(picture)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
