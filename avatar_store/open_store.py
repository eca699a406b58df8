"""Which store a process uses: a folder, or what a URL names (docs/avatar-store.md, "Where it is")."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from avatar_store.backends.base import Backend
from avatar_store.backends.directory import DirectoryBackend
from avatar_store.backends.s3 import S3Backend
from avatar_store.errors import AvatarStoreError
from avatar_store.store import DEFAULT_QUOTA_BYTES, AvatarStore

STORE_VARIABLE = "VISAVIS_STORE"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_OPTIONS = ("endpoint", "region")


def default_store() -> AvatarStore:
    """The user's store: $VISAVIS_STORE, a URL or a path; if that is not set, the local folder (`local_root`).

    Raises:
        AvatarStoreError: the URL names no store, or needs a library that is not installed.
    """
    place = os.environ.get(STORE_VARIABLE)
    return open_store(place) if place else AvatarStore(local_root())


def local_root() -> Path:
    """The user's folder for avatars: $VISAVIS_HOME/avatars, else $XDG_DATA_HOME/visavis/avatars, else ~/.local/..."""
    home = os.environ.get("VISAVIS_HOME")
    if home:
        return Path(home) / "avatars"
    data_home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data_home) / "visavis" / "avatars"


def open_store(place: str | Path, quota_bytes: int = DEFAULT_QUOTA_BYTES, *, root: Path | None = None) -> AvatarStore:
    """A store at a URL or path.

    Args:
        place: a path, `file:///path`, or `s3://bucket/prefix`, with `endpoint` and `region` as query if wanted.
        quota_bytes: most that avatars of other people may take together.
        root: folder of what never leaves this machine (keys, names, profiles); None: `local_root`.

    Raises:
        AvatarStoreError: the URL names no store, or needs a library that is not installed.
    """
    root = local_root() if root is None else root
    return AvatarStore(root, quota_bytes, backend=_backend(place))


def _backend(place: str | Path) -> Backend:
    if isinstance(place, Path) or "://" not in place:
        return DirectoryBackend(Path(place))
    try:
        url = urlsplit(place)
        host, user = url.hostname or "", url.username
    except ValueError as error:
        raise AvatarStoreError(f"{place[:200]} is no address of a store: {error}.") from error
    if user is not None:
        raise AvatarStoreError("Credentials of a bucket do not belong into its address: set AWS_ACCESS_KEY_ID, ...")
    match url.scheme:
        case "file" if not host and not url.query and not url.fragment:
            return DirectoryBackend(Path(unquote(url.path)))
        case "s3":
            return _bucket(place, url.netloc, unquote(url.path), url.query)
        case _:
            raise AvatarStoreError(f"{place[:200]} is no address of a store: take a path, file:///... or s3://....")


def _bucket(place: str, bucket: str, path: str, query: str) -> S3Backend:
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        options = {"": query}
    unknown = [name for name in options if name not in _OPTIONS]
    if _BUCKET.fullmatch(bucket) is None or unknown:
        what = f"it has no option {unknown[0]!r}" if unknown else "it names no bucket"
        raise AvatarStoreError(f"{place[:200]} is no address of a bucket: {what}.")
    endpoint = options.get("endpoint")
    if endpoint is not None and (not re.match(r"https?://[^/]", endpoint)):
        raise AvatarStoreError(f"{endpoint[:200]} is no address of an S3 server: it begins with https:// or http://.")
    prefix = path.strip("/")
    if any(part in ("", ".", "..") for part in prefix.split("/")) and prefix:
        raise AvatarStoreError(f"{prefix[:200]} cannot be a folder of a bucket.")
    return S3Backend(bucket, prefix, endpoint, options.get("region"))
