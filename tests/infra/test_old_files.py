"""Logs and stored mails do not outlive 90 days, not even in a file that is written all the time."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from saasbot.infra.old_files import KEPT, remove_old_files

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def put(path: Path, text: str, *, days_old: float) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    moment = (NOW - timedelta(days=days_old)).timestamp()
    os.utime(path, (moment, moment))
    return path


@pytest.mark.parametrize("name", ["mail/1.eml", "logs/bridge-7.log"])
def test_what_is_older_than_90_days_is_gone(tmp_path: Path, name: str):
    old = put(tmp_path / name, "x", days_old=91)
    new = put((tmp_path / name).with_stem("newer"), "x", days_old=80)
    assert remove_old_files(tmp_path, now=NOW) >= 1
    assert not old.exists() and new.exists()
    assert remove_old_files(tmp_path / "nothing", now=NOW) == 0


def test_no_line_of_a_log_that_is_written_every_day_gets_older(tmp_path: Path):
    log = put(tmp_path / "logs" / "bridge-1.log", "", days_old=0)
    with log.open("a") as bridge:  # as its process holds it
        for day in range(200):
            now = NOW + timedelta(days=day)
            bridge.write(f"{now.isoformat()}\n")
            bridge.flush()
            os.utime(log, (now.timestamp(), now.timestamp()))
            remove_old_files(tmp_path, now=now)
            lines = [
                datetime.fromisoformat(line) for path in log.parent.iterdir() for line in path.read_text().splitlines()
            ]
            assert now - min(lines) <= KEPT
            assert len(lines) >= min(day + 1, 80)  # and nothing is lost before its time
