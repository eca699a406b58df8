"""Video codecs over pictures: real encoders of imageio-ffmpeg."""

import numpy as np
import pytest

from visavis.bench.rd.ffmpeg import Pictures, run
from visavis.bench.rd.quality import vmaf
from visavis.bench.rd.video_codecs import VIDEO_CODECS, VideoCodec
from visavis.bench.rd.video_sweep import encode_and_decode
from visavis.errors import CommandError

pytest.importorskip("imageio_ffmpeg", reason="video codecs come with the extra `bench`")

SIDE, COUNT, RATE = 256, 8, 25


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """A smooth blob that moves over white."""
    y, x = np.mgrid[:SIDE, :SIDE]
    frames = []
    for number in range(COUNT):
        blob = np.exp(-((x - 100 - 4 * number) ** 2 + (y - 128) ** 2) / 3000.0)
        frames.append(255 * (1 - blob[..., None] * np.array([0.3, 0.5, 0.9])))
    return np.stack(frames).round().astype(np.uint8)


@pytest.mark.parametrize("codec", VIDEO_CODECS, ids=lambda codec: codec.name)
def test_better_quality_costs_more_and_is_closer(codec: VideoCodec, pictures: Pictures, tmp_path):
    worst, best = (
        encode_and_decode(codec, quality, pictures, RATE, SIDE, tmp_path / f"{quality}.mkv")
        for quality in (codec.qualities[0], codec.qualities[-1])
    )
    assert worst.shown.shape == best.shown.shape == pictures.shape
    assert worst.size_bytes < best.size_bytes

    def error(shown: Pictures) -> float:
        return float(np.square(shown.astype(float) - pictures).mean())

    assert error(best.shown) < error(worst.shown)
    assert error(best.shown) < 4


def test_half_the_size_comes_back_in_full(pictures: Pictures, tmp_path):
    coded = encode_and_decode(VIDEO_CODECS[0], 30, pictures, RATE, SIDE // 2, tmp_path / "half.mkv")
    assert coded.shown.shape == pictures.shape


def test_vmaf_knows_the_same_from_another(pictures: Pictures):
    assert vmaf(pictures, pictures, RATE) > 90
    assert vmaf(pictures, np.roll(pictures, 40, axis=2), RATE) < 60


def test_what_ffmpeg_says_is_told(tmp_path):
    with pytest.raises(CommandError, match="ffmpeg failed: "):
        run(["-i", str(tmp_path / "missing.mkv"), "-f", "null", "-"])
