"""The settings: defaults, one-line errors, the keys of a first start."""

import base64
import os
import stat
from pathlib import Path

import pytest

from saasbot.infra.settings import PREFIX, Settings, load_settings
from saasbot.infra.start_error import StartError
from tests.attack.attempts import attempt

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def with_variables(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    return load_settings()


def test_nothing_needs_to_be_set() -> None:
    loaded = load_settings()
    assert (loaded.env, loaded.port, loaded.public_url) == ("development", 3000, "http://localhost:3000")
    assert (loaded.simulator, loaded.demo, loaded.allow_private_urls) == (True, True, False)


def test_production_has_no_simulator_and_no_demo_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = with_variables(monkeypatch, ENV="production", SECRET_KEYS=KEY)
    assert (loaded.simulator, loaded.demo) == (False, False)
    assert with_variables(monkeypatch, SIMULATOR="1").simulator


def test_the_public_url_follows_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_variables(monkeypatch, PORT="4321").public_url == "http://localhost:4321"


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = with_variables(monkeypatch, PORT="", DATABASE_URL="", SIMULATOR="")
    assert (loaded.port, loaded.database_url.get_secret_value(), loaded.simulator) == (3000, "", True)


def test_the_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SAASBOT_PORT=4000\nSAASBOT_MAIL_FROM=hola@example.com\nOTHER=1\n")
    loaded = with_variables(monkeypatch, PORT="5000")
    assert (loaded.port, loaded.mail_from) == (5000, "hola@example.com")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PORT": "abc"}, "SAASBOT_PORT: Input should be a valid integer"),
        ({"PORT": "70000"}, "SAASBOT_PORT: Input should be less than or equal to 65535"),
        ({"ENV": "prod"}, "SAASBOT_ENV: Input should be 'development', 'test' or 'production'"),
        ({"ENV": "production"}, "SAASBOT_SECRET_KEYS: is required in production"),
        ({"SECRET_KEYS": "not base64!"}, "SAASBOT_SECRET_KEYS: must be base64"),
        ({"SECRET_KEYS": "c2hvcnQ="}, "SAASBOT_SECRET_KEYS: each key must be 32 bytes long, one has 5"),
        ({"DATABASE_URL": "mysql://x"}, "SAASBOT_DATABASE_URL: must start with postgresql://"),
        ({"REDIS_URL": "localhost"}, "SAASBOT_REDIS_URL: must start with redis://"),
        ({"SMTP_URL": "mail.example.com"}, "SAASBOT_SMTP_URL: must start with smtp://"),
        ({"PUBLIC_URL": "example.com"}, "SAASBOT_PUBLIC_URL: must start with http://"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8,proxy"}, "SAASBOT_TRUSTED_PROXIES: proxy is not a network"),
        ({"TRUSTED_PROXIES": "10.0.0.1/8"}, "SAASBOT_TRUSTED_PROXIES: 10.0.0.1/8 is not a network"),
        (
            {"ENV": "production", "SECRET_KEYS": KEY, "PUBLIC_URL": "http://app.example.com"},
            "SAASBOT_PUBLIC_URL: must start with https:// in production",
        ),
        (
            {"ENV": "production", "SECRET_KEYS": KEY, "PUBLIC_URL": "http://127.0.0.1.nip.io"},
            "SAASBOT_PUBLIC_URL: must start with https:// in production",
        ),
        ({"S3_BUCKET": "media"}, "SAASBOT_S3_ACCESS_KEY: is missing"),
        ({"S3_ENDPOINT": "https://s3.example.com"}, "SAASBOT_S3_BUCKET: is missing"),
        ({"AGENT_DEBOUNCE_MS": "-1"}, "SAASBOT_AGENT_DEBOUNCE_MS: Input should be greater than or equal to 0"),
        ({"SIMULATOR": "perhaps"}, "SAASBOT_SIMULATOR: Input should be a valid boolean"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    with pytest.raises(StartError) as stopped:
        with_variables(monkeypatch, **variables)
    assert str(stopped.value).startswith(sentence)
    assert "\n" not in str(stopped.value)


@attempt(103, "secrets", "A wrong secret in the settings is shown by the error about it.")
def test_a_wrong_secret_is_not_repeated_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StartError) as stopped:
        with_variables(monkeypatch, DATABASE_URL="mysql://root:hunter2@db/x")
    assert "hunter2" not in str(stopped.value)


def test_the_first_start_makes_a_private_key_that_stays(tmp_path: Path) -> None:
    first, second = load_settings(), load_settings()
    assert first.keys == second.keys
    assert len(first.keys[0]) == 32
    assert stat.S_IMODE((tmp_path / ".data/secret_keys").stat().st_mode) == 0o600
    assert not list((tmp_path / ".data").glob("secret_keys.*"))


def test_several_keys_are_read_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    older = base64.b64encode(b"o" * 32).decode()
    assert with_variables(monkeypatch, SECRET_KEYS=f"{KEY}, {older}").keys == (b"k" * 32, b"o" * 32)


@pytest.mark.parametrize(
    "url", ["https://app.example.com", "http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"]
)
def test_production_is_served_over_https_or_on_this_machine(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert with_variables(monkeypatch, ENV="production", SECRET_KEYS=KEY, PUBLIC_URL=url).public_url == url


def test_our_proxies_stand_on_this_machine_unless_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [str(network) for network in load_settings().trusted_networks] == ["127.0.0.0/8", "::1/128"]
    elsewhere = with_variables(monkeypatch, TRUSTED_PROXIES="10.0.0.0/8, fd00::/8").trusted_networks
    assert [str(network) for network in elsewhere] == ["10.0.0.0/8", "fd00::/8"]


def test_every_setting_is_in_the_example_file() -> None:
    text = (Path(__file__).parents[2] / ".env.example").read_text()
    listed = {line.split("=")[0].lstrip("# ") for line in text.splitlines() if "SAASBOT_" in line and "=" in line}
    assert listed == {PREFIX + name.upper() for name in Settings.model_fields}
