"""E-mail addresses as accounts are known by."""

import re
import unicodedata

from saasbot.infra.errors import InvalidInput

_LONGEST, _LONGEST_LOCAL = 254, 64  # RFC 5321 §4.5.3.1
_LONGEST_RAW = 4 * _LONGEST
"""As it was typed. Putting a long run of combining marks in order takes its square, so it is not begun."""
_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x20\x7f]+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def normal_email(value: str, *, field: str = "email") -> str:
    """The address in one form: NFKC, lower case, the domain in ASCII. Quoted local parts are not accepted.

    Raises: InvalidInput.
    """
    text = unicodedata.normalize("NFKC", value).strip().lower() if len(value) <= _LONGEST_RAW else ""
    local, _, domain = text.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii") if domain else ""
        text.encode()
    except UnicodeError:
        domain = ""
    labels = domain.split(".")
    if (
        len(local) > _LONGEST_LOCAL
        or len(local) + 1 + len(domain) > _LONGEST
        or not _LOCAL.fullmatch(local)
        or local.startswith(".")
        or local.endswith(".")
        or ".." in local
        or any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in local)
        or len(labels) < 2
        or not all(_LABEL.fullmatch(label) for label in labels)
    ):
        raise InvalidInput(field, "That is not an email address.")
    return f"{local}@{domain}"
