"""What the owner of an avatar signs in a call (docs/protocol.md, "Ownership")."""

from __future__ import annotations

import re
from dataclasses import dataclass

PREFIX = b"visavis avatar proof 1\n"
NONCE_BYTES = CHALLENGE_BYTES = FINGERPRINT_BYTES = 32

_FINGERPRINT = re.compile(r"^a=fingerprint:sha-256 ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class ProofContext:
    """Everything that one proof is good for.

    Args:
        room_nonce: of the room, from the server; NONCE_BYTES.
        challenge: of who is to be convinced, fresh for this connection; CHALLENGE_BYTES.
        offer_fingerprint: SHA-256 of the certificate of the connection's offering side; FINGERPRINT_BYTES.
        answer_fingerprint: of the answering side.
        signer_offers: the signer is the offering side.
        signer_id: its member id.
        avatar_id: the avatar that it shows, hex SHA-256.

    Raises:
        ValueError: a part has the wrong length.
    """

    room_nonce: bytes
    challenge: bytes
    offer_fingerprint: bytes
    answer_fingerprint: bytes
    signer_offers: bool
    signer_id: str
    avatar_id: str

    def __post_init__(self) -> None:
        fingerprints = self.offer_fingerprint, self.answer_fingerprint
        sizes = [len(part) for part in (self.room_nonce, self.challenge, *fingerprints, bytes.fromhex(self.avatar_id))]
        if sizes != [NONCE_BYTES, CHALLENGE_BYTES, FINGERPRINT_BYTES, FINGERPRINT_BYTES, 32]:
            raise ValueError("a part of a proof has the wrong length")
        if not (self.signer_id.isascii() and 1 <= len(self.signer_id) <= 64):
            raise ValueError("a proof is signed by a member")

    def message(self) -> bytes:
        """The bytes that are signed."""
        return b"".join(
            (
                PREFIX,
                b"O" if self.signer_offers else b"A",
                self.room_nonce,
                self.challenge,
                self.offer_fingerprint,
                self.answer_fingerprint,
                bytes.fromhex(self.avatar_id),
                self.signer_id.encode(),
            )
        )


def fingerprint_of(sdp: str) -> bytes | None:
    """The SHA-256 fingerprint that a session description names; None if it names none, or several."""
    found = {match.lower() for match in _FINGERPRINT.findall(sdp)}
    return bytes.fromhex(found.pop().replace(":", "")) if len(found) == 1 else None
