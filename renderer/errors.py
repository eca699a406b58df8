"""Errors of the renderer.

ValueError
├── AvatarMismatchError          an avatar cannot be worn by this head model, or its arrays are unusable
└── HeadModelError               a head model is not installed, damaged, or its geometry is none of a head
RuntimeError
├── CudaUnavailableError         the CUDA backend or NVENC cannot run here
└── UnsupportedProcessorError    the processor is too old for the kernels
"""

from __future__ import annotations


class AvatarMismatchError(ValueError):
    """The avatar does not fit the head model, or holds values that nothing can be drawn from.

    The message says which array is at fault; it is fit for a log line, not for a person in a call.
    """


class HeadModelError(ValueError):
    """A head model cannot be used; the message is for the person at the terminal."""


class CudaUnavailableError(RuntimeError):
    """A graphics card is to be used and cannot be; the message says what is missing, for the person at the terminal."""


class UnsupportedProcessorError(RuntimeError):
    """The processor lacks instructions that the kernels are made of; the message names them."""
