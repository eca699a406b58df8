"""Content-addressed avatars: the shipped guests and what peers have sent."""
