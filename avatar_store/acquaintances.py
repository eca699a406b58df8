"""Whose face it was first: which owner a likeness (codec.avatar_owner.likeness_digest) was first seen with.

    <root>/acquaintances/own/<likeness>     the user's own
    <root>/acquaintances/met/<likeness>     others': the ones not seen for longest go when there are too many

Whoever copies a person's avatar file and puts their own key into it has the same likeness under another key. Several
processes may share a root: the first one to remember a likeness decides.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from avatar_store.errors import AvatarStoreError
from avatar_store.files import write_first
from avatar_store.keys import PUBLIC_BYTES
from codec.avatar_id import is_avatar_id
from codec.avatar_layout import MAX_NAME_CHARACTERS
from codec.signaling.fields import Fields, SignalingError, decode_object, encode_object

MAX_MET = 4096
_MAX_FILE_BYTES = 1024


@dataclass(frozen=True)
class Acquaintance:
    """Who came with a likeness first.

    Args:
        owner: public key.
        name: for people: what the avatar was called then.
        own: it is the user's.
    """

    owner: bytes
    name: str
    own: bool


class Acquaintances:
    """See the module. Methods block on the disk.

    Args:
        root: the local folder of the store; made when something is remembered.
        most: how many of other people are kept.
    """

    def __init__(self, root: Path, most: int = MAX_MET) -> None:
        self._own = root / "acquaintances" / "own"
        self._met = root / "acquaintances" / "met"
        self._most = most

    def first(self, likeness: str) -> Acquaintance | None:
        """Who came with the likeness first; None: nobody, or that was forgotten."""
        for folder in (self._own, self._met) if is_avatar_id(likeness) else ():
            path = folder / likeness
            with contextlib.suppress(OSError):
                with path.open("rb") as file:
                    content = file.read(_MAX_FILE_BYTES + 1)
                found = _parse(content, own=folder == self._own)
                if found is not None:
                    return found
                path.unlink(missing_ok=True)  # damaged: whoever comes next is the first
        return None

    def first_owner(self, likeness: str) -> bytes | None:
        """The public key that came with the likeness first; None: nobody's, or that was forgotten."""
        found = self.first(likeness)
        return None if found is None else found.owner

    def remember(self, likeness: str, owner: bytes, name: str, *, own: bool = False) -> bool:
        """Notes who comes with a likeness, and that it was seen now; says whether they are the first ones.

        Args:
            likeness: hex digest.
            owner: public key.
            name: what the avatar is called.
            own: it is the user's: never forgotten by itself, whoever came with it before.

        Raises:
            AvatarStoreError: likeness or key is none, or the disk refuses.
        """
        if not is_avatar_id(likeness) or len(owner) != PUBLIC_BYTES:
            raise AvatarStoreError("This is no likeness, or no public key.")
        path = (self._own if own else self._met) / likeness
        known = self.first(likeness)
        try:
            if known is None or (own and not known.own):
                text = encode_object({"owner": owner.hex(), "name": name[:MAX_NAME_CHARACTERS]})
                write_first(path, text.encode())
                self._limit()
            with contextlib.suppress(FileNotFoundError):
                os.utime(path)
        except OSError as error:
            raise AvatarStoreError(f"{path.parent} cannot be written: {error.strerror}.") from error
        return self.first_owner(likeness) == owner

    def forget(self, likeness: str) -> bool:
        """Forgets who came with the likeness; says whether that was known."""
        found = False
        for folder in (self._own, self._met) if is_avatar_id(likeness) else ():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                (folder / likeness).unlink()
                found = True
        return found

    def _limit(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            paths = [path for path in self._met.iterdir() if is_avatar_id(path.name)]
            if len(paths) > self._most:
                paths.sort(key=_age)
                for path in paths[: len(paths) - self._most]:
                    path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def _parse(content: bytes, *, own: bool) -> Acquaintance | None:
    try:
        fields = Fields(decode_object(content.decode()), "acquaintance")
        owner = bytes.fromhex(fields.text("owner", 2 * PUBLIC_BYTES, 2 * PUBLIC_BYTES))
        return Acquaintance(owner, fields.text("name", MAX_NAME_CHARACTERS), own)
    except (SignalingError, ValueError):
        return None
