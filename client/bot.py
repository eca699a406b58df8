"""A recorded person takes part in a call: the file is camera and microphone, tracked live and streamed to everyone."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
from aiortc import MediaStreamTrack

from avatar_store.guests import list_guests
from avatar_store.handles import find_handle
from avatar_store.store import default_store
from client import aiortc_setup
from client.avatars import UNUSABLE, AvatarLibrary
from client.call import Call
from client.capture.file_source import FileSource
from client.capture.media_file import probe
from client.equipment import Equipment
from client.errors import ClientError, JoinRefused, MediaError
from client.face_pipeline import FacePipeline, TrackedFace, Tracker
from client.join import fetch_join_token
from client.recorder import HeadRecorder
from client.server_url import parse_server_url
from client.shutdown import stopped_by_signals
from client.tasks import TaskOwner
from client.voice import VoiceLink
from codec.avatar_layout import MAX_AVATAR_BYTES
from codec.errors import AvatarFileError
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
from tracker.loop_mode import LoopMode, why_open
from tracker.profile import PersonProfile

logger = logging.getLogger(__name__)

NO_FACE_S = 10.0
"""A recording in whose first this many seconds the tracker finds no face is refused."""

MIN_JUDGED_FRAMES = 20
"""Of these at least none must show a face, however slow the machine is."""

MAX_VOICES = 32


@dataclass(frozen=True)
class BotConfig:
    """A bot.

    Args:
        server_url: e.g. `http://127.0.0.1:8080`.
        room: name of the room.
        video: the recording.
        avatar_id: what `choose_avatar` understands; None: a guest that goes with the bot's name.
        name: shown to the others.
        loop: begin the recording again when it ends; otherwise the bot leaves then.
        audio: send the recording's sound.
        passcode: of the server.
        invite: invitation token.
        record_peer: write the first other head, as rendered here, to this MP4.
        profile: of the recorded person (tracker.profile).
        closed_loop: whether the avatar is a likeness of the recorded person, against which the tracker's answers are
            corrected.
    """

    server_url: str
    room: str
    video: Path
    avatar_id: str | None = None
    name: str = "Bot"
    loop: bool = False
    audio: bool = True
    passcode: str | None = None
    invite: str | None = None
    record_peer: Path | None = None
    profile: Path | None = None
    closed_loop: LoopMode = LoopMode.AUTO


async def run_bot(config: BotConfig, equipment: Equipment | None = None) -> None:
    """Takes part until the recording ends, or SIGINT or SIGTERM comes.

    Args:
        config: what to do.
        equipment: what is loaded already, whose tracker expects whom it was made for; without, it is loaded here.

    Raises:
        MediaError: the recording cannot be used.
        ProfileError: the profile cannot be used.
        JoinRefused: the server does not let the bot in.
        ServerUnreachable: there is no server.
        ClientError: the avatar is not known here, or the server's address is none.
    """
    parse_server_url(config.server_url)
    aiortc_setup.install()
    async with stopped_by_signals():
        await asyncio.to_thread(probe, config.video)  # what is wrong with the file is said before anything is loaded
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


def choose_avatar(wanted: str | None, bot_name: str, library: AvatarLibrary) -> str:
    """The avatar id for a bot: what `wanted` names, or always the same guest for a bot's name.

    Args:
        wanted: an id, a guest's name, a name that the user gave to an avatar (avatar_store.handles), or the path of an
            avatar file, which is put into the store.
        bot_name: of the bot.
        library: the avatars that there are.

    Raises:
        ClientError: there is nothing of that name, or the file is no avatar.
        AvatarStoreError: the file cannot be put into the store.
    """
    if wanted is None:
        digest = hashlib.sha256(bot_name.encode()).digest()
        return library.guest_ids[digest[0] % len(library.guest_ids)]
    if len(wanted) == 64:
        return wanted
    guests = {guest.name.casefold(): guest.avatar_id for guest in list_guests()}
    found = guests.get(wanted.casefold()) or find_handle(library.store.root, wanted)
    if found is not None:
        return found
    path = Path(wanted)
    if not path.is_file():
        raise ClientError(f"There is no guest avatar {wanted!r}: choose one of {', '.join(sorted(guests))}.")
    try:
        with path.open("rb") as file:
            return library.store.put(file.read(MAX_AVATAR_BYTES + 1), own=True)
    except (OSError, AvatarFileError) as error:
        raise ClientError(f"{wanted} is no avatar that can be read.") from error


class Bot:
    """See the module; opens the recording at once, so construct it in a thread.

    Args:
        config: what to do.
        equipment: of the process.
        person: the profile of `config`, loaded.

    Raises:
        MediaError: the recording cannot be used.
        ClientError: the avatar is not known here.
    """

    def __init__(self, config: BotConfig, equipment: Equipment, person: PersonProfile | None = None) -> None:
        self._config = config
        self._equipment = equipment
        self._avatar_id = choose_avatar(config.avatar_id, config.name, equipment.library)
        self._make_tracker = self._choose_tracker(person)
        self._source = FileSource(config.video, config.loop, self._on_frame, self._on_file_end)
        self._recorder = HeadRecorder(config.record_peer) if config.record_peer else None
        self._recorded: str | None = None
        self._voices: dict[str, VoiceLink] = {}
        self._faces = 0
        self._tracked = 0
        self._first_tracked_ms = 0
        self._joined = asyncio.Event()

    @property
    def call(self) -> Call:
        """The call; from `run` on."""
        return self._call

    async def run(self, token: str) -> None:
        """Takes part until the recording has ended; then leaves.

        Raises:
            MediaError: the recording turned out to be unusable.
            JoinRefused: the server does not let the bot in.
            ServerUnreachable: there is no server.
        """
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._tasks = TaskOwner("bot")
        self._closing = TaskOwner("bot-closing")
        self._call = Call(
            self._config.server_url,
            "bot",
            token,
            library=self._equipment.library,
            avatar_id=self._avatar_id,
            extractor=self._equipment.extractor,
            events=self,
        )
        self._pipeline = FacePipeline(self._make_tracker, self._on_face)
        self._pipeline.start()
        if self._recorder is not None:
            self._recorder.start()
        calling = self._tasks.start(self._run_call(), "call")
        self._tasks.start(self._watch_tracker(), "tracker")
        self._tasks.start(self._play(), "play")
        try:
            await self._ended
        finally:
            await self._call.leave()
            calling.cancel()
            await self._tasks.aclose()
            await asyncio.gather(*(voice.aclose() for voice in self._voices.values()), self._closing.drain())
            await asyncio.to_thread(self._source.stop)
            await self._pipeline.aclose()
            if self._recorder is not None:
                await asyncio.to_thread(self._recorder.close)

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
        """Begins when somebody can see it and the tracker is loaded, so that nothing of it is lost."""
        await self._joined.wait()
        await self._pipeline.ready.wait()
        self._source.start()

    async def _watch_tracker(self) -> None:
        self._end(await self._pipeline.failed())

    def _end(self, error: Exception | None) -> None:
        if self._ended.done():
            return
        if error is None:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(error)

    # --- the recording

    def _on_frame(self, frame: av.VideoFrame, capture_ms: int) -> None:
        self._pipeline.push(frame, capture_ms)

    def _on_file_end(self, error: MediaError | None) -> None:
        self._loop.call_soon_threadsafe(self._ended_with, error)

    def _ended_with(self, error: MediaError | None) -> None:
        self._end(self._no_face() if error is None and self._tracked > 0 and self._faces == 0 else error)

    def _no_face(self) -> MediaError:
        return MediaError(f"No face was found in the first {NO_FACE_S:.0f} s of {self._config.video.name}.")

    def _on_face(self, face: TrackedFace) -> None:
        self._tracked += 1
        self._faces += face.params is not None
        if self._faces == 0:
            self._first_tracked_ms = self._first_tracked_ms or face.capture_ms
            looked_ms = face.capture_ms - self._first_tracked_ms
            if looked_ms > 1000 * NO_FACE_S and self._tracked >= MIN_JUDGED_FRAMES:
                self._end(self._no_face())
        self._call.send_face(face)

    # --- the call

    def on_welcome(self, welcome: Welcome) -> None:
        """The server knows us: enter the room, also after a restart of the server."""
        name = self._config.name.strip()[:MAX_NAME_CHARS] or "Bot"
        muted = not (self._config.audio and self._source.info.has_audio)
        self._call.send(Join(name, self._avatar_id, muted=muted, camera_on=True))

    def on_joined(self, member: Member) -> None:
        """We are in: the recording begins."""
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
            voice = VoiceLink(self._call.ice_servers, self._make_sound, self._relay_to(sender.member_id))
            self._voices[sender.member_id] = voice
            voice.start()
        voice.on_signal(data)

    def _relay_to(self, member_id: str) -> Callable[[SignalData], None]:
        return lambda data: self._call.send(Signal(PartAddress(member_id, "page"), "page", data.to_data()))

    def _make_sound(self) -> MediaStreamTrack | None:
        return self._source.audio_track() if self._config.audio else None

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
