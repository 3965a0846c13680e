"""Our own origins, as browsers write them."""

import pytest

from saasbot.infra.origins import is_loopback_host, own_origins
from saasbot.infra.settings import Settings

KEY = "bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="


@pytest.mark.parametrize(
    ("public_url", "env", "origins"),
    [
        ("https://App.Example.com", "production", {"https://app.example.com"}),
        ("https://app.example.com:443", "production", {"https://app.example.com"}),
        ("https://app.example.com:8443", "production", {"https://app.example.com:8443"}),
        ("http://localhost:3000", "production", {"http://localhost:3000"}),
        (
            "http://localhost:3000",
            "development",
            {"http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"},
        ),
        ("http://192.168.1.7:3000", "development", {"http://192.168.1.7:3000"}),
    ],
)
def test_an_origin_is_scheme_host_and_port(public_url: str, env: str, origins: set[str]):
    chosen = Settings(public_url=public_url, env=env, secret_keys=KEY)  # type: ignore[arg-type]
    assert own_origins(chosen) == origins


@pytest.mark.parametrize("host", ["localhost", "localhost:3000", "127.0.0.1:80", "[::1]:3000", "[::1]"])
def test_names_of_this_machine(host: str):
    assert is_loopback_host(host)


@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example:80", "127.0.0.1.nip.io", "localhost:x"])
def test_other_names(host: str):
    assert not is_loopback_host(host)
