"""SIMD kernels that pose an avatar: mesh, bases, Gaussians."""
