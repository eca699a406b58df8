"""Errors of the commands: a sentence for the person at the terminal."""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot go on; the message says why and what to do, in one sentence."""
