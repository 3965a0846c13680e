"""What Reflex would bring along is not there at all; that the gate would refuse it is the second lock."""

from typing import Any

import pytest
from reflex_components_core.core.upload import Upload
from starlette.routing import Mount, Route

from saasbot.api.built_pages import BuiltPages
from saasbot.api.known_paths import KnownPaths
from saasbot.infra.settings import settings

CLOSED = ("/_upload", "/uploaded_files", "/_all_routes", "/auth-codespace")


@pytest.fixture
def reflex_app(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The application as a start adds to it, on a machine of somebody who has not asked for more."""
    for name in ("CODESPACES", "REFLEX_ADD_ALL_ROUTES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    from saasbot.saasbot import app

    app._add_optional_endpoints()
    return app


def test_no_page_uses_the_upload_of_reflex(reflex_app: Any):
    assert not Upload.is_used


def test_neither_routes_nor_mounts_of_it_exist(reflex_app: Any):
    found = [route.path for route in reflex_app._api.routes if isinstance(route, Route | Mount)]
    assert "/_event" in found  # else this looked at nothing
    assert [path for path in found if path.startswith(CLOSED)] == []
    assert [route.name for route in reflex_app._api.routes if getattr(route, "name", "") == "uploaded_files"] == []


@pytest.mark.parametrize("path", [*CLOSED, "/ping", "/_health", "/_event"])
def test_nor_would_the_gate_let_anybody_through(tmp_path: Any, path: str):
    known = KnownPaths(tmp_path, BuiltPages(settings(), tmp_path))
    assert not any(known.know(at) for at in (path, f"{path}/", f"{path}/x"))
