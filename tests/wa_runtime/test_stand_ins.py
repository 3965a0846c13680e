"""Bridges do without what the library imports for others, and say so when it is asked for after all."""

import subprocess
import sys

import pytest

from saasbot.wa_runtime.stand_ins import LeftOut, left_out

PROBE = """
import sys
import saasbot.wa_runtime.bridge
import saasbot.wa_runtime.neonize_transport
print(sorted({"bs4", "boto3", "fastapi", "httpx", "linkpreview", "openai", "reflex", "requests", "segno", "stripe"} & set(sys.modules)))
"""


def test_a_bridge_loads_no_heavy_package_that_it_has_no_use_for():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


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
