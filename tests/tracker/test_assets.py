from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tracker.assets import MODEL_MEMBERS, TrackerAssetError, locate_model
from tracker.landmarker import Landmarker


def test_packaged_model_is_the_reference():
    asset = locate_model()
    assert asset.is_reference
    assert asset.path.name == "face_landmarker.task"


def test_a_users_copy_is_recognized(tmp_path: Path):
    copy = tmp_path / "mine.task"
    copy.write_bytes(locate_model().path.read_bytes())
    assert locate_model(copy).is_reference


def test_another_model_is_accepted_and_told_apart(tmp_path: Path):
    other = tmp_path / "other.task"
    with zipfile.ZipFile(other, "w") as archive:
        for member in MODEL_MEMBERS:
            archive.writestr(member, b"network")
    assert not locate_model(other).is_reference


def test_missing_file_says_so(tmp_path: Path):
    with pytest.raises(TrackerAssetError, match="Cannot read"):
        locate_model(tmp_path / "nothing.task")


def test_file_that_is_no_archive_says_so(tmp_path: Path):
    text = tmp_path / "text.task"
    text.write_text("hello")
    with pytest.raises(TrackerAssetError, match="no zip archive"):
        locate_model(text)


def test_archive_without_networks_says_what_it_lacks(tmp_path: Path):
    archive_path = tmp_path / "empty.task"
    with zipfile.ZipFile(archive_path, "w") as archive:
        archive.writestr(MODEL_MEMBERS[0], b"")
    with pytest.raises(TrackerAssetError, match=MODEL_MEMBERS[1]):
        locate_model(archive_path)


def test_networks_that_mediapipe_cannot_load_say_so(tmp_path: Path):
    broken = tmp_path / "broken.task"
    with zipfile.ZipFile(broken, "w") as archive:
        for member in MODEL_MEMBERS:
            archive.writestr(member, b"network")
    with pytest.raises(TrackerAssetError, match=r"broken\.task"):
        Landmarker(broken)
