"""Signing in: who gets in, who does not, and that nobody learns why."""

from saasbot.domain import accounts
from saasbot.domain.actor import Actor
from tests.people import PASSWORD

HOME, CAFE = "198.51.100.7", "203.0.113.9"


async def sign_in(email: str, password: str = PASSWORD, network: str = HOME):
    return await accounts.sign_in(email=email, password=password, network=network)


async def test_the_right_password_opens_the_account_and_its_case_does_not_matter(alice: Actor):
    person = await sign_in("  Alice@SUR.example ")
    assert (person.user_id, person.company_id) == (alice.user_id, alice.company_id)
    assert person.actor() == alice
