"""The cookie that holds a browser's session token: its name, its attributes, and how it is read."""

from saasbot.infra.settings import settings

LIFETIME_SECONDS = 30 * 24 * 3600


def is_secure() -> bool:
    return settings().public_url.startswith("https://")


def name() -> str:
    """`__Host-` binds the cookie to exactly this host over https (RFC 6265bis §4.1.3.2); plain http cannot have it."""
    return "__Host-saasbot-session" if is_secure() else "saasbot-session"


def token_in(cookie_header: str) -> str:
    """The session token of a `Cookie` header; empty when there is none."""
    return value_in(cookie_header, name())


def value_in(cookie_header: str, wanted: str) -> str:
    """The value of one cookie; empty when it is not there. Other cookies, however broken, do not matter."""
    for pair in cookie_header.split(";"):
        key, _, value = pair.strip().partition("=")
        if key == wanted:
            return value
    return ""


def set_cookie(token: str) -> str:
    """The value of a `Set-Cookie` header. No script of a page can read the cookie, no other site sends it along a form."""
    secure = "; Secure" if is_secure() else ""
    return f"{name()}={token}; Path=/; Max-Age={LIFETIME_SECONDS}; HttpOnly; SameSite=Lax{secure}"


def clear_cookie() -> str:
    """The value of a `Set-Cookie` header that removes it."""
    secure = "; Secure" if is_secure() else ""
    return f"{name()}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}"
