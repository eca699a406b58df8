"""How fast, how exact and how fair heads are drawn: everything that `visavis bench render` prints."""

from __future__ import annotations

from rich.console import Console

from renderer.avatar.warm_up import warm_up
from visavis.bench import render_cuda, render_frames, render_paper, render_peers, render_raster
from visavis.bench.render_scene import bench_avatar
from visavis.bench.report import Figure


def run(console: Console) -> list[Figure]:
    """Draws guest avatar number one, with bases, in many ways and returns `render.*`."""
    with console.status("preparing the renderer ...") as status:
        warm_up(lambda doing, share: status.update(f"{doing} ... {share:.0%}"))
        avatar = bench_avatar()
    figures = render_frames.run(avatar, console)
    figures += render_peers.run(avatar, console)  # before PyTorch and its threads are in the process
    figures += render_raster.run(avatar, console)
    figures += render_paper.run(console)
    figures += render_cuda.run(avatar, console)
    console.print(f"{avatar.asset.name}: {avatar.count} Gaussians, {len(avatar.asset.basis_grid)} bases")
    return figures
