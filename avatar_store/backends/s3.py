"""Objects in a bucket of Amazon S3, or of anything that speaks its protocol (docs/avatar-store.md, "A bucket").

The time of last use is that of an empty object beside each, `<name>.used`, since a bucket cannot touch what it has.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from avatar_store.backends.base import StoredObject
from avatar_store.errors import AvatarStoreError

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ClientConfig, S3Config

USED = ".used"
CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Any of these says where credentials come from. Without one the library would ask the network (EC2's metadata)."""
TIMEOUT_S = 20
MAX_RETRIES = 3


class S3Backend:
    """See the module and avatar_store.backends.base.Backend. Credentials come from the usual variables (AWS_...).

    Args:
        bucket: its name.
        prefix: goes before all names; may be empty.
        endpoint: address of the server, http or https; None: Amazon's.
        region: of the bucket; None: AWS_REGION, or us-east-1.

    Raises:
        AvatarStoreError: the library for it is not installed, there are no credentials, or the values cannot be used.
    """

    def __init__(self, bucket: str, prefix: str, endpoint: str | None = None, region: str | None = None) -> None:
        try:
            from obstore.exceptions import BaseError
            from obstore.store import S3Store
        except ImportError as error:
            raise AvatarStoreError('A bucket as store needs the extra "s3": pip install "visavis[s3]".') from error
        if not any(os.environ.get(name) for name in CREDENTIALS):
            raise AvatarStoreError(
                f"The bucket {bucket} needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        self._bucket = bucket
        self._failure: type[Exception] = BaseError
        config: S3Config = {}
        if endpoint is not None:
            config["endpoint"] = endpoint
        if region is not None:
            config["region"] = region
        client: ClientConfig = {"allow_http": endpoint is not None, "timeout": timedelta(seconds=TIMEOUT_S)}
        with self._errors():
            self._store = S3Store(
                bucket,
                prefix=prefix or None,
                config=config,
                client_options=client,
                retry_config={"max_retries": MAX_RETRIES, "retry_timeout": timedelta(seconds=2 * TIMEOUT_S)},
            )

    def get(self, name: str, limit: int) -> bytes | None:
        """See Backend."""
        with self._errors():
            try:
                found = self._store.get(name)
                size = found.meta["size"]
                return bytes(found.bytes() if size <= limit else self._store.get_range(name, start=0, end=limit + 1))
            except FileNotFoundError:
                return None

    def has(self, name: str) -> bool:
        """See Backend."""
        with self._errors():
            try:
                self._store.head(name)
            except FileNotFoundError:
                return False
        return True

    def put(self, name: str, data: bytes) -> None:
        """See Backend."""
        with self._errors():
            self._store.put(name, data)

    def delete(self, name: str) -> bool:
        """See Backend."""
        was_here = self.has(name)
        if was_here:
            with self._errors():
                self._store.delete([name, name + USED])
        return was_here

    def touch(self, name: str) -> None:
        """See Backend."""
        with self._errors():
            self._store.put(name + USED, b"")

    def list(self, folder: str) -> list[StoredObject]:
        """See Backend."""
        with self._errors():
            batches = cast("Iterable[list[ObjectMeta]]", self._store.list(folder + "/"))  # pyright: ignore[reportUnknownMemberType]
            found = {item["path"]: item for batch in batches for item in batch}
        objects: list[StoredObject] = []
        for name, item in found.items():
            if not name.endswith(USED):
                times = [entry["last_modified"] for entry in (item, found.get(name + USED)) if entry is not None]
                objects.append(StoredObject(name, item["size"], max(times).timestamp()))
        return objects

    @contextmanager
    def _errors(self) -> Generator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise AvatarStoreError(f"There is no bucket {self._bucket}.") from error
        except (self._failure, PermissionError, NotImplementedError, ValueError) as error:
            reason = str(error).split("\n", 1)[0].removeprefix("Generic S3 error: ")[:300]
            raise AvatarStoreError(f"The bucket {self._bucket} cannot be used: {reason}") from error
