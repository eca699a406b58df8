"""Which pixels are the person: a segmentation network, steadied over time and fitted to the picture's edges.

The network is MediaPipe's selfie segmentation (256 x 256, Apache-2.0), run by LiteRT on one thread. It sees the whole
picture and, where the caller knows the head, a closer look at head and shoulders too. docs/matting.md says what to
expect of it.
"""

from __future__ import annotations

import hashlib
from copy import copy
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from tracker.assets import TrackerAssetError
from tracker.edge_filter import refine_edges
from tracker.matte_filter import Mask, TemporalFilter, main_person, stretch_levels
from tracker.pictures import require_picture
from tracker.quiet import native_chatter_dropped

MODEL_SHA256 = "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27"
MAX_MODEL_BYTES = 16 * 2**20
SIDE = 256
"""The network's picture, to which every picture is stretched."""
GRID = 320
"""Longer side of the grid on which masks are combined and steadied."""

_REFINE_RADIUS = 0.008
"""Reach of the edge refinement over the longer side of the picture: a pixel or two of the network."""
_REFINE_EPS = (0.02 * 255) ** 2
"""Variance of colors that counts as an edge."""
_HEAD_ROOM = 1.3
"""Half the side of the closer look over the longer side of the landmarks: hair above, shoulders aside."""
_LARGE_HEAD = 0.4
"""Share of the picture from which a closer look shows nothing new, and only trembles with the landmarks."""
_FEATHER = 0.12
"""Share of the closer look's side over which it passes into the look at the whole."""

Region = tuple[float, float, float, float]


