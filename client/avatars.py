"""The avatars that this process can show or send: files from the store, models ready to draw. Shared by all sessions.

Reading, checking and building happen in threads; a model is built once, however many heads show it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from avatar_store.errors import AvatarStoreError, UnknownAvatar
from avatar_store.guests import list_guests
from avatar_store.store import AvatarStore
from client.tasks import TaskOwner
from codec.avatar_file import unpack_avatar, unpack_partial
from codec.errors import CodecError
from codec.motion_basis import MotionBasis
from renderer.avatar.avatar_model import AvatarModel
from renderer.errors import AvatarMismatchError
from renderer.head.model import HeadModel

MAX_MODELS = 24
"""Models kept ready (a few MB each); those not used for longest go first."""

UNUSABLE = (AvatarStoreError, CodecError, AvatarMismatchError)
"""What loading an avatar may raise: it is not here, its file is no avatar, or it is for another head model."""


class AvatarLibrary:
    """See the module.

    Args:
        head: the head model of this process.
        store: avatar files.
        guest_ids: ids of the guest avatars in the store, the default one first; at least one.
    """

    def __init__(self, head: HeadModel, store: AvatarStore, guest_ids: Sequence[str]) -> None:
        self.head = head
        self.guest_ids = tuple(guest_ids)
        self.store = store
        self._models: OrderedDict[str, asyncio.Future[AvatarModel]] = OrderedDict()
        self._tasks = TaskOwner("avatars", on_error=lambda error: None)  # whoever awaits a model gets the error

    @staticmethod
    def with_shipped_guests(head: HeadModel, store: AvatarStore) -> AvatarLibrary:
        """A library with the guest avatars that come with the program.

        Raises:
            AvatarStoreError: the installation is damaged.
        """
        return AvatarLibrary(head, store, [guest.avatar_id for guest in list_guests()])

    async def file(self, avatar_id: str) -> bytes:
        """The file.

        Raises:
            UnknownAvatar: it is not here.
        """
        data = await asyncio.to_thread(self.store.get, avatar_id)
        if data is None:
            raise UnknownAvatar(avatar_id)
        return data

    async def keep(self, data: bytes) -> str:
        """Checks a file that a peer sent, keeps it, its model ready to draw, and returns its id.

        Raises:
            CodecError: it is no avatar.
            AvatarMismatchError: it is not one for our head model.
            AvatarStoreError: it cannot be stored.
        """

        def check_and_put() -> tuple[str, AvatarModel]:
            model = AvatarModel(self.head, unpack_avatar(data))
            return self.store.put(data), model

        avatar_id, model = await asyncio.to_thread(check_and_put)
        ready: asyncio.Future[AvatarModel] = asyncio.get_running_loop().create_future()
        ready.set_result(model)
        self._remember(avatar_id, ready)
        return avatar_id

    async def partial_model(self, beginning: bytes) -> AvatarModel | None:
        """What the beginning of a file that a peer sends allows to draw; None if that is nothing.

        Raises:
            CodecError: it is no avatar.
            AvatarMismatchError: it is not one for our head model.
        """

        def build() -> AvatarModel | None:
            asset = unpack_partial(beginning)
            return None if asset is None else AvatarModel(self.head, asset)

        return await asyncio.to_thread(build)

    async def model(self, avatar_id: str) -> AvatarModel:
        """The avatar, ready to draw.

        Raises:
            UnknownAvatar: the file is not here.
            CodecError: it is no avatar.
            AvatarMismatchError: it is not one for our head model.
        """
        task = self._models.get(avatar_id)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._tasks.start(self._load(avatar_id), avatar_id[:8])
        self._remember(avatar_id, task)
        return await asyncio.shield(task)

    async def motions(self, avatar_id: str) -> MotionBasis | None:
        """The motions that the avatar's file holds.

        Raises:
            as `model`.
        """
        return (await self.model(avatar_id)).asset.motion_basis

    def _remember(self, avatar_id: str, model: asyncio.Future[AvatarModel]) -> None:
        self._models[avatar_id] = model
        self._models.move_to_end(avatar_id)
        while len(self._models) > MAX_MODELS:
            self._models.popitem(last=False)

    def drop(self, avatar_id: str) -> None:
        """Forgets the model; heads that show it go on."""
        self._models.pop(avatar_id, None)

    async def aclose(self) -> None:
        """Ends what is still being loaded."""
        await self._tasks.aclose()

    async def _load(self, avatar_id: str) -> AvatarModel:
        data = await self.file(avatar_id)
        return await asyncio.to_thread(lambda: AvatarModel(self.head, unpack_avatar(data)))
