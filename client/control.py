"""Messages of the `control` channel between two clients (docs/protocol.md, "Face connection")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from avatar_store.keys import SIGNATURE_BYTES
from avatar_store.manifest import MAX_MANIFEST_CHARS
from codec.avatar_file import MAX_AVATAR_BYTES
from codec.avatar_proof import CHALLENGE_BYTES
from codec.face_link import EG0, PROFILES
from codec.params import EXPRESSION_DIMS
from codec.signaling.fields import Fields, bad_message, decode_object, encode_object
from codec.signaling.values import to_plain

PROTOCOL_VERSION = 1
MAX_CONTROL_CHARS = 8192
MAX_PROFILES = 16


@dataclass(frozen=True)
class PeerHello:
    """Who the other side is and what it understands; the first message from both sides.

    `profile` is what its packets are in until it knows us, `profiles` what it understands, the best one first; without
    them it understands `profile` only.
    """

    TYPE: ClassVar[str] = "hello"
    member_id: str
    head_model_id: str
    avatar_id: str
    avatar_bytes: int
    extractor: str
    expression_dims: int
    epoch_ms: int
    profile: str = EG0
    profiles: tuple[str, ...] = PROFILES
    challenge: str | None = field(default=None, repr=False, metadata={"optional": True})
    manifest: str | None = field(default=None, repr=False, metadata={"optional": True})
    version: int = PROTOCOL_VERSION

    def common_profile(self) -> str | None:
        """The best profile that both sides understand; None if there is none."""
        return next((profile for profile in PROFILES if profile in self.profiles), None)


@dataclass(frozen=True)
class AvatarShown:
    """The sender shows another avatar from now on."""

    TYPE: ClassVar[str] = "avatar"
    avatar_id: str
    avatar_bytes: int
    manifest: str | None = field(default=None, repr=False, metadata={"optional": True})


@dataclass(frozen=True)
class AvatarProof:
    """The sender is the owner of the avatar that it shows (codec.avatar_proof): an Ed25519 signature, hex."""

    TYPE: ClassVar[str] = "avatar_proof"
    avatar_id: str
    signature: str


@dataclass(frozen=True)
class AvatarGet:
    """Send me this avatar from this byte on."""

    TYPE: ClassVar[str] = "avatar_get"
    avatar_id: str
    offset: int


@dataclass(frozen=True)
class MotionsKnown:
    """Faces may be in the motions of this avatar from now on."""

    TYPE: ClassVar[str] = "motions"
    avatar_id: str


@dataclass(frozen=True)
class KeyRequest:
    """The next face packet shall be a key frame."""

    TYPE: ClassVar[str] = "key_request"


@dataclass(frozen=True)
class Bye:
    """The sender leaves."""

    TYPE: ClassVar[str] = "bye"


ControlMessage = PeerHello | AvatarShown | AvatarProof | AvatarGet | MotionsKnown | KeyRequest | Bye


def to_text(message: ControlMessage) -> str:
    """The JSON text to send."""
    return encode_object({"type": message.TYPE, **to_plain(message)})


def parse_control(text: str) -> ControlMessage | None:
    """One message of a peer; None for a type that this version does not know.

    Raises:
        SignalingError: it is malformed (a ValueError).
    """
    if len(text) > MAX_CONTROL_CHARS:
        raise bad_message("The control message is too long.")
    fields = Fields(decode_object(text), "control")
    match fields.text("type", 64):
        case PeerHello.TYPE:
            return PeerHello(
                member_id=fields.member_id(),
                head_model_id=fields.text("head_model_id", 64, 1),
                avatar_id=_avatar_id(fields),
                avatar_bytes=fields.integer("avatar_bytes", 1),
                extractor=fields.text("extractor", 64),
                expression_dims=fields.choice("expression_dims", EXPRESSION_DIMS),
                epoch_ms=fields.integer("epoch_ms"),
                profile=fields.text("profile", 16),
                profiles=fields.optional_texts("profiles", MAX_PROFILES, 16) or (fields.text("profile", 16),),
                challenge=fields.optional("challenge", lambda key: fields.hexadecimal(key, CHALLENGE_BYTES), None),
                manifest=_manifest(fields),
                version=fields.integer("version"),
            )
        case AvatarShown.TYPE:
            return AvatarShown(_avatar_id(fields), fields.integer("avatar_bytes", 1), _manifest(fields))
        case AvatarProof.TYPE:
            return AvatarProof(_avatar_id(fields), fields.hexadecimal("signature", SIGNATURE_BYTES))
        case AvatarGet.TYPE:
            return AvatarGet(_avatar_id(fields), fields.integer("offset", 0, MAX_AVATAR_BYTES))
        case MotionsKnown.TYPE:
            return MotionsKnown(_avatar_id(fields))
        case KeyRequest.TYPE:
            return KeyRequest()
        case Bye.TYPE:
            return Bye()
        case _:
            return None


def _manifest(fields: Fields) -> str | None:
    return fields.optional("manifest", lambda key: fields.text(key, MAX_MANIFEST_CHARS, 1), None)


def _avatar_id(fields: Fields) -> str:
    avatar_id = fields.avatar_id()
    if avatar_id is None:
        raise bad_message("control.avatar_id is null.")
    return avatar_id
