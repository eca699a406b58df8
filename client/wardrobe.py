"""What one's own head wears: the avatar that everybody sees, and one that only oneself tries on."""

from __future__ import annotations

from collections.abc import Callable

from client.avatars import UNUSABLE, AvatarLibrary
from client.call import Call
from client.enrolment_own import OwnAvatars
from client.heads import SELF, Heads
from tracker.profile import PersonProfile

NOT_HERE = "This avatar is not available here; you keep the one that you have."


class Wardrobe:
    """See the module.

    Args:
        library: avatars.
        own: those that are somebody's.
        call: the others.
        heads: what oneself sees.
        expect: tells the tracker whom to expect; None: anybody.
    """

    def __init__(
        self,
        library: AvatarLibrary,
        own: OwnAvatars,
        call: Call,
        heads: Heads,
        expect: Callable[[PersonProfile | None], None],
    ) -> None:
        self._library = library
        self._own = own
        self._call = call
        self._heads = heads
        self._expect = expect
        self._person: PersonProfile | None = None
        self._expected: str | None = None
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
            person = await self._own.person(avatar_id) if allowed else None
            if allowed:
                avatar_id = await self._own.worn(avatar_id)
                await self._library.model(avatar_id)
            if wish != self._wish:
                return ""
            if not allowed:
                return NOT_HERE
            await self._call.set_avatar(avatar_id)
        except UNUSABLE:
            return NOT_HERE if wish == self._wish else ""
        self._person = person
        if self._preview in (None, avatar_id):
            self._preview = None
            self._wear(avatar_id, person)
        return ""

    def try_on(self, avatar_id: str | None, person: PersonProfile | None = None) -> None:
        """Shows it, an avatar of `person`, to oneself only; None: what everybody sees."""
        self._preview = avatar_id
        if avatar_id is None:
            self._wear(self._call.avatar_id, self._person)
        else:
            self._wear(avatar_id, person)

    def _wear(self, avatar_id: str, person: PersonProfile | None) -> None:
        self._heads.wear(SELF, avatar_id)
        if avatar_id != self._expected:  # another tracker takes a moment to load
            self._expected = avatar_id
            self._expect(person)
