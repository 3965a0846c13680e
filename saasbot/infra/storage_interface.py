"""What every storage of files promises, whatever is behind it: see `saasbot.infra.storage`."""

import re
from typing import BinaryIO, Protocol

from saasbot.infra.errors import AppError

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_KEY = re.compile(rf"{_UUID}(/[A-Za-z0-9_-][A-Za-z0-9._-]{{0,99}}){{1,6}}")


_PREFIX = re.compile(rf"{_UUID}(/[A-Za-z0-9_-][A-Za-z0-9._-]{{0,99}}){{0,5}}")


class InvalidKey(ValueError):
    """A key of another shape: a programming error or an attack, never a user's mistake."""


class FileMissing(AppError):
    code = "file_missing"
    status = 404
    message = "That file is no longer there."


class StorageUnavailable(AppError):
    code = "storage_unavailable"
    status = 503
    message = "The file storage does not answer right now. Try again in a moment."


class Storage(Protocol):
    @property
    def origin(self) -> str:
        """The foreign origin that browsers fetch files from, for the content security policy; empty when it is ours."""
        ...

    async def put(self, key: str, content: bytes, mime: str) -> None:
        """Afterwards the content is durable under the key. Putting again replaces it.

        Raises: StorageUnavailable.
        """
        ...

    async def put_file(self, key: str, source: BinaryIO, mime: str) -> None:
        """As `put`, from an open file, read from its beginning and never whole in memory.

        Raises: StorageUnavailable.
        """
        ...

    async def get(self, key: str) -> bytes:
        """Raises: FileMissing, StorageUnavailable."""
        ...

    async def delete(self, key: str) -> None:
        """Afterwards the key holds nothing; it is no error when it held nothing before.

        Raises: StorageUnavailable.
        """
        ...

    async def delete_prefix(self, prefix: str) -> None:
        """Afterwards nothing lies under `<company id>` or a folder of it. A try that failed is made again.

        Raises: StorageUnavailable.
        """
        ...

    def signed_url(self, key: str, *, seconds: int, file_name: str | None = None, inline: bool = False) -> str:
        """An address that anybody may fetch with GET, valid for at least half of and at most `seconds` from now.

        The same question gives the same address for a while, so that browsers keep what they have and lists of rows do
        not change by themselves. `file_name` is the name a download gets. `inline` lets a browser show pictures and
        play audio that this program encoded or verified; whatever else a key holds is a download all the same.
        """
        ...


def check_key(key: str) -> str:
    """The key itself. Raises: InvalidKey, when it could name anything outside of its company's folder."""
    if not _KEY.fullmatch(key):
        raise InvalidKey("a storage key must be <company id>/<folder>/<name>")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix itself, without a slash at its end. Raises: InvalidKey, when it is not a company or a folder of one."""
    if not _PREFIX.fullmatch(prefix):
        raise InvalidKey("a prefix must be <company id> or <company id>/<folder>")
    return prefix
