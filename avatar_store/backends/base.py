"""What the store asks of the place where its objects are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing shows it.

    Args:
        name: such as `own/<id>.vav`.
        size: in bytes.
        used: when it was last put or touched, Unix time in seconds.
    """

    name: str
    size: int
    used: float


class Backend(Protocol):
    """Named objects, each there whole or not at all. Several processes may use the same ones.

    Names are a folder and a file name that the store itself makes of an id, never of what a peer sends as it is.
    Methods block. All raise AvatarStoreError where the place refuses or cannot be reached.
    """

    def get(self, name: str, limit: int) -> bytes | None:
        """The object, or its first `limit` + 1 bytes if it is longer; None if there is none."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is such an object."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Stores an object; one of that name is replaced."""
        ...

    def delete(self, name: str) -> bool:
        """Removes an object for good; says whether it was there."""
        ...

    def touch(self, name: str) -> None:
        """Notes that the object was used now; it may have gone meanwhile."""
        ...

    def list(self, folder: str) -> list[StoredObject]:
        """The objects of a folder, in no order; what else lies there may be among them."""
        ...
