"""A taste of the soak of neonize numbers (`python -m soak.wire`): twenty seconds, and every promise kept."""

import socket

import pytest

from soak.wire import soak_wire
from tests.wire_lab import ABSENT

FAULTS = ("socket cut", "login refused 503", "bridge killed")


@pytest.mark.skipif(bool(ABSENT), reason=ABSENT)
async def test_real_numbers_lose_nothing_untold_on_a_bad_twenty_seconds():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    verdict, nemesis = await soak_wire(numbers=3, rate=4, seconds=20, every=5, seed=4, faults=FAULTS, port=port)
    assert verdict.broken == [], (verdict.figures, nemesis.done)
    assert set(nemesis.done) == set(FAULTS)
    assert verdict.figures["acknowledged by the device"] > 20
    assert verdict.figures["people's messages"] > 4
