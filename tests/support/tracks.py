"""Tracks of a face that talks, made up: what `visavis track` would write."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from codec.params import FaceParams
from renderer.head.open_head import load_open_head
from tracker.face_tracker import TrackResult
from tracker.track_file import Track, TrackRecorder

NO_FACE = TrackResult(None, None, None, float("nan"))


def talking(time_s: float) -> FaceParams:
    """A face that nods, smiles, talks and sways, off the picture's middle."""
    vector = FaceParams.neutral(50, 0.6).to_vector()
    vector[:4] = 0.8 * np.sin(3 * time_s + np.arange(4))
    vector[50:53] = 0.1 * np.sin(2 * time_s), 0.3 * np.sin(time_s), 0.02
    vector[53:55] = 0.08 + 0.02 * np.sin(5 * time_s), 0.03
    vector[56] = 0.1 * np.sin(9 * time_s) ** 2
    vector[61:65] = 0.1 * np.sin(4 * time_s)
    return FaceParams.from_vector(vector)


def made_track(times_s: list[float], faces: list[bool] | None = None, head_id: str | None = None) -> Track:
    """The track of `talking` at the given times; by default with a face in every picture, on the open head."""
    recorder = TrackRecorder()
    for time_s, seen in zip(times_s, faces or [True] * len(times_s), strict=True):
        recorder.add(time_s, TrackResult(talking(time_s), None, None, 0.01) if seen else NO_FACE)
    return recorder.finish(
        image_size=(640, 480),
        focal_px=704.0,
        head_model_id=head_id or load_open_head().model_id,
        extractor="mediapipe",
        clip_sha256="cd" * 32,
    )


def saved_track(path: Path, *arguments, **options) -> Path:
    """`made_track` in a file."""
    with path.open("wb") as file:
        made_track(*arguments, **options).save(file)
    return path
