"""The person of the figures: a stretch of the recording, tracked, corrected against the person's avatar."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.camera import Camera
from renderer.framing import HEAD_DEPTH_M
from tracker.closed_loop import ClosedLoop
from tracker.corrections import Corrections
from tracker.face_tracker import FaceTracker, TrackResult
from tracker.profile import PersonProfile
from visavis.clip_pictures import read_pictures
from visavis.errors import CommandError

END_S = 27.0
"""The stretch is from the recording's first picture to this one: speech, then turns, nods and a blink."""
REACH_M, BELOW_EYES_M = 0.33, 0.02
"""Width of what pictures show at the head's distance, and how far below the eyes their middle is: as much as was
filmed."""
BACKGROUND = (0.93, 0.94, 0.95)


@dataclass(frozen=True, eq=False)
class Moment:
    """One picture of the recording.

    Args:
        index: its number.
        time_s: when it was taken.
        picture: [H, W, 3] sRGB.
        tracked: what the tracker says.
        face: that as it is sent: corrected in the closed loop.
    """

    index: int
    time_s: float
    picture: NDArray[np.uint8]
    tracked: TrackResult
    face: FaceParams


@dataclass(frozen=True, eq=False)
class Subject:
    """The person.

    Args:
        model: the avatar on its head model.
        corrections: what is known of the tracker and this avatar.
        focal_px: of the camera.
        moments: the stretch; all of them show the face.
        held_out_s: times of pictures that the avatar was not learned from; empty where that is not known.
    """

    model: AvatarModel
    corrections: Corrections | None
    focal_px: float
    moments: list[Moment]
    held_out_s: NDArray[np.float64]

    @cached_property
    def renderer(self) -> FrameRenderer:
        """Draws the avatar at up to 512 x 512."""
        return FrameRenderer(self.model)

    @property
    def K(self) -> NDArray[np.float32]:
        """[3, 3] intrinsics of the recording."""
        height, width = self.moments[0].picture.shape[:2]
        return Camera.looking_from_lens(width, height, self.focal_px).K

    def unseen(self, moment: Moment) -> bool:
        """Whether the avatar was not learned from this picture, as far as that is known."""
        return not len(self.held_out_s) or bool(np.abs(self.held_out_s - moment.time_s).min() < 1e-3)

    @property
    def speaking(self) -> Moment:
        """The picture with the widest mouth of those that the avatar was not learned from."""
        return max((moment for moment in self.moments if self.unseen(moment)), key=lambda each: each.face.jaw_pose[0])

    @property
    def calm(self) -> Moment:
        """The picture that looks into the camera most."""
        return min(self.moments, key=lambda each: float(np.linalg.norm(each.face.global_rotation)))

    def close_up(self, face: FaceParams, size: int) -> Camera:
        """The square of the recording's camera around the head, as a picture of size x size."""
        depth = float(face.translation[2])
        scale = size / (REACH_M * self.focal_px / depth)
        x, y = (face.translation[:2] + np.array([0, BELOW_EYES_M])) * self.focal_px / depth * scale
        K = np.array(
            [[scale * self.focal_px, 0, size / 2 - x], [0, scale * self.focal_px, size / 2 - y], [0, 0, 1]], np.float32
        )
        return Camera(np.eye(4, dtype=np.float32), K, size, size)

    def aside(self, face: FaceParams, degrees: float, size: int, reach_m: float = REACH_M) -> Camera:
        """As wide a view from a circle around the head; positive degrees move to the picture's right."""
        center = face.translation + np.array([0, 0, HEAD_DEPTH_M], np.float32)
        distance_m = float(np.linalg.norm(center))
        opening = 2 * np.arctan(reach_m / 2 / (distance_m - HEAD_DEPTH_M))
        lens_yaw = float(np.arctan2(-center[0], center[2]))
        target = center + np.array([0, BELOW_EYES_M, 0], np.float32)
        yaw = lens_yaw + np.radians(degrees)
        return Camera.orbit(target, distance_m, float(yaw), 0.0, size, float(np.degrees(opening)))

    def filmed(self, picture: NDArray[np.uint8], camera: Camera) -> NDArray[np.uint8]:
        """A picture of the recording, of any size, as a view of its camera, for example a close-up."""
        zoom = picture.shape[1] / self.moments[0].picture.shape[1]
        K = self.K * np.array([[zoom], [zoom], [1.0]], np.float32)
        to_middles = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV counts from pixels' middles, K does not
        place = np.linalg.inv(to_middles) @ camera.K @ np.linalg.inv(K) @ to_middles
        size = (camera.width, camera.height)
        cut = cv2.warpAffine(picture, place[:2], size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cut, np.uint8)

    def drawn(self, face: FaceParams, camera: Camera) -> NDArray[np.uint8]:
        """The avatar as a receiver draws it."""
        return self.renderer.render_rgb(face, camera, BACKGROUND)


def follow_recording(
    clip: Path,
    model: AvatarModel,
    person: PersonProfile | None,
    held_out_s: NDArray[np.float64],
    on_share: Callable[[float], None],
) -> Subject:
    """Tracks the stretch as a sender does who wears the avatar and misses no picture.

    Args:
        clip: the recording.
        model: the avatar.
        person: of the avatar.
        held_out_s: see Subject.
        on_share: told the finished share.

    Raises:
        CommandError: it shows no face.
    """
    corrections = None if person is None else person.corrections
    loop = ClosedLoop(model, corrections=corrections)
    moments: list[Moment] = []
    focal_px = 0.0
    with closing(FaceTracker(model.head, person=person)) as tracker:
        for index, (time_s, picture) in enumerate(read_pictures(clip)):
            if time_s > END_S:
                break
            height, width = picture.shape[:2]
            focal_px = tracker.focal_ratio * max(width, height)
            tracked = tracker.track(picture, time_s)
            if tracked.params is not None:
                K = Camera.looking_from_lens(width, height, focal_px).K
                face = loop.refine(picture, tracked.params, K).params
                moments.append(Moment(index, time_s, picture, tracked, face))
            on_share(time_s / END_S)
    if not moments:
        raise CommandError(f"{clip.name} shows no face in its first {END_S:.0f} s.")
    return Subject(model, corrections, focal_px, moments, held_out_s)
