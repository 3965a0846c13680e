"""Files of the companies: one small interface over the data directory or S3.

A key is `<company id>/<folder>/…/<name>.<suffix>`: the company comes first, so that a whole company can be listed and
removed. A key is written once and its content never changes, which is why browsers may keep what they fetched.
"""

import asyncio
import io
import os
import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from saasbot.infra import signed_media
from saasbot.infra.settings import Settings, settings
from saasbot.infra.storage_interface import (
    FileMissing,
    InvalidKey,
    Storage,
    StorageUnavailable,
    check_key,
    check_prefix,
)

__all__ = ["FileMissing", "InvalidKey", "LocalStorage", "Storage", "StorageUnavailable", "build", "storage"]

_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class LocalStorage:
    """Files under one folder of this machine, fetched from `/media` of the app with signed addresses."""

    folder: Path
    signer: signed_media.Signer

    @property
    def origin(self) -> str:
        return ""

    def path(self, key: str) -> Path:
        """Where the key's content lies. Raises: InvalidKey."""
        return self.folder / check_key(key)

    async def put(self, key: str, content: bytes, mime: str) -> None:
        await self.put_file(key, io.BytesIO(content), mime)

    async def put_file(self, key: str, source: BinaryIO, mime: str) -> None:
        try:
            await asyncio.to_thread(_write_durably, self.path(key), source)
        except OSError as error:
            raise StorageUnavailable from error

    async def get(self, key: str) -> bytes:
        try:
            return await asyncio.to_thread(self.path(key).read_bytes)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise FileMissing from error
        except OSError as error:
            raise StorageUnavailable from error

    async def delete(self, key: str) -> None:
        try:
            await asyncio.to_thread(self.path(key).unlink, missing_ok=True)
        except OSError as error:
            raise StorageUnavailable from error

    async def delete_prefix(self, prefix: str) -> None:
        try:
            await asyncio.to_thread(_remove_folder, self.folder / check_prefix(prefix))
        except OSError as error:
            raise StorageUnavailable from error

    def signed_url(self, key: str, *, seconds: int, file_name: str | None = None, inline: bool = False) -> str:
        return self.signer.url(check_key(key), seconds=seconds, file_name=file_name, inline=inline)


def _remove_folder(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _write_durably(path: Path, source: BinaryIO) -> None:
    """The file appears whole or not at all, also after a power cut."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            source.seek(0)
            shutil.copyfileobj(source, file, _CHUNK)
            file.flush()
            os.fsync(file.fileno())
        making.replace(path)
    finally:
        making.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def build(chosen: Settings) -> Storage:
    """The storage that the settings name."""
    if chosen.uses_s3:
        from saasbot.infra.storage_s3 import S3Storage  # boto3 costs 30 MB, which local files need not pay

        return S3Storage.of(chosen)
    return LocalStorage(chosen.data_dir / "media", signed_media.Signer(chosen.keys))


@lru_cache(maxsize=1)
def storage() -> Storage:
    """The storage of this process. `storage.cache_clear()` builds it anew (tests)."""
    return build(settings())
