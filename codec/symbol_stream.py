"""Arrays of integers whose contexts both ends know: tokens in interleaved rANS, rare large values with plain bits.

A value u >= 0 becomes a token: u itself below 16; from there on, with n = floor(log2 u), 16 + 4 (n - 4) + the two
bits below the highest, and the n - 2 lowest bits are written as they are. Several contexts may share a model. The
layout is in docs/avatar-format.md, "Symbol streams".
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from codec import rans
from codec.errors import AvatarFileError
from codec.planes import Integers, compress, decompress

DIRECT = 16
TOKENS = DIRECT + 4 * 16
"""Enough for values below 2 ** 20."""
MAX_VALUE = (1 << 20) - 1
MAX_MODELS = 64
_SIZE_STEPS = 8
_MOST = 8 * rans.TOTAL_BITS + 1


def _relative_sizes() -> Integers:
    """[_MOST + 1] what a byte of a model stands for: 0, then 16 * 2 ** (i / 8), rounded."""
    eighths = np.array([16384, 17867, 19484, 21247, 23170, 25268, 27554, 30048])  # 2 ** 14 * 2 ** (i / 8)
    indices = np.arange(_MOST)
    return np.append(0, (eighths[indices % 8] << indices // 8) + 512 >> 10)


_SIZES = _relative_sizes()


def zigzag(values: Integers) -> Integers:
    """0, -1, 1, -2, ... to 0, 1, 2, 3, ..."""
    return np.where(values < 0, -2 * values - 1, 2 * values)


def unzigzag(values: Integers) -> Integers:
    """Inverse of `zigzag`."""
    return (values >> 1) ^ -(values & 1)


def pack_symbols(values: Integers, contexts: NDArray[np.integer], context_count: int) -> bytes:
    """Serializes n integers.

    Args:
        values: [n] 0 .. MAX_VALUE.
        contexts: [n] 0 .. context_count - 1; those with values of about the same size share a model.

    Raises:
        AvatarFileError: a value is out of range.
    """
    if values.size and not 0 <= int(values.min()) <= int(values.max()) <= MAX_VALUE:
        raise AvatarFileError("The avatar holds a value that is too far from its neighbors or its usual range")
    tokens, rest, rest_bits = _to_tokens(values)
    model_of = _share_models(values, contexts, context_count)
    models = model_of[contexts]
    count = int(model_of.max(initial=0)) + 1
    counts = np.bincount(models * TOKENS + tokens, minlength=count * TOKENS).reshape(count, TOKENS)
    coarse = _to_bytes(counts)
    sizes = _to_sizes(coarse)
    starts = np.cumsum(sizes, axis=1) - sizes
    width = int(np.flatnonzero(coarse.any(axis=0)).max(initial=0)) + 1
    tables = compress(model_of.astype(np.uint8).tobytes() + coarse[:, :width].T.astype(np.uint8).tobytes())
    plain = _pack_bits(rest, rest_bits)
    code = rans.encode(sizes[models, tokens], starts[models, tokens])
    header = struct.pack("<BBHI", count, width, len(tables), len(plain))
    return header + tables + plain + code


def unpack_symbols(data: bytes, contexts: NDArray[np.integer], context_count: int) -> Integers:
    """Inverse of `pack_symbols`: [n].

    Raises:
        AvatarFileError: the data are damaged.
    """
    if len(data) < 8:
        raise AvatarFileError("A section of the avatar file is truncated")
    count, width, table_bytes, plain_bytes = struct.unpack_from("<BBHI", data)
    if not 1 <= count <= MAX_MODELS or not 1 <= width <= TOKENS or 8 + table_bytes + plain_bytes > len(data):
        raise AvatarFileError("A section of the avatar file has impossible models")
    tables = np.frombuffer(decompress(data[8 : 8 + table_bytes], context_count + count * width), np.uint8)
    model_of = tables[:context_count].astype(np.int64)
    coarse = np.zeros((count, TOKENS), np.int64)
    coarse[:, :width] = tables[context_count:].reshape(width, count).T
    if model_of.max(initial=0) >= count or coarse.max() > _MOST or not coarse.any(axis=1).all():
        raise AvatarFileError("A section of the avatar file has impossible models")
    plain = data[8 + table_bytes : 8 + table_bytes + plain_bytes]
    tokens = rans.decode(data[8 + table_bytes + plain_bytes :], model_of[contexts], _to_sizes(coarse))
    return _from_tokens(tokens, plain)


def _to_tokens(values: Integers) -> tuple[Integers, Integers, Integers]:
    """Tokens, what is left of each value, and in how many bits; [n] each."""
    exponents = np.frexp(values.astype(np.float64))[1] - 1  # floor(log2), exact below 2 ** 53
    large = values >= DIRECT
    rest_bits = np.where(large, exponents - 2, 0).astype(np.int64)
    tokens = np.where(large, DIRECT + 4 * (exponents - 4) + ((values >> rest_bits) & 3), values)
    return tokens, np.where(large, values & ((1 << rest_bits) - 1), 0), rest_bits


def _from_tokens(tokens: Integers, plain: bytes) -> Integers:
    large = np.flatnonzero(tokens >= DIRECT)
    beyond = tokens[large] - DIRECT
    rest_bits = beyond // 4 + 2
    values = tokens.copy()
    values[large] = (4 + beyond % 4 << rest_bits) + _unpack_bits(plain, rest_bits)
    return values


def _pack_bits(values: Integers, widths: Integers) -> bytes:
    """The low `widths` bits of each value, highest first, one after another."""
    used = widths > 0
    values, widths = values[used], widths[used]
    ends = np.cumsum(widths)
    total = int(ends[-1]) if len(ends) else 0
    owner = np.repeat(np.arange(len(values)), widths)
    shifts = ends[owner] - 1 - np.arange(total)
    return np.packbits((values[owner] >> shifts & 1).astype(np.uint8)).tobytes()


def _unpack_bits(data: bytes, widths: Integers) -> Integers:
    """Inverse of `_pack_bits` for widths of 1 .. 18."""
    ends = np.cumsum(widths)
    total = int(ends[-1]) if len(ends) else 0
    if -(-total // 8) != len(data):
        raise AvatarFileError("A section of the avatar file has the wrong number of plain bits")
    padded = np.frombuffer(data + bytes(4), np.uint8).astype(np.int64)
    first = (ends - widths) >> 3
    window = padded[first] << 24 | padded[first + 1] << 16 | padded[first + 2] << 8 | padded[first + 3]
    return window >> (32 - widths - ((ends - widths) & 7)) & ((1 << widths) - 1)


def _share_models(values: Integers, contexts: NDArray[np.integer], count: int) -> Integers:
    """[count] the model of each context: contexts whose mean value has the same half octave share one."""
    sums, sizes = np.bincount(contexts, values, count), np.bincount(contexts, minlength=count)
    levels = np.rint(2 * np.log2(sums / np.maximum(sizes, 1) + 0.02)).astype(np.int64)
    levels[sizes == 0] = levels[sizes > 0].min() if (sizes > 0).any() else 0
    return np.minimum(np.unique(levels, return_inverse=True)[1], MAX_MODELS - 1)


def _to_bytes(counts: NDArray[np.integer]) -> Integers:
    """[M, TOKENS] models as bytes: 0 for what does not occur, else 1 + 8 log2 of its parts."""
    parts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) * rans.TOTAL
    coarse = np.rint(_SIZE_STEPS * np.log2(np.maximum(parts, 1))).astype(np.int64) + 1
    coarse = np.where(counts > 0, np.minimum(coarse, _MOST), 0)
    coarse[~coarse.any(axis=1), 0] = 1
    return coarse


def _to_sizes(coarse: Integers) -> Integers:
    """[M, TOKENS] parts of TOTAL; what rounding leaves over goes to the first of the largest."""
    relative = _SIZES[coarse]
    sizes = relative * rans.TOTAL // relative.sum(axis=1, keepdims=True)
    sizes = np.where(coarse > 0, np.maximum(sizes, 1), 0)
    largest = sizes.argmax(axis=1)
    sizes[np.arange(len(sizes)), largest] += rans.TOTAL - sizes.sum(axis=1)
    return sizes
