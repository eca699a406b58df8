"""Writes codec/range_tables.py: statistics of how faces move, for profile `range` (docs/bitstream.md).

    python tools/train_range_tables.py FILE...

Files are those of `visavis track`, or of `visavis encode --coding eg0 --bits 10` for faces that a closed loop has
corrected; they should show several people. The tables in the repository are those of five people, three of them tracked
with the closed loop too. Whatever changes them changes the profile: raise its version.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from codec.params import FaceParams
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices
from tracker.landmark_model import head_landmarks

OUT = Path(__file__).parents[1] / "codec" / "range_tables.py"
FACE_PX = 200.0
EYES, TORSO = 3.0, (60.0, 800.0)
"""Factor on lids and gaze; pixels per radian and per meter of shoulders, which have no landmarks: half the head's."""
LEAST_PX = 0.008
"""Of an expression direction: no step is longer than ten standard deviations at the finest quality."""
QUALITIES, DISTANCES = (0, 16), (1, 4)
CLASSES, SYMBOLS, SMALLEST, LEVELS_PER_OCTAVE = 28, 16, 0.03, 16
MIXTURE = ((0.45, 0.6), (0.35, 1.2), (0.15, 2.6), (0.05, 8.0))
"""Shares and relative means of the Laplace distributions that a table is made of where there is nothing to count."""
PRIOR_COUNT = 300.0
FRAMES = 60
"""Of each track, for the sensitivities."""
Array = NDArray[np.float64]


