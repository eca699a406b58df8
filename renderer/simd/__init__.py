"""SIMD vector types for Numba kernels, in pure Python."""