class SegmentationNetwork:
    """Probability of "person" for every pixel of a picture.

    Args:
        path: MediaPipe's `selfie_segmentation.tflite`, or another network of the same input and output.
        any_content: take a file that is not the reference (MODEL_SHA256).

    Raises:
        TrackerAssetError: the file is missing, damaged, or another kind of network.
    """

    def __init__(self, path: Path, *, any_content: bool = False) -> None:
        try:
            if path.stat().st_size > MAX_MODEL_BYTES:
                raise TrackerAssetError(f"{path} is too large for a person segmentation network.")
            content = path.read_bytes()
        except OSError as error:
            raise TrackerAssetError(
                f"The person segmentation network {path} cannot be read: {error.strerror}."
            ) from error
        if not any_content and hashlib.sha256(content).hexdigest() != MODEL_SHA256:
            raise TrackerAssetError(f"{path} is damaged (its SHA-256 is another one): delete it and try again.")
        with native_chatter_dropped():
            try:
                self._load(content)
            except (ValueError, RuntimeError) as error:
                raise TrackerAssetError(f"{path} is no network that LiteRT can run.") from error
        given, result = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shapes = [[tuple(tensor["shape"]) for tensor in tensors] for tensors in (given, result)]
        if shapes != [[(1, SIDE, SIDE, 3)], [(1, SIDE, SIDE, 1)]] or given[0]["dtype"] is not np.float32:
            raise TrackerAssetError(f"{path} is not MediaPipe's selfie segmentation network.")
        self._input, self._output = given[0]["index"], result[0]["index"]

    def _load(self, content: bytes) -> None:
        self._content = content
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()

    def another(self) -> SegmentationNetwork:
        """The same network for another thread."""
        network = copy(self)
        network._load(self._content)
        return network

    def __call__(self, image_rgb: NDArray[np.uint8]) -> Mask:
        """[SIDE, SIDE] 0..1 of a picture [H, W, 3] uint8 of any size."""
        fitted = cv2.resize(image_rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        np.multiply(fitted, np.float32(1 / 255), out=self._interpreter.tensor(self._input)()[0])
        self._interpreter.invoke()
        return np.clip(np.nan_to_num(self._interpreter.get_tensor(self._output)[0, :, :, 0]), 0.0, 1.0)


class PersonMatte:
    """Mattes the pictures of one camera or recording. Not thread-safe.

    Args:
        network: what finds the person.
        steady: filter over time; without, every picture stands for itself.
        refine: fit the edge to the picture's own edges at its full resolution.
    """

    def __init__(self, network: SegmentationNetwork, *, steady: bool = True, refine: bool = True) -> None:
        self._network = network
        self._filter = TemporalFilter() if steady else None
        self._refine = refine

    def __call__(self, image_rgb: NDArray[np.uint8], timestamp_s: float, head: Region | None = None) -> Mask:
        """[H, W] float32 alpha, 0 background to 1 person.

        Args:
            image_rgb: [H, W, 3] uint8.
            timestamp_s: of the picture; one that does not grow starts anew.
            head: where the head is (`head_region`); it is looked at closer and says which of several people is meant.

        Raises:
            ValueError: the picture has another shape or type, or the timestamp is not finite.
        """
        require_picture(image_rgb, timestamp_s)
        height, width = image_rgb.shape[:2]
        scale = min(1.0, GRID / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = np.asarray(cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        mask = np.asarray(cv2.resize(self._network(image_rgb), size, interpolation=cv2.INTER_LINEAR), np.float32)
        seed = None
        if head is not None:
            mask = self._look_closer(image_rgb, head, mask)
            seed = (scale * (head[0] + head[2]) / 2, scale * (head[1] + head[3]) / 2)
        mask = main_person(mask, seed)
        if self._filter is not None:
            mask = self._filter(mask, small, timestamp_s)
        alpha = np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
        if self._refine:
            radius = max(1, round(_REFINE_RADIUS * max(height, width)))
            alpha = refine_edges(image_rgb, alpha, radius, _REFINE_EPS)
        return stretch_levels(alpha)

    def _look_closer(self, image_rgb: NDArray[np.uint8], head: Region, mask: Mask) -> Mask:
        """The mask with a look at the head alone, blended in."""
        height, width = image_rgb.shape[:2]
        left, top = (max(0, int(value)) for value in head[:2])
        right, bottom = min(width, int(head[2])), min(height, int(head[3]))
        share = max(0, right - left) * max(0, bottom - top) / (height * width)
        if share == 0 or share > _LARGE_HEAD:
            return mask
        closer = self._network(image_rgb[top:bottom, left:right])
        x_scale, y_scale = mask.shape[1] / width, mask.shape[0] / height
        image_from_crop = np.array(
            [
                [(right - left) / SIDE * x_scale, 0.0, left * x_scale],
                [0.0, (bottom - top) / SIDE * y_scale, top * y_scale],
            ]
        )
        weight = _feathered(left > 0, top > 0, right < width, bottom < height)
        size = (mask.shape[1], mask.shape[0])
        weight = np.asarray(cv2.warpAffine(weight, image_from_crop, size, flags=cv2.INTER_LINEAR), np.float32)
        seen = np.asarray(cv2.warpAffine(closer, image_from_crop, size, flags=cv2.INTER_LINEAR), np.float32)
        return np.asarray(mask + weight * (seen - mask), np.float32)


def head_region(landmarks_px: NDArray[np.floating]) -> Region:
    """(left, top, right, bottom) pixels of the square that holds hair and shoulders around a face's landmarks [n, 2].

    It may reach beyond the picture.
    """
    low, high = landmarks_px.min(axis=0), landmarks_px.max(axis=0)
    x, y = (float(value) for value in (low + high) / 2)
    half = _HEAD_ROOM * float((high - low).max())
    return x - half, y - half, x + half, y + half


def _feathered(left: bool, top: bool, right: bool, bottom: bool) -> Mask:
    """[SIDE, SIDE] 1 in the middle, falling to 0 at the sides named."""
    rise = np.minimum(np.arange(SIDE, dtype=np.float32) / (_FEATHER * SIDE), 1.0)
    one = np.ones(SIDE, np.float32)
    across = (rise if left else one) * (rise[::-1] if right else one)
    down = (rise if top else one) * (rise[::-1] if bottom else one)
    return np.asarray(down[:, None] * across, np.float32)
