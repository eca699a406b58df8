"""Who may show an avatar: its owner, here and now. Each way around it is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar_store.keys import OwnerKey
from avatar_store.manifest import manifest_of, sign_manifest
from client.avatar_trust import SILENT, UNPROVEN, UNSIGNED, AvatarTrust, Meeting, prove
from client.control import AvatarProof
from codec.avatar_file import avatar_id
from codec.avatar_owner import with_owner
from renderer.head.open_head import load_open_head
from tests.support.fakes import tiny_avatar

ALICE, MALLORY = OwnerKey.generate(), OwnerKey.generate()
PLAIN = tiny_avatar(load_open_head(), "Alice")[1]
FILE, OTHER_FILE = with_owner(PLAIN, ALICE.public), with_owner(tiny_avatar(load_open_head(), "hat")[1], ALICE.public)
ID, OTHER_ID = avatar_id(FILE), avatar_id(OTHER_FILE)
GUEST = "00" * 32
NONCE = bytes([9]) * 32


def manifest(data: bytes = FILE, key: OwnerKey = ALICE) -> str:
    return sign_manifest(manifest_of(data, key, "mediapipe", 1_700_000_000), key)


@dataclass
class Call:
    """Alice and Bob, each as they see their connection, and Bob's judgement of her."""

    alice: Meeting
    bob: Meeting
    trust: AvatarTrust

    def proof(self, key: OwnerKey = ALICE, **changes: Any) -> AvatarProof:
        """Alice's, or what somebody else makes of it."""
        given = {"nonce": NONCE, "challenge": self.trust.challenge, "avatar": ID, "meeting": self.alice} | changes
        proof = prove(given["meeting"], key, given["nonce"], given["challenge"], given["avatar"])
        assert proof is not None
        return proof

    def judge(self, proof: AvatarProof, nonces: tuple[bytes, ...] = (NONCE,)) -> str:
        self.trust.proved(proof, nonces)
        return self.trust.verdict


@pytest.fixture(params=[True, False])
def call(request: pytest.FixtureRequest) -> Call:
    return meet(request.param)


def meet(alice_offers: bool = True) -> Call:
    fingerprints = bytes([1]) * 32, bytes([2]) * 32
    alice, bob = (
        Meeting(*names, offers, fingerprints)
        for names, offers in (
            (("alice", "bob"), alice_offers),
            (("bob", "alice"), not alice_offers),
        )
    )
    trust = AvatarTrust([GUEST])
    trust.met(bob)
    trust.claimed(ID, len(FILE), manifest())
    return Call(alice, bob, trust)


def test_the_owner_is_trusted_as_soon_as_she_proves_it(call: Call) -> None:
    assert call.trust.verdict == "waiting"
    assert call.judge(call.proof()) == "trusted"
    assert call.trust.claim is not None
    assert call.trust.claim.manifest is not None
    assert call.trust.claim.manifest.owner_key == ALICE.public


def test_guests_are_nobodys_and_need_no_proof() -> None:
    call = meet()
    assert call.trust.claimed(GUEST, 10, None).manifest is None
    assert call.trust.verdict == "trusted"


def test_a_proof_of_another_connection_is_refused(call: Call) -> None:
    old = call.proof()
    assert call.judge(old) == "trusted"
    call.trust.met(call.bob)  # the same people again
    call.trust.claimed(ID, len(FILE), manifest())
    assert call.judge(old) == "refused"
    assert call.trust.problem == UNPROVEN


@pytest.mark.parametrize(
    "changes",
    [
        {"key": MALLORY},
        {"challenge": bytes(32)},
        {"nonce": bytes([8]) * 32},
        {"avatar": OTHER_ID},
    ],
    ids=["without the key", "for another challenge", "for another room", "for another avatar"],
)
def test_a_proof_of_something_else_is_refused(call: Call, changes: dict[str, Any]) -> None:
    proof = replace(call.proof(**changes), avatar_id=ID)
    assert call.judge(proof) == "refused"


