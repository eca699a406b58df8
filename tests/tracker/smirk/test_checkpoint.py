from __future__ import annotations

import os
from pathlib import Path

import pytest

from tracker.smirk.errors import SmirkFileError

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[smirk]'")

from tracker.smirk.checkpoint import load_encoder  # noqa: E402

NAME = "expression_encoder.encoder.blocks.1.0.bn1.running_var"
CONV = "shape_encoder.encoder.conv_stem.weight"


class Payload:
    """Runs a command where it is unpickled carelessly."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.witness),)


def same_weights(one, other) -> bool:
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def test_the_published_layout_loads_and_the_generator_is_ignored(encoder, checkpoint):
    loaded = load_encoder(checkpoint)
    assert not loaded.training
    assert same_weights(loaded, encoder)


def test_the_encoder_alone_loads(encoder, write_checkpoint):
    assert same_weights(load_encoder(write_checkpoint(lambda weights: None)), encoder)


def test_a_checkpoint_that_carries_code_is_refused_and_nothing_runs(write_checkpoint, tmp_path):
    witness = tmp_path / "ran"
    path = write_checkpoint(lambda weights: weights.update(extra=Payload(witness)))
    with pytest.raises(SmirkFileError, match="program objects"):
        load_encoder(path)
    assert not witness.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: w.update({CONV: torch.zeros(16, 3, 5, 5)}), r"has the shape \[16, 3, 5, 5\], not \[16, 3, 3, 3\]"),
        (lambda w: w.update({CONV: torch.zeros(1).expand(10**9)}), r"has the shape \[1000000000\]"),
        (lambda w: w[CONV].view(-1)[7:8].fill_(float("nan")), "damaged"),
        (lambda w: w.update({CONV: torch.full((16, 3, 3, 3), 1e300, dtype=torch.float64)}), "damaged"),
        (lambda w: w[NAME].fill_(-1), "damaged"),
        (lambda w: w.update({CONV: torch.zeros(16, 3, 3, 3, dtype=torch.int64)}), "no plain array"),
        (lambda w: w.update({CONV: torch.zeros(16, 3, 3, 3).to_sparse()}), "no plain array"),
        (lambda w: w.update({CONV: torch.zeros(16, 3, 3, 3, device="meta")}), "no plain array|not a PyTorch"),
        (lambda w: w.update({CONV: "weights"}), "no plain array"),
        (lambda w: w.pop(CONV), f"lacks {CONV}"),
        (lambda w: [w.pop(name) for name in list(w) if name.startswith("pose")], "lacks .* and .* more"),
        (lambda w: w.update({"pose_encoder.extra": torch.zeros(1)}), "has the unknown pose_encoder.extra"),
        (lambda w: w.clear(), "no SMIRK encoder"),
    ],
)
def test_other_weights_are_refused_with_the_reason(write_checkpoint, change, sentence):
    with pytest.raises(SmirkFileError, match=sentence) as caught:
        load_encoder(write_checkpoint(change))
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(checkpoint, tmp_path):
    truncated, text, table = tmp_path / "truncated.pt", tmp_path / "text.pt", tmp_path / "table.pt"
    truncated.write_bytes(checkpoint.read_bytes()[:100_000])
    text.write_text("these are no weights")
    torch.save([torch.zeros(3)], table)
    for path in (truncated, text):
        with pytest.raises(SmirkFileError, match="not a PyTorch checkpoint"):
            load_encoder(path)
    with pytest.raises(SmirkFileError, match="not a table of named weights"):
        load_encoder(table)
    with pytest.raises(SmirkFileError, match="cannot be read: No such file"):
        load_encoder(tmp_path / "absent.pt")
    with pytest.raises(SmirkFileError, match="not a PyTorch checkpoint"):
        load_encoder(tmp_path)
    huge = tmp_path / "huge.pt"
    with huge.open("wb") as file:
        file.truncate(3 * 2**30)  # sparse
    with pytest.raises(SmirkFileError, match="larger than 2 GiB"):
        load_encoder(huge)
