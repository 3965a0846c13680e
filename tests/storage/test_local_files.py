"""Local files and the signed addresses that open them."""

import hmac
from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import time_machine
from starlette.testclient import TestClient

from saasbot.infra.settings import Settings, settings
from saasbot.infra.storage import FileMissing, InvalidKey, LocalStorage, StorageUnavailable, build
from tests.attack.attempts import attempt
from tests.storage.conftest import COMPANY

KEY = f"{COMPANY}/image/one.jpg"
OTHER_COMPANY = COMPANY.replace("1", "2")


def changed(url: str, **query: str | None) -> str:
    parts = urlsplit(url)
    pairs = {**dict(parse_qsl(parts.query)), **query}
    return f"{parts.path}?{urlencode({name: value for name, value in pairs.items() if value is not None})}"


async def test_what_was_put_comes_back_until_it_is_deleted(local: LocalStorage) -> None:
    await local.put(KEY, b"first", "image/jpeg")
    await local.put(KEY, b"second", "image/jpeg")
    assert await local.get(KEY) == b"second"

    await local.delete(KEY)
    await local.delete(KEY)
    with pytest.raises(FileMissing):
        await local.get(KEY)


@attempt(129, "privacy", "Another user of the machine reads the files of customers.")
async def test_only_the_owner_of_the_process_can_read_the_files(local: LocalStorage) -> None:
    await local.put(KEY, b"private", "image/jpeg")
    assert local.path(KEY).stat().st_mode & 0o077 == 0
    assert [file.name for file in local.path(KEY).parent.iterdir()] == ["one.jpg"]


@attempt(79, "files", "A key with dots, slashes or NUL leads out of the company's folder.")
@pytest.mark.parametrize(
    "key",
    [
        "../secret_keys",
        f"{COMPANY}/../secret_keys",
        f"{COMPANY}/image/../../../etc/passwd",
        f"{COMPANY}/image/..",
        f"/{COMPANY}/image/one.jpg",
        f"{COMPANY}//etc/passwd",
        f"{COMPANY}/image/one.jpg\n",
        f"{COMPANY}/image/one\0.jpg",
        f"{COMPANY}\\..\\secret_keys",
        f"{COMPANY}/.hidden",
        "no-company/image/one.jpg",
        COMPANY,
        "",
    ],
)
async def test_no_key_can_leave_its_company(local: LocalStorage, browser: TestClient, key: str) -> None:
    (local.folder.parent / "secret_keys").write_text("never")
    for way in (local.put(key, b"x", "text/plain"), local.get(key), local.delete(key)):
        with pytest.raises(InvalidKey):
            await way
    with pytest.raises(InvalidKey):
        local.signed_url(key, seconds=60)
    genuine = local.signer.url(key, seconds=60)
    answer = browser.get(genuine)
    assert answer.status_code in {403, 404}
    assert "never" not in answer.text


async def test_a_full_or_broken_disk_is_told_as_such(local: LocalStorage) -> None:
    local.folder.mkdir(parents=True)
    (local.folder / COMPANY).write_text("a file where the folder should be")
    with pytest.raises(StorageUnavailable):
        await local.put(KEY, b"x", "image/jpeg")


async def test_a_signed_address_opens_the_file_and_nothing_else(local: LocalStorage, browser: TestClient) -> None:
    await local.put(KEY, b"picture", "image/jpeg")
    url = local.signed_url(KEY, seconds=60, inline=True)

    answer = browser.get(url)

    assert answer.status_code == 200
    assert answer.content == b"picture"
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "private" in answer.headers["cache-control"]


@attempt(77, "files", "A signed address is changed: another company, later end, shown instead of saved, other name.")
async def test_a_changed_address_is_refused(local: LocalStorage, browser: TestClient) -> None:
    other = f"{OTHER_COMPANY}/image/one.jpg"
    for key in (KEY, other):
        await local.put(key, b"picture", "image/jpeg")
    url = local.signed_url(KEY, seconds=60, file_name="foto.jpg")
    expires = dict(parse_qsl(urlsplit(url).query))["e"]

    forged = [
        urlsplit(url).path,
        url.replace(COMPANY, OTHER_COMPANY),
        changed(url, e=str(int(expires) + 1)),
        changed(url, e="9" * 12),
        changed(url, e="9" * 5000),
        changed(url, e="-1"),
        changed(url, e="٩٩٩٩٩٩٩٩٩٩"),
        changed(url, e=None),
        changed(url, i="1"),
        changed(url, n="factura.html"),
        changed(url, n=None),
        changed(url, s=None),
        changed(url, s=""),
        changed(url, s="A" * 43),
        changed(url, s="ñ" * 43),
    ]
    assert [browser.get(address).status_code for address in forged] == [403] * len(forged)
    assert browser.get(url).status_code == 200


@attempt(78, "files", "A signed address is used after its end.")
async def test_an_expired_address_is_refused(local: LocalStorage, browser: TestClient) -> None:
    await local.put(KEY, b"picture", "image/jpeg")
    start = datetime(2026, 11, 21, 12, 0, 7, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        url = local.signed_url(KEY, seconds=60)
        clock.move_to(start + timedelta(seconds=29))
        assert browser.get(url).status_code == 200
        clock.move_to(start + timedelta(seconds=61))
        assert browser.get(url).status_code == 403


async def test_the_address_stays_the_same_for_a_while(local: LocalStorage) -> None:
    with time_machine.travel(datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC), tick=False) as clock:
        first = local.signed_url(KEY, seconds=3600)
        clock.shift(600)
        assert local.signed_url(KEY, seconds=3600) == first
        clock.shift(3600)
        assert local.signed_url(KEY, seconds=3600) != first


