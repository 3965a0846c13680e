"""Codes of an authenticator app, by the vectors of RFC 6238."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from saasbot.infra import totp

SECRET = base64.b32encode(b"12345678901234567890").decode()
"""Of RFC 6238, appendix B, for SHA-1."""


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(at: int, code: str):
    """The last six digits of the eight that it prints."""
    assert totp.code_at(SECRET, at // 30) == code
    assert totp.step_of(SECRET, code, now=at) == at // 30


def test_a_phone_may_be_a_step_off_and_no_more():
    code = totp.code_at(SECRET, 1000)
    near = {step: totp.step_of(SECRET, code, now=step * 30) for step in (998, 999, 1000, 1001, 1002)}
    assert near == {998: None, 999: 1000, 1000: 1000, 1001: 1000, 1002: None}


@pytest.mark.parametrize("code", ["", "28708", "2870820", "28708²", "ñ", "\ud800", "abcdef"])
def test_what_is_no_code_is_of_no_step(code: str):
    assert totp.step_of(SECRET, code, now=59) is None


def test_secrets_have_160_random_bits():
    made = {totp.new_secret() for _ in range(50)}
    assert len(made) == 50
    assert {len(totp.key_of(secret)) for secret in made} == {20}


def test_apps_read_the_address():
    address = urlsplit(totp.address(SECRET, issuer="SaaSBot", account="ana+x@sur.example"))
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/SaaSBot%3Aana%2Bx%40sur.example")
    assert parse_qs(address.query) == {"secret": [SECRET], "issuer": ["SaaSBot"], "digits": ["6"], "period": ["30"]}
