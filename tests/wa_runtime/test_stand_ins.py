"""Bridges do without what the library imports for others, and say so when it is asked for after all."""

import subprocess
import sys

import pytest

from saasbot.wa_runtime.stand_ins import LeftOut, absent, left_out

PROBE = """
import sys
import saasbot.wa_runtime.bridge
import saasbot.wa_runtime.neonize_transport
print(sorted({HEAVY} & {{name.split(".")[0] for name, module in sys.modules.items() if module is not None}}))
"""
HEAVY = {
    "PIL",
    "boto3",
    "bs4",
    "croniter",
    "fastapi",
    "httpx",
    "linkpreview",
    "openai",
    "phonenumbers",
    "procrastinate",
    "psycopg_pool",
    "pygments",
    "reflex",
    "requests",
    "rich",
    "segno",
    "stripe",
}
LATE = """
import asyncio, io
import saasbot.wa_runtime.bridge
import saasbot.wa_runtime.neonize_transport
from saasbot.domain.channels.pairing import digits_of_phone
from saasbot.infra import images
from saasbot.infra.job_queue import app
from PIL import Image
picture = io.BytesIO()
Image.new("RGB", (30, 20), "red").save(picture, "PNG")
made = asyncio.run(images.encode_anew(picture.getvalue()))
print(made.width, made.height, digits_of_phone("+54 9 11 1234 5678"), type(app).__name__)
"""


def test_a_bridge_loads_no_heavy_package_that_it_has_no_use_for():
    assert _last_line(PROBE.format(HEAVY=HEAVY)) == "[]"


def test_what_a_bridge_loads_late_is_the_real_thing():
    assert _last_line(LATE) == "30 20 5491112345678 App"


def _last_line(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_a_stand_in_has_every_name_and_refuses_to_be_used():
    with left_out(("a_package_of_nobody", "a_package_of_nobody.errors")):
        import a_package_of_nobody  # pyright: ignore[reportMissingImports]
        from a_package_of_nobody.errors import HTTPError  # pyright: ignore[reportMissingImports]
    with pytest.raises(LeftOut, match=r"a_package_of_nobody\.get"):
        a_package_of_nobody.get("https://example.com")
    assert issubclass(HTTPError, Exception)


def test_a_stand_in_is_gone_afterwards():
    with left_out(("a_package_of_nobody",)):
        pass
    with pytest.raises(ModuleNotFoundError):
        import a_package_of_nobody  # pyright: ignore[reportMissingImports]  # noqa: F401


def test_a_package_that_is_loaded_already_stays_itself():
    import json

    with left_out(("json",)):
        assert sys.modules["json"] is json
    assert sys.modules["json"] is json


def test_a_module_of_a_stand_in_is_an_attribute_of_it():
    with left_out(("a_package_of_nobody", "a_package_of_nobody.Image")):
        from a_package_of_nobody import Image  # pyright: ignore[reportMissingImports]
    with pytest.raises(LeftOut, match=r"a_package_of_nobody\.Image\.open"):
        Image.open("cat.png")


def test_an_absent_package_cannot_be_imported_until_afterwards(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with absent("wave"), pytest.raises(ModuleNotFoundError):
        import wave
    import wave

    assert wave.open


def test_an_absent_package_that_is_loaded_already_stays_itself():
    import json

    with absent("json"):
        assert sys.modules["json"] is json
    assert sys.modules["json"] is json
