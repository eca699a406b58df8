"""A recorded person takes part in a call: a recording, tracked live, or the stream that was once made of one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from avatar_store.open_store import default_store
from client import aiortc_setup
from client.avatars import UNUSABLE
from client.bot_config import BotConfig
from client.call import Call
from client.capture.media_file import probe
from client.choose_avatar import choose_avatar
from client.equipment import Equipment
from client.errors import ClientError, JoinRefused
from client.face_pipeline import TrackedFace, Tracker
from client.join import fetch_join_token
from client.player import Player
from client.recorder import HeadRecorder
from client.recording_player import RecordingPlayer
from client.server_url import parse_server_url
from client.shutdown import stopped_by_signals
from client.stream_player import StreamPlayer
from client.tasks import TaskOwner, settle
from client.voice import VoiceLink
from codec.params import FaceParams
from codec.signaling import (
    MAX_NAME_CHARS,
    ErrorCode,
    Join,
    Member,
    PartAddress,
    Signal,
    SignalData,
    Welcome,
)
from codec.stream_file import FaceStream
from renderer.avatar.avatar_model import AvatarModel
from tracker.loop_mode import LoopMode, why_open
from tracker.profile import PersonProfile

logger = logging.getLogger(__name__)

MAX_VOICES = 32


async def run_bot(config: BotConfig, equipment: Equipment | None = None) -> None:
    """Takes part until recording or stream has ended, or SIGINT or SIGTERM comes.

    Args:
        config: what to do.
        equipment: what is loaded already, whose tracker expects whom it was made for; without, it is loaded here.

    Raises:
        MediaError: recording or stream cannot be used.
        ProfileError: the profile cannot be used.
        JoinRefused: the server does not let the bot in.
        ServerUnreachable: there is no server.
        ClientError: the avatar is not known here, or the server's address is none.
    """
    parse_server_url(config.server_url)
    aiortc_setup.install()
    async with stopped_by_signals():
        if isinstance(config.source, Path):  # what is wrong with the file is said before anything is loaded
            await asyncio.to_thread(probe, config.source)
        person = None if config.profile is None else await asyncio.to_thread(PersonProfile.load, config.profile)
        if equipment is None:
            from client.load_equipment import load_plain_equipment

            mode = config.closed_loop
            likely = mode is LoopMode.ON or why_open(mode, person, person and person.avatar_id) is None
            load = partial(load_plain_equipment, default_store(), person, closed_loop=likely)
            equipment = await asyncio.to_thread(load)
        bot = await asyncio.to_thread(Bot, config, equipment, person)
        try:
            token = await fetch_join_token(
                config.server_url, config.room, passcode=config.passcode, invite=config.invite
            )
            await bot.run(token)
        finally:
            await equipment.library.aclose()


class Bot:
    """See the module; opens the recording at once, so construct it in a thread.

    Args:
        config: what to do.
        equipment: of the process.
        person: the profile of `config`, loaded.

    Raises:
        MediaError: recording or stream cannot be used.
        ClientError: the avatar is not known here.
    """

    def __init__(self, config: BotConfig, equipment: Equipment, person: PersonProfile | None = None) -> None:
        self._config = config
        self._equipment = equipment
        self._avatar_id = choose_avatar(config.avatar_id, config.name, equipment.library)
        self._player = self._make_player(person)
        self._recorder = HeadRecorder(config.record_peer) if config.record_peer else None
        self._recorded: str | None = None
        self._voices: dict[str, VoiceLink] = {}
        self._joined = asyncio.Event()

    @property
    def call(self) -> Call:
        """The call; from `run` on."""
        return self._call

    async def run(self, token: str) -> None:
        """Takes part until recording or stream has ended; then leaves.

        Raises:
            MediaError: the recording turned out to be unusable.
            JoinRefused: the server does not let the bot in.
            ServerUnreachable: there is no server.
        """
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks = TaskOwner("bot")
        self._closing = TaskOwner("bot-closing")
        self._call = Call(
            self._config.server_url,
            "bot",
            token,
            library=self._equipment.library,
            avatar_id=self._avatar_id,
            extractor=self._player.extractor,
            events=self,
        )
        if self._recorder is not None:
            self._recorder.start()
        calling = self._tasks.start(self._run_call(), "call")
        self._tasks.start(self._play(), "play")
        try:
            await self._ended
        finally:
            await self._call.leave()
            calling.cancel()
            await self._tasks.aclose()
            await asyncio.gather(*(voice.aclose() for voice in self._voices.values()), self._closing.drain())
            await self._player.aclose()
            if self._recorder is not None:
                await asyncio.to_thread(self._recorder.close)

    def _make_player(self, person: PersonProfile | None) -> Player:
        config, equipment = self._config, self._equipment
        if isinstance(config.source, FaceStream):
            return StreamPlayer(config.source, config.loop, equipment.library.head.model_id, self._send_face)
        make_tracker = self._choose_tracker(person)
        return RecordingPlayer(
            config.source, config.loop, config.audio, make_tracker, equipment.extractor, self._send_face
        )

    def _send_face(self, face: TrackedFace) -> None:
        self._call.send_face(face)

    def _choose_tracker(self, person: PersonProfile | None) -> Callable[[], Tracker]:
        reason = why_open(self._config.closed_loop, person, self._avatar_id)
        make = self._equipment.make_tracker_of
        if reason is None and make is not None:
            logger.info("closed loop on")
            return partial(make, person, self._avatar_id)
        logger.info("closed loop off: %s", reason or "this equipment has none")
        return self._equipment.make_tracker

    async def _run_call(self) -> None:
        try:
            await self._call.run()
        except UNUSABLE as error:
            self._end(ClientError(f"The avatar cannot be used: {error}"))
        except Exception as error:
            self._end(error)
        else:
            self._end(None)

    async def _play(self) -> None:
        """Begins when somebody can see it."""
        try:
            await self._player.play(self._joined)
        except Exception as error:
            self._end(error)
        else:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        settle(self._ended, error)

    # --- the call

    def on_welcome(self, welcome: Welcome) -> None:
        """The server knows us: enter the room, also after a restart of the server."""
        name = self._config.name.strip()[:MAX_NAME_CHARS] or "Bot"
        self._call.send(Join(name, self._avatar_id, muted=not self._player.has_audio, camera_on=True))

    def on_joined(self, member: Member) -> None:
        """We are in: the player begins."""
        if not self._joined.is_set():
            self._joined.set()
            logger.info("bot is in the room")

    def on_member(self, member: Member) -> None:
        """Somebody is there."""

    def on_member_left(self, member_id: str) -> None:
        """Somebody is gone."""
        voice = self._voices.pop(member_id, None)
        if voice is not None:
            self._closing.start(voice.aclose(), "voice")

    def on_signal(self, sender: PartAddress, data: SignalData) -> None:
        """A page wants our voice."""
        if data.kind != "voice" or sender.member_id not in self._call.members:
            return
        voice = self._voices.get(sender.member_id)
        if voice is None:
            if len(self._voices) >= MAX_VOICES:
                return
            voice = VoiceLink(self._call.ice_servers, self._player.audio_track, self._relay_to(sender.member_id))
            self._voices[sender.member_id] = voice
            voice.start()
        voice.on_signal(data)

    def _relay_to(self, member_id: str) -> Callable[[SignalData], None]:
        return lambda data: self._call.send(Signal(PartAddress(member_id, "page"), "page", data.to_data()))

    def on_peer_face(self, member_id: str, params: FaceParams | None, capture_ms: int) -> None:
        """Somebody's face moved."""
        if self._recorder is not None and member_id == self._recorded:
            self._recorder.show(params, capture_ms)

    def on_peer_avatar(self, member_id: str, avatar_id: str | None) -> None:
        """Somebody's avatar is here: the first head is the one to record."""
        if self._recorder is None or self._recorded not in (None, member_id):
            return
        self._recorded = member_id
        self._tasks.start(self._dress_recorded(avatar_id or self._equipment.library.guest_ids[0]), "dress")

    def on_peer_preview(self, member_id: str, model: AvatarModel) -> None:
        """A recording waits for the whole avatar."""

    async def _dress_recorded(self, avatar_id: str) -> None:
        assert self._recorder is not None
        try:
            model = await self._equipment.library.model(avatar_id)
        except UNUSABLE:
            logger.warning("the avatar to record could not be loaded")
            return
        self._recorder.set_renderer(await asyncio.to_thread(self._equipment.make_renderer, model))

    def on_notice(self, text: str) -> None:
        """Something that a person would be told; it may hold names, so it is not logged as such."""
        logger.debug("notice")

    def on_refusal(self, error_code: str, detail: str) -> None:
        """The server refused a message; without a place in the room there is nothing to do here."""
        if self._call.member is None or error_code == ErrorCode.ROOM_FULL:
            self._end(JoinRefused(error_code, detail))
