"""The FLAME-style head: model data, posing, and the shipped open head."""
