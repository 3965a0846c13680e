"""The journal's readers use neonize's messages, never its Go library."""

import subprocess
import sys

PROBE = """
import pathlib, sys
from saasbot.wa_runtime import protobufs
jid = protobufs.events.JID(User="5491155550001", RawAgent=0, Device=0, Integrator=0, Server="s.whatsapp.net")
assert protobufs.events.JID.FromString(jid.SerializeToString()).User == "5491155550001"
assert protobufs.e2e.Message(conversation="hola").conversation == "hola"
print("neonize-linux" in pathlib.Path("/proc/self/maps").read_text())
if "library" in sys.argv:
    import neonize.aioze.client
    print("neonize-linux" in pathlib.Path("/proc/self/maps").read_text())
"""


def _probe(*arguments: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_reading_messages_does_not_load_the_go_library():
    assert _probe() == ["False"]


def test_the_library_still_loads_where_it_is_wanted():
    assert _probe("library") == ["False", "True"]
