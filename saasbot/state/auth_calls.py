"""What the sign-in pages ask of the accounts: the one place between AuthState and the domain."""

from saasbot.infra.errors import AppError


class AccountsUnavailable(AppError):
    code = "accounts_unavailable"
    status = 503
    message = "Accounts cannot be reached right now. Try again in a moment."


async def register(
    *, company_name: str, name: str, email: str, password: str, accept_terms: bool, locale: str, network: str
) -> str:
    """Makes the company and its owner. Returns the one-time ticket of the new session."""
    raise AccountsUnavailable


async def sign_in(*, email: str, password: str, network: str) -> str:
    """Checks the password. Returns the one-time ticket of the new session."""
    raise AccountsUnavailable


async def forgot_password(*, email: str, locale: str) -> None:
    """Mails a reset link when the account exists; the caller cannot tell."""
    raise AccountsUnavailable


async def reset_password(*, token: str, password: str) -> None:
    """Sets the password and spends the token."""
    raise AccountsUnavailable
