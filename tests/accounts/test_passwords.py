"""Passwords of every length and alphabet: what is set is what opens, and nothing else."""

import time
import unicodedata

import pytest
from sqlalchemy import update
from sqlmodel import col

from saasbot.domain import accounts
from saasbot.domain.accounts import InvalidCredentials, passwords
from saasbot.domain.accounts.emails import normal_email
from saasbot.domain.accounts.passwords import check_password, hash_password, verify_password
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.infra.db import platform_unit_of_work, run
from saasbot.infra.errors import InvalidInput
from saasbot.models import UserAccount

ACCENTED = "mi contraseña está aquí, señor"
DECOMPOSED = unicodedata.normalize("NFD", ACCENTED)
MARKS = "a" + "\u0301\u0323" * 500_000
"""A million marks that stand in the wrong order: putting them right takes the square of their number."""


@pytest.mark.parametrize(
    "password",
    [
        "x1!" + "long words " * 6 + "abcd",
        "ñandú " * 12 + "z",
        "正しい馬と電池とホッチキス",
        "🔑🐎🔋📎🧲🦄🍕🚲🌵🎻🪁🧭",
        " leading and trailing ",
    ],
)
async def test_every_character_and_byte_counts(password: str):
    """Also those after the 72nd byte, where bcrypt would have stopped."""
    check_password(password)
    kept = await hash_password(password)
    assert await verify_password(password, kept) == (True, None)
    for wrong in (password[:-1], password + "x", password[:-1] + "¿", password.encode()[:72].decode(errors="ignore")):
        assert wrong == password or (await verify_password(wrong, kept))[0] is False


def test_there_are_73_bytes_among_them():
    assert len(("x1!" + "long words " * 6 + "abcd").encode()) == 73


async def test_an_accent_is_one_character_from_every_keyboard():
    assert DECOMPOSED != ACCENTED
    for typed, again in ((ACCENTED, DECOMPOSED), (DECOMPOSED, ACCENTED)):
        assert await verify_password(again, await hash_password(typed)) == (True, None)


async def test_one_that_was_kept_as_it_was_typed_opens_and_is_kept_composed_from_then_on(alice: Actor):
    async with platform_unit_of_work("a test"):
        raw = passwords._context.hash(DECOMPOSED)
        await run(update(UserAccount).where(col(UserAccount.id) == alice.user_id).values(password_hash=raw))
    await accounts.sign_in(email="alice@sur.example", password=DECOMPOSED, network="x")
    found = await find_account("alice@sur.example")
    assert found is not None
    assert found[1] != raw
    assert await verify_password(ACCENTED, found[1]) == (True, None)
    with pytest.raises(InvalidCredentials):
        await accounts.sign_in(email="alice@sur.example", password=DECOMPOSED + "x", network="x")


def test_a_decomposed_password_is_as_long_as_it_looks():
    check_password(unicodedata.normalize("NFD", "ñandú é " * 16))
    with pytest.raises(InvalidInput):
        check_password(unicodedata.normalize("NFD", "ñandú é " * 16 + "x"))


@pytest.mark.parametrize("password", ["x" * 1024 * 1024, MARKS], ids=["letters", "marks"])
async def test_a_megabyte_is_no_password_and_costs_what_a_wrong_one_costs(alice: Actor, password: str):
    with pytest.raises(InvalidInput):
        check_password(password)
    began = time.process_time()
    with pytest.raises(InvalidCredentials):
        await accounts.sign_in(email="alice@sur.example", password=password, network="x")
    assert time.process_time() - began < 2


def test_a_megabyte_is_no_address_either():
    began = time.process_time()
    for text in (MARKS, MARKS + "@sur.example", "x" * 1024 * 1024 + "@sur.example"):
        with pytest.raises(InvalidInput):
            normal_email(text)
    assert time.process_time() - began < 1
