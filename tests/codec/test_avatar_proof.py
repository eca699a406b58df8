from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.avatar_proof import ProofContext, fingerprint_of

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
EXAMPLE = ProofContext(
    room_nonce=bytes([1]) * 32,
    challenge=bytes([2]) * 32,
    offer_fingerprint=bytes([3]) * 32,
    answer_fingerprint=bytes([4]) * 32,
    signer_offers=True,
    signer_id="a1b2c3",
    avatar_id="05" * 32,
)

contexts = st.builds(
    ProofContext,
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
    st.booleans(),
    st.text("abAB01_-", min_size=1, max_size=64),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
)


def test_the_documents_example() -> None:
    written = re.search(r"<!-- proof -->\n```\n(.*?)```", DOCUMENT, re.DOTALL)
    assert written is not None
    assert bytes.fromhex("".join(written[1].split())) == EXAMPLE.message()


@given(contexts, contexts)
def test_different_contexts_are_different_bytes(one: ProofContext, other: ProofContext) -> None:
    assert (one == other) == (one.message() == other.message())


@pytest.mark.parametrize(
    "wrong",
    [
        {"room_nonce": b""},
        {"challenge": bytes(31)},
        {"offer_fingerprint": bytes(33)},
        {"answer_fingerprint": b"x"},
        {"avatar_id": "00"},
        {"signer_id": ""},
        {"signer_id": "x" * 65},
        {"signer_id": "é"},
    ],
)
def test_parts_of_the_wrong_form_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="proof"):
        replace(EXAMPLE, **wrong)


def line(value: int, algorithm: str = "sha-256", end: str = "\r\n") -> str:
    return f"a=fingerprint:{algorithm} {':'.join([f'{value:02X}'] * 32)}{end}"


def test_the_fingerprint_is_read_as_it_stands_in_descriptions() -> None:
    sdp = "v=0\r\n" + line(0xAB) + line(0xAB).lower() + line(1, "sha-512") + "a=setup:active\r\n"
    assert fingerprint_of(sdp) == bytes([0xAB]) * 32
    assert fingerprint_of(line(7, end="\n")) == bytes([7]) * 32


@pytest.mark.parametrize("sdp", ["", "v=0\r\n", line(1, "sha-1"), line(1) + line(2), line(1)[:-5], "x" + line(1)])
def test_no_fingerprint_or_several_are_none(sdp: str) -> None:
    assert fingerprint_of(sdp) is None


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert fingerprint_of(text) is None or "fingerprint" in text.lower()
