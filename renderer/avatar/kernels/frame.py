"""From one instant of an avatar to its picture, as one call that keeps the GIL released."""

from __future__ import annotations

from renderer.avatar.kernels.bases import mix_bases
from renderer.avatar.kernels.bind import bind_gaussians
from renderer.avatar.kernels.mesh import pose_mesh
from renderer.backends.kernels.draw import draw
from renderer.jit import kernel


@kernel
def run_pose(avatar_states):
    """Poses the avatar: mesh, bases, Gaussians."""
    state = avatar_states[0]
    pose_mesh(state)
    if state.bases > 0:
        mix_bases(state)
    bind_gaussians(state)


@kernel
def render_frame(avatar_states, raster_states):
    """Poses the avatar and draws it, as one call; returns what `draw` returns."""
    run_pose(avatar_states)
    return draw(raster_states)
