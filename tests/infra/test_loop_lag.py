"""Each process knows how late its event loop wakes up."""

import asyncio
import time

from saasbot.infra.loop_lag import sample_loop_lag, worst_lag


async def test_a_loop_that_is_kept_busy_wakes_up_late():
    observed: list[float] = []
    sampling = asyncio.create_task(sample_loop_lag(observed.append))
    await asyncio.sleep(0)
    time.sleep(0.8)  # nothing else runs meanwhile
    while not observed:
        await asyncio.sleep(0)
    sampling.cancel()
    assert observed[0] > 0.2
    worst = worst_lag()
    assert worst is not None and worst >= observed[0]
