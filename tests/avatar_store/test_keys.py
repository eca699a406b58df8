from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from avatar_store.errors import KeyFileError, PassphraseError
from avatar_store.keys import (
    OwnerKey,
    is_locked,
    key_path,
    load_owner_key,
    passphrase_from_environment,
    set_passphrase,
    verify,
)


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    root = tmp_path / "new" / "root"
    key = load_owner_key(root)
    assert len(key.public) == 32
    assert load_owner_key(root).public == key.public
    assert stat.S_IMODE(key_path(root).stat().st_mode) == 0o600
    assert [path.name for path in root.iterdir()] == ["identity.pem"]


def test_those_who_begin_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(load_owner_key, [tmp_path] * 32))
    assert len({key.public for key in keys}) == 1


def test_signatures_hold_for_one_message_of_one_key(tmp_path: Path) -> None:
    key, other = load_owner_key(tmp_path), OwnerKey.generate()
    signature = key.sign(b"hello")
    assert len(signature) == 64
    assert verify(key.public, b"hello", signature)
    assert not verify(key.public, b"hullo", signature)
    assert not verify(other.public, b"hello", signature)
    assert not verify(key.public, b"hello", signature[:-1])
    assert not verify(key.public[:-1], b"hello", signature)
    assert not verify(b"", b"", b"")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    load_owner_key(tmp_path)
    key_path(tmp_path).chmod(mode)
    with pytest.raises(KeyFileError, match="Other users"):
        load_owner_key(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"x" * 100_000,
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
)
def test_a_damaged_key_is_refused_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    load_owner_key(tmp_path)
    key_path(tmp_path).write_bytes(content)
    with pytest.raises(KeyFileError, match="damaged"):
        load_owner_key(tmp_path)
    assert key_path(tmp_path).read_bytes() == content


def test_a_root_that_cannot_be_used_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFileError, match="cannot be used"):
        load_owner_key(tmp_path / "file")
    key_path(tmp_path).mkdir()
    with pytest.raises(KeyFileError, match="cannot be used"):
        load_owner_key(tmp_path)


def test_a_passphrase_locks_the_key_and_comes_off_again(tmp_path: Path) -> None:
    key = load_owner_key(tmp_path)
    assert not is_locked(tmp_path)
    assert set_passphrase(tmp_path, None, "sesame").public == key.public
    assert is_locked(tmp_path)
    assert stat.S_IMODE(key_path(tmp_path).stat().st_mode) == 0o600
    for wrong in (None, "", "open"):
        with pytest.raises(PassphraseError):
            load_owner_key(tmp_path, wrong)
        with pytest.raises(PassphraseError):
            set_passphrase(tmp_path, wrong, "mine")
    assert load_owner_key(tmp_path, "sesame").public == key.public
    assert set_passphrase(tmp_path, "sesame", None).public == key.public
    assert load_owner_key(tmp_path, "not needed").public == key.public
    assert not is_locked(tmp_path)


@pytest.mark.parametrize("passphrase", ["", "x" * 1024])
def test_passphrases_that_cannot_be_are_refused(tmp_path: Path, passphrase: str) -> None:
    with pytest.raises(PassphraseError, match="1 to 1023"):
        set_passphrase(tmp_path, None, passphrase)
    assert not is_locked(tmp_path)


def test_the_passphrase_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISAVIS_PASSPHRASE", raising=False)
    assert passphrase_from_environment() is None
    monkeypatch.setenv("VISAVIS_PASSPHRASE", "")
    assert passphrase_from_environment() is None
    monkeypatch.setenv("VISAVIS_PASSPHRASE", "sesame")
    assert passphrase_from_environment() == "sesame"
