"""A client of the library that is closed gives over what it had in hand. In a process of its own: the library is loaded there."""

import subprocess
import sys

DRAINED = """
import asyncio, time
from saasbot.wa_runtime import neonize_client
from saasbot.wa_runtime.neonize_client import LibraryClient

client = object.__new__(LibraryClient)
client._in_callback, client._last_callback = False, time.monotonic() - 60
heard = []

async def comes_late():  # it is being decrypted when the socket is cut, after a minute without anything
    await asyncio.sleep(neonize_client._IN_HAND_SECONDS * 0.8)
    client._in_callback = True
    await asyncio.sleep(neonize_client._IN_HAND_SECONDS * 0.4)
    client._in_callback, client._last_callback = False, time.monotonic()
    heard.append("message")

async def main():
    coming = asyncio.create_task(comes_late())
    await client._drain()
    print(heard)
    coming.cancel()

asyncio.run(main())
"""


def test_what_was_half_read_when_the_socket_was_cut_is_waited_for():
    done = subprocess.run([sys.executable, "-c", DRAINED], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1:] == ["['message']"], done.stderr
