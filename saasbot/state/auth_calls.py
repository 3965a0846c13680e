"""What the sign-in pages ask of the accounts: the one place between AuthState and the domain."""

from saasbot.domain import accounts
from saasbot.domain.accounts import Attempt
from saasbot.infra import device_cookie


async def register(
    *, company_name: str, name: str, email: str, password: str, accept_terms: bool, locale: str, network: str
) -> str:
    """Makes the company and its owner. Returns the one-time ticket of the new session. `network` is the address of the connection.

    Raises: InvalidInput, EmailTaken, TooOften.
    """
    person = await accounts.register(
        company_name=company_name,
        name=name,
        email=email,
        password=password,
        accept_terms=accept_terms,
        locale=locale,
        network=accounts.network_of(network),
    )
    return await accounts.issue_ticket(person)


async def sign_in(*, email: str, password: str, network: str, cookies: str) -> str | Attempt:
    """Checks the password. Returns the one-time ticket of the new session, or the attempt whose second step is to come.
    `network` is the address of the connection, `cookies` its `Cookie` header: a browser that the account knows has its
    mistakes counted apart.

    Raises: InvalidCredentials, Locked, TooOften.
    """
    step = await accounts.sign_in(
        email=email, password=password, network=accounts.network_of(network), device=device_cookie.value_in(cookies)
    )
    return step if isinstance(step, Attempt) else await accounts.issue_ticket(step)


async def forgot_password(*, email: str, network: str) -> None:
    """Mails a reset link, in the account's language, when the account exists; the caller cannot tell.

    Raises: InvalidInput, TooOften.
    """
    await accounts.request_reset(email, network=accounts.network_of(network))


async def reset_password(*, token: str, password: str, network: str) -> None:
    """Sets the password and spends the token.

    Raises: InvalidReset, InvalidInput, TooOften.
    """
    await accounts.reset_password(token=token, password=password, network=accounts.network_of(network))
