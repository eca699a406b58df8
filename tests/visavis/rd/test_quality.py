"""The four measures of a sequence of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from enrolment.metrics.lpips import Lpips
from enrolment.metrics.lpips_weights import shapes
from tests.support.pictures import blurred, waves
from visavis.bench.rd.quality import MOST_LOOKED_AT, Judge
from visavis.errors import CommandError

pytest.importorskip("imageio_ffmpeg", reason="VMAF comes with the extra `bench`")


@pytest.fixture(scope="module")
def lpips(tmp_path_factory: pytest.TempPathFactory) -> Lpips:
    """With made-up weights: the real ones are fetched by who measures."""
    rng = np.random.default_rng(0)
    arrays = {name: np.abs(rng.normal(0, 0.03, shape)).astype(np.float32) for name, shape in shapes().items()}
    path: Path = tmp_path_factory.mktemp("weights") / "made_up.npz"
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]
    return Lpips(path)


def test_what_is_the_same_is_best_and_blur_is_worse_by_every_measure(lpips: Lpips):
    truth = np.stack([waves(seed, 128, 128) for seed in range(3)])
    judge = Judge(truth, 25, lpips)
    same, worse = judge(truth), judge(np.stack([blurred(picture, 2) for picture in truth]))
    assert (same.psnr_db, same.ssim) == (100.0, pytest.approx(1.0))
    assert same.lpips < 1e-6 < worse.lpips
    assert worse.psnr_db < 40
    assert worse.ssim < 0.99
    assert worse.vmaf < same.vmaf - 5


def test_some_pictures_stand_for_all(lpips: Lpips):
    judge = Judge(np.zeros((200, 64, 64, 3), np.uint8), 25, lpips)
    assert len(judge.looked_at) == MOST_LOOKED_AT
    assert (judge.looked_at[0], judge.looked_at[-1]) == (0, 199)


def test_a_codec_that_loses_pictures_is_found_out(lpips: Lpips):
    truth = np.zeros((3, 64, 64, 3), np.uint8)
    with pytest.raises(CommandError, match="2 pictures came back of 3"):
        Judge(truth, 25, lpips)(truth[:2])
