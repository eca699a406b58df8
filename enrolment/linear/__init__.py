"""Training of `linear` avatars on the CPU."""
