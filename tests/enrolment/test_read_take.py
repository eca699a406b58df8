"""From recordings to takes, and what is refused."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from enrolment.coverage import head_angles
from enrolment.errors import TakeError, TakeStopped
from enrolment.read_take import HoldOut, read_take, usual_matte_network
from enrolment.take import SIDE, Take
from renderer.head.open_head import load_open_head
from tests.support.recordings import RATE, drawn_person, empty_room, scripted, write_recording
from tracker.face_tracker import FaceTracker
from tracker.matting import SegmentationNetwork
from tracker.recording import iter_frames, upright_pictures

HEAD = load_open_head()


@pytest.fixture(scope="module")
def network() -> SegmentationNetwork:
    try:
        return usual_matte_network()
    except TakeError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("clips") / "person.mp4", drawn_person())


@pytest.fixture(scope="module")
def progress() -> list[tuple[str, float]]:
    return []


@pytest.fixture(scope="module")
def take(clip: Path, network: SegmentationNetwork, progress: list[tuple[str, float]]) -> Take:
    tell = lambda doing, share: progress.append((doing, share))
    return read_take(clip, HEAD, hold_out=HoldOut.TAIL, matte_network=network, on_progress=tell)


def test_a_recording_becomes_a_take(take: Take, progress: list[tuple[str, float]]) -> None:
    count = len(drawn_person())
    assert len(take) == count
    assert take.images.shape == (count, SIDE, SIDE, 3)
    assert take.alphas.shape == (count, SIDE, SIDE)
    np.testing.assert_allclose(take.time_s, np.arange(count) / RATE, atol=2e-3)
    assert take.held_out_indices.tolist() == list(range(count - count // 5, count))
    assert take.head_model_id == HEAD.model_id
    assert take.person is not None
    np.testing.assert_allclose(take.K[0, 0], take.K[1, 1])
    head_px = np.ptp(take.landmarks_px[0, :, 1])
    assert SIDE / 4 < head_px < SIDE / 2
    shares = [share for _, share in progress]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    yaw = [[head_angles(params)[0] for params in (take.params(index), scripted(index))] for index in range(count)]
    assert np.corrcoef(np.array(yaw).T)[0, 1] > 0.97


def test_the_matte_is_the_person(take: Take) -> None:
    for index in (0, 40, 99):
        shown = np.abs(take.images[index].astype(int) - empty_room((1, 1))).max(axis=2) > 25
        matte = take.alphas[index] > 127
        assert (shown & matte).sum() / (shown | matte).sum() > 0.93


def test_parameters_are_those_of_the_live_tracker(clip: Path, take: Take) -> None:
    with closing(FaceTracker(HEAD, person=take.person)) as tracker:
        live = [tracker.track(picture, time_s) for time_s, picture in upright_pictures(iter_frames(clip), 1280)]
    for index, result in enumerate(live):
        assert result.params is not None
        np.testing.assert_allclose(take.vectors[index], result.params.to_vector(), atol=1e-5)


def test_a_phone_and_a_face_that_leaves(tmp_path: Path, network: SegmentationNetwork) -> None:
    room = empty_room((720, 404))
    pictures = []
    for person in drawn_person()[:90]:
        picture = room.copy()
        picture[300:620, 60:380] = person
        pictures.append(picture)
    path = write_recording(tmp_path / "phone.mp4", [*pictures, *[room] * 40], quarter_turns=1)
    take = read_take(path, HEAD, hold_out=HoldOut.NONE, matte_network=network)
    assert len(take) == pytest.approx(90, abs=2)
    assert not take.held_out.any()
    assert any("gone after 3.6 s" in warning for warning in take.warnings)
    scale = take.K[0, 0] / (take.person.focal_ratio * 720) if take.person else 0
    assert scale > 1.05 * SIDE / 720  # not the whole picture
    middle = take.landmarks_px[0].mean(axis=0)
    left, top = np.array([202, 360]) - take.K[:2, 2] / scale
    assert np.abs(middle / scale + (left, top) - (220, 450)).max() < 40
    inside = take.landmarks_px[0].astype(int)
    assert take.alphas[0][inside[:, 1], inside[:, 0]].mean() > 240


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        (lambda: [empty_room()] * 80, "shows no face that could be found"),
        (lambda: drawn_person()[:30], "shows a face for 1.2 s, which is too short"),
        (lambda: [np.hstack([one, one]) for one in drawn_person()[:50]], "shows two people of similar size"),
        (lambda: [one // 30 for one in drawn_person()[:80]], "(too dark|shows no face)"),
    ],
)
def test_what_teaches_nothing_is_refused(tmp_path: Path, network, pictures, words: str) -> None:
    path = write_recording(tmp_path / "clip.mp4", pictures())
    with pytest.raises(TakeError, match=words) as caught:
        read_take(path, HEAD, matte_network=network)
    assert str(caught.value).startswith("clip.mp4 ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("after", [5, 120])
def test_it_can_be_stopped(clip: Path, network: SegmentationNetwork, after: int) -> None:
    asked = iter(range(10_000))
    with pytest.raises(TakeStopped):
        read_take(clip, HEAD, matte_network=network, should_stop=lambda: next(asked) >= after)
