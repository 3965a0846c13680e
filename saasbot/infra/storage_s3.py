"""Files in a bucket of any S3-compatible service, private, fetched with presigned addresses."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, BinaryIO, Self
from urllib.parse import quote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from saasbot.infra.file_types import type_of_key
from saasbot.infra.settings import Settings
from saasbot.infra.storage_interface import FileMissing, StorageUnavailable, check_key, check_prefix

_CONFIG = Config(
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    # the default of botocore ≥ 1.36 asks every server for checksums that only some know: a ranged GET then fails
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=10,
)
_MISSING = {"NoSuchKey", "404", "NotFound"}
_REMEMBERED_URLS = 5_000


class S3Storage:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._urls: dict[tuple[str, int, str | None, bool], tuple[float, str]] = {}
        """Question → (Unix seconds until which to give the same answer, address)."""

    @property
    def origin(self) -> str:
        parts = urlsplit(self._client.meta.endpoint_url)
        return f"{parts.scheme}://{parts.netloc}"

    @classmethod
    def of(cls, chosen: Settings) -> Self:
        client = boto3.client(
            "s3",
            endpoint_url=chosen.s3_endpoint or None,
            aws_access_key_id=chosen.s3_access_key,
            aws_secret_access_key=chosen.s3_secret_key.get_secret_value(),
            region_name=chosen.s3_region,
            config=_CONFIG,
        )
        return cls(client, chosen.s3_bucket)

    async def put(self, key: str, content: bytes, mime: str) -> None:
        await self._put(key, content, mime)

    async def put_file(self, key: str, source: BinaryIO, mime: str) -> None:
        source.seek(0)
        await self._put(key, source, mime)

    async def _put(self, key: str, body: bytes | BinaryIO, mime: str) -> None:
        await self._call(
            self._client.put_object, key, Body=body, ContentType=mime, CacheControl="private, max-age=31536000"
        )

    async def get(self, key: str) -> bytes:
        def read(**arguments: Any) -> bytes:
            with self._client.get_object(**arguments)["Body"] as body:
                return body.read()

        return await self._call(read, key)

    async def delete(self, key: str) -> None:
        try:
            await self._call(self._client.delete_object, key)
        except FileMissing:
            return  # S3 itself never says so, some of its kin do

    async def delete_prefix(self, prefix: str) -> None:
        try:
            await asyncio.to_thread(self._delete_all, f"{check_prefix(prefix)}/")
        except (ClientError, BotoCoreError) as error:
            raise StorageUnavailable from error

    def _delete_all(self, prefix: str) -> None:
        """One by one: what deletes many at once asks for a checksum that not every server knows."""
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                self._client.delete_object(Bucket=self._bucket, Key=found["Key"])

    def signed_url(self, key: str, *, seconds: int, file_name: str | None = None, inline: bool = False) -> str:
        question = (key, seconds, file_name, inline)
        now = time.time()
        known = self._urls.get(question)
        if known and now < known[0]:
            return known[1]
        url = self._presign(check_key(key), seconds, file_name, inline)
        if len(self._urls) >= _REMEMBERED_URLS:
            self._urls.clear()
        self._urls[question] = (now + seconds / 2, url)
        return url

    def _presign(self, key: str, seconds: int, file_name: str | None, inline: bool) -> str:
        known = type_of_key(key)
        shown = inline and known.inline
        disposition = "inline" if shown else "attachment"
        if file_name:
            disposition += f"; filename*=UTF-8''{quote(file_name, safe='')}"
        return self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseContentDisposition": disposition,
                "ResponseContentType": known.mime,
            },
            ExpiresIn=seconds,
        )

    async def _call(self, operation: Callable[..., Any], key: str, **arguments: Any) -> Any:
        """Run a blocking call of boto3 in a thread. Raises: FileMissing, StorageUnavailable."""
        try:
            return await asyncio.to_thread(operation, Bucket=self._bucket, Key=check_key(key), **arguments)
        except ClientError as error:
            if str(error.response.get("Error", {}).get("Code")) in _MISSING:
                raise FileMissing from error
            raise StorageUnavailable from error
        except BotoCoreError as error:
            raise StorageUnavailable from error
