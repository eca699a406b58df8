import pickle  # noqa: TID251 - an ordinary pickler makes the hostile files
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import pickled_arrays, safe_pickle
from assets.errors import UnsafePickle
from tests.support.flame import small_arrays
from tools.synthetic_flame.layouts import chumpy_layout, open_layout
from tools.synthetic_flame.pickle_writer import Made, Name, write_pickle

SMALL = small_arrays()
SEEDS = [open_layout(SMALL), chumpy_layout(SMALL)]


@pytest.mark.parametrize(
    "data",
    [
        open_layout(SMALL),
        open_layout(SMALL, core="numpy._core"),
        chumpy_layout(SMALL),
        pickle.dumps(SMALL, 2),
        pickle.dumps(SMALL, 3),
        pickle.dumps(SMALL, 4),
        pickle.dumps(SMALL, 5),
        pickle.dumps({name: array.astype(array.dtype.newbyteorder(">")) for name, array in SMALL.items()}, 4),
    ],
    ids=["open", "open-numpy2", "chumpy", "2", "3", "4", "5", "big-endian"],
)
def test_arrays_come_out_whatever_wrote_them(data):
    loaded = safe_pickle.load(data)
    assert isinstance(loaded, dict)
    for name, array in SMALL.items():
        np.testing.assert_array_equal(pickled_arrays.dense(loaded[name]), array)


def test_a_selection_of_chumpy_is_followed():
    def array(value):
        return Made(
            Name("numpy.core.multiarray", "_reconstruct"),
            (Name("numpy", "ndarray"), (0,), b"b"),
            (1, value.shape, Made(Name("numpy", "dtype"), (value.dtype.str[1:],)), False, value.tobytes()),
        )

    base = Made(Name("chumpy.ch", "Ch"), (), {"x": array(np.arange(6.0))}, by_new=True)
    state = {"a": base, "idxs": array(np.array([5, 0])), "preferred_shape": (1, 2)}
    data = write_pickle(Made(Name("chumpy.reordering", "Select"), (), state, by_new=True), 2)
    np.testing.assert_array_equal(pickled_arrays.dense(safe_pickle.load(data)), [[5.0, 0.0]])


