"""A quantised frame to payload bytes and back: key frames at fixed length, delta frames as Exp-Golomb differences."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codec.bits import BitReader, BitWriter
from codec.errors import BitstreamError
from codec.exp_golomb import read_signed, write_signed
from codec.params import EXPRESSION_DIMS, FaceParams
from codec.quantizer import EXPRESSION_BITS, STILL_TORSO, TORSO, StreamConfig, Symbols, quantizer_for


@dataclass(frozen=True)
class QuantizedFrame:
    """One frame as both ends hold it.

    Args:
        config: dimensions and bits.
        symbols: [E + 15] in the order of FaceParams.to_vector().
        torso: [6] those of FaceParams.torso, which payloads do not carry (codec.torso_coding).
    """

    config: StreamConfig
    symbols: Symbols
    torso: Symbols = STILL_TORSO

    @staticmethod
    def of(params: FaceParams, config: StreamConfig) -> QuantizedFrame:
        """The nearest one to `params`."""
        return QuantizedFrame(config, quantizer_for(config).quantize(params), TORSO.symbols(params.torso))

    def to_params(self) -> FaceParams:
        """The parameters that the symbols stand for."""
        return FaceParams.from_vector(quantizer_for(self.config).values(self.symbols), TORSO.values(self.torso))


def key_bytes(config: StreamConfig) -> int:
    """Size of a key frame's payload."""
    return 1 + (sum(quantizer_for(config).bits) + 7) // 8


def encode_key(frame: QuantizedFrame) -> bytes:
    """Payload of a key frame: a configuration byte, then each symbol at its fixed length."""
    return bytes([config_code(frame.config)]) + pack_symbols(frame.symbols, quantizer_for(frame.config).bits)


def decode_key(payload: bytes) -> QuantizedFrame:
    """Inverse of `encode_key`, with a still torso.

    Raises:
        BitstreamError: `bad_config`, `bad_symbol`, `truncated` or `trailing`.
    """
    reader = BitReader(payload)
    config = config_of(reader.read(8))
    quantizer = quantizer_for(config)
    symbols = read_symbols(reader, quantizer.bits, quantizer.max_symbols)
    reader.finish()
    return QuantizedFrame(config, symbols)


def encode_delta(frame: QuantizedFrame, reference: QuantizedFrame) -> bytes:
    """Payload of a delta frame: the differences of the symbols to those of `reference`, which has the same config."""
    return pack_differences(frame.symbols, reference.symbols)


def decode_delta(payload: bytes, reference: QuantizedFrame) -> QuantizedFrame:
    """Inverse of `encode_delta`, with the torso of `reference`.

    Raises:
        BitstreamError: `bad_symbol`, `truncated` or `trailing`.
    """
    reader = BitReader(payload)
    symbols = read_differences(reader, reference.symbols, quantizer_for(reference.config).max_symbols)
    reader.finish()
    return replace(reference, symbols=symbols)


def config_code(config: StreamConfig) -> int:
    """The configuration byte."""
    return EXPRESSION_BITS.index(config.expression_bits) << 3 | EXPRESSION_DIMS.index(config.expression_dims)


def config_of(code: int) -> StreamConfig:
    """Inverse of `config_code`.

    Raises:
        BitstreamError: `bad_config`.
    """
    if code >> 4 or code & 7 >= len(EXPRESSION_DIMS):
        raise BitstreamError("bad_config", f"Unknown stream configuration {code}")
    return StreamConfig(EXPRESSION_DIMS[code & 7], EXPRESSION_BITS[code >> 3])


def pack_symbols(symbols: Symbols, bits: Symbols) -> bytes:
    """Each symbol at its fixed length."""
    writer = BitWriter()
    write_symbols(writer, symbols, bits)
    return writer.to_bytes()


def pack_differences(symbols: Symbols, reference: Symbols) -> bytes:
    """The differences to `reference` as Exp-Golomb codes."""
    writer = BitWriter()
    write_differences(writer, symbols, reference)
    return writer.to_bytes()


def write_symbols(writer: BitWriter, symbols: Symbols, bits: Symbols) -> None:
    """Appends each symbol at its fixed length."""
    for symbol, count in zip(symbols, bits, strict=True):
        writer.write(symbol, count)


def write_differences(writer: BitWriter, symbols: Symbols, reference: Symbols) -> None:
    """Appends the differences to `reference` as Exp-Golomb codes."""
    for symbol, reference_symbol in zip(symbols, reference, strict=True):
        write_signed(writer, symbol - reference_symbol)


def read_symbols(reader: BitReader, bits: Symbols, limits: Symbols) -> Symbols:
    """Inverse of `write_symbols`; `limits` are the largest symbols.

    Raises:
        BitstreamError: `bad_symbol` or `truncated`.
    """
    return _checked(tuple(reader.read(count) for count in bits), limits)


def read_differences(reader: BitReader, reference: Symbols, limits: Symbols) -> Symbols:
    """Inverse of `write_differences`; arguments and errors as in `read_symbols`."""
    return _checked(tuple(symbol + read_signed(reader) for symbol in reference), limits)


def _checked(symbols: Symbols, limits: Symbols) -> Symbols:
    if any(not 0 <= symbol <= limit for symbol, limit in zip(symbols, limits, strict=True)):
        raise BitstreamError("bad_symbol", "A value is out of its range")
    return symbols
