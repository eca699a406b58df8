"""Which parts of an avatar file are here while it arrives, by its section headers (docs/avatar-format.md)."""

from __future__ import annotations

from codec.avatar_layout import HEADER, MAGIC, MAX_SECTIONS, SECTION, VERSION_1

STAGES = ("GAU0", "GAU1")
"""Sections of version 1 with which codec.avatar_file.unpack_partial gets better, the last of the file aside."""


class AvatarStages:
    """Watches a file grow, each byte once.

    Attributes:
        reached: how many of STAGES are all there.
        usable: bytes from the beginning of the file that make what `reached` says.
    """

    def __init__(self) -> None:
        self.reached = 0
        self.usable = 0
        self._next = HEADER.size
        self._sections = 0

    def grown(self, data: bytes | bytearray) -> bool:
        """Looks at what has come. Files of other versions, and what is no file at all, have no stages.

        Args:
            data: the file so far, each time with what it had before.

        Returns:
            Whether another stage has been reached.
        """
        before = self.reached
        if len(data) >= HEADER.size and HEADER.unpack_from(data)[:2] != (MAGIC, VERSION_1):
            return False
        while self._next + SECTION.size <= len(data) and self._sections < MAX_SECTIONS:
            tag, *_, size = SECTION.unpack_from(data, self._next)
            if self._next + SECTION.size + size > len(data):
                break
            self._next += SECTION.size + size
            self._sections += 1
            if self.reached < len(STAGES) and tag == STAGES[self.reached].encode():
                self.reached += 1
                self.usable = self._next
        return self.reached > before
