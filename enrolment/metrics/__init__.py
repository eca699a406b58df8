"""How close a picture of an avatar comes to the picture of the person (docs/metrics.md)."""
