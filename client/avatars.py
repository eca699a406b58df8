"""The avatars that this process can show or send: files from the store, models ready to draw. Shared by all sessions.

Reading, checking and building happen in threads; a model is built once, however many heads show it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from avatar_store.errors import AvatarStoreError, UnknownAvatar
from avatar_store.guests import list_guests
from avatar_store.keys import OwnerKey
from avatar_store.store import AvatarStore
from avatar_store.wear import wear
from client.avatar_claim import Claim, check_beginning, check_whole
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


@dataclass(frozen=True)
class Credentials:
    """What proves that an avatar is one's own.

    Args:
        manifest: its text.
        key: that has signed it.
    """

    manifest: str
    key: OwnerKey


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

    async def keep(self, data: bytes, claim: Claim | None = None) -> str:
        """Checks a file that was made here or that a peer sent, keeps it, its model ready to draw, and returns its id.

        Args:
            data: the file.
            claim: what the peer says of it.

        Raises:
            CodecError: it is no avatar.
            AvatarMismatchError: it is not one for our head model.
            ManifestError: it is not what the peer says.
            AvatarStoreError: it cannot be stored.
        """

        def check_and_put() -> tuple[str, AvatarModel]:
            if claim is not None:
                check_whole(claim, data, self.store)
            model = AvatarModel(self.head, unpack_avatar(data))
            return self.store.put(data, manifest=None if claim is None else claim.text), model

        avatar_id, model = await asyncio.to_thread(check_and_put)
        ready: asyncio.Future[AvatarModel] = asyncio.get_running_loop().create_future()
        ready.set_result(model)
        self._remember(avatar_id, ready)
        return avatar_id

    async def vouch(self, claim: Claim) -> None:
        """Makes sure that an avatar is here, can be drawn and is what a peer says that it is.

        Raises:
            UnknownAvatar: the file is not here.
            CodecError: it is no avatar.
            AvatarMismatchError: it is not one for our head model.
            ManifestError: it is not what the peer says.
            AvatarStoreError: the disk refuses.
        """
        await self.model(claim.avatar_id)
        if claim.manifest is not None:
            data = await self.file(claim.avatar_id)
            await asyncio.to_thread(check_whole, claim, data, self.store)

    async def worn(self, avatar_id: str) -> Credentials | None:
        """What proves that the user may show an avatar: the user is its owner; None: it is nobody's.

        Raises:
            AvatarStoreError: it is somebody else's, or not here, or the user's key cannot be used.
            CodecError: it is no avatar.
        """

        def load() -> Credentials | None:
            manifest = wear(self.store, avatar_id).manifest
            return None if manifest is None else Credentials(manifest, self.store.owner_key())

        return None if avatar_id in self.guest_ids else await asyncio.to_thread(load)

    async def partial_model(self, beginning: bytes, claim: Claim) -> AvatarModel | None:
        """What the beginning of a file that a peer sends allows to draw; None if that is nothing.

        Raises:
            CodecError: it is no avatar.
            AvatarMismatchError: it is not one for our head model.
            ManifestError: it is not what the peer says.
        """

        def build() -> AvatarModel | None:
            check_beginning(claim, beginning, self.store)
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
