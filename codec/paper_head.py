"""The HEAD section of avatars of profile `paper`, which both versions have: docs/avatar-profiles.md."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.avatar_layout import MAX_NAME_CHARACTERS, MAX_VERTICES
from codec.errors import AvatarFileError
from codec.paper_avatar import (
    INPUT_SIZE,
    MAX_HIDDEN_LAYERS,
    MAX_PAPER_GAUSSIANS,
    MAX_WIDTH,
    OUTPUT_SIZE,
    SH_COEFFICIENTS,
    DenseLayer,
    PaperAvatar,
)

PAPER_MAGIC = b"\x89VAP"
MAX_PAPER_BYTES = 8 * 1024 * 1024
"""All sections at their limits, uncompressed and in float32, take less."""

_LAYOUT = struct.Struct("<32sIIBBBB")


@dataclass(frozen=True)
class PaperHead:
    """Content of the section: everything that decides how large the others are.

    Args:
        head_model_id: hex SHA-256.
        name: at most MAX_NAME_CHARACTERS printable characters.
        gaussians: N. vertices: V. coefficients: K of the harmonics.
        widths: outputs of the hidden layers.

    Raises:
        AvatarFileError: a number is out of its limits.
    """

    head_model_id: str
    name: str
    gaussians: int
    vertices: int
    coefficients: int
    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.name) > MAX_NAME_CHARACTERS or not self.name.isprintable() or len(self.name.encode()) > 255:
            raise AvatarFileError(f"The avatar's name must be at most {MAX_NAME_CHARACTERS} printable characters")
        if len(self.head_model_id) != 64 or set(self.head_model_id) - set("0123456789abcdef"):
            raise AvatarFileError("The avatar's head model id is not a hex SHA-256")
        limits = [
            ("Gaussians", self.gaussians, 1, MAX_PAPER_GAUSSIANS),
            ("vertices", self.vertices, 3, MAX_VERTICES),
            ("hidden layers", len(self.widths), 1, MAX_HIDDEN_LAYERS),
            *(("outputs of a hidden layer", width, 1, MAX_WIDTH) for width in self.widths),
        ]
        for what, value, low, high in limits:
            if not low <= value <= high:
                raise AvatarFileError(f"The avatar has {value} {what}; {low} to {high} are allowed")
        if self.coefficients not in SH_COEFFICIENTS:
            raise AvatarFileError(f"The avatar has {self.coefficients} harmonics; 0, 3, 8 or 15 are allowed")

    def pack(self) -> bytes:
        """The bytes of the section."""
        name = self.name.encode()
        sizes = (self.gaussians, self.vertices, self.coefficients, len(self.widths), len(name), 0)
        widths = struct.pack(f"<{len(self.widths)}H", *self.widths)
        return _LAYOUT.pack(bytes.fromhex(self.head_model_id), *sizes) + widths + name

    @staticmethod
    def unpack(data: bytes) -> PaperHead:
        """Parses it.

        Raises:
            AvatarFileError: wrong length, reserved byte set, or a number out of its limits.
        """
        if len(data) < _LAYOUT.size:
            raise AvatarFileError("The avatar file's HEAD section is too short")
        model, gaussians, vertices, coefficients, hidden, name_bytes, reserved = _LAYOUT.unpack_from(data)
        if len(data) != _LAYOUT.size + 2 * hidden + name_bytes or reserved:
            raise AvatarFileError("The avatar file's HEAD section has the wrong length or a reserved byte set")
        widths = struct.unpack_from(f"<{hidden}H", data, _LAYOUT.size)
        try:
            name = data[_LAYOUT.size + 2 * hidden :].decode()
        except UnicodeDecodeError as error:
            raise AvatarFileError("The avatar's name is not UTF-8") from error
        return PaperHead(bytes(model).hex(), name, gaussians, vertices, coefficients, widths)

    def layers(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of each layer of the network."""
        return list(zip((INPUT_SIZE, *self.widths), (*self.widths, OUTPUT_SIZE), strict=True))

    @staticmethod
    def of(avatar: PaperAvatar) -> PaperHead:
        """That of an avatar.

        Raises:
            AvatarFileError: it exceeds a limit.
        """
        widths = tuple(len(layer.bias) for layer in avatar.layers[:-1])
        coefficients = avatar.sh_rest.shape[1] if avatar.sh_rest.ndim == 3 else -1
        return PaperHead(
            avatar.head_model_id, avatar.name, avatar.count, len(avatar.shape_offsets), coefficients, widths
        )

    @property
    def weights(self) -> int:
        """Numbers that make up the network."""
        return sum((inputs + 1) * outputs for inputs, outputs in self.layers())


def network_numbers(head: PaperHead, layers: tuple[DenseLayer, ...]) -> NDArray[np.float32]:
    """Layer after layer its weights, then its bias.

    Raises:
        AvatarFileError: the layers do not follow from each other.
    """
    for layer, (inputs, outputs) in zip(layers, head.layers(), strict=True):
        if layer.weights.shape != (inputs, outputs) or layer.bias.shape != (outputs,):
            raise AvatarFileError(f"A layer of the avatar's network has shape {layer.weights.shape}")
    return np.concatenate([part.astype(np.float32).ravel() for layer in layers for part in (layer.weights, layer.bias)])


def network_layers(head: PaperHead, numbers: NDArray[np.float32]) -> tuple[DenseLayer, ...]:
    """Inverse of `network_numbers`."""
    layers: list[DenseLayer] = []
    start = 0
    for inputs, outputs in head.layers():
        middle, end = start + inputs * outputs, start + (inputs + 1) * outputs
        layers.append(DenseLayer(numbers[start:middle].reshape(inputs, outputs).copy(), numbers[middle:end].copy()))
        start = end
    return tuple(layers)
