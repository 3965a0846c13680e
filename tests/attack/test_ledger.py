"""The ledger that the matrix trusts: no change of a company, nor of its people, escapes it."""

from saasbot.domain import catalogue
from saasbot.domain.accounts import profile
from saasbot.domain.actor import Actor
from saasbot.infra.db import unit_of_work
from tests.attack.belongings import Belongings, Ledger


async def test_the_digest_moves_with_a_row_and_with_a_person_and_not_with_another_company(
    alice: Actor, mallory: Actor, hers: Belongings, her_rows: Ledger
):
    before = her_rows.digest()
    async with unit_of_work(mallory):
        await catalogue.create_product(mallory, title="Something else", price_minor=100)
    assert her_rows.digest() == before

    async with unit_of_work(alice):
        await catalogue.update_product(alice, hers.product_id, title="Renamed")
    renamed = her_rows.digest()
    assert {table for table in before if before[table] != renamed[table]} >= {"product"}

    async with unit_of_work(alice):
        await profile.rename(alice, name="Somebody else", locale="en")
    assert her_rows.digest()["user_account"] != renamed["user_account"]
