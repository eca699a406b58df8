"""One person who has only a browser: their page's leg, their face, their links to the others, and what they see."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import asdict
from functools import partial

import av

from client.call import Call
from client.clock import capture_ms, monotonic_s
from client.enrolment_desk import EnrolmentDesk
from client.enrolment_messages import TakeEvent
from client.enrolment_own import OwnAvatars
from client.enrolment_queue import EnrolmentQueue
from client.enrolment_watch import TakeWatch
from client.equipment import Equipment
from client.face_pipeline import FacePipeline, TrackedFace
from client.heads import SELF, Heads
from client.leg import Leg
from client.stats import Average, RateMeter
from client.tasks import TaskOwner
from client.ui_messages import (
    SetAvatar,
    SetBackgroundColor,
    SetBackgroundPicture,
    SetCamera,
    SetStamp,
    SetTiles,
    SetView,
    UiMessage,
    atlas_text,
    notice_text,
    peers_text,
    tracking_text,
)
from client.view.atlas import AtlasLayout
from client.view.head_view import Viewpoint
from client.view.pool import DrawingPool
from client.wardrobe import Wardrobe
from codec.params import FaceParams
from codec.signaling import Member, PartAddress, Signal, SignalData, Welcome
from renderer.avatar.avatar_model import AvatarModel
from tracker.profile import PersonProfile

logger = logging.getLogger(__name__)

REPORT_S = 1.0
CAMERA_STALLED_S = 1.5
"""Without a camera frame for this long the face rests."""


class Session:
    """See the module.

    Args:
        server_url: the server.
        attach_token: of the server's `assign`.
        equipment: of the process.
        pool: of the process.
        queue: of the process, for avatars that people make of themselves.
    """

    def __init__(
        self, server_url: str, attach_token: str, equipment: Equipment, pool: DrawingPool, queue: EnrolmentQueue
    ) -> None:
        self._equipment = equipment
        library = equipment.library
        self._call = Call(
            server_url,
            "client",
            attach_token,
            library=library,
            avatar_id=library.guest_ids[0],
            extractor=equipment.extractor,
            events=self,
        )
        self._leg = Leg(self._send_to_page, self)
        self._heads = Heads(library, equipment.make_renderer, pool, self._on_picture)
        self._pipeline = FacePipeline(equipment.make_tracker, self._on_face)
        own = OwnAvatars(library)
        self._wardrobe = Wardrobe(library, own, self._call, self._heads, self._expect)
        self._desk = EnrolmentDesk(queue, library, own, TakeWatch, self)
        self._tasks = TaskOwner("session")
        self._layout: AtlasLayout | None = None
        self._layout_said: AtlasLayout | None = None
        self._camera_on = True
        self._camera_at = 0.0
        self._tracking_state = "rest"
        self._tracked = 0
        self._tracking_fps = RateMeter()
        self._tracking_ms = Average()

    async def run(self) -> None:
        """Serves the person until cancelled, or until they have left.

        Raises:
            JoinRefused: the server does not let us in.
            ServerUnreachable: there is no server.
        """
        self._heads.add(SELF)
        self._heads.start()
        self._leg.start()
        self._pipeline.start()
        self._desk.start()
        try:
            async with asyncio.TaskGroup() as group:
                reporting = group.create_task(self._report(), name="session.report")
                tracking = group.create_task(self._fail_with(self._pipeline.failed()), name="session.tracker")
                drawing = group.create_task(self._fail_with(self._heads.failed()), name="session.heads")
                await self._call.run()
                for task in (reporting, tracking, drawing):
                    task.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            await self._tasks.aclose()
            await self._leg.aclose()
            await self._desk.aclose()
            await self._pipeline.aclose()
            await self._heads.aclose()

    async def _fail_with(self, failure: Awaitable[Exception]) -> None:
        raise await failure

    # --- the page

    def _send_to_page(self, data: SignalData) -> None:
        self._call.send(Signal(PartAddress(self._call.member_id, "page"), "client", data.to_data()))

    def on_leg_open(self) -> None:
        """The page listens: tell it where everything is."""
        self._layout_said = None
        self._say_layout()
        self._desk.on_leg_open()

    def on_take(self, event: TakeEvent) -> None:
        """The page sends a take."""
        self._desk.on_take(event)

    def _say_layout(self) -> None:
        """Until the page has got it: without it the page cannot cut the picture up."""
        layout = self._layout
        if layout is not None and layout is not self._layout_said and self._leg.say(atlas_text(layout)):
            self._layout_said = layout

    def on_ui(self, message: UiMessage) -> None:
        """The page wants something."""
        match message:
            case SetAvatar(avatar_id, key):
                self._tasks.start(self._set_avatar(avatar_id, key), "avatar")
            case SetCamera(on):
                self._camera_on = on
                if not on:
                    self._rest()
            case SetTiles(sizes_px, speaking):
                self._heads.set_sizes(sizes_px, speaking)
            case SetView(member_id, yaw, pitch, distance, eye_contact, stereo):
                self._heads.look(member_id, Viewpoint(yaw, pitch, distance, eye_contact, stereo))
            case SetBackgroundColor(color):
                self._heads.set_background(color)
            case SetBackgroundPicture(jpeg):
                self._tasks.start(self._set_background(jpeg), "background")
            case SetStamp(on):
                self._heads.set_stamp(on)
            case _:
                self._desk.on_ui(message)

    async def _set_avatar(self, avatar_id: str | None, key: str | None) -> None:
        problem = await self._wardrobe.choose(avatar_id, key)
        if problem:
            self.on_notice(problem)

    async def _set_background(self, jpeg: bytes) -> None:
        try:
            await self._heads.set_background_picture(jpeg)
        except ValueError:
            self.on_notice("This picture cannot be used as a background.")

    def _on_picture(self, frame: av.VideoFrame, layout: AtlasLayout) -> None:
        self._layout = layout
        self._say_layout()
        self._leg.show(frame)

    # --- one's own avatar

    def say(self, text: str) -> bool:
        """Sends a `ui` message; False if it was dropped."""
        return self._leg.say(text)

    def show_preview(self, avatar_id: str | None, person: PersonProfile | None = None) -> None:
        """For the person only."""
        self._wardrobe.try_on(avatar_id, person)

    def _expect(self, person: PersonProfile | None) -> None:
        make = self._equipment.make_tracker_of
        if person is None or make is None:
            self._pipeline.change_tracker(self._equipment.make_tracker)
        else:
            self._pipeline.change_tracker(partial(make, person, person.avatar_id))

    def watch_camera(self, watch: TakeWatch | None) -> None:
        """Lets `watch` see every tracked picture."""
        self._pipeline.observer = None if watch is None else watch.observe

    # --- one's own face

    def on_camera_frame(self, frame: av.VideoFrame, capture_ms: int) -> None:
        """The camera saw something."""
        self._camera_at = monotonic_s()
        if self._camera_on:
            self._pipeline.push(frame, capture_ms)

    def _on_face(self, face: TrackedFace) -> None:
        if not self._camera_on:
            return
        self._tracked += 1
        self._tracking_ms.add(face.tracking_ms)
        self._set_tracking_state("no_face" if face.params is None else "face")
        self._call.send_face(face)
        self._heads.show(SELF, face.params, face.capture_ms)

    def _rest(self) -> None:
        self._set_tracking_state("rest")
        self._call.send_face(TrackedFace(None, capture_ms(), 0.0))
        self._heads.show(SELF, None, 0)

    def _set_tracking_state(self, state: str) -> None:
        if state != self._tracking_state:
            self._tracking_state = state
            self._say_tracking()

    def _say_tracking(self) -> None:
        self._leg.say(tracking_text(self._tracking_state, self._tracking_fps.per_second, self._tracking_ms.read()))

    # --- the others

    def on_welcome(self, welcome: Welcome) -> None:
        """The server knows us."""
        self._leg.ice_servers = welcome.ice_servers

    def on_joined(self, member: Member) -> None:
        """We are in the room."""

    def on_member(self, member: Member) -> None:
        """Somebody is there."""
        self._heads.add(member.member_id)

    def on_member_left(self, member_id: str) -> None:
        """Somebody is gone."""
        self._heads.remove(member_id)

    def on_signal(self, sender: PartAddress, data: SignalData) -> None:
        """The page negotiates; nobody else may."""
        if data.kind == "leg" and sender.member_id == self._call.member_id:
            self._leg.on_signal(data)

    def on_peer_face(self, member_id: str, params: FaceParams | None, capture_ms: int) -> None:
        """Somebody's face moved."""
        self._heads.show(member_id, params, capture_ms)

    def on_peer_avatar(self, member_id: str, avatar_id: str | None) -> None:
        """Somebody's avatar is here, or was refused."""
        self._heads.wear(member_id, avatar_id)

    def on_peer_preview(self, member_id: str, model: AvatarModel) -> None:
        """Somebody's avatar is here in part."""
        self._heads.preview(member_id, model)

    def on_notice(self, text: str) -> None:
        """Something to tell the person."""
        self._leg.say(notice_text(text))

    def on_refusal(self, error_code: str, detail: str) -> None:
        """The server refused one of our messages; a signal to somebody who has just left is nobody's business."""
        if error_code != "unknown_member":
            self.on_notice(detail)

    # --- reports

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            now = monotonic_s()
            if self._tracking_state != "rest" and now - self._camera_at > CAMERA_STALLED_S:
                self._rest()
            self._tracking_fps.sample(self._tracked, now)
            self._say_layout()
            self._say_tracking()
            peers = []
            for peer in self._call.stats():
                fps, render_ms = self._heads.rate(peer.member_id)
                peers.append(asdict(peer) | {"fps": round(fps, 1), "render_ms": round(render_ms, 2)})
            self._leg.say(peers_text(peers))
