"""From one instant of an avatar to its picture, as one call that keeps the GIL released.

The phases of renderer.backends.kernels.draw, and two before them: the mesh with the bases' grid, then the Gaussians,
which are projected while they are in the cache.
"""

from __future__ import annotations

from renderer.avatar.kernels.bases import mix_bases
from renderer.avatar.kernels.bind import bind_gaussians
from renderer.avatar.kernels.face import set_face
from renderer.avatar.kernels.layout import MESH_CHUNK
from renderer.avatar.kernels.mesh import pose_mesh
from renderer.backends.kernels.draw import (
    FIRST_FREE_KIND,
    PROJECT,
    do_chunk,
    draw_projected,
    project_chunks,
)
from renderer.backends.kernels.layout import PROJECT_CHUNK
from renderer.backends.kernels.parallel import help_phases, share_phase
from renderer.jit import inlined, kernel

POSE, BIND = FIRST_FREE_KIND, FIRST_FREE_KIND + 1


@inlined
def mesh_chunks(avatar):
    """Pieces that the mesh is posed in."""
    return (avatar.head_blocks + avatar.rigid_blocks + MESH_CHUNK - 1) // MESH_CHUNK


@inlined
def pose_chunks(avatar):
    """Pieces of mesh and grid."""
    if avatar.bases == 0:
        return mesh_chunks(avatar)
    return mesh_chunks(avatar) + (avatar.grid_blocks + MESH_CHUNK - 1) // MESH_CHUNK


@kernel
def do_pose_chunk(avatar, chunk):
    """One piece of the mesh or of the grid."""
    of_mesh = mesh_chunks(avatar)
    if chunk < of_mesh:
        first = MESH_CHUNK * chunk
        pose_mesh(avatar, first, min(first + MESH_CHUNK, avatar.head_blocks + avatar.rigid_blocks))
    else:
        first = MESH_CHUNK * (chunk - of_mesh)
        mix_bases(avatar, first, min(first + MESH_CHUNK, avatar.grid_blocks))


@kernel
def do_frame_chunk(avatar, raster, worker, kind, chunk):
    """One piece of any phase."""
    if kind == POSE:
        do_pose_chunk(avatar, chunk)
    elif kind == BIND:
        first = PROJECT_CHUNK * chunk
        bind_gaussians(avatar, worker, first, min(first + PROJECT_CHUNK, avatar.padded))
        do_chunk(raster, raster, worker, PROJECT, chunk)
    else:
        do_chunk(raster, raster, worker, kind, chunk)


@kernel
def render_frame(avatar_states, raster_states):
    """Poses the avatar and draws it, as one call; returns what `draw` returns."""
    avatar, raster = avatar_states[0], raster_states[0]
    set_face(avatar)
    share_phase(raster.sync_at, raster.threads, POSE, pose_chunks(avatar), do_frame_chunk, avatar, raster)
    share_phase(raster.sync_at, raster.threads, BIND, project_chunks(raster), do_frame_chunk, avatar, raster)
    return draw_projected(raster)


@kernel
def help_frame(avatar_states, raster_states, worker):
    """A helper's part of `render_frame`."""
    avatar, raster = avatar_states[0], raster_states[0]
    help_phases(raster.sync_at, worker, do_frame_chunk, avatar, raster)


@kernel
def run_pose(avatar_states):
    """Poses the avatar alone: mesh, bases, Gaussians."""
    avatar = avatar_states[0]
    set_face(avatar)
    for chunk in range(pose_chunks(avatar)):
        do_pose_chunk(avatar, chunk)
    bind_gaussians(avatar, 0, 0, avatar.padded)
