"""A function in gsplat.rasterization's place that needs no graphics card: its arguments, shapes, results and rules.

It draws with tests/bench/torch_rasterizer.py. As in gsplat 1.5.3, and unlike in renderer.backends.base, alpha is capped
at 0.999, and views with a negative focal length are refused (gsplat draws nonsense).
"""

from __future__ import annotations

from typing import Any

from renderer.camera import Camera
from visavis.bench.peers import load_peer


class StandIn:
    """Counts its calls, and checks its arguments as gsplat does."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(
        self,
        means,
        quats,
        scales,
        opacities,
        colors,
        viewmats,
        Ks,
        width: int,
        height: int,
        near_plane: float = 0.01,
        eps2d: float = 0.3,
        packed: bool = True,
    ):
        """Pictures over black [B, C, H, W, 3], coverage [B, C, H, W, 1] and nothing else of interest."""
        import torch

        from renderer.backends.cuda_batch import ALPHA_MAX

        peer = load_peer("torch_rasterizer")
        assert peer is not None
        size, count, views = means.shape[0], means.shape[1], viewmats.shape[1]
        assert means.shape == (size, count, 3)
        assert quats.shape == (size, count, 4)
        assert scales.shape == (size, count, 3)
        assert opacities.shape == (size, count)
        assert colors.shape == (size, count, 3)
        assert viewmats.shape == (size, views, 4, 4)
        assert Ks.shape == (size, views, 3, 3)
        assert (near_plane, eps2d) == (0.01, 0.3)
        assert (Ks[..., 0, 0] > 0).all()
        for tensor in (means, quats, scales, opacities, colors, viewmats, Ks):
            assert tensor.dtype == torch.float32
            assert torch.isfinite(tensor).all()
        self.calls.append({"size": size, "count": count, "width": width, "height": height, "packed": packed})
        pictures, alphas = torch.zeros(size, views, height, width, 3), torch.zeros(size, views, height, width, 1)
        for b in range(size):
            for c in range(views):
                camera = Camera(viewmats[b, c].numpy(), Ks[b, c].numpy(), width, height)
                picture, transmittance = peer.rasterize_layers(
                    means[b], quats[b], scales[b], opacities[b], colors[b], camera, ALPHA_MAX
                )
                pictures[b, c], alphas[b, c, ..., 0] = picture, 1 - transmittance
        return pictures, alphas, {}
