"""The SIMD rasterizer, stage by stage: project, sort, bin into tiles, blend."""
