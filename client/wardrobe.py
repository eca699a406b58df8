"""What one's own head wears: the avatar that everybody sees, and one that only oneself tries on."""

from __future__ import annotations

from client.avatars import UNUSABLE, AvatarLibrary
from client.call import Call
from client.enrolment_own import OwnAvatars
from client.heads import SELF, Heads

NOT_HERE = "This avatar is not available here; you keep the one that you have."


class Wardrobe:
    """See the module.

    Args:
        library: avatars.
        own: those that are somebody's.
        call: the others.
        heads: what oneself sees.
    """

    def __init__(self, library: AvatarLibrary, own: OwnAvatars, call: Call, heads: Heads) -> None:
        self._library = library
        self._own = own
        self._call = call
        self._heads = heads
        self._wish = 0
        self._preview: str | None = None

    async def choose(self, avatar_id: str | None, key: str | None) -> str:
        """Shows everybody this avatar (None: the default guest), unless another one is chosen meanwhile.

        Returns:
            Why that is not possible, a sentence for the person; empty if it is.
        """
        self._wish += 1
        wish = self._wish
        avatar_id = avatar_id or self._library.guest_ids[0]
        try:
            allowed = await self._own.may_wear(avatar_id, key)
            if allowed:
                await self._library.model(avatar_id)
            if wish != self._wish:
                return ""
            if not allowed:
                return NOT_HERE
            await self._call.set_avatar(avatar_id)
        except UNUSABLE:
            return NOT_HERE if wish == self._wish else ""
        if self._preview in (None, avatar_id):
            self._preview = None
            self._heads.wear(SELF, avatar_id)
        return ""

    def try_on(self, avatar_id: str | None) -> None:
        """Shows it to oneself only; None: what everybody sees."""
        self._preview = avatar_id
        self._heads.wear(SELF, avatar_id or self._call.avatar_id)
