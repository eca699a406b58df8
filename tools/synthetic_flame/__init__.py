"""A made-up head in FLAME's file layouts: nothing of FLAME is in it."""
