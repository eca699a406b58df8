"""One participant: camera in, face parameters out to the peers, rendered peers back."""
