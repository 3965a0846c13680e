"""The built pages, as browsers get them."""

import gzip
import re
from pathlib import Path

import pytest
from starlette.types import Scope

from saasbot import routes
from saasbot.api import headers
from saasbot.api.built_pages import BuiltPages
from saasbot.infra.settings import Settings
from saasbot.saasbot import PAGES
from tests.attack.attempts import attempt

NONCE = re.compile(r"'nonce-([\w-]+)'")


@pytest.fixture
def pages(tmp_path: Path) -> BuiltPages:
    for page in ("", "login", "inbox", "settings/data"):
        (tmp_path / page).mkdir(parents=True, exist_ok=True)
        (tmp_path / page / "index.html").write_text(
            f"<html><head><style>a{{}}</style></head>{page or 'dashboard'}</html>"
        )
    (tmp_path / "404.html").write_text("<html><head></head>fallback</html>")
    return BuiltPages(Settings(), tmp_path)


def asked(path: str, *, method: str = "GET", encoding: bytes = b"") -> Scope:
    return {"type": "http", "method": method, "path": path, "headers": [(b"accept-encoding", encoding)]}


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        (routes.DASHBOARD, "dashboard"),
        (routes.LOGIN, "login"),
        ("/login/", "login"),
        (routes.DATA, "settings/data"),
        (routes.conversation("42"), "fallback"),
        (routes.bot("42") + "/", "fallback"),
    ],
)
def test_a_page_is_at_its_address_without_a_redirect(pages: BuiltPages, path: str, seen: str):
    answer = pages.answer(asked(path))
    assert answer is not None
    assert answer.status_code == 200
    assert bytes(answer.body).decode().endswith(f"</head>{seen}</html>")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/login.html", "/login/index.html", "/login//", "/inbox/1/2", "/api/v1/health", "//"])
def test_nothing_else_is_a_page(pages: BuiltPages, path: str):
    assert pages.answer(asked(path)) is None
    assert not pages.know(path)


def test_every_page_of_the_app_has_its_address(pages: BuiltPages):
    assert len(PAGES) > 10
    assert [page.route for page in PAGES if page.route != routes.NOT_FOUND and not pages.know(page.route)] == []


def test_only_reading_is_answered(pages: BuiltPages):
    assert pages.answer(asked(routes.LOGIN, method="POST")) is None
    assert pages.not_found(asked("/nothing", method="POST")) is None


@attempt(219, "browser", "A style that was smuggled into a page carries the nonce that an earlier page had.")
def test_each_answer_has_a_nonce_of_its_own(pages: BuiltPages):
    answers = [pages.answer(asked(routes.LOGIN)) for _ in range(3)] + [pages.not_found(asked("/nothing"))]
    seen = set()
    for answer in answers:
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        (nonce,) = set(NONCE.findall(policy))
        assert f'<head><script nonce="{nonce}">' in bytes(answer.body).decode()
        assert policy.count(f"'nonce-{nonce}'") == 2
        assert "unsafe-inline" not in policy
        seen.add(nonce)
    assert len(seen) == len(answers)


def test_a_page_is_compressed_for_who_can_read_it(pages: BuiltPages):
    plain, packed = pages.answer(asked(routes.LOGIN)), pages.answer(asked(routes.LOGIN, encoding=b"gzip, br"))
    assert plain is not None and packed is not None
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(packed.body)).decode().endswith("login</html>")


@pytest.mark.parametrize(
    ("encoding", "is_packed"),
    [
        (b"br, GZIP ;q=0.5", True),
        (b"gzip;q=1.0", True),
        (b"gzip;q=0", False),
        (b"br, gzip; q=0.000", False),
        (b"x-gzip", False),
    ],
)
def test_whoever_refuses_a_coding_does_not_get_it(pages: BuiltPages, encoding: bytes, is_packed: bool):
    answer = pages.answer(asked(routes.LOGIN, encoding=encoding))
    assert answer is not None
    assert ("content-encoding" in answer.headers) is is_packed


def test_a_head_is_a_page_without_its_body(pages: BuiltPages):
    for method in ("GET", "HEAD"):
        for answer, status in (
            (pages.answer(asked(routes.LOGIN, method=method)), 200),
            (pages.not_found(asked("/x", method=method)), 404),
        ):
            assert answer is not None
            assert (answer.status_code, int(answer.headers["content-length"]) > 100) == (status, True)
            assert bool(answer.body) is (method == "GET")


@attempt(269, "limits", "Pages that do not exist are asked for, because each costs more than the question.")
def test_what_is_at_no_address_costs_next_to_nothing(pages: BuiltPages, monkeypatch: pytest.MonkeyPatch):
    """No storage is built and nothing is compressed for it."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(headers, "build", never)
    monkeypatch.setattr(headers, "page_policy", never)
    monkeypatch.setattr(gzip, "compress", never)
    monkeypatch.setattr("saasbot.api.built_pages.page_policy", never)
    answer = pages.not_found(asked("/nothing", encoding=b"gzip"))
    assert answer is not None and NONCE.search(answer.headers["content-security-policy"])


def test_without_a_build_nothing_is_answered(tmp_path: Path):
    pages = BuiltPages(Settings(), tmp_path)
    assert pages.know(routes.LOGIN)
    assert pages.answer(asked(routes.LOGIN)) is None
    assert pages.not_found(asked("/nothing")) is None
