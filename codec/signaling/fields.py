"""Strict reading of JSON objects: every getter checks type and size and names the field that is wrong."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar, cast

from codec.avatar_id import is_avatar_id

T = TypeVar("T")
JsonObject: TypeAlias = Mapping[str, Any]

MAX_MESSAGE_BYTES = 65_536
"""Largest signaling message, UTF-8, in both directions. An SDP takes 6 to 10 kB."""

MAX_NAME_CHARS = 40
MAX_TOKEN_CHARS = 4_096
MAX_SENTENCE_CHARS = 500
MAX_NUMBER = 2**53 - 1
"""Largest integer that JavaScript holds exactly."""

MAX_DEPTH = 16
"""Most levels of lists and objects within each other; the documented messages need five."""

_ROOM = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MEMBER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class ErrorCode(StrEnum):
    """Stable ids of the errors that a server sends (docs/protocol.md)."""

    BAD_MESSAGE = "bad_message"
    BAD_VERSION = "bad_version"
    BAD_TOKEN = "bad_token"
    ROOM_FULL = "room_full"
    TOO_MANY_ROOMS = "too_many_rooms"
    RATE_LIMITED = "rate_limited"
    NOT_JOINED = "not_joined"
    UNKNOWN_MEMBER = "unknown_member"
    REPLACED = "replaced"
    BAD_PASSCODE = "bad_passcode"
    BAD_ROOM = "bad_room"
    BAD_ORIGIN = "bad_origin"


class SignalingError(ValueError):
    """A message or request that is refused.

    Args:
        error_code: stable id for programs, an `ErrorCode` where this version knows it.
        detail: one sentence for people.
        fatal: the connection cannot go on.
    """

    def __init__(self, error_code: str, detail: str, *, fatal: bool = False) -> None:
        super().__init__(detail)
        self.error_code = str(error_code)
        self.detail = detail
        self.fatal = fatal


def bad_message(detail: str) -> SignalingError:
    """The error for input that does not have the documented form."""
    return SignalingError(ErrorCode.BAD_MESSAGE, detail)


def is_room_name(text: str) -> bool:
    """Whether `text` names a room: 1 to 64 of letters, digits, `_` and `-`."""
    return _ROOM.fullmatch(text) is not None


def decode_object(text: str) -> JsonObject:
    """Parses a JSON object of at most MAX_MESSAGE_BYTES.

    Raises:
        SignalingError: `bad_message` when it is too long, not JSON, not an object, or holds NaN, infinity, more than
            MAX_DEPTH levels of nesting or half of a surrogate pair.
    """
    if len(text) > MAX_MESSAGE_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_MESSAGE_BYTES:
        raise bad_message(f"The message is longer than {MAX_MESSAGE_BYTES} bytes.")
    try:
        value: object = json.loads(text, parse_constant=_refuse_number, parse_float=_finite)
        _check_depth(value)
        if "\\u" in text:  # only an escape can smuggle in half of a surrogate pair, which no socket could send on
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise bad_message("The message is not valid JSON.") from error
    if not isinstance(value, dict):
        raise bad_message("The message is not a JSON object.")
    return cast(JsonObject, value)


def encode_object(value: JsonObject) -> str:
    """The JSON text of an object that holds only strings, finite numbers, booleans, null, lists and objects."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _refuse_number(text: str) -> object:
    raise ValueError(f"{text} is not a finite number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else cast(float, _refuse_number(text))


def _check_depth(value: object) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        children: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                children.extend(cast(dict[str, Any], item).values())
            elif isinstance(item, list):
                children.extend(cast(list[Any], item))
        if not children:
            return
        level = children
    raise ValueError("the nesting is too deep")


@dataclass(frozen=True)
class Fields:
    """Typed access to the fields of one JSON object. Every getter raises `SignalingError` `bad_message`.

    Args:
        values: the object.
        where: its place in the message, for error texts, e.g. `signal.to`.
    """

    values: JsonObject
    where: str

    def has(self, key: str) -> bool:
        """Whether the field is there, null or not."""
        return key in self.values

    def error(self, key: str, expected: str) -> SignalingError:
        """The error that field `key` is missing or is not `expected`."""
        problem = "is not" if key in self.values else "is missing; expected"
        return bad_message(f"{self.where}.{key} {problem} {expected}.")

    def text(self, key: str, max_chars: int, min_chars: int = 0) -> str:
        """A string of `min_chars` to `max_chars` characters."""
        value = self.values.get(key)
        if not isinstance(value, str) or not min_chars <= len(value) <= max_chars:
            raise self.error(key, f"a text of {min_chars} to {max_chars} characters")
        return value

    def optional_texts(self, key: str, max_texts: int, max_chars: int) -> tuple[str, ...]:
        """A list of at most `max_texts` strings of at most `max_chars` characters; empty if the field is missing."""
        values: object = self.values.get(key, [])
        if isinstance(values, list):
            texts = [item for item in cast(list[object], values) if isinstance(item, str) and len(item) <= max_chars]
            if len(texts) == len(cast(list[object], values)) <= max_texts:
                return tuple(texts)
        raise self.error(key, f"a list of at most {max_texts} texts of at most {max_chars} characters")

    def choice(self, key: str, choices: tuple[T, ...]) -> T:
        """One of `choices`."""
        value = self.values.get(key)
        for choice in choices:
            if value == choice and type(value) is type(choice):
                return choice
        raise self.error(key, "one of " + ", ".join(map(str, choices)))

    def flag(self, key: str) -> bool:
        """A boolean."""
        value = self.values.get(key)
        if not isinstance(value, bool):
            raise self.error(key, "true or false")
        return value

    def integer(self, key: str, minimum: int = 0, maximum: int = MAX_NUMBER) -> int:
        """An integer from `minimum` to `maximum`; a JSON number with a fraction is refused."""
        value = self.values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise self.error(key, f"a whole number from {minimum} to {maximum}")
        return value

    def hexadecimal(self, key: str, size: int) -> str:
        """`size` bytes in lower-case hexadecimal digits."""
        value = self.text(key, 2 * size, 2 * size)
        if set(value) - set("0123456789abcdef"):
            raise self.error(key, f"{2 * size} hexadecimal digits")
        return value

    def token(self, key: str = "token") -> str:
        """A signed token, not verified here."""
        return self.text(key, MAX_TOKEN_CHARS, 1)

    def room(self, key: str = "room") -> str:
        """A room name."""
        value = self.values.get(key)
        if not isinstance(value, str) or not is_room_name(value):
            raise self.error(key, "a room name: 1 to 64 letters, digits, _ or -")
        return value

    def member_id(self, key: str = "member_id") -> str:
        """The id of a member."""
        value = self.values.get(key)
        if not isinstance(value, str) or _MEMBER_ID.fullmatch(value) is None:
            raise self.error(key, "a member id: 1 to 64 letters, digits, _ or -")
        return value

    def avatar_id(self, key: str = "avatar_id") -> str | None:
        """The id of an avatar (64 hexadecimal digits) or null; the field must be there."""
        value = self.values.get(key)
        if value is None and key in self.values:
            return None
        if not isinstance(value, str) or not is_avatar_id(value):
            raise self.error(key, "an avatar id (64 hexadecimal digits) or null")
        return value

    def name(self, key: str = "name") -> str:
        """A person's name: 1 to 40 characters, trimmed, without line breaks and text-direction controls."""
        value = self.values.get(key)
        name = value.strip() if isinstance(value, str) else ""
        if not 1 <= len(name) <= MAX_NAME_CHARS or not all(map(_is_printable, name)):
            raise self.error(key, f"a name of 1 to {MAX_NAME_CHARS} printable characters")
        return name

    def object(self, key: str) -> Fields:
        """A nested object."""
        value = self.values.get(key)
        if not isinstance(value, dict):
            raise self.error(key, "an object")
        return Fields(cast(JsonObject, value), f"{self.where}.{key}")

    def objects(self, key: str, max_items: int) -> tuple[Fields, ...]:
        """A list of at most `max_items` objects."""
        value = self.values.get(key)
        if not isinstance(value, list) or len(cast(list[Any], value)) > max_items:
            raise self.error(key, f"a list of at most {max_items} objects")
        items = cast(list[Any], value)
        if not all(isinstance(item, dict) for item in items):
            raise self.error(key, "a list of objects")
        return tuple(Fields(cast(JsonObject, item), f"{self.where}.{key}[{i}]") for i, item in enumerate(items))

    def texts(self, key: str, max_items: int, max_chars: int) -> tuple[str, ...]:
        """A list of at most `max_items` strings."""
        value = self.values.get(key)
        if not isinstance(value, list) or len(cast(list[Any], value)) > max_items:
            raise self.error(key, f"a list of at most {max_items} texts")
        items = cast(list[Any], value)
        if not all(isinstance(item, str) and len(item) <= max_chars for item in items):
            raise self.error(key, f"a list of texts of at most {max_chars} characters")
        return tuple(cast(list[str], items))

    def optional(self, key: str, getter: Callable[[str], T], default: T) -> T:
        """`getter(key)`, or `default` when the field is absent or null."""
        return default if self.values.get(key) is None else getter(key)


def _is_printable(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") and character not in _BIDI_CONTROLS
