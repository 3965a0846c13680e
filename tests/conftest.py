"""What every test may rely on. The environment is set before anything of `saasbot` is imported."""

import base64
import os
import tempfile

import hypothesis
import pytest

hypothesis.settings.register_profile("tests", deadline=None)  # a busy machine is no fault of what is tested
hypothesis.settings.load_profile("tests")

for name in [
    name for name in os.environ if name.startswith("SAASBOT_") and name not in ("SAASBOT_PG_BIN", "SAASBOT_WIRE_LAB")
]:
    del os.environ[name]
os.environ["SAASBOT_ENV"] = "test"
os.environ["SAASBOT_SECRET_KEYS"] = base64.b64encode(b"a key for tests, of 32 bytes ..!").decode()
os.environ["SAASBOT_DATA_DIR"] = tempfile.mkdtemp(prefix="saasbot-test-data-")

pytest.register_assert_rewrite("tests.fixtures", "tests.people")  # they import one another before pytest loads them

pytest_plugins = [
    "tests.fixtures.database",
    "tests.fixtures.shops",
    "tests.fixtures.agent",
    "tests.fixtures.server",
    "tests.fixtures.browser",
    "tests.fixtures.simulator",
    "tests.fixtures.wire",
    "tests.people",
]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    _forget_the_tests_name()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    _forget_the_tests_name()


def _forget_the_tests_name() -> None:
    """pytest names the test in the environment. The nursery (`wa_runtime/forked.py`) would be started anew for each: its processes have
    its environment."""
    os.environ.pop("PYTEST_CURRENT_TEST", None)
