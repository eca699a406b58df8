"""Reads the encoder out of a SMIRK checkpoint; trusts nothing in the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch  # pyright: ignore[reportMissingImports]

from tracker.smirk.errors import SmirkFileError
from tracker.smirk.network import SmirkEncoder

MAX_BYTES = 2 * 2**30
PREFIX = "smirk_encoder."
"""In the published file, which holds the generator as well (`smirk_generator.`, not needed here)."""
_NETWORKS = ("pose_encoder.", "shape_encoder.", "expression_encoder.")
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def load_encoder(path: Path) -> SmirkEncoder:
    """The encoder with the weights of a checkpoint, in evaluation mode.

    The file may hold the encoder alone or below `smirk_encoder.`, beside anything else; the encoder must be complete.

    Raises:
        SmirkFileError: the file cannot be read, holds more than tensors, or its tensors are not those of SMIRK's
            encoder or not usable numbers.
    """
    network = SmirkEncoder()
    wanted = network.state_dict()
    found = _encoder_entries(path, _read(path))
    missing, unknown = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    if missing or unknown:
        what = f"lacks {missing[0]}" if missing else f"has the unknown {unknown[0]}"
        more = max(len(missing), len(unknown)) - 1
        raise SmirkFileError(f"{path} is not SMIRK's encoder: it {what}{f' and {more} more' if more else ''}.")
    network.load_state_dict({name: _usable(path, name, found[name], wanted[name]) for name in wanted}, strict=True)
    return network.eval()


def _read(path: Path) -> Mapping[object, Any]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise SmirkFileError(f"{path} cannot be read: {error.strerror}.") from error
    if size > MAX_BYTES:
        raise SmirkFileError(f"{path} is larger than {MAX_BYTES >> 30} GiB: this is no SMIRK checkpoint.")
    try:
        # Mapped, not read: a checkpoint cannot claim more memory than the file has.
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # a malformed file makes torch raise nearly anything
        if type(error).__name__ == "UnpicklingError" and "nsupported" in str(error):
            raise SmirkFileError(f"{path} holds program objects beside its weights; nothing of it was run.") from error
        raise SmirkFileError(f"{path} is not a PyTorch checkpoint of plain weights.") from error
    if not isinstance(content, Mapping):
        raise SmirkFileError(f"{path} is a PyTorch file, but not a table of named weights.")
    return content


def _encoder_entries(path: Path, content: Mapping[object, Any]) -> dict[str, Any]:
    names = [name for name in content if isinstance(name, str)]
    if any(name.startswith(PREFIX) for name in names):
        return {name.removeprefix(PREFIX): content[name] for name in names if name.startswith(PREFIX)}
    entries = {name: content[name] for name in names if name.startswith(_NETWORKS)}
    if not entries:
        raise SmirkFileError(f"{path} holds no SMIRK encoder: no weight in it has the name of one.")
    return entries


def _usable(path: Path, name: str, value: Any, wanted: torch.Tensor) -> torch.Tensor:
    """The tensor in the type that the network wants, after its shape and its numbers were checked."""
    if (
        not isinstance(value, torch.Tensor)
        or value.layout != torch.strided
        or value.device.type != "cpu"
        or value.dtype not in (_FLOATS if wanted.is_floating_point() else (torch.int64,))
    ):
        raise SmirkFileError(f"{path} is not SMIRK's encoder: {name} is no plain array of numbers.")
    if value.shape != wanted.shape:
        raise SmirkFileError(
            f"{path} is not SMIRK's encoder: {name} has the shape {list(value.shape)}, not {list(wanted.shape)}."
        )
    value = value.detach().to(wanted.dtype)
    if not torch.isfinite(value).all() or (name.endswith("running_var") and (value < 0).any()):
        raise SmirkFileError(f"{path} is damaged: {name} holds a number that no trained network has.")
    return value
