"""What an avatar is learned from: pictures of one person, tracked and matted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.params import TORSO_SIZE, FaceParams
from renderer.camera import Camera
from tracker.profile import PersonProfile

SIDE = 512
"""Width and height of the pictures of a take, pixels."""
MAX_PICTURES = 1200
"""More than these are thinned out: each takes a megabyte of memory."""


@dataclass(frozen=True, eq=False)
class Take:
    """T pictures, all of which show the face, in the order of time.

    Args:
        images: [T, SIDE, SIDE, 3] uint8 sRGB.
        alphas: [T, SIDE, SIDE] uint8, 0 background to 255 person.
        time_s: [T] float64, growing.
        vectors: [T, 65] float32 what the tracker says live (FaceParams.to_vector with E = 50).
        landmarks_px: [T, 478, 2] float32 MediaPipe's landmarks, pixels of `images`.
        scores: [T, 52] float32 MediaPipe's blendshape scores.
        K: [3, 3] float32 intrinsics of `images`.
        held_out: [T] bool, not to be learned from.
        person: what the tracker knew of the person.
        head_model_id: hex SHA-256 of the head model that `vectors` drive.
        warnings: what is not as it should be, one sentence each.
        inner: (left, top, right, bottom) of the pixels that show the recording; what is around them is unknown.
    """

    images: NDArray[np.uint8]
    alphas: NDArray[np.uint8]
    time_s: NDArray[np.float64]
    vectors: NDArray[np.float32]
    landmarks_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    K: NDArray[np.float32]
    held_out: NDArray[np.bool_]
    person: PersonProfile | None
    head_model_id: str
    warnings: tuple[str, ...] = ()
    inner: tuple[int, int, int, int] = (0, 0, SIDE, SIDE)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def train_indices(self) -> NDArray[np.intp]:
        """Pictures to learn from."""
        return np.flatnonzero(~self.held_out)

    @property
    def held_out_indices(self) -> NDArray[np.intp]:
        """Pictures to judge by."""
        return np.flatnonzero(self.held_out)

    def params(self, index: int) -> FaceParams:
        """What the tracker says of one picture."""
        return FaceParams.from_vector(self.vectors[index])

    def recorded(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The part of one picture that shows the recording, [H, W, 3], and its intrinsics."""
        left, top, right, bottom = self.inner
        K = self.K.copy()
        K[:2, 2] -= (left, top)
        return self.images[index, top:bottom, left:right], K

    def inner_at(self, size: int) -> tuple[int, int, int, int]:
        """`inner` of the pictures at `size` pixels a side."""
        left, top, right, bottom = (round(edge * size / SIDE) for edge in self.inner)
        return left, top, right, bottom

    def outside(self, size: int = SIDE) -> NDArray[np.bool_]:
        """[size, size] pixels that the recording does not show."""
        left, top, right, bottom = self.inner_at(size)
        outside = np.ones((size, size), bool)
        outside[top:bottom, left:right] = False
        return outside

    def tracked(self, indices: NDArray[np.intp]) -> NDArray[np.float32]:
        """[n, 71] what the tracker says of some pictures, as renderer.avatar.avatar_model.instant_vector."""
        return np.pad(self.vectors[indices], ((0, 0), (0, TORSO_SIZE)))

    def camera(self, size: int = SIDE) -> Camera:
        """The camera of the pictures, scaled to `size` pixels a side."""
        K = self.K.copy()
        K[:2] *= size / SIDE
        return Camera(np.eye(4, dtype=np.float32), K, size, size)


def composite(image: NDArray[np.uint8], alpha: NDArray[np.uint8], background: int = 255) -> NDArray[np.uint8]:
    """[..., H, W, 3] uint8: `image` [..., H, W, 3] where `alpha` [..., H, W] says so, a grey `background` elsewhere."""
    cover = alpha[..., None].astype(np.uint16)
    blended = image * cover + np.uint16(background) * (255 - cover)
    return ((blended + 127) // 255).astype(np.uint8)
