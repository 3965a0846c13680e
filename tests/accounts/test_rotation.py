"""A new secret key takes over from an old one without losing what was sealed."""

import base64
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import LargeBinary, update
from sqlmodel import SQLModel, col

from saasbot.domain import accounts
from saasbot.domain.accounts.signing_keys import signing_keys
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.domain.admin.rotation import SEALED, Rotation, reseal_all
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.channel_settings import change_settings
from saasbot.domain.channels.proxy import proxy_of
from saasbot.domain.companies import ai, profile
from saasbot.infra.crypto import place, unseal
from saasbot.infra.db import run, unit_of_work
from saasbot.infra.settings import settings
from saasbot.models import Company
from tests.fixtures.numbers import simulator_channel

KEY = "sk-test-0123456789abcdefWXYZ"
PROXY = "http://ana:secret@proxy.example:3128"
NEW = base64.b64encode(b"n" * 32).decode()


@pytest.fixture
def use_keys(app_db: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """The database's passwords hang on the first key: connections that are open stay."""
    signing_keys.forget()

    def use(*keys: str) -> None:
        monkeypatch.setenv("SAASBOT_SECRET_KEYS", ",".join(keys))
        settings.cache_clear()
        signing_keys.forget()

    yield use
    monkeypatch.undo()
    settings.cache_clear()
    signing_keys.forget()


async def test_after_it_the_new_key_alone_opens_everything(use_keys: Callable[..., None], alice: Actor):
    old = settings().secret_keys.get_secret_value()
    async with unit_of_work(alice):
        await ai.set_openai(alice, api_key=KEY)
    number = await simulator_channel(alice)
    async with unit_of_work(alice):
        await change_settings(alice, number.id, proxy=PROXY)
    found = await find_account("alice@sur.example")
    assert found is not None
    access = (await accounts.issue_tokens(found[0])).access_token

    use_keys(NEW, old)
    assert await reseal_all() == Rotation(resealed=3, unreadable=0)
    assert await reseal_all() == Rotation(resealed=0, unreadable=0)

    use_keys(NEW)
    async with unit_of_work(alice):
        company = await profile.get_company(alice)
        assert proxy_of(await access_channel(alice, number.id)) == PROXY
    assert company.openai_key_sealed is not None
    assert unseal(company.openai_key_sealed, place("company", "openai_key_sealed", company.id)) == KEY
    assert (await accounts.caller_of(access)).actor == alice, "the same key pair signs on"


async def test_what_no_key_opens_is_counted_and_left_alone(use_keys: Callable[..., None], alice: Actor):
    async with unit_of_work(alice):
        await run(
            update(Company).where(col(Company.id) == alice.company_id).values(openai_key_sealed=b"\x01" + b"x" * 60)
        )
    assert await reseal_all() == Rotation(resealed=0, unreadable=1)


def test_every_sealed_column_is_known():
    named = {
        (table.name, column.name)
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("_sealed") and isinstance(column.type, LargeBinary)
    }
    assert named == {(str(model.__tablename__), column) for model, column in SEALED}
