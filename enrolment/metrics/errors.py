"""What goes wrong with metrics. The message is one sentence for the person at the terminal."""

from __future__ import annotations


class MetricsError(Exception):
    """A metric cannot be computed with what is installed; the message says what to do."""
