"""Measures how faces move: the covariance of MediaPipe's blendshape scores over talking clips.

Usage: python -m tools.measure_motion "name of the source, licence=clip.mp4" ... writes
tools/data/motion_statistics.json, which tools/build_open_head.py reads to order the expression directions. Only the
covariance and the names of the sources are kept: nothing of a picture, nothing of one moment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import av
import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from tracker.assets import locate_model

OUTPUT = Path(__file__).parent / "data" / "motion_statistics.json"
EVERY = 2
"""Every second frame is enough for a covariance."""


def main(arguments: list[str]) -> None:
    covariances, sources, names = [], [], []
    for argument in arguments:
        source, _, path = argument.rpartition("=")
        names, scores = measure(Path(path))
        covariances.append(np.cov(scores.T))
        sources.append({"name": source, "frames": len(scores)})
        print(f"{source}: {len(scores)} frames")
    mean = np.mean(covariances, axis=0)
    rows = [[round(float(value), 6) for value in row] for row in mean]
    OUTPUT.parent.mkdir(exist_ok=True)
    entry = {"sources": sources, "names": names, "covariance": rows}
    OUTPUT.write_text(json.dumps(entry, separators=(",", ":")).replace("],[", "],\n[") + "\n")


def measure(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    """(names, [frames, names] scores) of one clip with one face; frames without a face are left out."""
    options = vision.FaceLandmarkerOptions(
        BaseOptions(model_asset_path=str(locate_model().path)),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
    )
    names: list[str] = []
    rows: list[list[float]] = []
    with vision.FaceLandmarker.create_from_options(options) as task, av.open(str(path)) as clip:
        for index, frame in enumerate(clip.decode(video=0)):
            if index % EVERY:
                continue
            image = mediapipe.Image(
                image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
            )
            result = task.detect_for_video(image, index * 40)
            if result.face_blendshapes:
                categories = [entry for entry in result.face_blendshapes[0] if entry.category_name != "_neutral"]
                names = [entry.category_name for entry in categories]
                rows.append([entry.score for entry in categories])
    if len(rows) < 2:
        raise ValueError(f"{path.name} shows no face")
    return names, np.array(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
