"""Files of the tests lie in a folder of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from saasbot.infra.settings import settings
from saasbot.infra.storage import LocalStorage, storage


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStorage]:
    """The storage of this process, empty."""
    monkeypatch.setenv("SAASBOT_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    storage.cache_clear()
    made = storage()
    assert isinstance(made, LocalStorage)
    yield made
    monkeypatch.undo()
    settings.cache_clear()
    storage.cache_clear()
