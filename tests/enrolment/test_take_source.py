"""Which pictures of a recording are used."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from enrolment.errors import TakeError
from enrolment.take import MAX_PICTURES
from enrolment.take_source import LONGEST_SIDE_PX, TakeSource, one_ahead, picture_step
from tests.support.recordings import write_recording


def shades(count: int, shape: tuple[int, int] = (64, 96)) -> list[np.ndarray]:
    return [np.full((*shape, 3), 20 + 2 * index % 200, np.uint8) for index in range(count)]


@pytest.mark.parametrize(
    ("rate", "count", "step"),
    [(10, 100, 1), (25, 500, 1), (30, 600, 1), (29.97, 600, 1), (50, 900, 2), (60, 900, 2), (120, 900, 4),
     (24, 4800, 4), (30, MAX_PICTURES + 1, 2), (60, 2 * MAX_PICTURES, 2)],
)  # fmt: skip
def test_how_many_pictures_are_skipped(rate: float, count: int, step: int) -> None:
    jitter = np.random.default_rng(0).uniform(-1e-3, 1e-3, count)
    assert picture_step(np.arange(count) / rate + jitter) == step


def test_sixty_pictures_a_second_are_halved(tmp_path: Path) -> None:
    source = TakeSource(write_recording(tmp_path / "fast.mp4", shades(61), 60))
    first = list(source.pictures())
    assert len(first) == source.expected == 31
    np.testing.assert_allclose([time_s for time_s, _ in first], np.arange(31) / 30, atol=2e-3)
    assert source.damage is None
    again = list(source.pictures())
    assert all(np.array_equal(one[1], two[1]) for one, two in zip(first, again, strict=True))
    source.forget()
    decoded = list(source.pictures())
    assert all(np.array_equal(one[1], two[1]) for one, two in zip(first, decoded, strict=True))


def test_phones_turn_pictures_and_huge_ones_are_shrunk(tmp_path: Path) -> None:
    picture = np.zeros((1920, 1080, 3), np.uint8)
    picture[:960] = (200, 30, 30)
    source = TakeSource(write_recording(tmp_path / "phone.mp4", [picture] * 3, quarter_turns=1))
    _, seen = next(iter(source.pictures()))
    assert seen.shape == (LONGEST_SIDE_PX, 720, 3)
    assert seen[:600, :, 0].min() > 150
    assert seen[680:, :, 0].max() < 60


def test_a_cut_off_recording_is_used_up_to_its_end(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(100)]
    path = write_recording(tmp_path / "cut.mp4", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = TakeSource(path)
    assert 20 < len(list(source.pictures())) < 80
    assert source.damage is not None
    assert source.damage.startswith("cut.mp4 ends early")
    assert source.damage.endswith("only what comes before is used.")


def test_a_damaged_middle_is_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = write_recording(tmp_path / "bad.mp4", [rng.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(100)])
    content = bytearray(path.read_bytes())
    start = len(content) // 2
    content[start : start + len(content) // 4] = rng.bytes(len(content) // 4)
    path.write_bytes(content)
    source = TakeSource(path)
    assert 40 < len(list(source.pictures())) < 95
    assert source.damage is not None
    assert "% of its pictures are left out" in source.damage


def test_what_is_no_video_is_refused_in_one_sentence(tmp_path: Path) -> None:
    text, missing, pipe = tmp_path / "notes.mp4", tmp_path / "missing.mp4", tmp_path / "pipe.mp4"
    text.write_text("no video" * 99)
    os.mkfifo(pipe)
    for path, words in ((text, "is not a video file"), (missing, "does not exist"), (pipe, "is a pipe")):
        with pytest.raises(TakeError, match=words) as caught:
            TakeSource(path)
        assert "\n" not in str(caught.value)


def test_reading_ahead_keeps_order_and_errors() -> None:
    assert list(one_ahead(range(5))) == list(range(5))

    def failing():
        yield 1
        raise ValueError("broken")

    items = one_ahead(failing())
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)
