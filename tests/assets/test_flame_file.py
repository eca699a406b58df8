import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from assets import safe_pickle
from assets.errors import FlameFileError, UnsafePickle
from assets.flame_file import EDITIONS, FlameFile, read_flame
from tests.support.flame import arrays, flame_bytes

ARRAYS = ("v_template", "faces", "shapedirs", "expressiondirs", "posedirs", "J_regressor", "lbs_weights")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("flame")
    names = {"chumpy": "generic_model.pkl", "open": "flame2023_Open.pkl", "npz": "flame2023.npz"}
    for layout, name in names.items():
        (folder / name).write_bytes(flame_bytes(layout))
    return {layout: folder / name for layout, name in names.items()}


@pytest.fixture(scope="module")
def read(files) -> dict[str, FlameFile]:
    return {layout: read_flame(path) for layout, path in files.items()}


def with_change(path: Path, **changes: np.ndarray | None) -> Path:
    """An npz of the synthetic arrays (directions that are zero and small) with some replaced, or left out (None)."""
    still = {name: np.zeros(arrays()[name].shape, np.int8) for name in ("shapedirs", "posedirs")}
    content = {name: array for name, array in {**arrays(), **still, **changes}.items() if array is not None}
    np.savez(path, allow_pickle=False, **content)
    return path


def test_every_layout_gives_the_same_arrays(read):
    source = arrays()
    for file in read.values():
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(file, name), getattr(read["npz"], name))
    file = read["npz"]
    np.testing.assert_array_equal(file.expressiondirs, source["shapedirs"][:, :, 300:350].astype(np.float32))
    np.testing.assert_array_equal(file.shapedirs, source["shapedirs"][:, :, :300].astype(np.float32))
    np.testing.assert_array_equal(file.posedirs[10], source["posedirs"][:, :, 10].astype(np.float32))
    np.testing.assert_array_equal(file.J_regressor, source["J_regressor"])
    assert file.faces.dtype == np.int32


def test_the_edition_comes_from_the_file(read, files, tmp_path):
    assert {layout: file.edition for layout, file in read.items()} == {
        "chumpy": "flame-2020",
        "open": "flame-2023-open",
        "npz": "flame-2023",
    }
    assert len({file.sha256 for file in read.values()}) == 3
    renamed = tmp_path / "head.pkl"
    renamed.symlink_to(files["open"])
    assert read_flame(renamed).edition == "flame-2023-open"
    unnamed = tmp_path / "head2.pkl"
    unnamed.symlink_to(files["chumpy"])
    with pytest.raises(FlameFileError, match="--edition"):
        read_flame(unnamed)
    assert read_flame(unnamed, "flame-2023").edition == "flame-2023"
    with pytest.raises(FlameFileError, match="no FLAME edition"):
        read_flame(unnamed, "flame-2017")
    assert all("Max Planck" in note for note in EDITIONS.values())


def broken(name: str, place: object, value: object) -> np.ndarray:
    array = np.array(arrays()[name])
    if array.dtype.kind == "u":
        array = array.astype(np.int64)
    array[place] = value
    return array


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"weights": None}, "it has no 'weights'"),
        ({"v_template": np.zeros((5022, 3))}, r"'v_template' has the shape \(5022, 3\), FLAME's has \(5023, 3\)"),
        ({"posedirs": np.zeros((36, 5023, 3), np.float32)}, "'posedirs' has the shape"),
        ({"v_template": broken("v_template", (7, 1), np.nan)}, "not finite"),
        ({"J_regressor": broken("J_regressor", (2, 0), np.inf)}, "not finite"),
        ({"f": broken("f", (0, 0), 5023)}, "a vertex that does not exist"),
        ({"f": broken("f", (9975, 2), -1)}, "a vertex that does not exist"),
        ({"weights": broken("weights", 3, 0.5)}, "do not add up to 1"),
        ({"weights": broken("weights", 3, [1.5, -0.5, 0, 0, 0])}, "do not add up to 1"),
        ({"J_regressor": broken("J_regressor", (1, 1), 4.0)}, "do not add up to 1"),
        ({"kintree_table": broken("kintree_table", (0, 4), 2)}, "joints are not"),
        ({"J_regressor": broken("J_regressor", (0, [0, 1]), [1e200, -1e200])}, "do not add up to 1"),
        ({"shapedirs": np.full((5023, 3, 400), 7, np.int8)}, "'shapedirs' is not in metres"),
        ({"v_template": 1000 * arrays()["v_template"]}, "not in metres"),
        ({"v_template": 2 * arrays()["v_template"]}, "not in metres"),
        ({"v_template": arrays()["v_template"] * [-1, 1, 1]}, "stand upright"),
        ({"v_template": arrays()["v_template"].astype("S8")}, "no numbers"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_numbers_that_no_head_has_are_refused(changes, sentence, tmp_path):
    with pytest.raises(FlameFileError, match=sentence):
        read_flame(with_change(tmp_path / "flame2023.npz", **changes))


@pytest.mark.parametrize("layout", ["chumpy", "open", "npz"])
@pytest.mark.parametrize("share", [0.001, 0.6])
def test_a_truncated_file_is_refused(layout, share, tmp_path):
    data = flame_bytes(layout)
    path = tmp_path / "flame2023.pkl"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises((FlameFileError, UnsafePickle), match="damaged"):
        read_flame(path)


def test_files_of_another_kind_are_refused(tmp_path, monkeypatch):
    def refused(data: bytes, sentence: str) -> None:
        path = tmp_path / "flame2023.pkl"
        path.write_bytes(data)
        with pytest.raises((FlameFileError, UnsafePickle), match=sentence):
            read_flame(path)

    refused(b"", "is empty")
    refused(b"\x80\x02]q\x00.", "no table of arrays")
    refused(b"\x80\x02}q\x00.", "has no 'v_template'")
    refused(b"\x89HDF\r\n", "no pickle")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("flame2023.pkl", b"")
    refused(archive.getvalue(), "unpack it")
    with pytest.raises(FlameFileError, match="No such file"):
        read_flame(tmp_path / "absent.pkl")
    monkeypatch.setattr(safe_pickle, "MAX_BYTES", 1 << 20)
    refused(bytes((1 << 20) + 1), "larger than 1 MiB")


def test_an_npz_is_not_believed(tmp_path, monkeypatch):
    def refused(members: dict[str, bytes], sentence: str) -> None:
        path = tmp_path / "flame2023.npz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in members.items():
                file.writestr(name, data)
        with pytest.raises(FlameFileError, match=sentence):
            read_flame(path)

    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 1 << 10)})
    refused({"v_template.npy": huge.getvalue()}, "damaged")
    objects = io.BytesIO()
    np.save(objects, np.array([{}], object), allow_pickle=True)
    refused({"v_template.npy": objects.getvalue()}, "damaged")
    refused({"v_template.npy": b"text"}, "damaged")
    monkeypatch.setattr(safe_pickle, "MAX_BYTES", 1 << 20)
    refused({"v_template.npy": bytes(2 << 20)}, "unpacks to more than 1 MiB")
