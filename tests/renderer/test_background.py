"""Pictures behind heads: decoded within bounds, cropped in the middle."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from renderer.background import cover, load_background, read_picture


def stripes(width: int, height: int) -> np.ndarray:
    """Red left third, green middle, blue right third."""
    picture = np.zeros((height, width, 3), np.uint8)
    for index in range(3):
        picture[:, index * width // 3 : (index + 1) * width // 3, index] = 255
    return picture


def encoded(picture: np.ndarray, kind: str = ".jpg", *options: int) -> bytes:
    return cv2.imencode(kind, picture[..., ::-1], options)[1].tobytes()


@pytest.mark.parametrize("kind", [".jpg", ".png"])
@pytest.mark.parametrize("progressive", [0, 1])
def test_the_middle_of_a_wide_picture_is_shown(kind: str, progressive: int) -> None:
    options = (cv2.IMWRITE_JPEG_PROGRESSIVE, progressive) if kind == ".jpg" else ()
    image = load_background(encoded(stripes(300, 100), kind, *options), 64)
    assert image.shape == (64, 64, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert np.abs(image[32, 32].astype(int) - [0, 255, 0]).max() < 8


def test_files_and_bytes_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    path.write_bytes(encoded(stripes(90, 90), ".png"))
    np.testing.assert_array_equal(read_picture(path), stripes(90, 90))
    np.testing.assert_array_equal(read_picture(path.read_bytes()), stripes(90, 90))


@pytest.mark.parametrize(("width", "height"), [(90, 90), (900, 40), (3, 700), (1, 1)])
def test_any_shape_covers_any_other(width: int, height: int) -> None:
    gray = np.full((height, width, 3), 77, np.uint8)
    for shape in ((64, 64), (32, 64), (1, 300)):
        covered = cover(gray, *shape)
        assert covered.shape == (shape[1], shape[0], 3)
        assert (covered == 77).all()


def test_a_picture_with_a_thumbnail_in_it_has_its_own_size() -> None:
    whole, thumbnail = encoded(stripes(200, 100)), encoded(stripes(30, 30))
    exif = b"Exif\0\0" + thumbnail
    segment = b"\xff\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif  # with a fill byte before the marker
    assert read_picture(whole[:2] + segment + whole[2:]).shape == (100, 200, 3)


def test_too_large_ones_are_refused_before_decoding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    for kind in (".jpg", ".png"):
        data = encoded(stripes(300, 100), kind)
        with pytest.raises(ValueError, match="300 x 100 pixels"):
            load_background(data, 64, max_pixels=29_999)
        with pytest.raises(ValueError, match="bytes"):
            load_background(data, 64, max_bytes=len(data) - 1)
        path = tmp_path / f"large{kind}"
        path.write_bytes(data)
        with pytest.raises(ValueError, match="bytes"):
            load_background(path, 64, max_bytes=len(data) - 1)


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x00" * 9]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"JPEG|damaged"):
        load_background(data, 64)


def test_a_header_without_a_picture_is_refused() -> None:
    for kind in (".jpg", ".png"):
        data = encoded(stripes(300, 100), kind)
        for end in (40, 180):
            with pytest.raises(ValueError, match="damaged"):
                load_background(data[:end], 64)
