"""A quantised frame to payload bytes and back: key frames at fixed length, delta frames as Exp-Golomb differences."""

from __future__ import annotations

from dataclasses import dataclass

from codec.bits import BitReader, BitWriter
from codec.errors import BitstreamError
from codec.exp_golomb import read_signed, write_signed
from codec.params import EXPRESSION_DIMS, FaceParams, Vector
from codec.quantizer import EXPRESSION_BITS, StreamConfig, Symbols, quantizer_for


@dataclass(frozen=True)
class QuantizedFrame:
    """One frame as both ends hold it.

    Args:
        config: dimensions and bits.
        symbols: [E + 15] in the order of FaceParams.to_vector().
    """

    config: StreamConfig
    symbols: Symbols

    def to_params(self) -> FaceParams:
        """The parameters that the symbols stand for."""
        return quantizer_for(self.config).dequantize(self.symbols)

    def to_vector(self) -> Vector:
        """[E + 15] the same as a vector."""
        return quantizer_for(self.config).values(self.symbols)


def key_bytes(config: StreamConfig) -> int:
    """Size of a key frame's payload."""
    return 1 + (sum(quantizer_for(config).bits) + 7) // 8


def encode_key(frame: QuantizedFrame) -> bytes:
    """Payload of a key frame: a configuration byte, then each symbol at its fixed length."""
    writer = BitWriter()
    config = frame.config
    writer.write(EXPRESSION_BITS.index(config.expression_bits) << 3 | EXPRESSION_DIMS.index(config.expression_dims), 8)
    for symbol, bits in zip(frame.symbols, quantizer_for(config).bits, strict=True):
        writer.write(symbol, bits)
    return writer.to_bytes()


def decode_key(payload: bytes) -> QuantizedFrame:
    """Inverse of `encode_key`.

    Raises:
        BitstreamError: `bad_config`, `bad_symbol`, `truncated` or `trailing`.
    """
    reader = BitReader(payload)
    code = reader.read(8)
    if code >> 4 or code & 7 >= len(EXPRESSION_DIMS):
        raise BitstreamError("bad_config", f"Unknown stream configuration {code}")
    config = StreamConfig(EXPRESSION_DIMS[code & 7], EXPRESSION_BITS[code >> 3])
    symbols = tuple(reader.read(bits) for bits in quantizer_for(config).bits)
    reader.finish()
    return _checked(config, symbols)


def encode_delta(frame: QuantizedFrame, reference: QuantizedFrame) -> bytes:
    """Payload of a delta frame: the differences of the symbols to those of `reference`, which has the same config."""
    writer = BitWriter()
    for symbol, reference_symbol in zip(frame.symbols, reference.symbols, strict=True):
        write_signed(writer, symbol - reference_symbol)
    return writer.to_bytes()


def decode_delta(payload: bytes, reference: QuantizedFrame) -> QuantizedFrame:
    """Inverse of `encode_delta`.

    Raises:
        BitstreamError: `bad_symbol`, `truncated` or `trailing`.
    """
    reader = BitReader(payload)
    symbols = tuple(symbol + read_signed(reader) for symbol in reference.symbols)
    reader.finish()
    return _checked(reference.config, symbols)


def _checked(config: StreamConfig, symbols: Symbols) -> QuantizedFrame:
    limits = quantizer_for(config).max_symbols
    if any(not 0 <= symbol <= limit for symbol, limit in zip(symbols, limits, strict=True)):
        raise BitstreamError("bad_symbol", "The packet holds a value out of its range")
    return QuantizedFrame(config, symbols)
