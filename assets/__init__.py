"""Files that the user brings (FLAME heads, SMIRK weights): checked, converted once, kept with their licence notes."""
