"""The same promises on a real S3 server."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from saasbot.api.headers import page_policy
from saasbot.infra.storage import FileMissing, InvalidKey, Storage, StorageUnavailable, build
from tests.attack.attempts import attempt
from tests.storage.conftest import BUCKET, COMPANY, S3Server

KEY = f"{COMPANY}/image/one.jpg"


async def fetch(url: str, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.get(url, headers=headers)


async def test_what_was_put_comes_back_until_it_is_deleted(s3: Storage, s3_server: S3Server) -> None:
    await s3.put(KEY, b"first", "image/jpeg")
    await s3.put(KEY, b"second", "image/jpeg")
    assert await s3.get(KEY) == b"second"
    assert (s3_server.folder / BUCKET / KEY).read_bytes() == b"second"

    await s3.delete(KEY)
    await s3.delete(KEY)
    with pytest.raises(FileMissing):
        await s3.get(KEY)


async def test_a_presigned_address_opens_the_file_in_a_browser(s3: Storage, s3_server: S3Server) -> None:
    await s3.put(KEY, b"picture", "image/jpeg")
    url = s3.signed_url(KEY, seconds=60, inline=True)
    answer = await fetch(url)
    assert (answer.status_code, answer.content) == (200, b"picture")
    assert answer.headers["content-disposition"] == "inline"
    assert s3.origin == s3_server.endpoint
    assert url.startswith(s3.origin)


async def test_pages_may_show_pictures_of_the_bucket(s3_server: S3Server) -> None:
    own = page_policy(s3_server.settings(), [])
    amazon = page_policy(s3_server.settings(s3_endpoint="", s3_region="sa-east-1"), [])
    assert f"img-src 'self' data: blob: {s3_server.endpoint};" in own
    aws = build(s3_server.settings(s3_endpoint="", s3_region="sa-east-1"))
    assert aws.signed_url(KEY, seconds=60).startswith(f"{aws.origin}/")
    assert "img-src 'self' data: blob: https://s3.sa-east-1.amazonaws.com;" in amazon


async def test_a_part_can_be_asked_for(s3: Storage) -> None:
    key = f"{COMPANY}/audio/note.ogg"
    await s3.put(key, bytes(range(256)), "audio/ogg")
    answer = await fetch(s3.signed_url(key, seconds=60, inline=True), Range="bytes=10-19")
    assert answer.is_success  # rclone says 200 where S3 says 206
    assert (answer.headers["content-range"], answer.content) == ("bytes 10-19/256", bytes(range(10, 20)))


async def test_whatever_could_run_is_a_download(s3: Storage) -> None:
    key = f"{COMPANY}/document/page.html"
    await s3.put(key, b"<script>alert(1)</script>", "text/html")
    answer = await fetch(s3.signed_url(key, seconds=60, inline=True, file_name="página.html"))
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''p%C3%A1gina.html"
    query = parse_qs(urlsplit(s3.signed_url(key, seconds=60)).query)
    assert query["response-content-type"] == ["application/octet-stream"]


@attempt(81, "files", "A file in the bucket is fetched without a signature or with another one.")
async def test_nobody_reads_without_a_genuine_address(s3: Storage, s3_server: S3Server) -> None:
    await s3.put(KEY, b"picture", "image/jpeg")
    url = s3.signed_url(KEY, seconds=60)
    plain = url.partition("?")[0]
    tampered = url[:-4] + ("0000" if url[-4:] != "0000" else "1111")
    other_file = url.replace("one.jpg", "two.jpg")
    await s3.put(f"{COMPANY}/image/two.jpg", b"another", "image/jpeg")
    for address in (plain, tampered, other_file, url.replace("X-Amz-Expires=60", "X-Amz-Expires=600")):
        answer = await fetch(address)
        assert 400 <= answer.status_code < 500, address
        assert answer.content not in (b"picture", b"another")


async def test_an_expired_address_is_refused(s3: Storage) -> None:
    await s3.put(KEY, b"picture", "image/jpeg")
    url = s3.signed_url(KEY, seconds=3)
    assert (await fetch(url)).status_code == 200

    async def until_refused() -> int:
        while (status := (await fetch(url)).status_code) == 200:
            await asyncio.sleep(0.1)
        return status

    assert 400 <= await asyncio.wait_for(until_refused(), 15) < 500


async def test_the_address_stays_the_same_for_a_while(s3: Storage) -> None:
    assert s3.signed_url(KEY, seconds=3600) == s3.signed_url(KEY, seconds=3600)
    assert s3.signed_url(KEY, seconds=3600) != s3.signed_url(KEY, seconds=3600, inline=True)


async def test_a_wrong_secret_is_a_storage_that_does_not_answer(s3_server: S3Server) -> None:
    wrong = build(s3_server.settings(s3_secret_key="wrong"))
    with pytest.raises(StorageUnavailable):
        await wrong.put(KEY, b"x", "image/jpeg")
    with pytest.raises(StorageUnavailable):
        await wrong.get(KEY)


async def test_a_server_that_is_down_is_told_as_such(s3_server: S3Server) -> None:
    down = build(s3_server.settings(s3_endpoint="http://127.0.0.1:1"))
    with pytest.raises(StorageUnavailable):
        await down.get(KEY)


async def test_no_key_can_leave_its_company(s3: Storage) -> None:
    for key in (f"{COMPANY}/../other", "loose.jpg"):
        with pytest.raises(InvalidKey):
            await s3.put(key, b"x", "image/jpeg")
        with pytest.raises(InvalidKey):
            s3.signed_url(key, seconds=60)


async def test_a_company_is_removed_whole_and_no_other(s3: Storage) -> None:
    mine, other = "0192f0a0-0000-7000-8000-00000000000a", "0192f0a0-0000-7000-8000-00000000000b"
    for key in (f"{mine}/image/a.jpg", f"{mine}/export/b.zip", f"{other}/image/a.jpg"):
        await s3.put(key, b"x", "image/jpeg")
    for _ in range(2):
        await s3.delete_prefix(mine)
    for key in (f"{mine}/image/a.jpg", f"{mine}/export/b.zip"):
        with pytest.raises(FileMissing):
            await s3.get(key)
    assert await s3.get(f"{other}/image/a.jpg") == b"x"
