"""Pictures come back from every kind of file as they were, with their transparency, or there is no file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from visavis.errors import CommandError
from visavis.picture_files import I420, RGB, RGBA, bleed, check_pictures, open_pictures, wanted_format

SIZE = (64, 48)
RATE = Fraction(30000, 1001)
INSIDE, OUTSIDE = (slice(12, 36), slice(20, 44)), (slice(0, 8), slice(0, 8))
COLOR = (200, 90, 30)


def picture(channels: int) -> np.ndarray:
    """A square of one color; what is around it is black, and invisible if there is alpha."""
    image = np.zeros((SIZE[1], SIZE[0], 4), np.uint8)
    image[10:38, 18:46] = (*COLOR, 255)
    return image[..., :channels].copy()


def written(path: Path, transparent: bool, pictures: int = 5) -> str:
    pixels = wanted_format(path, transparent)
    image = picture(4 if transparent else 3)
    if pixels == I420:
        image = av.VideoFrame.from_ndarray(image, format="rgb24").to_ndarray(format=I420).astype(np.uint8)
    with open_pictures(path, SIZE, RATE, pixels) as writer:
        for _ in range(pictures):
            writer.write(image)
    return pixels


def read(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == RATE
        if path.suffix == ".webm":  # FFmpeg's own decoder leaves the alpha out
            decoder = av.CodecContext.create("libvpx-vp9", "r")
            frames = [frame for packet in container.demux(stream) for frame in decoder.decode(packet)]
        else:
            frames = list(container.decode(stream))
        assert {int(frame.color_range) for frame in frames} == {1}
        return [frame.to_ndarray(format="rgba") for frame in frames]


def assert_colors(image: np.ndarray, transparent: bool) -> None:
    inside, outside = image[INSIDE].astype(int), image[OUTSIDE].astype(int)
    assert np.abs(inside[..., :3] - COLOR).mean() < 5
    assert inside[..., 3].min() > 250
    if transparent:
        assert outside[..., 3].max() < 5
    else:
        assert outside[..., :3].mean() < 5


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mov", "A.MOV"])
def test_videos_come_back(tmp_path: Path, name: str, transparent: bool) -> None:
    if name == "a.mp4" and transparent:
        with pytest.raises(CommandError, match=r"\.mp4 files cannot be transparent: name a \.webm"):
            wanted_format(tmp_path / name, True)
        return
    pixels = written(tmp_path / name, transparent)
    assert pixels == (RGBA if transparent else RGB if name.lower() == "a.mov" else I420)
    images = read(tmp_path / name)
    assert len(images) == 5
    for image in images:
        assert image.shape == (48, 64, 4)
        assert_colors(image, transparent)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("transparent", [False, True])
def test_folders_hold_exact_pictures(tmp_path: Path, transparent: bool) -> None:
    (tmp_path / "pictures").mkdir()
    written(tmp_path / "pictures", transparent, pictures=3)
    files = sorted((tmp_path / "pictures").iterdir())
    assert [path.name for path in files] == ["000001.png", "000002.png", "000003.png"]
    for path in files:
        found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert found is not None
        order = [2, 1, 0, 3] if transparent else [2, 1, 0]
        np.testing.assert_array_equal(found[..., order], picture(4 if transparent else 3))
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "pictures"])
def test_an_interruption_leaves_nothing(tmp_path: Path, name: str) -> None:
    pixels = wanted_format(tmp_path / name, False)
    shape = (72, 64) if pixels == I420 else (48, 64, 3)

    def interrupted() -> None:
        with open_pictures(tmp_path / name, SIZE, RATE, pixels) as writer:
            writer.write(np.zeros(shape, np.uint8))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_names_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary").write_text("dear")
    (tmp_path / "file").write_text("something")
    (tmp_path / "a.mp4").write_text("the stream")
    for name, sentence in (
        ("full", "is not empty"),
        ("file", "is a file: name a folder"),
        ("none/a.mp4", "no directory"),
        ("none/pictures", "no directory"),
        ("a.mp4", "would be overwritten"),
    ):
        with pytest.raises(CommandError, match=sentence):
            check_pictures(tmp_path / name, reads=tmp_path / "a.mp4")
    for name in ("a.avi", "a.gif", "a.b"):
        with pytest.raises(CommandError, match=r"name an \.mp4, \.webm or \.mov file"):
            wanted_format(tmp_path / name, False)


def test_invisible_pixels_take_the_colors_of_their_neighbors() -> None:
    image = picture(4)
    filled = bleed(image)
    np.testing.assert_array_equal(filled[..., 3], image[..., 3])
    np.testing.assert_array_equal(filled[10:38, 18:46], image[10:38, 18:46])
    assert np.abs(filled[20:30, 14:18, :3].astype(int) - COLOR).max() <= 1
    assert (filled[OUTSIDE][:2, :2] == 0).all()
