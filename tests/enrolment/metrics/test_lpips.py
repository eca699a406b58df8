"""LPIPS against PyTorch's operators in double precision, by figures that were written down (docs/metrics.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from enrolment.metrics.errors import MetricsError
from enrolment.metrics.lpips import LEAST_SIDE, Lpips
from enrolment.metrics.lpips_fetch import lpips_weights_path
from enrolment.metrics.lpips_gradient import lpips_gradient
from enrolment.metrics.lpips_weights import convert, shapes
from tests.support.pictures import blurred, waves


@pytest.fixture(scope="module")
def lpips() -> Lpips:
    path = lpips_weights_path()
    if not path.exists():
        pytest.skip("the weights of LPIPS are not installed: visavis assets install lpips")
    return Lpips(path)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory) -> Path:
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(0, 0.03, shape).astype(np.float32) for name, shape in shapes().items()}
    path = tmp_path_factory.mktemp("weights") / "made_up.npz"
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]
    return path


GOLDEN = {
    "another": (waves(1, 256, 200), waves(2, 256, 200), 0.50256564),
    "blurred": (waves(1, 256, 200), blurred(waves(1, 256, 200), 2), 0.07473304),
    "smallest": (waves(1, 31, 31), waves(2, 31, 31), 0.14688243),
    "on white": (waves(4, 131, 97), np.full((131, 97, 3), 255, np.uint8), 0.91972941),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_golden(lpips, case):
    first, second, expected = GOLDEN[case]
    assert lpips(first, second) == pytest.approx(expected, rel=1e-5)
    assert lpips(second, first) == pytest.approx(expected, rel=1e-5)


def test_equal_pictures(lpips):
    assert lpips(waves(1, 64, 64), waves(1, 64, 64)) < 1e-9


def test_made_up_weights_against_plain_sums(made_up):
    """One output of every layer, summed by hand."""
    network = Lpips(made_up)
    arrays = np.load(made_up)
    rng = np.random.default_rng(1)
    for layer, stride, padding in ((0, 4, 2), (1, 1, 2), (3, 1, 1)):
        kernel = arrays[f"kernel_{layer}"].astype(np.float64)
        side, _, inputs, _ = kernel.shape
        values = rng.normal(size=(2, 20, 17, inputs)).astype(np.float32)
        found = network._convolve(values, layer)
        padded = np.pad(values, ((0, 0), (padding, padding), (padding, padding), (0, 0))).astype(np.float64)
        row, column = found.shape[1] - 1, 1
        window = padded[1, stride * row : stride * row + side, stride * column : stride * column + side]
        expected = np.maximum(np.einsum("yxi,yxio->o", window, kernel) + arrays[f"bias_{layer}"], 0)
        np.testing.assert_allclose(found[1, row, column], expected, atol=1e-4)


def test_too_small_and_unequal_pictures(made_up):
    network = Lpips(made_up)
    small = waves(1, LEAST_SIDE - 1, 64)
    with pytest.raises(ValueError, match="smaller than"):
        network(small, small)
    with pytest.raises(ValueError, match="cannot be compared"):
        network(waves(1, 40, 40), waves(1, 40, 41))


def test_damaged_weights_are_a_sentence(tmp_path, made_up):
    with pytest.raises(MetricsError, match="visavis assets install lpips"):
        Lpips(tmp_path / "missing.npz")
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(made_up.read_bytes()[:-5000])
    with pytest.raises(MetricsError, match="visavis assets install lpips"):
        Lpips(damaged)
    arrays = dict(np.load(made_up))
    arrays["bias_2"] = arrays["bias_2"][:-1]
    np.savez(damaged, **arrays)
    with pytest.raises(MetricsError, match="visavis assets install lpips"):
        Lpips(damaged)


def test_a_checkpoint_of_something_else():
    with pytest.raises(MetricsError, match="layers of LPIPS-Alex"):
        convert(b"\x80\x02}.")  # an empty dictionary


def test_the_gradient_is_that_of_the_distance(made_up):
    """In double precision and along random directions; PyTorch is not needed for that."""
    network = Lpips(made_up)
    first, second = (waves(seed, 70, 61).astype(np.float32) / 255 for seed in (1, 2))
    distance, gradient = lpips_gradient(network, first, second)
    assert distance == pytest.approx(network(waves(1, 70, 61), waves(2, 70, 61)), rel=1e-5)
    precise = Lpips(made_up)
    for name in ("kernels", "importances", "_biases"):
        setattr(precise, name, [array.astype(np.float64) for array in getattr(precise, name)])
    rng = np.random.default_rng(5)
    for _ in range(3):
        direction = rng.normal(size=first.shape)
        after, before = (
            lpips_gradient(precise, first + step * direction, second.astype(np.float64))[0] for step in (1e-6, -1e-6)
        )
        assert (gradient * direction).sum() == pytest.approx((after - before) / 2e-6, rel=2e-3, abs=1e-5)


def test_no_gradient_of_pictures_that_cannot_be_compared(made_up):
    small, large = (np.zeros((side, side, 3), np.float32) for side in (LEAST_SIDE - 1, LEAST_SIDE + 1))
    for first, second in ((small, small), (large, small)):
        with pytest.raises(ValueError, match="pictures of"):
            lpips_gradient(Lpips(made_up), first, second)
