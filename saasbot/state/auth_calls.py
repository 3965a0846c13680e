"""What the sign-in pages ask of the accounts: the one place between AuthState and the domain."""

from saasbot.domain import accounts
from saasbot.domain.accounts import Attempt


async def register(
    *, company_name: str, name: str, email: str, password: str, accept_terms: bool, locale: str, network: str
) -> str:
    """Makes the company and its owner. Returns the one-time ticket of the new session.

    Raises: InvalidInput, EmailTaken.
    """
    person = await accounts.register(
        company_name=company_name,
        name=name,
        email=email,
        password=password,
        accept_terms=accept_terms,
        locale=locale,
    )
    return await accounts.issue_ticket(person)


async def sign_in(*, email: str, password: str, network: str) -> str | Attempt:
    """Checks the password. Returns the one-time ticket of the new session, or the attempt whose second step is to come.
    `network` is the address of the connection.

    Raises: InvalidCredentials, Locked.
    """
    step = await accounts.sign_in(email=email, password=password, network=accounts.network_of(network))
    return step if isinstance(step, Attempt) else await accounts.issue_ticket(step)


async def forgot_password(*, email: str) -> None:
    """Mails a reset link, in the account's language, when the account exists; the caller cannot tell.

    Raises: InvalidInput.
    """
    await accounts.request_reset(email)


async def reset_password(*, token: str, password: str) -> None:
    """Sets the password and spends the token.

    Raises: InvalidReset, InvalidInput.
    """
    await accounts.reset_password(token=token, password=password)
