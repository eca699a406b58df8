"""Compiled loops of the trainer."""
