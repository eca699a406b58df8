import base64
import json

import jwt
import pytest

from codec.signaling import SignalingError
from server.tokens import (
    AttachClaims,
    InviteClaims,
    JoinClaims,
    ResumeClaims,
    Tokens,
    WorkerClaims,
    make_invite,
    make_worker_token,
)

TOKENS = Tokens("a secret for tests only", lambda: 1_000.0)


@pytest.mark.parametrize(
    "claims",
    [
        JoinClaims("demo"),
        AttachClaims("demo", "m1", "a1"),
        ResumeClaims("demo", "m1", "page"),
        ResumeClaims("demo", "m1", "client", 3, "a1"),
        WorkerClaims(),
        InviteClaims("demo"),
    ],
)
def test_claims_survive_and_serve_one_purpose_only(claims):
    token = TOKENS.sign(claims, 60)
    assert TOKENS.verify(token, type(claims)) == claims
    others = {JoinClaims, AttachClaims, ResumeClaims, WorkerClaims, InviteClaims} - {type(claims)}
    with pytest.raises(SignalingError, match="another purpose") as caught:
        TOKENS.verify(token, *others)
    assert (caught.value.error_code, caught.value.fatal) == ("bad_token", True)


def test_a_token_expires():
    token = TOKENS.sign(JoinClaims("demo"), 60)
    assert Tokens("a secret for tests only", lambda: 1_059.0).verify(token, JoinClaims)
    with pytest.raises(SignalingError, match="expired"):
        Tokens("a secret for tests only", lambda: 1_060.0).verify(token, JoinClaims)


def unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def without_expiry(_: str) -> str:
    return jwt.encode({"kind": "join", "room": "demo", "jti": "1"}, TOKENS._key, algorithm="HS256")


@pytest.mark.parametrize(
    "forge", [unsigned, without_expiry, lambda token: token[:-2] + "xx", lambda _: "", lambda _: "a.b.c"]
)
def test_forged_tokens_are_refused(forge):
    with pytest.raises(SignalingError) as caught:
        TOKENS.verify(forge(TOKENS.sign(JoinClaims("demo"), 60)), JoinClaims)
    assert caught.value.error_code == "bad_token"


def test_every_token_is_its_own():
    assert TOKENS.sign(JoinClaims("demo"), 60) != TOKENS.sign(JoinClaims("demo"), 60)


def test_tokens_made_elsewhere_with_the_same_secret_work():
    assert Tokens("a secret for tests only").verify(make_worker_token("a secret for tests only"), WorkerClaims)
    assert TOKENS.verify(make_invite(TOKENS, "demo"), InviteClaims).room == "demo"
    with pytest.raises(ValueError, match="no room name"):
        make_invite(TOKENS, "no room")
