"""Rasterizers behind one protocol: `reference` (float64 numpy oracle) and `cpu` (Numba with explicit SIMD)."""
