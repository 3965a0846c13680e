"""A taste of the soak (`make soak`): load and faults for a quarter of a minute, and every promise kept."""

import socket

from soak.simulated import soak

FAULTS = ("worker killed", "database crashed", "connection cut", "duplicated", "shuffled", "acknowledgements dropped")


async def test_nothing_is_lost_doubled_or_untrue_on_a_bad_quarter_of_a_minute():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    verdict, done = await soak(numbers=3, rate=5, seconds=16, every=3, seed=4, faults=FAULTS, port=port)
    assert verdict.broken == [], (verdict.figures, done)
    assert verdict.figures["customers' messages"] > 20
    assert done.total() >= 3