async def test_an_address_of_before_a_key_rotation_still_works(tmp_path: Path, browser: TestClient) -> None:
    def with_keys(*keys: bytes) -> LocalStorage:
        text = ",".join(b64encode(key).decode() for key in keys)
        made = build(Settings.model_validate({"data_dir": tmp_path, "secret_keys": text}))
        assert isinstance(made, LocalStorage)
        return made

    old, new = b"o" * 32, b"n" * 32
    url = with_keys(old).signed_url(KEY, seconds=60)
    query = dict(parse_qsl(urlsplit(url).query))
    assert with_keys(new, old).signer.read(KEY, query) is not None
    assert with_keys(new).signer.read(KEY, query) is None


@attempt(80, "files", "A page, an SVG or a script is uploaded to be opened on our address.")
@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "program.js", "file.bin", "letter.pdf", "noext"])
async def test_what_could_run_is_always_a_download(local: LocalStorage, browser: TestClient, name: str) -> None:
    key = f"{COMPANY}/document/{name}"
    await local.put(key, b"<script>alert(1)</script>", "text/html")
    answer = browser.get(local.signed_url(key, seconds=60, inline=True))
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] in {"application/octet-stream", "application/pdf"}
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_download_has_the_name_its_sender_gave_it(local: LocalStorage, browser: TestClient) -> None:
    key = f"{COMPANY}/document/one.pdf"
    await local.put(key, b"%PDF", "application/pdf")
    names = {
        "lista de precios ñ.pdf": "filename*=utf-8''lista%20de%20precios%20%C3%B1.pdf",
        'a"\r\nX-Evil: 1': "%0D%0A",
    }
    for name, expected in names.items():
        answer = browser.get(local.signed_url(key, seconds=60, file_name=name))
        assert answer.status_code == 200
        assert expected in answer.headers["content-disposition"]
        assert "x-evil" not in answer.headers


async def test_a_player_can_ask_for_a_part_of_a_voice_note(local: LocalStorage, browser: TestClient) -> None:
    key = f"{COMPANY}/audio/note.ogg"
    await local.put(key, bytes(range(256)), "audio/ogg")
    answer = browser.get(local.signed_url(key, seconds=60, inline=True), headers={"Range": "bytes=10-19"})
    assert answer.status_code == 206
    assert answer.content == bytes(range(10, 20))
    assert answer.headers["content-range"] == "bytes 10-19/256"
    assert answer.headers["content-type"] == "audio/ogg"


async def test_a_genuine_address_of_a_deleted_file_is_not_found(local: LocalStorage, browser: TestClient) -> None:
    assert browser.get(local.signed_url(KEY, seconds=60)).status_code == 404
    assert browser.get(local.signed_url(f"{COMPANY}/image", seconds=60)).status_code == 404


async def test_what_the_same_key_signed_for_something_else_opens_no_file(
    local: LocalStorage, browser: TestClient
) -> None:
    """The text that is signed names method, company and use, so an address of one is none of another."""
    await local.put(KEY, b"picture", "image/jpeg")
    url = local.signed_url(KEY, seconds=60)
    assert browser.head(url).status_code == 200
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert browser.request(method, url).status_code == 405
    query = dict(parse_qsl(urlsplit(url).query))
    secret = hmac.digest(settings().keys[0], b"saasbot: signed media address, v2", sha256)

    def signed(*parts: str) -> str:
        text = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return urlsafe_b64encode(hmac.digest(secret, text, sha256)).rstrip(b"=").decode()

    assert signed("GET", COMPANY, KEY, query["e"], "save", "") == query["s"]
    for parts in (
        ("PUT", COMPANY, KEY, query["e"], "save", ""),
        ("GET", OTHER_COMPANY, KEY, query["e"], "save", ""),
        ("GET", COMPANY, KEY, query["e"], "show", ""),
        (KEY, query["e"], "0", ""),
    ):
        assert browser.get(changed(url, s=signed(*parts))).status_code == 403


async def test_a_company_is_removed_whole_and_no_other(local: LocalStorage) -> None:
    mine, other = "0192f0a0-0000-7000-8000-00000000000a", "0192f0a0-0000-7000-8000-00000000000b"
    for key in (f"{mine}/image/a.jpg", f"{mine}/export/b.zip", f"{other}/image/a.jpg"):
        await local.put(key, b"x", "image/jpeg")
    await local.delete_prefix(f"{mine}/export")
    assert await local.get(f"{mine}/image/a.jpg") == b"x"
    for _ in range(2):
        await local.delete_prefix(mine)
    for key in (f"{mine}/image/a.jpg", f"{mine}/export/b.zip"):
        with pytest.raises(FileMissing):
            await local.get(key)
    assert await local.get(f"{other}/image/a.jpg") == b"x"
    for prefix in ("", mine[:8], f"{mine}/", f"{mine}/..", f"{mine}/../{other}", "/"):
        with pytest.raises(InvalidKey):
            await local.delete_prefix(prefix)
