"""Errors of the renderer.

ValueError
└── AvatarMismatchError          an avatar cannot be worn by this head model, or its arrays are unusable
RuntimeError
└── UnsupportedProcessorError    the processor is too old for the kernels
"""

from __future__ import annotations


class AvatarMismatchError(ValueError):
    """The avatar does not fit the head model, or holds values that nothing can be drawn from.

    The message says which array is at fault; it is fit for a log line, not for a person in a call.
    """


class UnsupportedProcessorError(RuntimeError):
    """The processor lacks instructions that the kernels are made of; the message names them."""
