"""Passwords: which are accepted, and how they are kept."""

import asyncio
import itertools
import re
import unicodedata
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from passlib.context import CryptContext

from saasbot.infra.errors import InvalidInput

SHORTEST, LONGEST = 10, 128
_LONGEST_RAW = 4 * LONGEST
"""Characters as they were typed: decomposed ones are several each. Putting a long run of marks in order takes its square."""

# Argon2id with 19 MiB, 2 passes, 1 lane: OWASP Password Storage Cheat Sheet.
_context = CryptContext(
    schemes=["argon2"], argon2__type="ID", argon2__memory_cost=19_456, argon2__time_cost=2, argon2__parallelism=1
)
# Two at a time: a flood of sign-ins waits here instead of taking all cores and memory.
_hashers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")

NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$KWVMCcF4r7W2VmptDUFobQ$S5ijNy7CJ3BF9grrRUvKf846HKaiYzibfJEncSIRzuI"
"""The hash of a random password that nobody has: verified when there is no account, so that both answers cost the same."""

_COMMON = Path(__file__).with_name("common_passwords.txt")
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_LEET = str.maketrans("013457@$!", "oleastasi")


def check_password(password: str, *, email: str = "", names: Iterable[str] = ()) -> None:
    """Accept 10 to 128 characters that are not among the first that anybody would try.

    Raises: InvalidInput.
    """
    password = _composed(password)
    if len(password) < SHORTEST:
        raise InvalidInput("password", "Use at least 10 characters.")
    if len(password) > LONGEST:
        raise InvalidInput("password", "Use at most 128 characters.")
    if _unstorable(password):
        raise InvalidInput("password", "Use characters that can be typed.")
    if _is_common(password) or _is_simple(password):
        raise InvalidInput("password", "This password is too common. Choose one that nobody would try.")
    if _derives_from(password, email, *names):
        raise InvalidInput("password", "Do not use your email or your company's name as the password.")


async def hash_password(password: str) -> str:
    """Of the composed form (NFC), so that "é" is one character from every keyboard."""
    return await _run(_context.hash, _composed(password))


async def verify_password(password: str, password_hash: str) -> tuple[bool, str | None]:
    """Whether it is the password, and its new hash when the kept one has outdated parameters or is of the raw form."""
    composed = _composed(password)
    if len(composed) > LONGEST or _unstorable(composed):
        composed = password = ""  # no account has it; the work stays the same
    matches, better_hash = await _run(_context.verify_and_update, composed, password_hash)
    if matches or composed == password:
        return matches, better_hash
    # kept before passwords were composed: as it was typed then
    matches, _ = await _run(_context.verify_and_update, password, password_hash)
    return matches, await hash_password(composed) if matches else None


async def _run(work, *arguments):
    return await asyncio.get_running_loop().run_in_executor(_hashers, work, *arguments)


def _composed(password: str) -> str:
    """In NFC; what is too long to be a password stays as it is, and is refused for its length."""
    return password if len(password) > _LONGEST_RAW else unicodedata.normalize("NFC", password)


def _unstorable(password: str) -> bool:
    """NUL ends a C string, and a lone surrogate has no bytes."""
    return "\x00" in password or any(unicodedata.category(character) == "Cs" for character in password)


@cache
def _common_passwords() -> frozenset[str]:
    lines = _COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _is_common(password: str) -> bool:
    """On the list as it is, or a word of the list with digits and signs around it (`Password!2024`)."""
    folded = _fold(password)
    word = _EDGES.sub("", folded)
    return not _common_passwords().isdisjoint({folded, word, _core(folded), _core(word.translate(_LEET))})


def _is_simple(password: str) -> bool:
    """One or two characters over and over, a piece repeated (`abcabcabcabc`), or a run of neighbours (`1234567890`)."""
    folded = _fold(password)
    if len(set(folded)) <= 2 or re.fullmatch(r"(.{1,4}?)\1+.{0,3}", folded):
        return True
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(folded)}
    return steps <= {1, -9} or steps <= {-1, 9}


def _derives_from(password: str, *sources: str) -> bool:
    core = _core(_fold(password))
    for source in sources:
        folded = _fold(source)
        candidates = {folded, _core(folded), _core(folded.partition("@")[0])}
        if _fold(password) in candidates or (len(core) >= 4 and core in candidates):
            return True
    return False


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character)).strip()


def _core(folded: str) -> str:
    """Only the letters."""
    return "".join(character for character in folded if character.isalpha())
