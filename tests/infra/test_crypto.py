"""Sealed secrets open only where they were sealed, with a key that is set."""

import base64
from collections.abc import Callable, Iterator

import pytest

from saasbot.infra import crypto
from saasbot.infra.crypto import Unsealable, keyed_hash, place, reseal, seal, sub_key, unseal
from saasbot.infra.settings import settings
from tests.attack.attempts import attempt

OLD, NEW = (base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))
HERE, THERE = place("company", "openai_key_sealed", "1"), place("company", "openai_key_sealed", "2")


@pytest.fixture
def use_keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def use(*keys: str) -> None:
        monkeypatch.setenv("SAASBOT_SECRET_KEYS", ",".join(keys))
        settings.cache_clear()

    yield use
    monkeypatch.undo()
    settings.cache_clear()


def test_what_was_sealed_here_opens_here():
    sealed = seal("sk-ñandú-123", HERE)
    assert unseal(sealed, HERE) == "sk-ñandú-123"
    assert b"sk-" not in sealed


def test_the_same_secret_is_never_sealed_alike():
    assert seal("x", HERE) != seal("x", HERE)


@attempt(97, "secrets", "A sealed secret is copied into a row of one's own.")
def test_a_copy_in_another_row_does_not_open():
    with pytest.raises(Unsealable):
        unseal(seal("x", HERE), THERE)


@attempt(98, "secrets", "A byte of a sealed secret is changed.")
@pytest.mark.parametrize("position", [0, 1, 5, 17, -1])
def test_a_changed_byte_is_noticed(position: int):
    sealed = bytearray(seal("secret", HERE))
    sealed[position] ^= 1
    with pytest.raises(Unsealable):
        unseal(bytes(sealed), HERE)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + b"\x00" * 16, b"plain text"])
def test_nonsense_does_not_open(sealed: bytes):
    with pytest.raises(Unsealable):
        unseal(sealed, HERE)


def test_a_new_first_key_seals_and_the_old_one_still_opens(use_keys: Callable[..., None]):
    use_keys(OLD)
    before = seal("x", HERE)
    use_keys(NEW, OLD)
    assert unseal(before, HERE) == "x"
    after = reseal(before, HERE)
    assert after is not None
    assert reseal(after, HERE) is None
    use_keys(NEW)
    assert unseal(after, HERE) == "x"
    with pytest.raises(Unsealable):
        unseal(before, HERE)


def test_resealing_for_another_place_is_refused(use_keys: Callable[..., None]):
    use_keys(OLD)
    before = seal("x", HERE)
    use_keys(NEW, OLD)
    with pytest.raises(Unsealable):
        reseal(before, THERE)


def test_each_purpose_has_a_key_of_its_own(use_keys: Callable[..., None]):
    use_keys(OLD)
    first = sub_key("a")
    assert first == sub_key("a") != sub_key("b")
    assert len(sub_key("a", length=16)) == 16
    assert keyed_hash("a", "x") != keyed_hash("b", "x")
    use_keys(NEW)
    assert sub_key("a") != first


def test_the_id_of_a_key_does_not_reveal_it(use_keys: Callable[..., None]):
    use_keys(OLD)
    assert crypto._key_id(b"o" * 32) not in (b"o" * 32)
