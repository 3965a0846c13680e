"""Every setting of the program, read from `SAASBOT_*` variables and `.env`, checked once at the start."""

import base64
import binascii
import ipaddress
import os
import secrets
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from saasbot.infra.start_error import StartError

PREFIX = "SAASBOT_"
KEY_BYTES = 32
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_DATABASE_SCHEMES = ("postgresql+psycopg://", "postgresql://", "postgres://")


class Settings(BaseSettings):
    """The checked settings. Empty variables count as not given."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    env: Literal["development", "test", "production"] = "development"
    port: Annotated[int, Field(ge=1, le=65535)] = 3000
    host: str = "127.0.0.1"
    public_url: str = ""
    trusted_proxy_hops: Annotated[int, Field(ge=0, le=10)] = 0
    trusted_proxies: str = "127.0.0.0/8,::1/128"
    """Networks, separated by commas: what a peer elsewhere says about whom it forwards is not read."""
    data_dir: Path = Path(".data")

    database_url: SecretStr = SecretStr("")
    pg_bin: Path | None = None
    redis_url: SecretStr = SecretStr("")
    secret_keys: SecretStr = SecretStr("")

    s3_endpoint: str = ""
    s3_bucket: str = ""
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    s3_region: str = "us-east-1"

    smtp_url: SecretStr = SecretStr("")
    mail_from: str = "SaaSBot <no-reply@localhost>"

    simulator: bool = True
    demo: bool = True
    allow_private_urls: bool = False

    openai_api_key: SecretStr = SecretStr("")
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str = "gpt-4.1-mini"
    platform_tokens_a_day: Annotated[int, Field(ge=0, le=1_000_000_000)] = 2_000_000
    """Of that key, for the customers of one company, and a quarter as many for its trials; 0: without end. Some 500 ordinary turns."""
    agent_debounce_ms: Annotated[int, Field(ge=0, le=30_000)] = 3000
    send_pace: Annotated[float, Field(ge=0, le=10)] | None = None
    """Of a person, for what no person typed: 1 is theirs, 0 none. Nothing: as the network of the number is used to."""

    numbers_per_bridge: Annotated[int, Field(ge=1, le=100)] = 10
    pairings_at_once: Annotated[int, Field(ge=1, le=100)] = 8
    """Attempts to link a number that may run at a time: each is a process of some 90 MB for up to three minutes."""

    metrics_token: SecretStr = SecretStr("")

    @property
    def is_production(self) -> bool:
        """Whether the strict defaults apply."""
        return self.env == "production"

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The decoded secret keys of 32 bytes each; the first one encrypts, all decrypt."""
        return _decode_keys(self.secret_keys.get_secret_value())

    @cached_property
    def trusted_networks(self) -> tuple[Network, ...]:
        """Where our own proxies stand."""
        return _networks(self.trusted_proxies)

    @property
    def uses_s3(self) -> bool:
        """Whether files go to S3 instead of the data directory."""
        return bool(self.s3_bucket)

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_environment(cls, values: Any) -> Any:
        if isinstance(values, dict):
            playful = str(values.get("env", "development")) != "production"
            values.setdefault("simulator", playful)
            values.setdefault("demo", playful)
            if values.get("env") == "test":
                values.setdefault("send_pace", 0)
            values.setdefault("public_url", f"http://localhost:{values.get('port', 3000)}")
        return values

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("public_url", "openai_base_url", "s3_endpoint")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _well_formed_networks(cls, value: str) -> str:
        _networks(value)
        return value

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: SecretStr) -> SecretStr:
        """Afterwards the URL, if any, has the form `postgresql+psycopg://`."""
        url = value.get_secret_value()
        if not url:
            return value
        for scheme in _DATABASE_SCHEMES:
            if url.startswith(scheme):
                return SecretStr(_DATABASE_SCHEMES[0] + url.removeprefix(scheme))
        raise ValueError("must start with postgresql://")

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr) -> SecretStr:
        return _with_scheme(value, "redis://", "rediss://", "unix://")

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, value: SecretStr) -> SecretStr:
        return _with_scheme(value, "smtp://", "smtps://")

    @field_validator("secret_keys")
    @classmethod
    def _well_formed_keys(cls, value: SecretStr) -> SecretStr:
        _decode_keys(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.is_production and not self.secret_keys.get_secret_value():
            raise ValueError(
                f"{PREFIX}SECRET_KEYS: is required in production; make one with "
                '`python3 -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"`'
            )
        if self.is_production and not _may_carry_secrets(self.public_url):
            raise ValueError(f"{PREFIX}PUBLIC_URL: must start with https:// in production, unless it is this machine")
        s3 = {"S3_BUCKET": self.s3_bucket, "S3_ACCESS_KEY": self.s3_access_key}
        s3["S3_SECRET_KEY"] = self.s3_secret_key.get_secret_value()
        missing = [name for name, value in s3.items() if not value]
        if missing and (self.s3_endpoint or len(missing) < len(s3)):
            raise ValueError(f"{PREFIX}{missing[0]}: is missing, though other S3 settings are given")
        return self


def load_settings() -> Settings:
    """Read and check the settings; outside production make the secret keys on the first start.

    Raises:
        StartError: one line that names the first wrong or missing setting.
    """
    try:
        loaded = Settings()
        if loaded.secret_keys.get_secret_value():
            return loaded
        return Settings(secret_keys=SecretStr(_keys_of_this_machine(loaded.data_dir)))
    except ValidationError as error:
        raise StartError(_one_line(error)) from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once. `settings.cache_clear()` reads them anew (tests)."""
    return load_settings()


def _keys_of_this_machine(data_dir: Path) -> str:
    """The content of `secret_keys` in the data directory, made if it is not there.

    The file appears whole or not at all, so two first starts at once agree on one key.
    """
    path = data_dir / "secret_keys"
    try:
        if not path.exists():
            data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
            making = data_dir / f"secret_keys.{os.getpid()}"
            descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
            try:
                path.hardlink_to(making)
            except FileExistsError:
                pass  # another start was faster; its key counts
            finally:
                making.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise StartError(f"{PREFIX}DATA_DIR: {path} cannot be used: {error.strerror}") from error


def _decode_keys(text: str) -> tuple[bytes, ...]:
    keys = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            key = base64.b64decode(part.replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("must be base64, keys separated by commas") from None
        if len(key) != KEY_BYTES:
            raise ValueError(f"each key must be {KEY_BYTES} bytes long, one has {len(key)}")
        keys.append(key)
    return tuple(keys)


def _networks(text: str) -> tuple[Network, ...]:
    found: list[Network] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            raise ValueError(f"{part} is not a network such as 10.0.0.0/8") from None
    return tuple(found)


def _may_carry_secrets(url: str) -> bool:
    """Whether nobody on the way reads or changes what goes there: cookies are bound to https then, and browsers stay on it."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _with_scheme(value: SecretStr, *schemes: str) -> SecretStr:
    url = value.get_secret_value()
    if url and not url.startswith(schemes):
        raise ValueError(f"must start with {' or '.join(schemes)}")
    return value


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    message = str(first["msg"]).removeprefix("Value error, ").replace("\n", " ")
    if not first["loc"]:
        return message
    return f"{PREFIX}{str(first['loc'][0]).upper()}: {message}"
