from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from assets.store import AssetStore
from tracker.smirk.errors import SmirkFileError, SmirkUnavailable
from tracker.smirk.install import install_smirk
from tracker.smirk.session import FRAME_FILE, FRAME_OUTPUTS, SHAPE_FILE, SHAPE_OUTPUTS, Session

ROOT = Path(__file__).parents[3]


def test_onnx_runtime_computes_what_torch_computes(encoder, installed):
    import torch

    store, _ = installed
    asset = store.find("smirk")
    frame, shape = Session(asset.path(FRAME_FILE), FRAME_OUTPUTS), Session(asset.path(SHAPE_FILE), SHAPE_OUTPUTS)
    rng, spread = np.random.default_rng(11), []
    for _ in range(3):
        coarse = rng.random((7, 7, 3), np.float32)
        crop = np.ascontiguousarray(cv2.resize(coarse, (224, 224)).transpose(2, 0, 1)[None])
        with torch.inference_mode():
            expected = {**encoder.frame(torch.from_numpy(crop)), "shape": encoder.shape(torch.from_numpy(crop))}
        found = {**frame(crop), **shape(crop)}
        assert set(found) == set(expected)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value[0].numpy(), atol=1e-4, rtol=0, err_msg=name)
        spread.append(found["expression"])
    assert np.ptp(spread, axis=0).max() > 0.05  # the outputs depend on the picture


def test_what_is_installed_names_its_source_and_licence(checkpoint, installed):
    store, told = installed
    asset = store.find("smirk")
    assert asset.source == "SMIRK_em1.pt"
    assert asset.sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert "FLAME 2020" in asset.licence
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_a_broken_file_installs_nothing(write_checkpoint, tmp_path):
    store = AssetStore(tmp_path / "assets")
    path = write_checkpoint(lambda weights: weights.popitem())
    with pytest.raises(SmirkFileError, match="lacks"):
        install_smirk(path, store, lambda what, share: None)
    assert store.find("smirk") is None


def test_an_export_that_computes_something_else_is_refused(encoder, monkeypatch):
    pytest.importorskip("onnx", reason="needs the exporter's onnx: pip install 'visavis[smirk]'")
    from tracker.smirk import export

    class Wrong(Session):
        def __call__(self, crop):
            return {name: value + 2e-4 for name, value in super().__call__(crop).items()}

    monkeypatch.setattr(export, "Session", Wrong)
    with pytest.raises(SmirkFileError, match="differs by"):
        export.export_shape(encoder)


def test_without_torch_the_message_says_what_to_install(monkeypatch, tmp_path):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find_spec(name))
    with pytest.raises(SmirkFileError, match=r"torch.*pip install 'visavis\[smirk\]'"):
        install_smirk(tmp_path / "any.pt", AssetStore(tmp_path), lambda what, share: None)


def test_a_damaged_network_is_refused():
    with pytest.raises(SmirkUnavailable, match="cannot be loaded"):
        Session(b"no network", FRAME_OUTPUTS)


def test_calls_load_no_torch_and_onnx_runtime_has_no_network_code():
    """From 1.29 on ONNX Runtime reports usage to Microsoft; the release that is pinned links no sockets."""
    code = (
        "import sys, tracker.smirk.extractor, tracker.smirk.install, tracker.smirk.session as session;"
        "session._onnxruntime(); import os, ctypes;"
        "print('torch' in sys.modules, os.environ['ORT_DISABLE_TELEMETRY'], sys.modules['onnxruntime'].__file__)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded, disabled, file = done.stdout.split()
    assert (loaded, disabled) == ("False", "1")
    libraries = [path for path in Path(file).parent.glob("capi/*") if ".so" in path.name or path.suffix == ".pyd"]
    assert libraries
    for library in libraries:
        content = library.read_bytes()
        assert b"getaddrinfo" not in content, library
        assert b"ORT_DISABLE_TELEMETRY" not in content, library
