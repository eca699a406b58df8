"""Writes codec/range_tables.py and codec/motion_table.py: how faces move, for profile `range` (docs/bitstream.md).

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

from codec.motion_basis import MotionBasis
from codec.params import FaceParams
from renderer.head.open_head import load_open_head
from tracker.face_pixels import FacePixels

CODEC = Path(__file__).parents[1] / "codec"
EYES, TORSO = 3.0, (60.0, 800.0)
"""Factor on lids and gaze; pixels per radian and per meter of shoulders, which have no landmarks: half the head's."""
LEAST_PX = 0.008
"""Of an expression direction: no step is longer than ten standard deviations at the finest quality."""
CLASSES, SYMBOLS, SMALLEST = 28, 16, 0.03
MIXTURE = ((0.45, 0.6), (0.35, 1.2), (0.15, 2.6), (0.05, 8.0))
"""Shares and relative means of the Laplace distributions that a table is made of where there is nothing to count."""
PRIOR_COUNT = 300.0
FRAMES = 60
"""Of each track, for the sensitivities."""
PLAIN = 40
"""Most expression coefficients that are coded as they are, without a basis."""
Array = NDArray[np.float64]
DOCSTRING = '"""{}: written by tools/train_range_tables.py, explained in docs/bitstream.md."""\n'


def sensitivities(tracks: Sequence[Array]) -> Array:
    """[71] pixels (RMS over the landmarks of a face 200 px wide) by unit of each parameter."""
    seen = FacePixels(load_open_head())
    squares = [
        (seen.slopes(vector[:65], range(65)) ** 2).sum(axis=1)
        for track in tracks
        for vector in track[:: max(1, len(track) // FRAMES)]
    ]
    pixels = np.sqrt(np.mean(squares, axis=0))
    pixels[:50] = np.maximum(pixels[:50], LEAST_PX)
    pixels[59:65] *= EYES
    return np.concatenate([pixels, np.repeat(TORSO, 3)])


def write_tables(px: Array, levels: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
    """The module of tables."""
    mantissa = [round(16 * np.log2(1 + k / 64)) for k in range(64)]
    text = DOCSTRING.format("Statistics of moving faces") + "\n# fmt: off\n"
    text += _line("PX_PER_UNIT", [float(f"{value:.4g}") for value in px])
    text += _line("LOG_MANTISSA", mantissa)
    text += _line("LEVELS", levels.tolist())
    text += "SIZES = (\n" + "".join(f"    {tuple(row)},\n" for row in sizes.tolist()) + ")\n"
    (CODEC / "range_tables.py").write_text(text)


def write_basis(basis: MotionBasis) -> None:
    """The module of the standard motions."""
    text = DOCSTRING.format("The motions of faces in general")
    text += "\nimport numpy as np\n\nfrom codec.motion_basis import MotionBasis\n\n# fmt: off\n_ROWS = (\n"
    for row in basis.rows.tolist():
        lines = textwrap.wrap(", ".join(map(str, row)), 113)
        text += "    (" + "\n     ".join(lines) + "),\n"
    text += ")\n# fmt: on\nSTANDARD = MotionBasis.of_rows(np.array(_ROWS))\n"
    (CODEC / "motion_table.py").write_text(text)


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


def sent(track: Array, quality: int, distance: int, dims: int = 50) -> NDArray[np.int64]:
    """[n, E + 21] what is coded of each frame, the `distance`-th before it being its reference."""
    from codec import range_frame
    from codec.range_steps import RangeConfig

    frames: list[range_frame.RangeFrame] = []
    found = []
    config = RangeConfig(dims, quality)
    for index, vector in enumerate(track):
        face = FaceParams.from_vector(vector[:65].astype(np.float32), vector[65:].astype(np.float32))
        reference = frames[index - distance] if index >= distance else None
        far = distance if reference else 0
        before = range_frame.predicted(config, reference, far)
        symbols = config.steps.symbols(face, before)
        frames.append(range_frame.encode_frame(config, symbols, reference, far)[1])
        if reference:
            found.append(np.subtract(symbols, before))
    return np.array(found)


def measured_levels(tracks: Sequence[Array]) -> NDArray[np.int64]:
    """[71] levels of symbols that belong to no basis, at the finest quality and distance 1."""
    from enrolment.motion_fit import level_of

    magnitudes = np.mean([np.abs(sent(track, 0, 1, PLAIN)).mean(axis=0) for track in tracks], axis=0)
    return np.insert(level_of(magnitudes), PLAIN, np.zeros(50 - PLAIN, np.int64))


def with_measured_levels(basis: MotionBasis, tracks: Sequence[Array]) -> MotionBasis:
    """The standard basis with the levels that its motions have in truth."""
    from codec.range_steps import RangeConfig
    from enrolment.motion_fit import level_of

    magnitudes = np.mean([np.abs(sent(track, 0, 1)).mean(axis=0) for track in tracks], axis=0)
    rows = basis.rows
    rows[:, 0] = level_of(magnitudes)[RangeConfig().steps.motions]
    return MotionBasis.of_rows(rows)


def counted(tracks: Sequence[Array]) -> Array:
    """[CLASSES, SYMBOLS] how often each magnitude came in each class."""
    from codec import range_frame

    counts = np.zeros((CLASSES, SYMBOLS))
    parts, still = range_frame._parts, range_frame._STILL

    def count(level: int, difference: int) -> None:
        table, raw = range_frame._SPLITS[level]
        counts[table, min(abs(difference) >> raw, SYMBOLS - 1)] += 1

    def counting(level: int, difference: int, positive: int):
        count(level, difference)
        return parts(level, difference, positive)

    class Still:
        def __getitem__(self, level: int):
            count(level, 0)
            return still[level]

    range_frame._parts, range_frame._STILL = counting, Still()
    try:
        for quality in (0, 2, 4, 8, 12, 16):
            for distance in (1, 2, 4):
                for track in tracks:
                    sent(track[:400], quality, distance)
    finally:
        range_frame._parts, range_frame._STILL = parts, still
    return counts


def train(tracks: Sequence[Array]) -> None:
    """Writes the modules several times, as each table is measured with those before it."""
    import importlib

    from codec import motion_table, range_frame, range_model, range_steps, range_tables
    from enrolment import motion_fit

    def reload() -> None:
        for module in (range_tables, motion_table, range_steps, range_model, range_frame, motion_fit):
            importlib.reload(module)

    px, prior = sensitivities(tracks), mixture_sizes()
    levels, sizes = np.zeros(71, np.int64), as_sizes(prior)
    write_tables(px, levels, sizes)
    reload()
    basis = motion_fit.fit_basis(tracks, load_open_head())
    assert basis is not None, "the tracks show no faces"
    write_basis(basis)
    reload()
    levels, basis = measured_levels(tracks), with_measured_levels(basis, tracks)
    write_basis(basis)
    for _ in range(2):
        write_tables(px, levels, sizes)
        reload()
        counts = counted(tracks) + PRIOR_COUNT * prior
        sizes = as_sizes(counts / counts.sum(axis=1, keepdims=True))
    write_tables(px, levels, sizes)


def load(path: Path) -> Array:
    """[n, 71] the faces of a track file or a stream file."""
    from visavis.face_streams import load_face_stream

    stream = load_face_stream(path)
    torso = np.zeros((len(stream), 6), np.float32) if stream.torso is None else stream.torso
    return np.concatenate([stream.values, torso], axis=1)[stream.detected].astype(np.float64)


if __name__ == "__main__":
    train([load(Path(name)) for name in sys.argv[1:]])