def sensitivities(tracks: Sequence[Array]) -> Array:
    """[71] pixels (RMS over the landmarks of a face 200 px wide) by unit of each parameter."""
    head = load_open_head()
    corners, shares = head.faces[head.landmark_faces], head.landmark_barycentrics[..., None]
    left, right = head_landmarks(head, np.array([234, 454]))
    width_m = float(np.linalg.norm(left - right))
    shape = np.zeros_like(head.v_template)

    def landmarks(vector: Array, focal: float) -> Array:
        points = pose_vertices(head, shape, FaceParams.from_vector(vector[:65].astype(np.float32)))
        placed = (points[corners] * shares).sum(axis=1).astype(np.float64)
        return focal * placed[:, :2] / placed[:, 2:]

    squares = []
    for track in tracks:
        for vector in track[:: max(1, len(track) // FRAMES)]:
            focal = FACE_PX / width_m * vector[55]
            base, found = landmarks(vector, focal), np.zeros(65)
            for index in range(65):
                step = 1e-2 if index < 50 else 1e-3
                moved = vector.copy()
                moved[index] += step
                found[index] = (((landmarks(moved, focal) - base) / step) ** 2).sum(axis=1).mean()
            squares.append(found)
    pixels = np.sqrt(np.mean(squares, axis=0))
    pixels[:50] = np.maximum(pixels[:50], LEAST_PX)
    pixels[59:65] *= EYES
    return np.concatenate([pixels, np.repeat(TORSO, 3)])


def write(px: Array, levels: Sequence[NDArray[np.int64]], sizes: NDArray[np.int64]) -> None:
    """The module."""
    names = ("LEVELS", "BY_QUALITY", "BY_DISTANCE", "KEY_LEVELS")
    mantissa = [round(16 * np.log2(1 + k / 64)) for k in range(64)]
    text = '"""Statistics of moving faces: written by tools/train_range_tables.py, explained in docs/bitstream.md."""\n'
    text += "\n# fmt: off\n"
    text += _line("PX_PER_UNIT", [float(f"{value:.4g}") for value in px])
    text += _line("LOG_MANTISSA", mantissa)
    for name, values in zip(names, levels, strict=True):
        text += _line(name, [int(value) for value in values])
    text += "SIZES = (\n" + "".join(f"    {tuple(int(size) for size in row)},\n" for row in sizes) + ")\n"
    OUT.write_text(text)


def _line(name: str, values: Sequence[float]) -> str:
    rows = textwrap.wrap(", ".join(str(value) for value in values) + ",", 115)
    return f"{name} = (\n" + "".join(f"    {row}\n" for row in rows) + ")\n"


def mixture_sizes() -> Array:
    """[CLASSES, SYMBOLS] probabilities of magnitudes, the last one of it and all larger ones."""
    means = SMALLEST * 2.0 ** (np.arange(CLASSES) / 4)
    edges = np.arange(SYMBOLS) - 0.5
    above = np.zeros((CLASSES, SYMBOLS))
    for share, factor in MIXTURE:
        scale = np.maximum(means * factor, 0.1)[:, None]
        above += share * np.exp(-np.maximum(edges, 0)[None] / scale)
    above[:, 0] = 1
    return above - np.concatenate([above[:, 1:], np.zeros((CLASSES, 1))], axis=1)


def as_sizes(probabilities: Array) -> NDArray[np.int64]:
    """Whole numbers, at least 1, that add up to 2**15."""
    sizes = np.maximum(np.rint(probabilities * (1 << 15)), 1).astype(np.int64)
    sizes[np.arange(len(sizes)), sizes.argmax(axis=1)] += (1 << 15) - sizes.sum(axis=1)
    return sizes


def sent(track: Array, quality: int, distance: int) -> NDArray[np.int64]:
    """[n, 71] what is coded of each frame, the `distance`-th before it being its reference."""
    from codec import range_frame
    from codec.range_steps import RangeConfig

    frames: list[range_frame.RangeFrame] = []
    found = []
    for index, vector in enumerate(track):
        face = FaceParams.from_vector(vector[:65].astype(np.float32), vector[65:].astype(np.float32))
        reference = frames[index - distance] if index >= distance else None
        far = distance if reference else 0
        config = RangeConfig(50, quality)
        before = range_frame.predicted(config, reference, far)
        symbols = config.steps.symbols(face, before)
        frames.append(range_frame.encode_frame(config, symbols, reference, far)[1])
        if reference:
            found.append(np.subtract(symbols, before))
    return np.array(found)


def measured_levels(tracks: Sequence[Array]) -> list[NDArray[np.int64]]:
    """Levels at the first quality and distance, their change by quality and by distance, and those of key frames."""
    from codec.range_steps import RangeConfig

    def level(mean: Array) -> Array:
        return np.maximum(np.rint(LEVELS_PER_OCTAVE * np.log2(np.maximum(mean, SMALLEST) / SMALLEST)), 0)

    found = {
        (quality, distance): level(
            np.mean([np.abs(sent(track, quality, distance)).mean(axis=0) for track in tracks], axis=0)
        )
        for quality in QUALITIES
        for distance in DISTANCES
    }
    near = found[0, 1]
    by_quality = np.mean([found[16, d] - found[0, d] for d in DISTANCES], axis=0)
    by_distance = np.mean([found[q, 4] - found[q, 1] for q in QUALITIES], axis=0)
    absolute = []
    for track in tracks:
        faces = [FaceParams.from_vector(v[:65].astype(np.float32), v[65:].astype(np.float32)) for v in track[::10]]
        absolute.append(np.abs([RangeConfig(50, 0).steps.symbols(face) for face in faces]).mean(axis=0))
    return [
        np.rint(each).astype(np.int64) for each in (near, by_quality, by_distance, level(np.mean(absolute, axis=0)))
    ]


def counted(tracks: Sequence[Array]) -> Array:
    """[CLASSES, SYMBOLS] how often each magnitude came in each class."""
    from codec import range_frame

    counts = np.zeros((CLASSES, SYMBOLS))
    encode = range_frame._encode

    def count(coder, level: int, difference: int) -> None:
        table, raw = range_frame._SPLITS[level]
        counts[table, min(abs(difference) >> raw, SYMBOLS - 1)] += 1
        encode(coder, level, difference)

    range_frame._encode = count
    try:
        for quality in (0, 4, 8, 12, 16):
            for distance in (1, 2, 4):
                for track in tracks:
                    sent(track[:400], quality, distance)
    finally:
        range_frame._encode = encode
    return counts


def train(tracks: Sequence[Array]) -> None:
    """Writes the module three times, as each table is measured with those before it."""
    import importlib

    from codec import range_frame, range_model, range_steps, range_tables

    def reload() -> None:
        for module in (range_tables, range_steps, range_model, range_frame):
            importlib.reload(module)

    px = sensitivities(tracks)
    prior = mixture_sizes()
    write(px, [np.zeros(71, np.int64)] * 4, as_sizes(prior))
    reload()
    levels = measured_levels(tracks)
    sizes = as_sizes(prior)
    for _ in range(2):
        write(px, levels, sizes)
        reload()
        counts = counted(tracks) + PRIOR_COUNT * prior
        sizes = as_sizes(counts / counts.sum(axis=1, keepdims=True))
    write(px, levels, sizes)


def load(path: Path) -> Array:
    """[n, 71] the faces of a track file or a stream file."""
    from visavis.face_streams import load_face_stream

    stream = load_face_stream(path)
    torso = np.zeros((len(stream), 6), np.float32) if stream.torso is None else stream.torso
    return np.concatenate([stream.values, torso], axis=1)[stream.detected].astype(np.float64)


if __name__ == "__main__":
    train([load(Path(name)) for name in sys.argv[1:]])
