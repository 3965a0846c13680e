"""The cookie that holds a browser's session token: its name, its attributes, and how it is read."""

from http.cookies import CookieError, SimpleCookie

from saasbot.infra.settings import settings

LIFETIME_SECONDS = 30 * 24 * 3600


def is_secure() -> bool:
    return settings().public_url.startswith("https://")


def name() -> str:
    """`__Host-` binds the cookie to exactly this host over https (RFC 6265bis §4.1.3.2); plain http cannot have it."""
    return "__Host-saasbot-session" if is_secure() else "saasbot-session"


def token_in(cookie_header: str) -> str:
    """The session token of a `Cookie` header; empty when there is none."""
    try:
        morsel = SimpleCookie(cookie_header).get(name())
    except CookieError:
        return ""
    return morsel.value if morsel else ""
