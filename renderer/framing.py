"""Where the viewer's camera stands: a steady head-and-shoulders view of somebody who moves.

Pure logic: positions and times in, cameras out.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from renderer.camera import Camera

FOV_DEG = 30.0
DEFAULT_DISTANCE_M = 0.95
"""From the camera to the head's center; shows 0.47 m at the eyes, which is head and shoulders."""

EYE_LEVEL = 0.42
"""Where the eyes of a person at home are, as a share of the picture's height from the top."""

HEAD_DEPTH_M = 0.07
"""From between the eyes back to the point that views circle, so that a head turns about itself."""

WINDOW_S = 2.0
"""Home follows the median of this much past: a lean that is shorter than half of it moves the person in the picture."""

MEDIAN_PERIOD_S = 0.15
"""The median is taken anew this often; it is dear and moves slowly."""

EASE_S = 0.4
"""Time constant with which home then moves; somebody who sits down elsewhere is centered again after about 2.5 s."""

LEASH_M = 0.35
"""Home is never further than this from the person, which keeps everybody in the picture and away from the camera."""

MAX_DISTANCE_M = 4.0
MIN_DISTANCE_M = 0.45
MAX_PITCH = 1.2

NEAREST_LENS_M = 0.2
FARTHEST_LENS_M = 20.0
"""A lens nearer to the eyes or further away is taken to be there, in the same direction: from 10 cm a face is all nose,
and distances are guesses of the tracker anyway. Eyes that look into the lens still look into the camera."""

BASELINE_SHARE = 1 / 15
"""Of a stereo view's eyes, of the distance to the head: 63 mm, as people have, at the default distance. Nearer cameras
stand closer together, so that a nose comes out of the screen by 2 % of the picture's width wherever they are."""

_MAX_SAMPLES = 240
_START = (0.0, 0.0, 0.6)


class Framing:
    """The view of one peer.

    The tracker assumes a focal length, so that a peer's absolute distance means little; the size of the head model is
    right. Views are therefore placed relative to the head, in the direction from which the peer's lens sees it.
    """

    def __init__(self) -> None:
        self._past: deque[tuple[float, NDArray[np.float64]]] = deque(maxlen=_MAX_SAMPLES)
        self._home = np.array(_START)
        self._usual = self._home
        self._usual_at = -np.inf

    @property
    def home(self) -> NDArray[np.float64]:
        """[3] where the eyes are when the person sits as usual, world frame, metres."""
        return self._home.copy()

    def observe(self, translation: NDArray[np.floating], now: float) -> None:
        """Takes in the position of one frame.

        Args:
            translation: [3] FaceParams.translation.
            now: time, seconds, never going back.
        """
        position = np.asarray(translation, np.float64)
        if not self._past:
            self._home = position.copy()
        elapsed = now - self._past[-1][0] if self._past else 0.0
        self._past.append((now, position))
        while self._past[0][0] < now - WINDOW_S:
            self._past.popleft()
        if now - self._usual_at >= MEDIAN_PERIOD_S or len(self._past) <= 2:
            self._usual, self._usual_at = np.median([position for _, position in self._past], axis=0), now
        self._home += (1.0 - np.exp(-max(elapsed, 0.0) / EASE_S)) * (self._usual - self._home)
        apart = self._home - position
        reach = float(np.linalg.norm(apart))
        if reach > LEASH_M:
            self._home = position + apart * (LEASH_M / reach)

    def reset(self) -> None:
        """Forgets the past: the next position becomes home."""
        self._past.clear()
        self._usual_at = -np.inf

    def camera(
        self, yaw: float = 0.0, pitch: float = 0.0, distance_m: float = DEFAULT_DISTANCE_M, size: int = 512
    ) -> Camera:
        """A square view; without arguments that of the peer's lens, centered.

        Args:
            yaw: radians around the head from the lens's direction, signs as in Camera.orbit.
            pitch: radians above the lens's direction.
            distance_m: from the head's center, kept within MIN_DISTANCE_M and MAX_DISTANCE_M.
            size: width and height in pixels.
        """
        distance_m = float(np.clip(distance_m, MIN_DISTANCE_M, MAX_DISTANCE_M))
        lens_yaw, lens_pitch = self._lens_direction()
        lens_view = Camera.orbit(self._home, 0.0, lens_yaw, lens_pitch, size)
        _, down, forward = lens_view.camera_from_world[:3, :3].astype(np.float64)
        eyes_above_center = 2 * (0.5 - EYE_LEVEL) * np.tan(np.radians(FOV_DEG) / 2) * (distance_m - HEAD_DEPTH_M)
        target = self._home + HEAD_DEPTH_M * forward + eyes_above_center * down
        pitch = float(np.clip(lens_pitch + pitch, -MAX_PITCH, MAX_PITCH))
        return Camera.orbit(target, distance_m, lens_yaw + yaw, pitch, size, FOV_DEG)

    def eye_contact(self, size: int = 512, yaw: float = 0.0, pitch: float = 0.0, zoom: float = 1.0) -> Camera:
        """A square view from the peer's lens, the origin of the world: who looks into the lens looks at the viewer.

        The camera faces the eyes. A shifted principal point brings them to EYE_LEVEL and the focal length to the size
        that they have in the default view, so that changing between the two moves nothing but the perspective. A head
        that is not in front of the lens has no such view and gets the default one.

        Args:
            size: width and height in pixels.
            yaw: radians around the head away from the lens, as in `camera`.
            pitch: radians above the lens.
            zoom: magnification by the focal length, kept to what `camera` reaches by its distance.
        """
        distance_m = DEFAULT_DISTANCE_M / zoom if zoom > 0 else MAX_DISTANCE_M
        if self._home[2] <= 0:
            return self.camera(yaw, pitch, distance_m, size)
        lens_yaw, lens_pitch = self._lens_direction()
        pitch = float(np.clip(lens_pitch + pitch, min(-MAX_PITCH, lens_pitch), max(MAX_PITCH, lens_pitch)))
        reach = float(np.linalg.norm(self._home))
        lens_m = float(np.clip(reach, NEAREST_LENS_M, FARTHEST_LENS_M))
        center = self._home * (1 + HEAD_DEPTH_M / reach)
        view = Camera.orbit(center, lens_m + HEAD_DEPTH_M, lens_yaw + yaw, pitch, size, FOV_DEG)
        K = view.K.copy()
        distance_m = float(np.clip(distance_m, MIN_DISTANCE_M, MAX_DISTANCE_M))
        K[[0, 1], [0, 1]] *= lens_m / (distance_m - HEAD_DEPTH_M)
        K[1, 2] = EYE_LEVEL * size
        return Camera(view.camera_from_world, K, size, size)

    def stereo(self, camera: Camera) -> tuple[Camera, Camera]:
        """What a viewer's left and right eye see of a view of this peer; the head's center is in the screen's plane.

        Args:
            camera: of `camera` or `eye_contact`.
        """
        eyes_m = float(camera.camera_from_world[2, :3] @ self._home + camera.camera_from_world[2, 3])
        convergence_m = max(eyes_m, NEAREST_LENS_M) + HEAD_DEPTH_M
        return camera.stereo(BASELINE_SHARE * convergence_m, convergence_m)

    def _lens_direction(self) -> tuple[float, float]:
        x, y, z = self._home
        if z <= 0:  # behind the lens: no face is seen from there
            return 0.0, 0.0
        return float(np.arctan2(-x, z)), float(np.arctan2(y, np.hypot(x, z)))
