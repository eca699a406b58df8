from __future__ import annotations

import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from codec.params import FaceParams
from tracker import track_file
from tracker.face_tracker import TrackResult
from tracker.track_file import Track, TrackFileError, TrackRecorder, load_track

NO_FACE = TrackResult(None, None, None, float("nan"))


def face(jaw: float, dims: int = 50) -> TrackResult:
    neutral = FaceParams.neutral(dims)
    params = FaceParams(
        expression=np.linspace(-1, 1, dims),
        global_rotation=np.array([0.1, 0.2, 0.3]),
        translation=neutral.translation,
        jaw_pose=np.array([jaw, 0, 0]),
        eyelids=np.array([0.25, 0.5]),
        gaze=np.array([0.1, 0.0, 0.12, 0.0]),
        torso=np.array([jaw, 0, 0, 0.01, 0, 0]),
    )
    landmarks = np.arange(2 * 478, dtype=np.float32).reshape(478, 2)
    return TrackResult(params, landmarks, np.full(52, 0.5, np.float32), 0.01)


def recorded(*results: TrackResult) -> Track:
    recorder = TrackRecorder()
    for index, result in enumerate(results):
        recorder.add(index / 25, result)
    return recorder.finish(
        image_size=(640, 480), focal_px=704.0, head_model_id="ab" * 32, extractor="mediapipe", clip_sha256="cd" * 32
    )


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "track.npz"
    with path.open("wb") as file:
        recorded(face(0.1), NO_FACE, face(0.3)).save(file)
    return path


def rewritten(path, **changes):
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(path, **{name: array for name, array in {**arrays, **changes}.items() if array is not None})
    return path


def test_what_was_saved_is_loaded(saved):
    track, original = load_track(saved), recorded(face(0.1), NO_FACE, face(0.3))
    for field in fields(Track):
        np.testing.assert_array_equal(getattr(track, field.name), getattr(original, field.name), field.name)
    assert track.image_size == (640, 480)
    assert track.params(1) is None
    assert np.isnan(track.pose[1]).all()
    third, truth = track.params(2), face(0.3).params
    assert third is not None
    assert truth is not None
    np.testing.assert_array_equal(third.to_vector(), truth.to_vector())
    np.testing.assert_array_equal(third.torso, truth.torso)


def test_in_a_track_from_before_there_was_one_the_torso_is_still(saved):
    track = load_track(rewritten(saved, torso=None))
    assert (track.torso == 0).all()
    assert track.params(2) is not None


def test_anyone_can_read_it_without_pickle(saved):
    with np.load(saved, allow_pickle=False) as stored:
        assert stored["pose"].shape == (3, 11)
        assert stored["pose"][2, 6] == np.float32(0.3)
        assert str(stored["extractor"]) == "mediapipe"
        assert stored["detected"].tolist() == [True, False, True]


def test_fewer_expression_directions_are_filled_with_zeros():
    track = recorded(face(0.1, dims=20))
    assert track.expression.shape == (1, 50)
    assert (track.expression[0, 20:] == 0).all()
    assert track.pose[0, 6] == np.float32(0.1)


def test_an_extractor_without_landmarks():
    track = recorded(replace(face(0.1), landmarks_px=None, scores=None))
    assert np.isnan(track.landmarks_px).all()
    assert track.params(0) is not None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pose": None}, "has no pose"),
        ({"pose": np.zeros((3, 12), np.float32)}, "pose has another type or shape"),
        ({"gaze": np.zeros((2, 4), np.float32)}, "gaze has another type or shape"),
        ({"extractor": np.zeros(5)}, "extractor has another"),
        ({"scores": np.zeros((3, 52), np.float64)}, "scores has another type or shape"),
        ({"format": np.int32(2)}, "another version"),
        ({"time_s": np.array([0.0, 0.1, 0.1])}, "numbers that no track has"),
        ({"gaze": np.full((3, 4), np.inf, np.float32)}, "numbers that no track has"),
        ({"focal_px": np.float64("nan")}, "numbers that no track has"),
        ({"image_size": np.array([0, 480], np.int32)}, "numbers that no track has"),
    ],
)
def test_other_contents_are_refused(saved, changes, sentence):
    with pytest.raises(TrackFileError, match=sentence):
        load_track(rewritten(saved, **changes))


def test_a_huge_array_is_refused_before_memory_is_taken(saved, tmp_path):
    forged = tmp_path / "forged.npz"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(forged, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "time_s.npy":
                header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
                header = header.ljust(117) + b"\n"
                content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
            target.writestr(name, content)
    with pytest.raises(TrackFileError, match="time_s has another type or shape"):
        load_track(forged)


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04" + bytes(200)])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "track.npz"
    path.write_bytes(content)
    with pytest.raises(TrackFileError, match="no track file"):
        load_track(path)


def test_a_damaged_file_is_refused(saved):
    content = bytearray(saved.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    saved.write_bytes(content)
    with pytest.raises(TrackFileError):
        load_track(saved)


def test_a_missing_file(tmp_path):
    with pytest.raises(TrackFileError, match="cannot be read"):
        load_track(tmp_path / "none.npz")


def test_a_recording_that_is_too_long(monkeypatch):
    monkeypatch.setattr(track_file, "MAX_PICTURES", 2)
    recorder = TrackRecorder()
    for time_s in (0.0, 0.1):
        recorder.add(time_s, NO_FACE)
    with pytest.raises(TrackFileError, match="more than 2 pictures"):
        recorder.add(0.2, NO_FACE)
