"""The server process and its worker."""

import gzip
import os
import re
import signal
import time
import urllib.request

from tests.fixtures.server import RunningServer, StartServer


def test_pages_name_no_server(server: RunningServer) -> None:
    """Every script a page loads talks to the page's own origin, so that one build serves every address."""
    page = urllib.request.urlopen(f"{server.url}/login").read().decode()
    scripts = set(re.findall(r'"(/assets/[^"]+\.js)"', page))
    assert scripts
    text = "".join(urllib.request.urlopen(server.url + path).read().decode() for path in scripts)
    assert 'location.origin.replace(/^http/,"ws")+"/_event"' in text
    assert "same-origin.invalid" not in text


def test_scripts_are_also_there_compressed_and_the_same(server: RunningServer) -> None:
    page = urllib.request.urlopen(f"{server.url}/login").read().decode()
    path = sorted(set(re.findall(r'"(/assets/[^"]+\.js)"', page)))[0]
    plain = urllib.request.urlopen(server.url + path).read()
    asked = urllib.request.Request(server.url + path, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(asked) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.read()) == plain


def test_a_killed_server_frees_its_port_and_serves_again(start_server: StartServer) -> None:
    made = start_server()
    made.kill()
    assert not made.serves()
    made.start()
    assert made.serves()
    made.stop()
    assert not made.serves()


def test_a_worker_killed_again_at_once_is_replaced_all_the_same(start_server: StartServer) -> None:
    made = start_server()
    for _ in range(3):
        os.kill(made.worker(), signal.SIGKILL)
        deadline = time.monotonic() + 90
        while not made.serves():
            assert time.monotonic() < deadline, "nobody serves any more"
            time.sleep(0.05)
    made.stop()
    assert not made.serves()
