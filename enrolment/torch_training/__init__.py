"""Training with PyTorch (extra `train`, on graphics cards `cuda`): docs/training.md.

The only modules of this package that import torch.
"""
