"""The measurement on a graphics card, where there is none."""

import pytest
from rich.console import Console

from renderer.avatar.avatar_model import AvatarModel
from renderer.head.open_head import load_open_head
from tests.support.gsplat_stand_in import StandIn
from visavis.bench import render_cuda
from visavis.bench.synthetic import synthetic_avatar


def a_few_gaussians() -> AvatarModel:
    head = load_open_head()
    return AvatarModel(head, synthetic_avatar(head, 200, 2))


def test_without_a_card_the_reason_is_printed_and_nothing_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(record=True, width=200)
    monkeypatch.setattr(render_cuda, "why_unavailable", lambda: "There is no card [at all].")
    assert render_cuda.run(a_few_gaussians(), console) == []
    assert "not measured on a graphics card: There is no card [at all]." in console.export_text()


def test_pictures_that_come_late_delay_the_next() -> None:
    assert render_cuda.missed_pct([0.01] * 10, 0.04) == 0
    assert render_cuda.missed_pct([0.05] * 10, 0.04) == 100
    assert render_cuda.missed_pct([0.01, 0.075, 0.01, 0.01], 0.04) == pytest.approx(50)


def test_everything_measured_has_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[cuda]'")
    from renderer.backends import cuda_frames
    from renderer.backends.cuda import CudaRasterizer
    from renderer.backends.cuda_frames import CudaFrameRenderer

    class OnTheProcessor(CudaFrameRenderer):
        def __init__(self, avatars, size: int) -> None:
            super().__init__(avatars, size, device="cpu", rasterization=StandIn())

    monkeypatch.setattr(render_cuda, "why_unavailable", lambda: None)
    monkeypatch.setattr(cuda_frames, "CudaFrameRenderer", OnTheProcessor)
    monkeypatch.setattr(render_cuda, "CudaRasterizer", lambda: CudaRasterizer("cpu", rasterization=StandIn()))
    for name, small in (("SIZE", 48), ("FRAMES", 8), ("LEAD_IN", 1), ("PEERS", 3), ("SLOTS", 2)):
        monkeypatch.setattr(render_cuda, name, small)
    figures = render_cuda.run(a_few_gaussians(), Console(quiet=True))
    values = {figure.name: figure.value for figure in figures}
    assert values.keys() >= {"render.cuda_fps_48", "render.cuda_peers_3_missed_pct", "render.cuda_psnr_db"}
    assert values["render.cuda_psnr_db"] > 45
