"""Messages about making one's own avatar, between a page and its client (docs/protocol.md, "Make mine")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from client.enrolment_keys import KEY_CHARS
from codec.signaling.fields import Fields, decode_object, encode_object

TAKE_CHANNEL = "take"
MAX_KIND_CHARS = 100

EnrolmentState = Literal["none", "receiving", "queued", "working", "done", "failed"]


@dataclass(frozen=True)
class WatchTake:
    """Coverage and quality of the live camera picture are wanted, from nothing; or no more."""

    on: bool


@dataclass(frozen=True)
class KeepAvatar:
    """The avatar that is in the preview shall be the person's."""


@dataclass(frozen=True)
class CancelEnrolment:
    """The take, the work on it and the preview shall go."""


@dataclass(frozen=True)
class AskForMine:
    """Is this avatar of the person's still here?"""

    avatar_id: str
    key: str


@dataclass(frozen=True)
class ForgetMine:
    """This avatar of the person's shall be deleted."""

    avatar_id: str
    key: str


EnrolmentMessage = WatchTake | KeepAvatar | CancelEnrolment | AskForMine | ForgetMine


@dataclass(frozen=True)
class TakeBegin:
    """A take follows, of this MIME type."""

    kind: str


@dataclass(frozen=True)
class TakeEnd:
    """All of the take has been sent: so many bytes."""

    total: int


@dataclass(frozen=True)
class TakeLost:
    """The channel was closed."""


TakeEvent = TakeBegin | TakeEnd | TakeLost | bytes


def parse_enrolment(kind: str, fields: Fields) -> EnrolmentMessage | None:
    """One `ui` message about enrolment; None for any other type.

    Raises:
        SignalingError: it is malformed.
    """
    match kind:
        case "enrolment_watch":
            return WatchTake(fields.flag("on"))
        case "enrolment_keep":
            return KeepAvatar()
        case "enrolment_cancel":
            return CancelEnrolment()
        case "mine" | "mine_forget":
            avatar_id = fields.avatar_id()
            if avatar_id is None:
                raise fields.error("avatar_id", "an avatar id")
            make = AskForMine if kind == "mine" else ForgetMine
            return make(avatar_id, fields.text("key", KEY_CHARS, KEY_CHARS))
        case _:
            return None


def parse_take(message: str | bytes) -> TakeEvent | None:
    """One message of the `take` channel; None for a type that this version does not know.

    Raises:
        SignalingError: it is malformed.
    """
    if isinstance(message, bytes):
        return message
    fields = Fields(decode_object(message), TAKE_CHANNEL)
    match fields.text("type", 64):
        case "begin":
            return TakeBegin(fields.text("kind", MAX_KIND_CHARS))
        case "end":
            return TakeEnd(fields.integer("bytes"))
        case _:
            return None


@dataclass
class EnrolmentStatus:
    """What the page is told of an enrolment, all of it each time.

    Args:
        state: `receiving` a take, `queued` behind others, `working`, `done`, `failed`, or `none`.
        received: bytes of the take.
        ahead: jobs that come first.
        stage: what is being done, in words.
        share: of the work that is done, 0..1.
        eta_s: seconds to the end, if known.
        psnr_db: of pictures that it has not learned from, if measured.
        avatar_id: the avatar in the preview.
        text: why it failed, or a warning; a sentence, or empty.
    """

    state: EnrolmentState = "none"
    received: int = 0
    ahead: int = 0
    stage: str = ""
    share: float = 0.0
    eta_s: float | None = None
    psnr_db: float | None = None
    avatar_id: str | None = None
    text: str = ""

    def to_text(self) -> str:
        """The `enrolment` message."""
        rounded = {"share": round(self.share, 3), "eta_s": _rounded(self.eta_s), "psnr_db": _rounded(self.psnr_db)}
        return encode_object({"type": "enrolment"} | vars(self) | rounded)


def coverage_text(shares: Mapping[str, float], missing: Sequence[str], hints: Sequence[str]) -> str:
    """The `coverage` message: shares 0..1 by name, names of what is missing, sentences about the picture."""
    rounded = {name: round(min(max(share, 0.0), 1.0), 2) for name, share in shares.items()}
    return encode_object({"type": "coverage", "shares": rounded, "missing": list(missing), "hints": list(hints)})


def mine_text(avatar_id: str, key: str, *, here: bool, kept: bool = False, replaces: str | None = None) -> str:
    """The `mine` message: whether an avatar of the person's is here; `kept`: since a moment ago."""
    return encode_object(
        {"type": "mine", "avatar_id": avatar_id, "key": key, "here": here, "kept": kept, "replaces": replaces}
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)
