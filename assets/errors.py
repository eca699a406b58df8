"""What can go wrong with the user's files. Every message is one sentence for the person at the terminal.

AssetError
├── AssetDamaged        an installed file is missing or not what was installed
├── UnsafePickle        a pickle asks for something that a head model does not need
└── FlameFileError      a file is no FLAME model, or a broken one
"""

from __future__ import annotations


class AssetError(Exception):
    """An asset cannot be installed, found or removed; the message says why and what to do."""


class AssetDamaged(AssetError):
    """An installed file is missing or is not the one that was installed."""


class UnsafePickle(AssetError):
    """A pickle that is damaged, or wants more than arrays; nothing of it was run."""


class FlameFileError(AssetError):
    """A file that is no FLAME model, or one that holds unusable numbers."""
