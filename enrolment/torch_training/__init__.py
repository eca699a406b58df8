"""Training with PyTorch (extra `train`, on graphics cards `cuda`): docs/training.md.

The only modules of this package that import torch; this one does not.
"""

import importlib.util


def why_no_torch(extra: str = "train") -> str | None:
    """What is missing to train with and how to get it, to end a sentence with; None if it is there.

    Args:
        extra: of our distribution, that installs it.
    """
    if importlib.util.find_spec("torch") is not None:
        return None
    return f"PyTorch, which is not installed: install it with `pip install -e '.[{extra}]'`"
