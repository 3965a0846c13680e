"""The cookie by which a browser is known again to people who have signed in on it."""

from saasbot.infra import session_cookie

LIFETIME_SECONDS = 365 * 24 * 3600


def name() -> str:
    return "__Host-saasbot-device" if session_cookie.is_secure() else "saasbot-device"


def value_in(cookie_header: str) -> str:
    """Its value in a `Cookie` header; empty when it is not there."""
    return session_cookie.value_in(cookie_header, name())


def set_cookie(value: str) -> str:
    """The value of a `Set-Cookie` header. It opens nothing: it only says whose mistakes are counted apart."""
    secure = "; Secure" if session_cookie.is_secure() else ""
    return f"{name()}={value}; Path=/; Max-Age={LIFETIME_SECONDS}; HttpOnly; SameSite=Lax{secure}"
