"""A newcomer registers a company and becomes its owner."""

from saasbot.domain.accounts import limits
from saasbot.domain.accounts.confirming import MAIL_TASK
from saasbot.domain.accounts.emails import normal_email
from saasbot.domain.accounts.limits import SIGN_UPS
from saasbot.domain.accounts.passwords import check_password, hash_password
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import Person
from saasbot.domain.admin.registration import add_company
from saasbot.domain.bots.edit import create_first_bot
from saasbot.domain.consent.accepting import note_terms
from saasbot.domain.consent.terms_of_use import CURRENT
from saasbot.infra import jobs
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.text_input import one_line
from saasbot.models import Company, ConsentSource, UserAccount
from saasbot.models.table import utcnow

LONGEST_NAME = 120


class EmailTaken(AppError):
    code = "email_taken"
    status = 409
    message = "There is already an account with this email."


async def register(
    *,
    company_name: str,
    name: str,
    email: str,
    password: str,
    accept_terms: bool,
    locale: str = "es",
    network: str | None = None,
    confirmed: bool = False,
) -> Person:
    """Afterwards the company exists with its owner, and a bot that can answer; that they accepted the terms is noted, and a job waits
    that mails the owner a link to confirm the address. The caller signs the owner in.

    `network`: whose sign-ups are counted (`throttle.network_of`); nothing where this installation itself registers, as it does the
    demo, whose addresses are `confirmed` because they are nobody's mailbox.

    Raises: InvalidInput (per field), EmailTaken, TooOften.
    """
    company_name = one_line("company_name", company_name, longest=LONGEST_NAME)
    name = one_line("name", name, longest=LONGEST_NAME)
    email = normal_email(email)
    check_password(password, email=email, names=(company_name, name))
    if not accept_terms:
        raise InvalidInput("accept_terms", "Accept the terms to go on.")
    if network is not None:
        await limits.spend(SIGN_UPS, network)
    locale = locale if locale in ("es", "en") else "es"
    company = Company(name=company_name, locale=locale)
    owner = UserAccount(
        email=email,
        name=name,
        password_hash=await hash_password(password),
        locale=locale,
        terms_accepted_at=utcnow(),
        terms_version=CURRENT,
        email_confirmed_at=utcnow() if confirmed else None,
    )

    async def furnish(actor: Actor) -> None:
        await note_terms(actor.company_id, owner.id, source=ConsentSource.REGISTER, network=network or "")
        await create_first_bot(actor, company_name=company_name, locale=locale)
        if not confirmed:
            await jobs.defer(MAIL_TASK, user_id=str(owner.id))

    person = await add_company(company, owner, furnish=furnish)
    if person is None:
        raise EmailTaken
    return person
