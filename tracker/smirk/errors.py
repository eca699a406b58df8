"""What can go wrong with SMIRK. Every message is one sentence for the person at the terminal."""

from __future__ import annotations

from assets.errors import AssetError
from tracker.assets import TrackerAssetError


class SmirkFileError(AssetError):
    """A file that is no SMIRK checkpoint, a broken or a hostile one; or what converting it takes is missing."""


class SmirkUnavailable(TrackerAssetError):
    """SMIRK cannot run: no weights are installed, the head model is another one, or ONNX Runtime is missing."""
