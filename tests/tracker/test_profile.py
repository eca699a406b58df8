"""Profiles of persons: what is written is read, and nothing else is."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from tracker.corrections import Corrections
from tracker.estimator import FaceEstimator
from tracker.profile import MAX_PROFILE_BYTES, PersonProfile, ProfileError


@pytest.fixture(scope="module")
def person(studio) -> PersonProfile:
    """Somebody in whom no two values are alike."""
    learned = FaceEstimator(studio.head).profile()
    rng = np.random.default_rng(5)
    return PersonProfile(
        head_model_id=learned.head_model_id,
        focal_ratio=1.25,
        offsets=rng.normal(0, 0.001, learned.offsets.shape),
        rest=rng.uniform(0, 0.4, 52),
        closed=rng.uniform(0.5, 0.9, 2),
        gains=rng.uniform(1, 1.6, 52),
        rotation_pitch=0.05,
        neutral_pitch=-0.12,
        gaze_bias=rng.normal(0, 0.05, 4),
    )


@pytest.fixture(scope="module")
def likened(person) -> PersonProfile:
    """The same somebody, of whom there is an avatar."""
    rng = np.random.default_rng(6)
    tracked = rng.normal(0, 0.1, (40, 65))
    refined = np.hstack([tracked + rng.normal(0, 0.01, tracked.shape), rng.normal(0, 0.01, (40, 6))])
    return replace(person, avatar_id="5a" * 32, corrections=Corrections.learned(tracked, refined))


def write(path: Path, person: PersonProfile, **changes: object) -> Path:
    """A profile with some fields replaced, or left out where they are None."""
    values: dict[str, object] = {"version": 2, **{field.name: getattr(person, field.name) for field in fields(person)}}
    corrections = values.pop("corrections")
    if isinstance(corrections, Corrections):
        values |= {f"corrections_{name}": array for name, array in corrections.to_arrays().items()}
    kept = {name: value for name, value in {**values, **changes}.items() if value is not None}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=True, **{name: np.asarray(value) for name, value in kept.items()})
    return path


def test_what_is_saved_is_loaded(person, tmp_path):
    path = tmp_path / "me.profile"
    person.save(path)
    loaded = PersonProfile.load(path)
    for field in fields(person):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(person, field.name))
        assert type(getattr(loaded, field.name)) is type(getattr(person, field.name))


def test_the_avatar_and_its_corrections_come_back(likened, tmp_path):
    path = tmp_path / "me.profile"
    likened.save(path)
    assert path.stat().st_size < MAX_PROFILE_BYTES / 10
    loaded = PersonProfile.load(path)
    assert loaded.avatar_id == likened.avatar_id
    assert loaded.corrections is not None
    for name, array in likened.corrections.to_arrays().items():
        np.testing.assert_array_equal(loaded.corrections.to_arrays()[name], array)
    np.testing.assert_array_equal(loaded.offsets, likened.offsets)
    replace(likened, corrections=None).save(path)
    assert PersonProfile.load(path).avatar_id == likened.avatar_id


def test_a_profile_of_the_first_version_is_one_without_an_avatar(person, likened, tmp_path):
    loaded = PersonProfile.load(write(tmp_path / "me.profile", person, version=1))
    np.testing.assert_array_equal(loaded.rest, person.rest)
    assert (loaded.avatar_id, loaded.corrections) == (None, None)
    with pytest.raises(ProfileError, match="another version"):
        PersonProfile.load(write(tmp_path / "me.profile", likened, version=1))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"avatar_id": "5A" * 32}, "avatar_id is damaged"),
        ({"avatar_id": "5a" * 31}, "avatar_id is damaged"),
        ({"avatar_id": np.zeros(64)}, "avatar_id is damaged"),
        ({"avatar_id": np.array(["5a" * 32])}, "avatar_id is damaged"),
        ({"avatar_id": None}, "belong to no avatar"),
        ({"corrections_low": None}, "low is missing or damaged"),
        ({"corrections_mean": np.zeros(71)}, "mean is missing or damaged"),
        ({"corrections_weights": np.zeros((65, 71))}, "weights is missing or damaged"),
        ({"corrections_offset": np.full(71, np.nan)}, "offset is missing or damaged"),
        ({"corrections_mean": np.zeros(65, np.float32)}, "corrections are damaged"),
        ({"corrections_weights": np.full((71, 65), 1e300)}, "corrections are impossible"),
        ({"corrections_high": np.full(71, 1e3)}, "corrections are impossible"),
        ({"corrections_low": np.full(71, 9.0)}, "corrections are impossible"),
        ({"corrections_more": np.zeros(3)}, "another version"),
    ],
)
def test_damaged_corrections_are_refused(likened, tmp_path, changes, sentence):
    with pytest.raises(ProfileError, match=sentence):
        PersonProfile.load(write(tmp_path / "me.profile", likened, **changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"version": 3}, "another version"),
        ({"version": None}, "another version"),
        ({"closed": None}, "another version"),
        ({"more": 1.0}, "another version"),
        ({"closed": np.array([0.6, np.nan])}, "closed is damaged"),
        ({"focal_ratio": np.inf}, "focal_ratio is damaged"),
        ({"focal_ratio": 0.0}, "focal length is impossible"),
        ({"rest": np.zeros(51)}, "rest is damaged"),
        ({"offsets": np.zeros(161)}, "offsets is damaged"),
        ({"gains": np.ones(52, np.float32)}, "gains is damaged"),
        ({"version": np.ones(2)}, "another version"),
        ({"focal_ratio": np.ones((2, 3))}, "focal_ratio is damaged"),
        ({"rest": np.zeros((5, 3))}, "rest is damaged"),
        ({"rest": np.ones(52)}, "rest is impossible"),
        ({"gains": np.full(52, -1.0)}, "gains is impossible"),
        ({"offsets": np.full((161, 3), 1e200)}, "offsets is impossible"),
        ({"head_model_id": np.zeros(3)}, "head_model_id is damaged"),
        ({"rest": np.array([None] * 52)}, "no profile"),  # pickled
    ],
)
def test_a_file_with_other_contents_is_refused(person, tmp_path, changes, sentence):
    with pytest.raises(ProfileError, match=sentence):
        PersonProfile.load(write(tmp_path / "me.profile", person, **changes))


def test_a_file_that_is_none_is_refused(person, tmp_path):
    path = tmp_path / "me.profile"
    whole = write(path, person).read_bytes()
    middle = whole.index(b"NUMPY") + 200
    damaged = whole[:middle] + bytes(byte ^ 0xFF for byte in whole[middle : middle + 40]) + whole[middle + 40 :]
    for data, sentence in (
        (b"", "no profile"),
        (whole[: len(whole) // 2], "no profile"),
        (whole.replace(b"PK\x01\x02", b"PK\x01\x00"), "no profile"),
        (damaged, "no profile"),
        (b"dear diary", "no profile"),
        (bytes(MAX_PROFILE_BYTES + 1), "too large"),
    ):
        path.write_bytes(data)
        with pytest.raises(ProfileError, match=sentence):
            PersonProfile.load(path)


def test_files_that_cannot_be_opened_are_told(person, tmp_path):
    with pytest.raises(ProfileError, match="No such file"):
        PersonProfile.load(tmp_path / "none.profile")
    with pytest.raises(ProfileError, match="directory"):
        PersonProfile.load(tmp_path)
    with pytest.raises(ProfileError, match="Cannot write"):
        person.save(tmp_path / "none" / "me.profile")


@pytest.mark.parametrize("changes", [{"head_model_id": "0" * 64}, {"offsets": np.zeros((7, 3))}])
def test_a_profile_for_another_head_is_refused(studio, person, tmp_path, changes):
    loaded = PersonProfile.load(write(tmp_path / "me.profile", person, **changes))
    with pytest.raises(ProfileError, match="another head model"):
        FaceEstimator(studio.head, person=loaded)