class Evil:
    """Writes a file when it is unpickled by a pickle.load."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return eval, (f"open({self.path!r}, 'w').close()",)


def hostile_files(path: Path) -> dict[str, bytes]:
    command = f"touch {path}"
    text = command.encode()
    reconstruct = Name("numpy.core.multiarray", "_reconstruct")
    return {
        "eval at protocol 0": pickle.dumps(Evil(path), 0),
        "eval at protocol 2": pickle.dumps(Evil(path), 2),
        "eval behind arrays": pickle.dumps({**SMALL, "f": [Evil(path)]}, 5),
        "os.system": write_pickle(Made(Name("os", "system"), (command,)), 2),
        "posix.system by name on the stack": write_pickle(Made(Name("posix", "system"), (command,)), 5),
        "as argument of an allowed call": write_pickle(
            Made(reconstruct, (Made(Name("os", "system"), (command,)), (0,), b"b")), 4
        ),
        "class for reconstruct": write_pickle(Made(reconstruct, (Name("subprocess", "Popen"), (command,))), 4),
        "dotted name": write_pickle(Made(Name("numpy", "f2py.os.system"), (command,)), 4),
        "INST": b"(S'" + text + b"'\nios\nsystem\n.",
        "OBJ": b"(cos\nsystem\nS'" + text + b"'\no.",
        "extension registry": b"\x80\x02\x82\x01.",
        "persistent id": b"Pos.system\n.",
        "out-of-band buffer": b"\x80\x05\x97.",
        "reconstruct of itself": write_pickle(Made(reconstruct, (reconstruct, (0,), b"b")), 4),
        "reconstruct of nothing": write_pickle(Made(reconstruct, ()), 4),
        "call of a value": write_pickle("os", 2)[:-1] + b")R.",
        "state for a list": b"\x80\x02]}b.",
        "change of an allowed class": b"cnumpy\nndarray\n(}(S'load'\nNutb.",
    }


@pytest.mark.parametrize("name", list(hostile_files(Path())))
def test_a_hostile_pickle_is_refused_and_nothing_of_it_runs(name, tmp_path):
    touched = tmp_path / "touched"
    with pytest.raises(UnsafePickle) as caught:
        safe_pickle.load(hostile_files(touched)[name])
    assert not touched.exists()
    assert str(caught.value).endswith(".")


def test_the_refusal_says_what_the_file_wanted():
    with pytest.raises(UnsafePickle, match=r"'os\.system'.*may be malicious"):
        safe_pickle.load(write_pickle(Made(Name("os", "system"), ("true",)), 2))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no pickle at all",
        b"\x80\x05\x8e" + struct.pack("<Q", 1 << 50) + b"x.",  # bytes longer than the file
        b"\x80\x05\x96" + struct.pack("<Q", 1 << 50) + b"x.",
        b"Nr" + struct.pack("<I", (1 << 31) - 1) + b"j" + struct.pack("<I", (1 << 31) - 2) + b".",
        b"N" * (safe_pickle.MAX_OPCODES + 1) + b".",
        b"(" * 5000,
        b"\x80\x04\x95" + struct.pack("<Q", 1 << 60) + b"N",
        b"\x8b" + struct.pack("<I", (1 << 31) - 1) + b"\x01.",
        b"}" + b")" + b"\x85" * 150_000 + b"Ns.",  # the hash of a deep key overflows the stack of C
        b"})" + b"".join(b"q%ch%c\x86" % (n, n) for n in range(64)) + b"Ns.",  # this one's takes 2**64 steps
        b"}\x8a\xff" + b"\x01" * 255 + b"Ns.",
    ],
    ids=[
        *("empty", "text", "bytes", "bytearray", "memo", "opcodes", "marks", "frame", "integer"),
        *("deep key", "doubling key", "large key"),
    ],
)
def test_sizes_are_not_believed(data):
    with pytest.raises(UnsafePickle):
        safe_pickle.load(data)


def stored_array(shape, content: object, code: str = "f8", state: object = (3, "<")) -> object:
    dtype = Made(Name("numpy", "dtype"), (code, False, True), state)
    arguments = (bytearray(content) if isinstance(content, bytes) else content, dtype, shape, "C")
    return safe_pickle.load(write_pickle(Made(Name("numpy.core.numeric", "_frombuffer"), arguments), 5))


@pytest.mark.parametrize(
    "make",
    [
        lambda: stored_array((1 << 30, 1 << 30), bytes(8)),
        lambda: stored_array((-1,), bytes(8)),
        lambda: stored_array((2,), bytes(8)),
        lambda: stored_array((1,) * 9, bytes(8)),
        lambda: stored_array((1,), bytes(8), code="O8"),
        lambda: stored_array((1,), bytes(8), code="V8"),
        lambda: stored_array("text", bytes(8)),
        lambda: stored_array((1,), 1 << 40),
        lambda: stored_array((0, 1 << 62), b""),
        lambda: stored_array((1,), Made(Name("_codecs", "encode"), ("12345678", "rot13"))),
        lambda: stored_array((1,), Made(Name("_codecs", "encode"), ())),
        lambda: safe_pickle.load(b"]q\x00(h\x00h\x00e."),  # a list that holds itself, twice
        lambda: safe_pickle.load(b"(I1\nl" + b"".join(b"q%c(h%ch%cl" % (n, n, n) for n in range(40)) + b"."),
        lambda: stored_array((1,), bytes(8), state=7),
        lambda: safe_pickle.load(write_pickle(Made(Name("numpy", "ndarray"), (1 << 40,), by_new=True), 4)),
        lambda: safe_pickle.load(write_pickle({"not": "an array"}, 4)),
        lambda: safe_pickle.load(write_pickle(["text"], 4)),
    ],
)
def test_an_array_that_contradicts_itself_is_refused(make):
    with pytest.raises(UnsafePickle):
        pickled_arrays.dense(make())


def stored_columns(indices: list[int], pointers: list[int]) -> object:
    state = {"_shape": (3, 2), "data": [4.0], "indices": indices, "indptr": pointers}
    return safe_pickle.load(write_pickle(Made(Name("scipy.sparse._csc", "csc_matrix"), (), state, by_new=True), 4))


@pytest.mark.parametrize(
    ("indices", "pointers"),
    [([9], [0, 1, 1]), ([-1], [0, 1, 1]), ([0], [0, 2, 1]), ([0], [0, 1]), ([0], [1, 1, 1]), ([0], [0, 0, 5])],
)
def test_a_sparse_matrix_that_contradicts_itself_is_refused(indices, pointers):
    np.testing.assert_array_equal(pickled_arrays.dense(stored_columns([2], [0, 0, 1])), [[0, 0], [0, 0], [0, 4]])
    with pytest.raises(UnsafePickle):
        pickled_arrays.dense(stored_columns(indices, pointers))


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4)), max_size=4))
def test_a_damaged_file_is_refused_or_harmless(seed, changes):
    data = bytearray(seed)
    for position, replacement in changes:
        place = position % len(data)
        data[place : place + len(replacement) + 1] = replacement
    try:
        loaded = safe_pickle.load(bytes(data))
        for value in loaded.values() if isinstance(loaded, dict) else [loaded]:
            pickled_arrays.dense(value)
    except UnsafePickle:
        pass
