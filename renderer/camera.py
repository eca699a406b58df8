"""The pinhole camera of the renderer (OpenCV axes: +x right, +y down, +z forward; pixel centers at +0.5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Camera:
    """A view of the world.

    Args:
        camera_from_world: [4, 4] float32 rigid transform (gsplat's `viewmat`). The world frame of a peer is the camera
            frame of the *speaker's* lens (see codec.params), so the identity is the view of that lens.
        K: [3, 3] float32 intrinsics in pixels; a negative K[0, 0] mirrors the picture.
        width: image width in pixels.
        height: image height in pixels.
    """

    camera_from_world: NDArray[np.float32]
    K: NDArray[np.float32]
    width: int
    height: int

    @staticmethod
    def looking_from_lens(width: int, height: int, focal_px: float) -> Camera:
        """The camera at the speaker's lens with the given focal length and a centered principal point."""
        K = np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]], np.float32)
        return Camera(np.eye(4, dtype=np.float32), K, width, height)

    @staticmethod
    def orbit(
        target: NDArray[np.floating], distance_m: float, yaw: float, pitch: float, size: int, fov_deg: float = 30.0
    ) -> Camera:
        """A square view that circles `target`.

        Args:
            target: [3] point in the world frame that lands in the image center, metres.
            distance_m: distance of the camera from the target.
            yaw: radians; positive moves the camera to the image's right (+x), so that we see the person's left side.
            pitch: radians; positive moves the camera up.
            size: width and height in pixels.
            fov_deg: full opening angle.
        """
        cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        forward = np.array([-sy * cp, sp, cy * cp])  # RDF: up is -y, the person is at +z
        right = np.cross([0.0, 1.0, 0.0], forward)
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        rotation = np.stack([right, down, forward])
        position = np.asarray(target, float) - distance_m * forward
        camera_from_world = np.eye(4, dtype=np.float32)
        camera_from_world[:3, :3] = rotation
        camera_from_world[:3, 3] = -rotation @ position
        focal = 0.5 * size / np.tan(np.radians(fov_deg) / 2)
        K = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]], np.float32)
        return Camera(camera_from_world, K, size, size)

    def mirrored(self) -> Camera:
        """The same view with left and right exchanged, as people are used to see themselves."""
        K = self.K.copy()
        K[0] = -K[0]
        K[0, 2] += self.width
        return Camera(self.camera_from_world, K, self.width, self.height)

    def stereo(self, baseline_m: float, convergence_m: float) -> tuple[Camera, Camera]:
        """What a viewer's left and right eye see of this view: parallel axes and shifted principal points.

        Points at `convergence_m` are at the same pixel in both pictures; nearer ones are further right in the left
        picture (they stand before the screen), those behind further left. A mirrored view gives the pictures of the
        mirrored world, so that its depth is right too.

        Args:
            baseline_m: distance between the two cameras, metres; 0 gives the same view twice.
            convergence_m: depth of the plane without disparity, metres along the camera's z axis.

        Raises:
            ValueError: the baseline is negative, the convergence not positive, or either is not finite.
        """
        if not (0 <= baseline_m < np.inf and 0 < convergence_m < np.inf):
            raise ValueError(f"no stereo view with a baseline of {baseline_m} m that converges at {convergence_m} m")
        to_image_right = np.copysign(0.5 * baseline_m, self.K[0, 0])  # along the camera's x axis
        return self._moved(-to_image_right, convergence_m), self._moved(to_image_right, convergence_m)

    def _moved(self, along_x_m: float, convergence_m: float) -> Camera:
        """This view from a place along its x axis, with what is at `convergence_m` where it was in the picture."""
        camera_from_world, K = self.camera_from_world.copy(), self.K.copy()
        camera_from_world[0, 3] -= along_x_m
        K[0, 2] += K[0, 0] * along_x_m / convergence_m
        return Camera(camera_from_world, K, self.width, self.height)

    def squeezed(self) -> Camera:
        """The same view at half the width, as one eye of a half side-by-side picture.

        Raises:
            ValueError: the width is odd.
        """
        if self.width % 2:
            raise ValueError(f"a picture of {self.width} pixels has no two equal halves")
        K = self.K.copy()
        K[0] /= 2
        return Camera(self.camera_from_world, K, self.width // 2, self.height)
