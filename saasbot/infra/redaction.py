"""What must not leave the process in a log line, cut out of whatever was handed to the log: the last guard, not the first.

Names that hold secrets are emptied at any depth, also where they stand in somebody's text as `'password': '…'`. In texts
tokens, keys, QR payloads, credentials of URLs, phone numbers and e-mail addresses are cut, and what PostgreSQL and pydantic
tell of the values that they refused.

The time that a text takes grows with its length and no faster, whoever wrote it: a pattern either begins once in a run of
characters or, where it begins, also ends (at the end of the text, if nowhere else).
"""

import re
from collections.abc import Mapping
from typing import Any

_LONGEST, _LONGEST_TRACE = 4_000, 16_000
"""Characters of one value: what a client sends must not fill the disk through an error's text."""
_TRACES = ("exception", "stack")
_LONGEST_WORD = 300
_DEEPEST = 6

_NAMES = (
    r"\w*(?:password|passwort|token|secret|api_?key|private_?key|authorization|cookie)s?"
    r"|(?:\w+_)?(?:text|body|qr|proxy|phone|email|caption|ticket|messages?|contact_name|push_name)"
)
_SECRET_NAME = re.compile(rf"(?:{_NAMES})", re.IGNORECASE)
_CODE_NAME = re.compile(r"(?:\w+_)?code", re.IGNORECASE)
_OUR_CODE = re.compile(r"[a-z_]+")
"""A code of an error is a word of ours; what a phone or an account is confirmed with has digits or capitals."""

_NAMED = re.compile(
    rf"""(?<!\w)((?:{_NAMES})\\?["']?\s*[:=]\s*\(?b?)(\\?["'])(?:\\.|(?!\2).)*(?:\2|\Z)""", re.IGNORECASE | re.DOTALL
)
_NAMED_CODE = re.compile(r"""((?:\b|_)code\\?["']?\s*[:=]\s*)(\\?["'])[A-Z0-9-]{4,}(?=\2)""")
# of the database: what follows its first line may hold values of the row; in a repr the line ends are written out
_END = r"(?=(?:\n|\\n)\[SQL: |(?:\n|\\n){2}(?:The above|During handling)|\Z)"
_DETAIL = re.compile(rf"((?:^|\\n)(?:DETAIL|CONTEXT|QUERY|LINE \d+):).*?{_END}", re.DOTALL | re.MULTILINE)
_PARAMETERS = re.compile(rf"(\[parameters: ).*?(?=(?:\n|\\n)\(Background|{_END})", re.DOTALL)
_INPUT = re.compile(r"(input_value=).*?(?=, input_type=|\Z)", re.DOTALL)
# Where tokens stand in texts of others: Reflex logs whole events with their cookies, servers log addresses with queries.
_TOKEN = re.compile(
    r"((?:saasbot-(?:session|device)=|[?&\s'\"](?:ticket|token)=|[?&](?:code|s)=|[Bb]earer |[Bb]asic ))[\w.~+/%-]+=*"
)
_API_KEY = re.compile(r"\bsk-[\w-]{8,}")
_JWT = re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){0,2}")
_QR = re.compile(r"\b\d@[\w+/=-]{16,}(?:,[\w+/=-]+)*")
_USER_INFO = re.compile(r"(\w://)[^/\s@]*@")
_EMAIL = re.compile(r"(?<![\w.+-])([\w+-])[\w.+-]*(@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,})")
_PHONE = re.compile(
    r"(?P<kept>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b\d{4}-\d\d-\d\d(?!\d))"
    r"|(?<!\w)\+?\(?\d(?:[ ()\u00a0-]{0,2}\d){7,14}(?!\w)",
    re.IGNORECASE,
)


def redacted(name: str, value: Any, *, depth: int = 0) -> Any:
    """The value as it may be written under this name."""
    if _SECRET_NAME.fullmatch(name) or (_CODE_NAME.fullmatch(name) and not _harmless_code(value)):
        return value if value is None or isinstance(value, bool | int | float) else "[redacted]"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {str(key): redacted(str(key), inner, depth=depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [redacted("", inner, depth=depth + 1) for inner in value]
    longest = _LONGEST_TRACE if name in _TRACES else _LONGEST
    return without_secrets(value if isinstance(value, str) else repr(value), longest=longest)


def without_secrets(text: str, *, longest: int = _LONGEST) -> str:
    """The text without what must not be read in a log, and its beginning only if it is longer than that."""
    if len(text) > longest:
        return f"{_cleaned(_beginning(text, longest))}… ({len(text)} characters)"
    return _cleaned(text)


def _beginning(text: str, longest: int) -> str:
    """Without the word that the cut went through: half an address, or half a URL with a password, is not known as one."""
    kept = text[:longest]
    before, space, _ = kept[-_LONGEST_WORD:].rpartition(" ")
    return kept[:-_LONGEST_WORD] + before if space else kept


def _cleaned(text: str) -> str:
    text = _PARAMETERS.sub(r"\1redacted]", _DETAIL.sub(r"\1 [redacted]", text))
    text = _INPUT.sub(r"\1[redacted]", _NAMED.sub(r"\1\2[redacted]\2", _NAMED_CODE.sub(r"\1\2[redacted]", text)))
    text = _JWT.sub("[redacted]", _API_KEY.sub("[redacted]", _TOKEN.sub(r"\1[redacted]", text)))
    text = _USER_INFO.sub(r"\1[redacted]@", _QR.sub("[redacted]", text))
    return _EMAIL.sub(r"\1…\2", _PHONE.sub(_shortened, text))


def _shortened(found: re.Match[str]) -> str:
    if found["kept"]:
        return found.group()
    return found.group()[:4] + "…" + found.group()[-2:]


def _harmless_code(value: Any) -> bool:
    return not isinstance(value, str) or _OUR_CODE.fullmatch(value) is not None
