"""The key that says whose avatars they are: Ed25519, made on the first run, in `<root>/identity.pem` (PKCS8, PEM).

It signs manifests (avatar_store.manifest), and in calls what proves that the person who shows an avatar is its owner.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from avatar_store.errors import KeyFileError, PassphraseError
from avatar_store.files import write_first, write_whole

KEY_FILE = "identity.pem"
PASSPHRASE_VARIABLE = "VISAVIS_PASSPHRASE"
PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
MAX_PASSPHRASE_BYTES = 1023
"""OpenSSL takes no longer ones."""
_MAX_FILE_BYTES = 16_384


class OwnerKey:
    """A key pair; see the module. Methods are safe to call from several threads.

    Args:
        private: the key.
    """

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()

    @staticmethod
    def generate() -> OwnerKey:
        """A new key that is nowhere else."""
        return OwnerKey(Ed25519PrivateKey.generate())

    def sign(self, message: bytes) -> bytes:
        """The signature, SIGNATURE_BYTES long."""
        return self._private.sign(message)

    def to_pem(self, passphrase: str | None = None) -> bytes:
        """The key pair as PKCS8, encrypted if there is a passphrase."""
        encryption: KeySerializationEncryption = NoEncryption()
        if passphrase is not None:
            encryption = BestAvailableEncryption(passphrase.encode())
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the owner of the public key has signed the message; False also for keys and signatures that are none."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: bytes) -> str:
    """What people compare instead of a public key: 32 hexadecimal digits of its SHA-256 in groups of four."""
    digits = hashlib.sha256(public).hexdigest()[:32]
    return " ".join(digits[start : start + 4] for start in range(0, 32, 4))


def passphrase_from_environment() -> str | None:
    """$VISAVIS_PASSPHRASE; None if it is not set, or empty."""
    return os.environ.get(PASSPHRASE_VARIABLE) or None


def key_path(root: Path) -> Path:
    """Where the key of a store's user is.

    Args:
        root: the local folder of the store.
    """
    return root / KEY_FILE


def load_owner_key(root: Path, passphrase: str | None = None) -> OwnerKey:
    """The user's key, made if there is none. Blocks on the disk; with a passphrase for some tens of milliseconds.

    Args:
        root: the local folder of the store.
        passphrase: of the key, if it has one. A new key never gets one here: see `set_passphrase`.

    Raises:
        PassphraseError: the key is locked and the passphrase is missing or wrong.
        KeyFileError: the file is damaged, others may read it, or the disk refuses.
    """
    path = key_path(root)
    try:
        if not path.exists():
            write_first(path, OwnerKey.generate().to_pem())
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise KeyFileError(f"The key {path} cannot be used: {error.strerror}.") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"Other users may read the key {path}: take that right from them (chmod 600).")
    return OwnerKey(_parse(path, data, passphrase))


def set_passphrase(root: Path, old: str | None, new: str | None) -> OwnerKey:
    """Locks the user's key with another passphrase, or none; returns the key. Makes it if there is none.

    Args:
        root: the local folder of the store.
        old: the passphrase that it has now, if any.
        new: the one that it shall have; None: none.

    Raises:
        PassphraseError: `old` is wrong or missing, or `new` is empty or too long.
        KeyFileError: as `load_owner_key`.
    """
    if new is not None and not 1 <= len(new.encode()) <= MAX_PASSPHRASE_BYTES:
        raise PassphraseError(f"A passphrase has 1 to {MAX_PASSPHRASE_BYTES} bytes.")
    key = load_owner_key(root, old)
    path = key_path(root)
    try:
        write_whole(path, key.to_pem(new))
    except OSError as error:
        raise KeyFileError(f"The key {path} cannot be written: {error.strerror}.") from error
    return key


def is_locked(root: Path) -> bool:
    """Whether the user's key needs a passphrase; False if there is no key yet."""
    with suppress(OSError):
        return b"BEGIN ENCRYPTED PRIVATE KEY" in key_path(root).read_bytes()
    return False


def _parse(path: Path, data: bytes, passphrase: str | None) -> Ed25519PrivateKey:
    locked = b"BEGIN ENCRYPTED PRIVATE KEY" in data
    if locked and passphrase is None:
        raise PassphraseError(f"The key {path} needs its passphrase: set {PASSPHRASE_VARIABLE}.")
    try:
        key = load_pem_private_key(data, passphrase.encode() if locked and passphrase is not None else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if locked:
            raise PassphraseError(f"The passphrase in {PASSPHRASE_VARIABLE} is not that of the key {path}.") from error
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(
            f"The key {path} is damaged: bring it back from a copy, or delete it to begin with a new one, to which "
            "none of your avatars belongs."
        )
    return key
