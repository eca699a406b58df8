"""`visavis assets`, from the user's file to a head that is posed and tracked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from assets.errors import AssetError, FlameFileError, UnsafePickle
from assets.store import AssetStore, default_asset_store
from codec.params import FaceParams
from renderer.head import draw
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices
from tests.support.flame import flame_bytes
from tracker.adopt_head import painted
from tracker.face_tracker import FaceTracker
from tracker.flame_install import IDENTITY_FILE, find_head
from tracker.landmark_model import head_landmarks
from tracker.track_file import load_track
from visavis.__main__ import app
from visavis.errors import CommandError
from visavis.output_files import open_video

SIZE, FOCAL = 480, 1.1 * 480


def run(*arguments: str) -> str:
    """The command's standard output; its error is raised."""
    result = CliRunner().invoke(app, ["assets", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Iterator[tuple[AssetStore, str]]:
    """A store into which the command has installed FLAME, and what it printed."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "flame2023_Open.pkl").write_bytes(flame_bytes("open"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_HOME", str(folder))
        printed = run("install", "flame", "--from", str(folder / "flame2023_Open.pkl"))
        printed += run("list")
        yield default_asset_store(), printed


@pytest.fixture(scope="module")
def head(installed) -> HeadModel:
    return find_head("flame-2023-open", installed[0])


def picture(head: HeadModel, params: FaceParams) -> np.ndarray:
    posed = pose_vertices(head, np.zeros_like(head.v_template), params).astype(np.float64)
    return draw.shade(posed, head.faces, painted(head), FOCAL, SIZE)


def face(**changes: list[float]) -> FaceParams:
    neutral = FaceParams.neutral()
    fields = {name: getattr(neutral, name) for name in neutral.__dataclass_fields__}
    return FaceParams(**{**fields, **{name: np.array(value, np.float32) for name, value in changes.items()}})


def test_installing_tells_edition_licence_hash_and_id(installed, head):
    store, printed = installed
    asset = store.find("flame")
    assert asset is not None
    for word in ("flame-2023-open", "CC-BY-4.0", asset.sha256, head.model_id, "flame2023_Open.pkl"):
        assert word in printed
    assert find_head(head.model_id, store).name == "flame-2023-open"
    assert np.load(asset.path(IDENTITY_FILE), allow_pickle=False).shape == (5023, 3, 300)


def test_landmarks_lie_where_the_head_has_them(head):
    """The synthetic FLAME is the open head, whose landmarks were found with help of its symmetry."""
    indices = np.flatnonzero(load_open_head().landmark_weights > 0.5)
    gaps = np.linalg.norm(head_landmarks(head, indices) - head_landmarks(load_open_head(), indices), axis=1)
    assert np.sqrt((gaps**2).mean()) < 0.003
    assert np.median(head.landmark_weights) > 0.5


def test_blendshapes_are_those_of_the_open_head(head):
    def moved(model: HeadModel, name: str) -> np.ndarray:
        vector = FaceParams.neutral().to_vector()
        vector += model.blendshape_params[model.blendshape_names.index(name)]
        posed = pose_vertices(model, np.zeros_like(model.v_template), FaceParams.from_vector(vector))
        corners = posed[model.faces[model.landmark_faces]]
        return np.einsum("lk,lkd->ld", model.landmark_barycentrics, corners)

    reliable = np.minimum(load_open_head().landmark_weights, head.landmark_weights) > 0.5
    for name in ("jawOpen", "mouthSmileLeft", "mouthPucker", "browInnerUp", "noseSneerRight"):
        ours, theirs = (moved(model, name) - moved(model, "_neutral") for model in (head, load_open_head()))
        assert np.linalg.norm((ours - theirs)[reliable]) < 0.35 * np.linalg.norm(theirs[reliable]), name


def test_the_head_is_tracked(head):
    tracker = FaceTracker(head, smoothing=False)
    time_s = 0.0

    def show(params: FaceParams) -> FaceParams:
        nonlocal time_s
        drawn = picture(head, params)
        for _ in range(6):
            time_s += 0.04
            result = tracker.track(drawn, time_s)
        assert result.params is not None
        assert result.residual < 0.03
        return result.params

    try:
        rest = show(face())
        np.testing.assert_allclose(rest.global_rotation, 0, atol=0.08)
        np.testing.assert_allclose(rest.translation, [0, 0, 0.6], atol=0.04)
        turned = show(face(global_rotation=[0.05, 0.3, 0.0], translation=[0.02, 0.01, 0.6]))
        np.testing.assert_allclose(turned.global_rotation, [0.05, 0.3, 0.0], atol=0.09)
        wide = show(face(jaw_pose=[0.3, 0, 0]))
        assert wide.jaw_pose[0] == pytest.approx(0.3, abs=0.1)
        assert rest.jaw_pose[0] < 0.05
    finally:
        tracker.close()


def test_the_track_command_uses_it(installed, head, tmp_path, monkeypatch):
    monkeypatch.setenv("VISAVIS_HOME", str(installed[0].root.parent))
    clip, out, overlay = (tmp_path / name for name in ("clip.mp4", "track.npz", "overlay.mp4"))
    closed, wide = (picture(head, face(jaw_pose=[jaw, 0, 0])) for jaw in (0.0, 0.3))
    with open_video(clip, (SIZE, SIZE), 25) as video:
        for index, drawn in enumerate([closed] * 8 + [wide] * 8):
            video.write(drawn, index / 25)
    arguments = ["track", str(clip), "-o", str(out), "--overlay", str(overlay), "--head", "flame"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    track = load_track(out)
    assert track.head_model_id == head.model_id != load_open_head().model_id
    assert track.detected.all()
    assert np.median(track.residual) < 0.03
    assert track.pose[-1, 6] - track.pose[7, 6] == pytest.approx(0.3, abs=0.12)
    with av.open(str(overlay)) as shown, av.open(str(clip)) as seen:
        drawn, plain = (next(file.decode(video=0)).to_ndarray(format="rgb24").astype(int) for file in (shown, seen))
    changed = np.abs(drawn - plain).max(axis=2)[40:] > 12  # below the line of text
    assert 0.1 < changed.mean() < 0.6


def test_removing_deletes_it(home):
    store = default_asset_store()
    about = {"source": "x.pkl", "sha256": "ab" * 32, "edition": "flame-2020", "licence": "research only"}
    store.add("flame", {"head.npz": b"content"}, **about)
    assert "flame-2020: research only" in run("list")
    assert "removed flame" in run("remove", "flame")
    assert store.find("flame") is None
    assert "Nothing is installed" in run("list")
    with pytest.raises(CommandError, match="No flame is installed"):
        run("remove", "flame")
    with pytest.raises(AssetError, match="no kind of asset 'hair'"):
        run("remove", "hair")


@pytest.mark.parametrize("kind", ["flame", "smirk"])
def test_a_file_that_is_absent_is_a_sentence(home, kind):
    with pytest.raises(CommandError, match=r"There is no file .*absent\.pkl"):
        run("install", kind, "--from", str(home / "absent.pkl"))


def test_a_bad_file_leaves_the_installed_one(home):
    store = default_asset_store()
    about = {"source": "x.pkl", "sha256": "ab" * 32, "edition": "flame-2020", "licence": "research only"}
    kept = store.add("flame", {"head.npz": b"content"}, **about)
    hostile, other = home / "generic_model.pkl", home / "flame2023.pkl"
    hostile.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    other.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(UnsafePickle, match=r"os\.system"):
        run("install", "flame", "--from", str(hostile))
    with pytest.raises(FlameFileError, match="no FLAME model"):
        run("install", "flame", "--from", str(other))
    assert store.find("flame") == kept
