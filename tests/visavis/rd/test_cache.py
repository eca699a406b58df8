"""Points that were measured before."""

from pathlib import Path

import pytest

from tests.visavis.rd.test_points import point
from visavis.bench.rd.cache import PointCache


def test_a_point_is_found_again(tmp_path: Path):
    PointCache(tmp_path, "clip", "x265", [b"pictures"]).keep(point(10, 30))
    again = PointCache(tmp_path, "clip", "x265", [b"pictures"])
    assert again.find("10") == point(10, 30)
    assert again.find("11") is None


def test_points_of_other_pictures_are_forgotten(tmp_path: Path):
    PointCache(tmp_path, "clip", "x265", [b"pictures"]).keep(point(10, 30))
    assert PointCache(tmp_path, "clip", "x265", [b"others"]).find("10") is None
    assert PointCache(tmp_path, "other", "x265", [b"pictures"]).find("10") is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"inputs": 1, "points": [{}]}', "\x00"])
def test_a_damaged_file_is_as_none(tmp_path: Path, content: str):
    (tmp_path / "clip-x265.json").write_text(content)
    assert PointCache(tmp_path, "clip", "x265", []).find("10") is None
