from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assets.store import AssetStore


@pytest.fixture(scope="session")
def encoder():
    """SMIRK's encoder with random weights, batch statistics included."""
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[smirk]'")
    from tracker.smirk.network import SmirkEncoder

    torch.manual_seed(5)
    network = SmirkEncoder()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if ".bn" in name and name.endswith(("weight", "bias")):
                value.uniform_(0.7, 1.3) if name.endswith("weight") else value.uniform_(-0.3, 0.3)
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = None  # the mean over all batches
        for _ in range(4):  # in training mode, this measures the batch statistics
            crops = torch.nn.functional.interpolate(torch.rand(4, 3, 7, 7), (224, 224), mode="bicubic")
            network.frame(crops)
            network.shape(crops)
    return network.eval()


@pytest.fixture(scope="session")
def checkpoint(encoder, tmp_path_factory) -> Path:
    """The encoder as the authors publish it: prefixed, beside the generator's weights."""
    import torch

    content = {f"smirk_encoder.{name}": value for name, value in encoder.state_dict().items()}
    content["smirk_generator.init_conv.weight"] = torch.zeros(8, 3)
    path = tmp_path_factory.mktemp("checkpoint") / "SMIRK_em1.pt"
    torch.save(content, path)
    return path


@pytest.fixture(scope="session")
def installed(checkpoint, tmp_path_factory) -> tuple[AssetStore, list[tuple[str, float]]]:
    """A store with these weights installed, and the progress that was told meanwhile."""
    pytest.importorskip("onnx", reason="needs the exporter's onnx: pip install 'visavis[smirk]'")
    from tracker.smirk.install import install_smirk

    store, told = AssetStore(tmp_path_factory.mktemp("assets")), []
    install_smirk(checkpoint, store, lambda what, share: told.append((what, share)))
    return store, told


@pytest.fixture
def write_checkpoint(encoder, tmp_path) -> Callable[..., Path]:
    """Writes the encoder's weights, changed by `change(weights)`."""
    import torch

    def write(change: Callable[[dict], object]) -> Path:
        weights = {name: value.clone() for name, value in encoder.state_dict().items()}
        change(weights)
        path = tmp_path / "changed.pt"
        torch.save(weights, path)
        return path

    return write
