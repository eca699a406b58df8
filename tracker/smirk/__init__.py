"""SMIRK's encoder as an extractor: weights that the user brings, FLAME 2020's expressions (docs/smirk.md)."""
