"""The heads that one participant sees: which avatar each wears and which face it shows, on top of the compositor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from client.avatars import UNUSABLE, AvatarLibrary
from client.clock import monotonic_s
from client.stats import RateMeter
from client.tasks import TaskOwner
from client.view.backdrop import Backdrop
from client.view.compositor import Compositor, FrameSink, posted
from client.view.head_view import BACKGROUND_RGB, HeadRenderer, HeadView, Viewpoint
from client.view.pool import DrawingPool
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.background import Background, read_picture

logger = logging.getLogger(__name__)

SELF = "self"
"""The name of one's own head in `tiles`, `view` and `atlas` messages."""

MAX_BACKGROUND_PIXELS = 512 * 512
"""Of the pictures that a page sends; no tile shows more."""

MakeRenderer = Callable[[AvatarModel], HeadRenderer]


class Heads:
    """See the module.

    Args:
        library: avatars.
        make_renderer: a renderer for one head that wears the avatar.
        pool: what draws for everybody in this process.
        on_frame: called in the event loop with each new picture.
    """

    def __init__(
        self, library: AvatarLibrary, make_renderer: MakeRenderer, pool: DrawingPool, on_frame: FrameSink
    ) -> None:
        self._library = library
        self._make_renderer = make_renderer
        post = asyncio.get_running_loop().call_soon_threadsafe
        self._compositor = Compositor(pool, posted(on_frame, post), posted(self._fail, post))
        self._failure: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self._views: dict[str, HeadView] = {}
        self._viewpoints: dict[str, Viewpoint] = {}
        self._backdrop = Backdrop(BACKGROUND_RGB)
        self._backdrop_wish = 0
        self._decoding = asyncio.Lock()
        self._wearing: dict[str, str] = {}
        self._previews = 0
        self._rates: dict[str, RateMeter] = {}
        self._tasks = TaskOwner("heads")

    def start(self) -> None:
        """Begins to draw."""
        self._compositor.start()

    async def aclose(self) -> None:
        """Ends the drawing."""
        await self._tasks.aclose()
        await asyncio.to_thread(self._compositor.stop)

    def _fail(self, error: Exception) -> None:
        if not self._failure.done():
            self._failure.set_result(error)

    async def failed(self) -> Exception:
        """Returns the error that ended the drawing, if ever one does."""
        return await asyncio.shield(self._failure)

    def add(self, member_id: str) -> None:
        """A head that may be on screen from now on; it wears a guest avatar until it gets another one."""
        if member_id in self._views:
            return
        view = HeadView(member_id)
        view.look_from(self._viewpoints.get(member_id, Viewpoint()))
        view.set_backdrop(self._backdrop)
        self._views[member_id] = view
        self._rates[member_id] = RateMeter()
        self._compositor.put_head(view, preview=member_id == SELF)
        self.wear(member_id, None)

    def remove(self, member_id: str) -> None:
        """The head is gone."""
        for known in (self._views, self._wearing, self._rates, self._viewpoints):
            known.pop(member_id, None)
        self._compositor.remove_head(member_id)

    def wear(self, member_id: str, avatar_id: str | None) -> None:
        """Shows the head with this avatar (None: a guest) as soon as it is built."""
        chosen = avatar_id or self._library.guest_ids[0]
        if member_id in self._views and self._wearing.get(member_id) != chosen:
            self._wearing[member_id] = chosen
            self._tasks.start(self._dress(member_id, chosen), f"dress-{member_id[:8]}")

    async def _dress(self, member_id: str, avatar_id: str) -> None:
        try:
            model = await self._library.model(avatar_id)
        except UNUSABLE:
            logger.warning("an avatar could not be loaded")
            if avatar_id != self._library.guest_ids[0] and self._wearing.get(member_id) == avatar_id:
                self.wear(member_id, None)
            return
        await self._put_on(member_id, avatar_id, model)

    def preview(self, member_id: str, model: AvatarModel) -> None:
        """Shows the head with what is here of its avatar, until there is a better preview, or the next `wear`."""
        if member_id in self._views:
            self._previews += 1
            self._wearing[member_id] = wish = f"preview {self._previews}"
            self._tasks.start(self._put_on(member_id, wish, model), f"preview-{member_id[:8]}")

    async def _put_on(self, member_id: str, wish: str, model: AvatarModel) -> None:
        """Unless something else is wished meanwhile."""
        renderer = await asyncio.to_thread(self._make_renderer, model)
        view = self._views.get(member_id)
        if view is not None and self._wearing.get(member_id) == wish:
            view.set_renderer(renderer)
            self._compositor.wake()

    def show(self, member_id: str, params: FaceParams | None, capture_ms: int) -> None:
        """The newest face of a head."""
        view = self._views.get(member_id)
        if view is not None:
            view.show(params, capture_ms)
            self._compositor.wake()

    def look(self, member_id: str, viewpoint: Viewpoint) -> None:
        """From where to look at a head; remembered for one that is not there yet."""
        if len(self._viewpoints) < 256 or member_id in self._viewpoints:
            self._viewpoints[member_id] = viewpoint
        view = self._views.get(member_id)
        if view is not None:
            view.look_from(viewpoint)
            self._compositor.wake()

    def set_background(self, background: Background) -> None:
        """What all heads have behind them: a color or a picture [H, W, 3] uint8 of any size."""
        self._backdrop_wish += 1
        self._backdrop = Backdrop(background)
        for view in self._views.values():
            view.set_backdrop(self._backdrop)
        self._compositor.wake()

    async def set_background_picture(self, jpeg: bytes) -> None:
        """The same with a picture file, unless something newer is wished meanwhile; one is decoded at a time.

        Raises:
            ValueError: it cannot be used.
        """
        self._backdrop_wish += 1
        wish = self._backdrop_wish
        async with self._decoding:
            if wish != self._backdrop_wish:
                return
            picture = await asyncio.to_thread(read_picture, jpeg, max_pixels=MAX_BACKGROUND_PIXELS)
        if wish == self._backdrop_wish:
            self.set_background(picture)

    def set_sizes(self, sizes_px: Mapping[str, int], speaking: Collection[str] = ()) -> None:
        """Which heads are on screen and how large, and who of them speaks."""
        self._compositor.set_sizes(sizes_px, speaking)

    def set_stamp(self, on: bool) -> None:
        """Whether to paint capture times."""
        self._compositor.set_stamp(on)

    def rate(self, member_id: str) -> tuple[float, float]:
        """(pictures a second, ms per picture) of a head since the last call."""
        view = self._views.get(member_id)
        if view is None:
            return 0.0, 0.0
        return self._rates[member_id].sample(view.frames_drawn, monotonic_s()), view.render_ms.read()
