from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.bits import BitReader, BitWriter
from codec.errors import BitstreamError
from codec.exp_golomb import bit_length, read_signed, to_signed, to_unsigned, write_signed


@given(st.lists(st.integers(1, 20).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, (1 << n) - 1)))))
def test_bits_come_back(fields: list[tuple[int, int]]) -> None:
    writer = BitWriter()
    for count, value in fields:
        writer.write(value, count)
    reader = BitReader(writer.to_bytes())
    assert [reader.read(count) for count, _ in fields] == [value for _, value in fields]
    reader.finish()


def test_first_bit_is_the_most_significant_of_the_first_byte() -> None:
    writer = BitWriter()
    writer.write(1, 1)
    writer.write(0b0010, 4)
    assert writer.to_bytes() == bytes([0b10010000])


def test_a_writer_refuses_what_does_not_fit() -> None:
    for value in (-1, 4):
        with pytest.raises(ValueError, match="fit"):
            BitWriter().write(value, 2)


@pytest.mark.parametrize(("data", "reason"), [(b"\x80\x00", "trailing"), (b"\x81", "trailing")])
def test_bits_after_the_end_are_refused(data: bytes, reason: str) -> None:
    reader = BitReader(data)
    reader.read(1)
    with pytest.raises(BitstreamError) as caught:
        reader.finish()
    assert caught.value.reason == reason


def test_signed_numbers_map_as_in_the_paper() -> None:
    assert [to_unsigned(v) for v in (0, 1, -1, 2, -2)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("value", "bits"), [(0, "1"), (1, "010"), (-1, "011"), (2, "00100"), (-2, "00101"), (-3, "00111"), (4, "0001000")]
)
def test_exp_golomb_codes(value: int, bits: str) -> None:
    writer = BitWriter()
    write_signed(writer, value)
    assert writer.bit_count == len(bits) == bit_length(value)
    assert writer.to_bytes() == int(bits.ljust(8, "0"), 2).to_bytes(1, "big")


@given(st.lists(st.integers(-(1 << 15), 1 << 15)))
def test_exp_golomb_comes_back(values: list[int]) -> None:
    writer = BitWriter()
    for value in values:
        write_signed(writer, value)
        assert to_signed(to_unsigned(value)) == value
    reader = BitReader(writer.to_bytes())
    assert [read_signed(reader) for _ in values] == values
    reader.finish()


@pytest.mark.parametrize(("data", "reason"), [(b"", "truncated"), (b"\x01", "truncated"), (bytes(9), "bad_symbol")])
def test_damaged_exp_golomb_codes_are_refused(data: bytes, reason: str) -> None:
    reader = BitReader(data)
    with pytest.raises(BitstreamError) as caught:
        read_signed(reader)
    assert caught.value.reason == reason
