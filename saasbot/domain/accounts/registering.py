"""A newcomer registers a company and becomes its owner."""

from saasbot.domain.accounts.emails import normal_email
from saasbot.domain.accounts.passwords import check_password, hash_password
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import Person
from saasbot.domain.admin.registration import add_company
from saasbot.domain.bots.edit import create_first_bot
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.text_input import one_line
from saasbot.models import Company, UserAccount
from saasbot.models.table import utcnow

LONGEST_NAME = 120


class EmailTaken(AppError):
    code = "email_taken"
    status = 409
    message = "There is already an account with this email."


async def register(
    *, company_name: str, name: str, email: str, password: str, accept_terms: bool, locale: str = "es"
) -> Person:
    """Afterwards the company exists with its owner, and a bot that can answer. The caller signs the owner in.

    Raises: InvalidInput (per field), EmailTaken.
    """
    company_name = one_line("company_name", company_name, longest=LONGEST_NAME)
    name = one_line("name", name, longest=LONGEST_NAME)
    email = normal_email(email)
    check_password(password, email=email, names=(company_name, name))
    if not accept_terms:
        raise InvalidInput("accept_terms", "Accept the terms to go on.")
    locale = locale if locale in ("es", "en") else "es"
    company = Company(name=company_name, locale=locale)
    owner = UserAccount(
        email=email,
        name=name,
        password_hash=await hash_password(password),
        locale=locale,
        terms_accepted_at=utcnow(),
    )

    async def furnish(actor: Actor) -> None:
        await create_first_bot(actor, company_name=company_name, locale=locale)

    person = await add_company(company, owner, furnish=furnish)
    if person is None:
        raise EmailTaken
    return person
