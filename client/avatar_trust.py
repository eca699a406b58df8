"""Whether the person behind a connection may show the avatar that they show (docs/protocol.md, "Ownership")."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from avatar_store.errors import ManifestError
from avatar_store.keys import OwnerKey, verify
from avatar_store.manifest import parse_manifest
from client.avatar_claim import Claim
from client.control import AvatarProof
from codec.avatar_proof import CHALLENGE_BYTES, ProofContext

Verdict = Literal["waiting", "trusted", "refused"]

UNSIGNED = "it is not signed by its owner"
UNPROVEN = "they did not prove that it is theirs"
SILENT = "the proof that it is theirs did not come"


@dataclass(frozen=True)
class Meeting:
    """One connection, as both sides see it.

    Args:
        own_id: our member id.
        peer_id: the peer's.
        offers: we are the offering side.
        fingerprints: SHA-256 of both certificates, the offering side's first; None: they could not be read.
    """

    own_id: str
    peer_id: str
    offers: bool
    fingerprints: tuple[bytes, bytes] | None

    def context(self, *, ours: bool, room_nonce: bytes, challenge: bytes, avatar_id: str) -> ProofContext | None:
        """What a proof of ours, or of the peer's, is good for; None where there can be none."""
        if self.fingerprints is None:
            return None
        signer = self.own_id if ours else self.peer_id
        return ProofContext(room_nonce, challenge, *self.fingerprints, self.offers == ours, signer, avatar_id)


class AvatarTrust:
    """See the module.

    Args:
        guest_ids: avatars that are nobody's, which everybody may show.
    """

    def __init__(self, guest_ids: Collection[str]) -> None:
        self._guest_ids = guest_ids
        self._meeting: Meeting | None = None
        self._proof: AvatarProof | None = None
        self._provable = False
        self.challenge = b""
        self.claim: Claim | None = None
        self.verdict: Verdict = "waiting"
        self.problem = ""

    def met(self, meeting: Meeting) -> None:
        """There is a new connection: nothing that was proven on another one counts."""
        self._meeting = meeting
        self.challenge = secrets.token_bytes(CHALLENGE_BYTES)
        self.claim = self._proof = None
        self._provable = False
        self._judge("waiting")

    def claimed(self, avatar_id: str, size: int, manifest: str | None) -> Claim:
        """The peer says what it shows."""
        self._proof, self._provable = None, False
        self.claim = Claim(avatar_id, size)
        if avatar_id in self._guest_ids:
            self._judge("trusted")
        elif manifest is None:
            self._judge("refused", UNSIGNED)
        else:
            try:
                parsed = parse_manifest(manifest)
            except ManifestError:
                self._judge("refused", UNSIGNED)
            else:
                self.claim = Claim(avatar_id, size, manifest, parsed)
                fits = (parsed.avatar_id, parsed.size) == (avatar_id, size)
                self._provable = fits
                self._judge("waiting" if fits else "refused", "" if fits else UNSIGNED)
        return self.claim

    def proved(self, proof: AvatarProof, room_nonces: Sequence[bytes]) -> None:
        """The peer says that it is the owner. A proof for an avatar that it does not show any more is passed over."""
        claim = self.claim
        if claim is not None and self._provable and proof.avatar_id == claim.avatar_id:
            self._proof = proof
            self.check_again(room_nonces)

    def check_again(self, room_nonces: Sequence[bytes]) -> None:
        """The room's nonce may be another one since the proof came."""
        claim, proof, meeting = self.claim, self._proof, self._meeting
        if claim is None or claim.manifest is None or proof is None or meeting is None or self.verdict == "trusted":
            return
        for nonce in room_nonces:
            context = meeting.context(ours=False, room_nonce=nonce, challenge=self.challenge, avatar_id=claim.avatar_id)
            if context and verify(claim.manifest.owner_key, context.message(), bytes.fromhex(proof.signature)):
                self._judge("trusted")
                return
        self._judge("refused", UNPROVEN)

    def gave_up(self) -> None:
        """No proof has come for too long."""
        if self.verdict == "waiting" and self.claim is not None:
            self._judge("refused", SILENT)

    def _judge(self, verdict: Verdict, problem: str = "") -> None:
        self.verdict, self.problem = verdict, problem


def prove(meeting: Meeting, key: OwnerKey, room_nonce: bytes, challenge: bytes, avatar_id: str) -> AvatarProof | None:
    """Our proof for a peer's challenge; None where there can be none."""
    context = meeting.context(ours=True, room_nonce=room_nonce, challenge=challenge, avatar_id=avatar_id)
    return None if context is None else AvatarProof(avatar_id, key.sign(context.message()).hex())