def test_a_proof_that_names_another_avatar_is_passed_over(call: Call) -> None:
    assert call.judge(call.proof(avatar=OTHER_ID)) == "waiting"


def test_an_old_nonce_is_refused_and_the_one_before_the_servers_restart_is_not(call: Call) -> None:
    newer = bytes([10]) * 32
    assert call.judge(call.proof(), (newer,)) == "refused"
    call.trust.check_again((newer, NONCE))
    assert call.trust.verdict == "trusted"


def test_who_sits_in_the_middle_is_found_by_the_fingerprints(call: Call) -> None:
    """The signaling server relays Alice's proof between two connections of its own."""
    tapped = replace(call.alice, fingerprints=(bytes([1]) * 32, bytes([66]) * 32))
    assert call.judge(call.proof(meeting=tapped)) == "refused"


def test_a_proof_cannot_be_thrown_back(call: Call) -> None:
    """Mallory wears Bob's avatar and answers Bob's challenge, which she made her own, with Bob's own proof."""
    bobs = prove(call.bob, ALICE, NONCE, call.trust.challenge, ID)
    assert bobs is not None
    assert call.judge(bobs) == "refused"


def test_a_proof_of_another_member_is_refused(call: Call) -> None:
    assert call.judge(call.proof(meeting=replace(call.alice, own_id="mallory"))) == "refused"


def test_descriptions_without_fingerprints_prove_nothing(call: Call) -> None:
    blind = replace(call.alice, fingerprints=None)
    assert prove(blind, ALICE, NONCE, bytes(32), ID) is None
    proof = call.proof()
    call.trust.met(replace(call.bob, fingerprints=None))
    call.trust.claimed(ID, len(FILE), manifest())
    assert call.judge(proof) == "refused"


@pytest.mark.parametrize(
    ("shown", "size", "text"),
    [
        (ID, len(FILE), None),
        (ID, len(FILE), "no manifest"),
        (ID, len(FILE), manifest(OTHER_FILE)),
        (ID, len(FILE) + 1, manifest()),
        (ID, len(FILE), manifest().replace('"name":"Alice"', '"name":"Alicf"')),
    ],
    ids=["older client", "nonsense", "of another file", "of another size", "changed"],
)
def test_without_a_manifest_of_this_file_nothing_helps(call: Call, shown: str, size: int, text: str | None) -> None:
    call.trust.claimed(shown, size, text)
    assert (call.trust.verdict, call.trust.problem) == ("refused", UNSIGNED)
    assert call.judge(call.proof()) == "refused"


def test_another_avatar_has_to_be_proven_again(call: Call) -> None:
    proof = call.proof()
    assert call.judge(proof) == "trusted"
    call.trust.claimed(OTHER_ID, len(OTHER_FILE), manifest(OTHER_FILE))
    assert call.judge(proof) == "waiting"
    assert call.judge(call.proof(avatar=OTHER_ID)) == "trusted"


def test_who_does_not_prove_it_is_given_up_and_may_still_do_so(call: Call) -> None:
    call.trust.gave_up()
    assert (call.trust.verdict, call.trust.problem) == ("refused", SILENT)
    assert call.judge(call.proof()) == "trusted"
    call.trust.gave_up()
    assert call.trust.verdict == "trusted"


def test_a_wrong_proof_after_the_right_one_changes_nothing(call: Call) -> None:
    assert call.judge(call.proof()) == "trusted"
    assert call.judge(call.proof(key=MALLORY)) == "trusted"


@given(st.binary(min_size=64, max_size=64))
def test_no_other_signature_is_taken(signature: bytes) -> None:
    assert meet().judge(AvatarProof(ID, signature.hex())) == "refused"


@given(st.text(max_size=300))
def test_any_manifest_is_taken_and_refused(text: str) -> None:
    trust = AvatarTrust([])
    trust.claimed(ID, len(FILE), text)
    assert trust.verdict == "refused"
